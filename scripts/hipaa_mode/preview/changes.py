"""What a change of the seeds adds to, removes from or re-forms at each destination.

The comparison is that of the lock (`hipaa_mode.received.comparison`): of the seeds as they were
with the seeds now, both on the date of today, so that it is the seeds that make the difference and
not time. Here it is told by property, with the seed's reasons and the calls that are affected.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from hipaa_mode.configuration import (
    ANY,
    ENVELOPE,
    ENVELOPE_COLUMNS,
    ENVELOPE_IDS,
    VIEWS,
    WHOLE_OBJECT_COLUMNS,
    Configuration,
)
from hipaa_mode.paths import PropertyPath, parse_path
from hipaa_mode.plan import CHANGED_AT, Plan, make_plan
from hipaa_mode.received.comparison import (
    CHANGES,
    EFFECTS,
    NARROWS,
    NOBODY,
    NOT_SENT,
    WIDENS,
    Difference,
    compare,
)
from hipaa_mode.received.description import (
    CALL,
    EVERY_EVENT,
    Description,
    describe_plans,
)

__all__ = ["CHANGES", "EFFECTS", "NARROWS", "WIDENS", "Change", "Reach", "Side", "changes"]

NOTHING = ""
ALWAYS_THERE = frozenset(
    f"{ENVELOPE} {column}"
    for column in (*ENVELOPE_COLUMNS, CHANGED_AT)
    if column not in ENVELOPE_IDS
)
"""What every row of a view has: not told when the view comes or goes."""

ONLY_CALLS_OF = {"users": "identifies", "groups_latest": "groups"}


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
        environment: the environment; `*` for all.
        destination: the destination; `*` for all.
        kind: `environment`, `destination`, `setting`, `view`, `event`, `property` or `other`.
        what: the setting, the view, the event, or the property with its list.
        before: how it was; blank where it was not.
        after: how it is; blank where it is no more.
        effect: one of `EFFECTS`.
        reason: why it is safe, from the seed.
        property_list: list of the property, where it is one.
        path: path of the property, where it is one.
        reaches: the calls that are affected; none where that can't be said.
        calls: how many raw calls are affected; None where they were not counted.
    """

    environment: str
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
    """One side of the comparison.

    Attributes:
        received: what destinations receive.
        plans: the plan of each environment.
    """

    received: Description
    plans: Mapping[str, Plan]

    @classmethod
    def of(
        cls,
        configuration: Configuration,
        environments: Iterable[str],
        day: dt.date,
        models: Collection[str],
    ) -> Side:
        """Make a side of a configuration, with faults or without.

        Args:
            environments: the environments; those without destinations are left out.
        """
        plans = {
            environment: make_plan(configuration, environment, day, models)
            for environment in environments
            if configuration.in_environment(environment)
        }
        received = describe_plans(configuration, plans.values(), day, models)
        return cls(received, plans)


def changes(old: Side, new: Side) -> list[Change]:
    """Return what changes for destinations, by environment and destination, what widens first."""
    came_or_went = ("environment", "destination", "view")
    differences = [
        *(item for item in compare(old.received, new.received) if item.kind in came_or_went),
        *compare(_filled(old.received, new.received), _filled(new.received, old.received)),
    ]
    found = _joined(_as_change(difference, old, new) for difference in differences)
    found += _not_understood(old, new, found)
    return sorted(found, key=lambda change: (change.environment, change.destination))


def _filled(one: Description, other: Description) -> Description:
    """Return a description with what it lacks beside another, empty: so each part is compared."""
    environments: Description = {}
    for name in sorted({*one["environments"], *other["environments"]}):
        theirs = other["environments"].get(name)
        mine = one["environments"].get(name) or {**theirs, "destinations": {}}
        others = theirs["destinations"] if theirs else {}
        environments[name] = {
            **mine,
            "destinations": {
                destination: _filled_destination(
                    mine["destinations"].get(destination), others.get(destination)
                )
                for destination in sorted({*mine["destinations"], *others})
            },
        }
    return {**one, "environments": environments}


def _filled_destination(mine: Description | None, theirs: Description | None) -> Description:
    mine = mine or {**(theirs or {}), "events": {}, "views": {}}
    views: Description = {view: {} for view in (theirs or mine)["views"]}
    return {**mine, "views": {**views, **mine["views"]}}


def _as_change(difference: Difference, old: Side, new: Side) -> Change:
    before, after = (
        NOTHING if words in (NOT_SENT, NOBODY) else words
        for words in (difference.before, difference.after)
    )
    change = Change(
        environment=difference.environment,
        destination=difference.destination,
        kind=difference.kind,
        what=difference.place,
        before=before,
        after=after,
        effect=difference.effect,
    )
    if difference.kind == "event":
        events = None if difference.place == EVERY_EVENT else frozenset({difference.place})
        return replace(change, reaches=(Reach("event", events),))
    if difference.kind == "destination":
        reason = _description_of(new, difference.environment, difference.destination)
        return replace(change, reason=reason if after else "")
    if difference.kind == "column":
        return _column_changed(change, difference, old, new)
    return change


def _description_of(side: Side, environment: str, destination: str) -> str:
    plan = side.plans.get(environment)
    planned = plan.destinations.get(destination) if plan else None
    return planned.description if planned else ""


def _column_changed(change: Change, difference: Difference, old: Side, new: Side) -> Change:
    view, _, name = difference.place.partition(".")
    property_list, _, path = difference.source.partition(" ")
    after = f"{change.after}, as {name}" if change.after and not change.before else change.after
    reaches = _either(*(_reaches(side, difference, view) for side in (old, new)))
    if property_list == CALL:
        whole = " (whole)" if path in WHOLE_OBJECT_COLUMNS else ""
        return replace(
            change, kind="property", what=f"{ENVELOPE} {path}{whole}", after=change.after
        )
    return replace(
        change,
        kind="property",
        what=difference.source,
        after=after,
        reason=_reason(new, difference) or _reason(old, difference),
        property_list=property_list,
        path=parse_path(path),
        reaches=reaches,
    )


def _reason(side: Side, difference: Difference) -> str:
    view, _, name = difference.place.partition(".")
    plan = side.plans.get(difference.environment)
    planned = plan.destinations.get(difference.destination) if plan else None
    views = {**planned.views, **planned.latest_views} if planned else {}
    columns = views.get(view.rpartition("__")[2], [])
    return next((column.reason for column in columns if column.name == name), "")


def _reaches(side: Side, difference: Difference, view: str) -> dict[str, frozenset[str] | None]:
    """Return the events on which each list's calls bring a column to the destination."""
    kind = view.rpartition("__")[2]
    property_list = VIEWS[ONLY_CALLS_OF.get(kind, kind)]
    environment = side.received["environments"].get(difference.environment, {})
    destination = environment.get("destinations", {}).get(difference.destination)
    name = difference.place.partition(".")[2]
    column = destination["views"].get(view, {}).get(name) if destination else None
    if destination is None or column is None:
        return {}
    if property_list != "event":
        return {property_list: None}
    sent = destination["events"]
    events = None if sent == EVERY_EVENT or ANY in sent else frozenset(sent)
    if "events" in column:
        only = frozenset(column["events"])
        events = only if events is None else events & only
    return {property_list: events}


def _either(*sides: Mapping[str, frozenset[str] | None]) -> tuple[Reach, ...]:
    """Return the calls that bring a property before a change, or after it."""
    joined: dict[str, frozenset[str] | None] = {}
    for name, events in (item for side in sides for item in side.items()):
        known = joined.get(name, frozenset())
        joined[name] = None if known is None or events is None else known | events
    return tuple(Reach(name, events) for name, events in joined.items())


def _joined(found: Iterable[Change]) -> list[Change]:
    """Join what is the same in several views, and leave out what says no more than the rest."""
    joined: dict[object, Change] = {}
    for change in found:
        if change.kind == "property" and change.what in ALWAYS_THERE and change.verb != "changed":
            continue
        key = replace(change, reason="", reaches=())
        known = joined.setdefault(key, change)
        if known is not change:
            sides = [{reach.property_list: reach.events} for reach in known.reaches]
            sides += [{reach.property_list: reach.events} for reach in change.reaches]
            joined[key] = replace(known, reaches=_either(*sides))
    reported = {
        (change.environment, change.destination, change.what)
        for change in joined.values()
        if change.path is not None
    }
    return [
        change
        for change in joined.values()
        # A property that is denied is said to be gone already.
        if change.kind != "denied"
        or (change.environment, change.destination, change.what) not in reported
    ]


def _not_understood(old: Side, new: Side, found: Collection[Change]) -> Iterator[Change]:
    """Yield a change for each destination that is another by its fingerprint and nothing else.

    Better a change that is not understood than one that is not told.
    """
    reported = {(change.environment, change.destination) for change in found}
    if any(change.destination == ANY for change in found):
        return
    for environment, plan in new.plans.items():
        before = old.plans[environment].destinations if environment in old.plans else {}
        for name, destination in plan.destinations.items():
            is_other = name in before and before[name].fingerprint != destination.fingerprint
            if is_other and (environment, name) not in reported:
                what = "allowlist fingerprint"
                yield Change(environment, name, "other", what, "was", "is", WIDENS)
