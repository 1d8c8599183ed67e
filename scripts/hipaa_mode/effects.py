"""Rows that say more than they do: a reader takes them for a restriction, and they are none.

Those that leave open what they seem to close are faults. Those that are without any effect, since
nothing would be otherwise without them, are told apart: they may be written for the record.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from hipaa_mode.configuration import (
    ANY,
    ENVELOPE,
    SERVER_SIDE,
    AllowedEvent,
    AllowedProperty,
    Configuration,
    Destination,
)
from hipaa_mode.seeds import Fault
from hipaa_mode.selection import (
    Place,
    candidate_rows,
    grants,
    rank,
    still_counts,
    strongest,
)
from hipaa_mode.treatments import GUARDS

Candidates = Mapping[
    tuple[str, str], tuple[Destination, Mapping[Place, Sequence[AllowedProperty]]]
]
"""By environment and destination: the destination, and the rows that are about it."""

SHOWN = 5
"""How many rows a message names."""


def misleading_rows(
    configuration: Configuration, environments: Collection[str], today: dt.date
) -> list[Fault]:
    """Return a fault for each row that leaves open what it seems to close.

    Args:
        environments: the environments to look at; the seeds are reviewed as a whole.
    """
    candidates = _candidates(configuration, environments)
    found = [
        *_rows_without_restriction(configuration, environments),
        *_cells_without_restriction(configuration),
        *_rows_under_granted_objects(candidates, today),
        *_denials_of_parents(candidates, today),
    ]
    return list(dict.fromkeys(found))


def rows_without_effect(
    configuration: Configuration, environments: Collection[str], today: dt.date
) -> list[Fault]:
    """Return the rows that narrow nothing: without them every plan would be the same.

    Args:
        environments: the environments that there are.
    """
    return [
        *_idle_properties(configuration, _candidates(configuration, environments), today),
        *_idle_events(configuration, environments),
        *_idle_destinations(configuration, environments),
        *_idle_environments(configuration),
    ]


def _candidates(configuration: Configuration, environments: Collection[str]) -> Candidates:
    return {
        (environment, destination.name): (
            destination,
            candidate_rows(configuration, destination, environment),
        )
        for environment in sorted(environments)
        for destination in configuration.in_environment(environment).values()
    }


# Destinations without restriction


def _rows_without_restriction(
    configuration: Configuration, environments: Collection[str]
) -> Iterator[Fault]:
    """Find rows for a destination that is restricted nowhere, so that no row can reach it."""
    for row, destinations in _rows_with_destinations(configuration, environments):
        problems = [_unrestricted(row, destination) for destination in destinations.values()]
        if problems and all(problems):
            yield row.row.fault(problems[0], "Remove the row, or restrict the destination")


def rows_with_exceptions(
    configuration: Configuration, environment: str, environments: Collection[str]
) -> list[Fault]:
    """Return a warning for each destination that is open in one environment alone.

    Its rows restrict it in others, and a reader could take them to do so in this one.
    """
    lines: dict[str, list[str]] = defaultdict(list)
    for row, destinations in _rows_with_destinations(configuration, environments):
        here = destinations.get(environment)
        problems = [_unrestricted(row, destination) for destination in destinations.values()]
        if here is not None and _unrestricted(row, here) and not all(problems):
            lines[here.name].append(f"{row.row.file}, line {row.row.line}")
    faults: list[Fault] = []
    for name, destination in configuration.in_environment(environment).items():
        if places := lines.get(name):
            more = len(places) - SHOWN
            rows = "; ".join(places[:SHOWN]) + (f"; and {more} more rows" if more > 0 else "")
            problem = f"`{name}` is not restricted in {environment}: {rows} keep nothing back here"
            remedy = "Restrict it, or write the rows for the environments where it is restricted"
            faults.append(destination.row.fault(problem, remedy))
    return faults


def _rows_with_destinations(
    configuration: Configuration, environments: Collection[str]
) -> Iterator[tuple[AllowedProperty | AllowedEvent, dict[str, Destination]]]:
    """Give each row that names a destination with what it is in each environment it reaches."""
    by_environment = {name: configuration.in_environment(name) for name in sorted(environments)}
    rows: list[AllowedProperty | AllowedEvent] = [
        *configuration.allowed_events,
        *configuration.allowed_properties,
    ]
    for row in rows:
        if row.destination != ANY:
            reached = {
                environment: destinations[row.destination]
                for environment, destinations in by_environment.items()
                if row.environment in (environment, ANY) and row.destination in destinations
            }
            yield row, reached


def _unrestricted(row: AllowedProperty | AllowedEvent, destination: Destination) -> str:
    """Say why a row restricts nothing at a destination; blank where it does, or says no such."""
    if destination.restrict_phi:
        return ""
    name = f"`{destination.name}`"
    if destination.connection_mode != SERVER_SIDE:
        return f"the row changes nothing: what {name} gets does not pass through here"
    if isinstance(row, AllowedEvent):
        return f"the row limits nothing: {name} is not restricted and gets every event"
    is_plain = row.treatment.kind.name == "allow" and not row.guard and row.expires_on is None
    if row.property_list == ENVELOPE or (is_plain and row.event is None):
        return ""
    return f"the row keeps nothing back: {name} is not restricted and gets whole objects"


def _cells_without_restriction(configuration: Configuration) -> Iterator[Fault]:
    no_restriction = {
        "timestamp_precision": "exact",
        "mask_scope": ANY,
        "consent_categories": "",
    }
    for destination in configuration.destinations:
        row = destination.row
        for column, open_value in no_restriction.items():
            is_said = row.word(column).lower() not in ("", open_value, "shared")
            if is_said and destination.connection_mode != SERVER_SIDE:
                problem = (
                    f"`{column}` changes nothing: what `{destination.name}` gets does not pass "
                    "through here"
                )
                yield row.fault(problem, "Leave it blank")


# Objects that are granted whole


def _rows_under_granted_objects(candidates: Candidates, today: dt.date) -> Iterator[Fault]:
    """Find rows for a part of what the destination receives as a whole object."""
    for destination, by_place in candidates.values():
        counting = [row for rows in by_place.values() for row in strongest(rows)]
        for parent in counting:
            if parent.data_type != "json" or not _still_grants(parent, today):
                continue
            for row in counting:
                if _is_under(row, parent) and _is_narrower(row, parent, destination):
                    problem = (
                        f"the row keeps nothing back: `{row.path}` is a part of `{parent.path}`, "
                        f"which line {parent.row.line} sends whole to `{destination.name}`"
                    )
                    remedy = (
                        f"Allow the parts of `{parent.path}` that may be sent one by one, and not "
                        "all of it as json; or remove this row"
                    )
                    yield row.row.fault(problem, remedy)


def _still_grants(row: AllowedProperty, day: dt.date) -> bool:
    return grants(row) and still_counts(row, day)


def _is_under(row: AllowedProperty, parent: AllowedProperty) -> bool:
    steps, above = row.path.steps, parent.path.steps
    may_coincide = row.event is None or parent.event is None or row.event == parent.event
    is_below = len(steps) > len(above) and steps[: len(above)] == above
    return row.property_list == parent.property_list and is_below and may_coincide


def _is_narrower(row: AllowedProperty, parent: AllowedProperty, destination: Destination) -> bool:
    """Whether a row promises less than the whole object shows of the same value."""
    if row.treatment.kind.name != "allow":
        return True
    guard, of_parent = effective_guard(destination, row), effective_guard(destination, parent)
    return bool(guard) and GUARDS.index(guard) > GUARDS.index(of_parent or "none")


def effective_guard(destination: Destination, row: AllowedProperty) -> str:
    """Return what is done with values that look like an identifier, where they may be free text.

    Where the row says nothing, a destination in HIPAA mode does not get them.
    """
    if not row.can_be_guarded:
        return ""
    return row.guard or ("block" if destination.is_in_hipaa_mode else "none")


def _denials_of_parents(candidates: Candidates, today: dt.date) -> Iterator[Fault]:
    """Find rows that deny an object of which a part is allowed, and that take nothing away."""
    for destination, by_place in candidates.values():
        counting = [row for rows in by_place.values() for row in strongest(rows)]
        for denial in counting:
            if grants(denial) or by_place[denial.place] != [denial]:
                # With another row for the same object there is something that it takes away.
                continue
            for row in counting:
                if _is_under(row, denial) and _still_grants(row, today):
                    problem = (
                        f"the row keeps nothing back: line {row.row.line} sends `{row.path}`, a "
                        f"part of `{denial.path}`, to `{destination.name}`"
                    )
                    remedy = "Deny the part itself, or remove one of the rows"
                    yield denial.row.fault(problem, remedy)


# Rows without effect


def _idle_properties(
    configuration: Configuration, candidates: Candidates, today: dt.date
) -> Iterator[Fault]:
    works: set[int] = set()
    for destination, by_place in candidates.values():
        for rows in by_place.values():
            with_all = _seen(destination, rows, rows[0].property_list, today)
            for row in rows:
                others = [other for other in rows if other is not row]
                if _seen(destination, others, row.property_list, today) != with_all:
                    works.add(id(row))
    for row in configuration.allowed_properties:
        narrows = row.treatment.kind.name != "allow" or row.guard in ("warn", "block")
        narrows |= row.expires_on is not None or row.event is not None
        if narrows and id(row) not in works:
            yield row.row.fault(
                "the row narrows nothing: without it every destination would receive the same",
                "Check its path, event, environment and destination, or remove it",
            )


def _seen(
    destination: Destination, rows: Sequence[AllowedProperty], property_list: str, today: dt.date
) -> frozenset[object]:
    """Describe what the rows of one property come to, today and when the last has expired."""
    found = frozenset(
        (later, *_form(destination, row))
        for later in (False, True)
        for row in strongest(rows)
        if _still_grants(row, dt.date.max if later else today)
    )
    if found or property_list != ENVELOPE:
        return found
    # An id that no row is about.
    form = "mask" if destination.restrict_phi else "allow"
    return frozenset((later, form, "none") for later in (False, True))


def _form(destination: Destination, row: AllowedProperty) -> tuple[object, ...]:
    if row.property_list == ENVELOPE:
        return (row.treatment.kind.name, row.normalize)
    guard = effective_guard(destination, row)
    form = (str(row.treatment), row.normalize, row.data_type, row.column_name, guard)
    return (*form, row.event)


def _idle_events(configuration: Configuration, environments: Collection[str]) -> Iterator[Fault]:
    """Find rows that rename an event for nobody."""
    for row in configuration.allowed_events:
        if row.sent_as is None:
            continue
        stronger = [
            other
            for other in configuration.allowed_events
            if other.event == row.event and rank(other) > rank(row)
        ]
        reached = [
            (environment, destination)
            for environment in environments
            for destination in configuration.in_environment(environment).values()
            if destination.restrict_phi and _is_about(row, environment, destination)
        ]
        if reached and all(any(_is_about(other, *it) for other in stronger) for it in reached):
            yield row.row.fault(
                "the row renames nothing: other rows for the event beat it everywhere",
                "Check its environment and destination, or remove it",
            )


def _is_about(row: AllowedEvent, environment: str, destination: Destination) -> bool:
    return row.environment in (environment, ANY) and row.destination in (destination.name, ANY)


def _idle_destinations(
    configuration: Configuration, environments: Iterable[str]
) -> Iterator[Fault]:
    used = {id(it) for name in environments for it in configuration.in_environment(name).values()}
    for destination in configuration.destinations:
        if id(destination) not in used:
            yield destination.row.fault(
                "the row settles nothing: every environment has a row of its own for "
                f"`{destination.name}`",
                "Check its environment, or remove it",
            )


def _idle_environments(configuration: Configuration) -> Iterator[Fault]:
    known = {ANY, *configuration.targets, *configuration.environments()}
    for environment, row in configuration.environment_rows.items():
        if configuration.targets and environment not in known:
            yield row.fault(
                f"neither a destination's row nor a dbt target names environment {environment}",
                "Correct `environment`, or remove the row",
            )
