"""What a change of the seeds adds to, removes from or re-forms at each destination.

Two plans are compared: that of the seeds as they were, and that of the seeds now, both on the date
of today, so that it is the seeds that make the difference and not time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from hipaa_mode.configuration import ANY, ENVELOPE, TIMESTAMP_PRECISIONS, VIEWS
from hipaa_mode.paths import PropertyPath, parse_path
from hipaa_mode.plan import DestinationPlan, Plan, ViewColumn

WIDENS = "widens"
NARROWS = "narrows"
REFORMS = "re-forms"
EFFECTS = (WIDENS, NARROWS, REFORMS)
"""What a change may do. One that is not certain to narrow, and may tell more, widens."""

NOTHING = ""


@dataclass(frozen=True)
class Reach:
    """Which calls bring a property to a destination.

    Attributes:
        property_list: list of the calls: `event`, `user` or `group`.
        events: the only events on which it does; None for all.
    """

    property_list: str
    events: frozenset[str] | None


@dataclass(frozen=True)
class Change:
    """One thing that changes for one destination.

    Attributes:
        destination: the destination; `*` for all.
        kind: `destination`, `setting`, `event`, `property` or `other`.
        what: the setting, the event, or the property with its list.
        before: how it was; blank where it was not.
        after: how it is; blank where it is no more.
        effect: one of `EFFECTS`.
        reason: why it is safe, from the seed.
        property_list: list of the property, where it is one.
        path: path of the property, where it is one.
        reaches: the calls that are affected; none where that can't be said.
        calls: how many raw calls are affected; None where they were not counted.
    """

    destination: str
    kind: str
    what: str
    before: str
    after: str
    effect: str
    reason: str = ""
    property_list: str = ""
    path: PropertyPath | None = None
    reaches: tuple[Reach, ...] = ()
    calls: int | None = None

    @property
    def verb(self) -> str:
        """What happens: `added`, `removed` or `changed`."""
        if not self.before:
            return "added"
        return "removed" if not self.after else "changed"


@dataclass(frozen=True)
class Side:
    """One side of the comparison: a plan, and the names of the destination views there are."""

    plan: Plan
    models: frozenset[str]


def compare(old: Side, new: Side) -> list[Change]:
    """Return what changes for each destination of an environment, in the order of their names."""
    changes = list(_zip3_areas(old.plan, new.plan))
    for name in sorted({*old.plan.destinations, *new.plan.destinations}):
        before = old.plan.destinations.get(name)
        after = new.plan.destinations.get(name)
        found = list(_destination(name, before, after))
        if before and after:
            found += _settings(before, after)
        found += _events(before, after)
        found += _properties(name, _Received(before, old.models), _Received(after, new.models))
        is_other = before and after and before.fingerprint != after.fingerprint and not found
        if is_other and not changes:
            # Better a change that is not understood than one that is not told.
            found.append(Change(name, "other", "allowlist fingerprint", "was", "is", WIDENS))
        changes += found
    return changes


def _zip3_areas(old: Plan, new: Plan) -> Iterator[Change]:
    before, after = set(old.small_zip3_areas), set(new.small_zip3_areas)
    if before != after:
        yield Change(
            ANY,
            "setting",
            "small_zip3_areas.csv",
            f"{len(before)} areas are 000" + _listed(before - after, "no longer"),
            f"{len(after)} areas are 000" + _listed(after - before, "new"),
            WIDENS if before - after else NARROWS,
        )


def _listed(names: Collection[str], what: str) -> str:
    return f" ({what}: {', '.join(sorted(names))})" if names else ""


def _destination(
    name: str, before: DestinationPlan | None, after: DestinationPlan | None
) -> Iterator[Change]:
    if before is None and after is not None:
        yield Change(name, "destination", name, NOTHING, mode(after), WIDENS, after.description)
    elif before is not None and after is None:
        yield Change(name, "destination", name, mode(before), NOTHING, NARROWS)


def mode(destination: DestinationPlan) -> str:
    """Describe the mode of a destination in a few words."""
    side = destination.connection_mode.replace("_", "-")
    if destination.is_in_hipaa_mode:
        return f"{destination.display_name}, HIPAA mode ({side}, restricted)"
    return f"{destination.display_name}, {side}, not restricted under {destination.baa_reference}"


def _settings(before: DestinationPlan, after: DestinationPlan) -> Iterator[Change]:
    finer = TIMESTAMP_PRECISIONS.index
    pairs: tuple[tuple[str, str, str, str], ...] = (
        ("destination_type", before.type, after.type, REFORMS),
        (
            "connection_mode",
            before.connection_mode,
            after.connection_mode,
            WIDENS if after.connection_mode == "client_side" else NARROWS,
        ),
        (
            "restrict_phi",
            str(before.restrict_phi).lower(),
            str(after.restrict_phi).lower(),
            NARROWS if after.restrict_phi else WIDENS,
        ),
        (
            "baa_reference",
            before.baa_reference or "none",
            after.baa_reference or "none",
            REFORMS,
        ),
        (
            "mask_scope",
            _scope(before),
            _scope(after),
            WIDENS if after.scope == ANY else NARROWS,
        ),
        (
            "timestamp_precision",
            before.timestamp_precision,
            after.timestamp_precision,
            WIDENS
            if finer(after.timestamp_precision) < finer(before.timestamp_precision)
            else NARROWS,
        ),
    )
    for what, old, new, effect in pairs:
        if old != new:
            yield Change(after.name, "setting", what, old, new, effect)


def _scope(destination: DestinationPlan) -> str:
    if destination.scope == ANY:
        return "tokens shared with other destinations"
    return "tokens of its own"


def _events(before: DestinationPlan | None, after: DestinationPlan | None) -> Iterator[Change]:
    name = (after or before).name  # type: ignore[union-attr]
    old, new = _event_names(before), _event_names(after)
    for event in sorted({*old, *new}):
        was, is_now = old.get(event), new.get(event)
        if was == is_now:
            continue
        effect = WIDENS if was is None else NARROWS if is_now is None else REFORMS
        yield Change(
            name,
            "event",
            "every event" if event == ANY else event,
            NOTHING if was is None else f"sent as {was}" if was != event else "sent",
            NOTHING if is_now is None else f"sent as {is_now}" if is_now != event else "sent",
            effect,
            reaches=(Reach("event", None if event == ANY else frozenset({event})),),
        )


def _event_names(destination: DestinationPlan | None) -> dict[str, str]:
    if destination is None:
        return {}
    return {ANY: ANY} if destination.events is None else destination.events


class _Received:
    """What a destination receives, by property list and path."""

    def __init__(self, destination: DestinationPlan | None, models: Collection[str]) -> None:
        self.columns: dict[tuple[str, str], ViewColumn] = {}
        self._views: dict[tuple[str, str], list[str]] = {}
        self._destination = destination
        for view, columns in (destination.views if destination else {}).items():
            if destination is None or f"{destination.name}__{view}" not in models:
                continue
            for column in columns:
                for key in _keys(column):
                    self.columns.setdefault(key, column)
                    self._views.setdefault(key, []).append(view)

    def reaches(self, key: tuple[str, str]) -> tuple[Reach, ...]:
        """Return the calls that bring a property to the destination."""
        found: list[Reach] = []
        for view in self._views.get(key, []):
            events: frozenset[str] | None = None
            if view == "events" and self._destination is not None:
                sent = self._destination.events
                events = None if sent is None or ANY in sent else frozenset(sent)
                only = self.columns[key].events
                if only is not None:
                    events = frozenset(only) if events is None else events & frozenset(only)
            found.append(Reach(VIEWS[view], events))
        return tuple(found)


def _keys(column: ViewColumn) -> Iterator[tuple[str, str]]:
    """Yield the names under which a column is compared; none for what every row has."""
    if column.property_list != ENVELOPE:
        yield column.property_list, column.path
    elif column.name in ("user_id", "anonymous_id", "group_id"):
        yield ENVELOPE, column.name
    elif column.data_type == "json":
        yield ENVELOPE, f"{column.name} (whole)"


def _properties(name: str, old: _Received, new: _Received) -> Iterator[Change]:
    for key in sorted({*old.columns, *new.columns}):
        was, is_now = old.columns.get(key), new.columns.get(key)
        before = _form(was) if was else NOTHING
        after = _form(is_now) if is_now else NOTHING
        reaches_before, reaches_after = old.reaches(key), new.reaches(key)
        effect = _effect(was, is_now)
        if before == after:
            # The same form on other calls: a view that came or went.
            if {r.property_list for r in reaches_before} == {
                r.property_list for r in reaches_after
            }:
                continue
            before, after = (_with_views(text, r) for text, r in (
                (before, reaches_before), (after, reaches_after),
            ))  # fmt: skip
            effect = WIDENS if len(reaches_after) > len(reaches_before) else NARROWS
        property_list, path = key
        is_listed = property_list != ENVELOPE
        yield Change(
            name,
            "property",
            f"{property_list} {path}",
            before,
            after,
            effect,
            (is_now or was).reason,  # type: ignore[union-attr]
            property_list if is_listed else "",
            parse_path(path) if is_listed else None,
            _either(reaches_before, reaches_after) if is_listed else (),
        )


def _either(before: tuple[Reach, ...], after: tuple[Reach, ...]) -> tuple[Reach, ...]:
    """Return the calls that bring a property before a change, or after it."""
    joined: dict[str, frozenset[str] | None] = {}
    for reach in (*before, *after):
        known = joined.get(reach.property_list, frozenset())
        both = None if known is None or reach.events is None else known | reach.events
        joined[reach.property_list] = both
    return tuple(Reach(name, events) for name, events in joined.items())


def _with_views(form: str, reaches: tuple[Reach, ...]) -> str:
    names = ", ".join(sorted({reach.property_list for reach in reaches}))
    return f"{form} (of {names} calls)"


def _form(column: ViewColumn) -> str:
    """Describe what a destination sees of a property; equal texts mean the same."""
    text = column.treatment
    if column.property_list == ENVELOPE:
        return text
    if column.normalize != "none":
        text += f", normalised as {column.normalize}"
    text += f", {column.data_type}" + (" list" if column.is_list else "")
    if column.guard:
        text += f", guard {column.guard}"
    text += f", as {column.name}"
    if column.events is not None:
        text += f", on {', '.join(column.events)}"
    return text


def _effect(was: ViewColumn | None, is_now: ViewColumn | None) -> str:
    if was is None or is_now is None:
        column = is_now or was
        is_denied = column is not None and column.treatment == "deny"
        return NARROWS if is_now is None or is_denied else WIDENS
    ranks = [
        (_rank(was), _rank(is_now)),
        (_guard_rank(was), _guard_rank(is_now)),
        _events_rank(was, is_now),
    ]
    if any(after > before for before, after in ranks):
        return WIDENS
    if any(after < before for before, after in ranks):
        return NARROWS
    return WIDENS if _may_tell_more(was.treatment, is_now.treatment) else REFORMS


_RANKS = {"deny": 0, "mask": 1, "surrogate": 1, "allow": 3}


def _rank(column: ViewColumn) -> int:
    """Rank a form by how much it can tell: nothing, a token, a part, the value, an object."""
    name = column.treatment.partition("(")[0]
    return 4 if column.data_type == "json" else _RANKS.get(name, 2)


def _guard_rank(column: ViewColumn) -> int:
    return {"block": 0, "warn": 1, "none": 2}.get(column.guard, 0)


def _events_rank(was: ViewColumn, is_now: ViewColumn) -> tuple[int, int]:
    if was.events == is_now.events:
        return 0, 0
    if is_now.events is None or (was.events is not None and {*is_now.events} - {*was.events}):
        return 0, 1
    return 1, 0


def _may_tell_more(before: str, after: str) -> bool:
    """Whether one generalisation may tell more than another, as far as one can say."""
    if before == after:
        return False
    pattern = re.compile(r"(round|truncate)\(([0-9.]+)\)")
    one, other = pattern.fullmatch(before), pattern.fullmatch(after)
    if one and other and one[1] == other[1]:
        is_finer = float(other[2]) < float(one[2])
        return is_finer if one[1] == "round" else not is_finer
    return {before, after} != {"mask", "surrogate"}
