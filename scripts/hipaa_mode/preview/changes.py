"""What a change of the seeds adds to, removes from or re-forms at each destination.

The comparison is that of the lock (`hipaa_mode.received.comparison`): of the seeds as they were
with the seeds now, both on the date of today, so that it is the seeds that make the difference and
not time. Here it is told by property, with the seed's reasons and the calls that are affected.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

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
from hipaa_mode.plan import CHANGED_AT, DestinationPlan, Plan, ViewColumn, make_plan
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

__all__ = ["CHANGES", "EFFECTS", "NARROWS", "WIDENS", "Change", "Side", "changes"]

NOTHING = ""
ALWAYS_THERE = frozenset(
    f"{ENVELOPE} {column}"
    for column in (*ENVELOPE_COLUMNS, CHANGED_AT)
    if column not in ENVELOPE_IDS
)
"""What every row of a view has: not told when the view comes or goes."""

ONLY_CALLS_OF = {"users": "identifies", "groups_latest": "groups"}


Reaches = Mapping[str, frozenset[str] | None]
"""Which calls bring a property to a destination: by their list (`event`, `user` or `group`) the
only events on which they do; None for all."""


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
        property_list, path: the property, where it is one.
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
    reaches: Reaches = field(default_factory=dict, hash=False)
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
        models: the destination models that there are.
    """

    received: Description
    plans: Mapping[str, Plan]
    models: Collection[str]

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
        return cls(received, plans, models)

    def planned(self, difference: Difference) -> DestinationPlan | None:
        """Return the plan of the destination that a difference is about."""
        plan = self.plans.get(difference.environment)
        return plan.destinations.get(difference.destination) if plan else None

    def column(self, difference: Difference) -> ViewColumn | None:
        """Return the column that a difference is about."""
        view, _, name = difference.place.partition(".")
        planned = self.planned(difference)
        columns = planned.columns(_kind(view)) if planned and view in self.models else []
        return next((column for column in columns if column.name == name), None)

    def reaches(self, difference: Difference) -> Reaches:
        """Return the calls that bring a column to the destination."""
        kind = _kind(difference.place.partition(".")[0])
        property_list = VIEWS[ONLY_CALLS_OF.get(kind, kind)]
        planned, column = self.planned(difference), self.column(difference)
        if planned is None or column is None:
            return {}
        if property_list != "event":
            return {property_list: None}
        sent = planned.events
        events = None if sent is None or ANY in sent else frozenset(sent)
        if column.events is not None:
            only = frozenset(column.events)
            events = only if events is None else events & only
        return {property_list: events}


def _kind(view: str) -> str:
    return view.rpartition("__")[2]


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
    kind, what = difference.kind, difference.place
    change = Change(
        difference.environment,
        difference.destination,
        kind,
        what,
        before,
        after,
        difference.effect,
    )
    if kind == "event":
        events = None if what == EVERY_EVENT else frozenset({what})
        return replace(change, reaches={"event": events})
    if kind == "destination":
        planned = new.planned(difference) if after else None
        return replace(change, reason=planned.description if planned else "")
    if kind != "column":
        return change
    property_list, _, path = difference.source.partition(" ")
    if property_list == CALL:
        whole = " (whole)" if path in WHOLE_OBJECT_COLUMNS else ""
        return replace(change, kind="property", what=f"{ENVELOPE} {path}{whole}")
    reasons = [column.reason for side in (new, old) if (column := side.column(difference))]
    return replace(
        change,
        kind="property",
        what=difference.source,
        after=f"{after}, as {what.partition('.')[2]}" if after and not before else after,
        reason=next(filter(None, reasons), ""),
        property_list=property_list,
        path=parse_path(path),
        reaches=_either(old.reaches(difference), new.reaches(difference)),
    )


def _either(*sides: Reaches) -> Reaches:
    """Return the calls that bring a property before a change, or after it."""
    joined: dict[str, frozenset[str] | None] = {}
    for name, events in (item for side in sides for item in side.items()):
        known = joined.get(name, frozenset())
        joined[name] = None if known is None or events is None else known | events
    return joined


def _joined(found: Iterable[Change]) -> list[Change]:
    """Join what is the same in several views, and leave out what says no more than the rest."""
    joined: dict[object, Change] = {}
    for change in found:
        if change.kind == "property" and change.what in ALWAYS_THERE and change.verb != "changed":
            continue
        key = replace(change, reason="", reaches={})
        known = joined.setdefault(key, change)
        joined[key] = replace(known, reaches=_either(known.reaches, change.reaches))
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
