"""A second reading of the seeds: what each restricted destination may receive of a call.

Written apart from configuration.py, paths.py and plan.py on purpose, and for sound seeds only:
the build has refused others by then.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hipaa_mode.selftest.consent import IN_CONTEXT, Asked, asked
from hipaa_mode.selftest.messages import IDS, Call, Object

ROOTS = {"event": "properties", "user": "traits", "group": "traits", "context": "context"}
LISTS = {"events": "event", "identifies": "user", "groups": "group"}
TOKENS = ("mask", "surrogate")
COARSENESS = ("exact", "second", "minute", "hour", "day", "month", "year", "none")

_STEP = re.compile(r'(?:^|\.)(?:"((?:[^"]|"")*)"|([^.\[\]"]+))|(\[\])')

Steps = tuple[str | None, ...]
"""A path: the key of each step, None for the elements of an array."""


def read_path(text: str) -> Steps:
    """Read a property path of the seeds."""
    steps: list[str | None] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"no path at position {position + 1}")
        quoted, bare, elements = match.groups()
        steps.append(None if elements else bare if quoted is None else quoted.replace('""', '"'))
        position = match.end()
    return tuple(steps)


@dataclass(frozen=True)
class Form:
    """How one destination receives the value at one place."""

    treatment: str
    argument: str
    normalize: str
    data_type: str
    scope: str

    @property
    def is_token(self) -> bool:
        """Whether the destination sees a token or code and not the value."""
        return self.treatment in TOKENS


WHOLE = Form("allow", "", "none", "json", "")
"""What stays as it is: whoever may receive it would see every change."""


@dataclass(frozen=True)
class Row:
    """A row of allowed_properties that counts for a destination."""

    property_list: str
    steps: Steps
    event: str | None
    form: Form

    @property
    def is_list(self) -> bool:
        """Whether the column is a list."""
        return None in self.steps


@dataclass
class Destination:
    """A destination of the environment, with the rows that count for it."""

    name: str
    scope: str
    precision: str
    events: set[str]
    rows: list[Row]
    ids: dict[str, Form]
    asked: Asked

    def receives(self, call: Call) -> bool:
        """Whether a call is in one of the destination's views."""
        if self.asked.refuses(call.heard):
            return False
        if call.view != "events":
            return call.view is not None
        return "*" in self.events or call.event in self.events

    def rows_for(self, call: Call) -> list[Row]:
        """Return the rows that count on a call."""
        if call.view is None:
            return []
        wanted = (LISTS[call.view], "context")
        return [
            row
            for row in self.rows
            if row.property_list in wanted and row.event in (None, call.event)
        ]

    def rows_at(self, property_list: str, steps: Steps) -> list[Row]:
        """Return the rows of a place: several where they are for different events."""
        place = (property_list, steps)
        return [row for row in self.rows if (row.property_list, row.steps) == place]


@dataclass
class Place:
    """A place of a message that some destination sees something of, and those below it."""

    children: dict[str, Place] = field(default_factory=dict)
    elements: Place | None = None
    forms: set[Form] = field(default_factory=set)

    def add(self, steps: Steps, form: Form) -> None:
        """Say that the value reached by these steps is received in a form."""
        if not steps:
            self.forms.add(form)
        elif steps[0] is None:
            self.elements = self.elements or Place()
            self.elements.add(steps[1:], form)
        else:
            self.children.setdefault(steps[0], Place()).add(steps[1:], form)


@dataclass
class Received:
    """What all destinations together see of one call.

    Attributes:
        by: names of the destinations that receive the call.
        places: by key of the message (`properties` …), what is seen below it.
        ids: treatments of each id.
        precision: the finest precision in which its times are seen.
    """

    by: list[str]
    places: dict[str, Place]
    ids: dict[str, set[str]]
    precision: str

    def forms_at(self, path: Sequence[str]) -> set[Form]:
        """Return all forms in which a value is seen, those of objects around it included."""
        forms: set[Form] = set()
        place = self.places.get(path[0])
        for step in path[1:]:
            place = place and place.children.get(step)
            forms |= place.forms if place else set()
        return forms


@dataclass
class Allowlist:
    """What the restricted destinations of an environment may receive."""

    destinations: dict[str, Destination]
    small_areas: set[str]

    def received(self, call: Call, views: Iterable[str]) -> Received:
        """Say what is seen of a call in the destination views that exist."""
        names = set(views)
        found = Received([], {}, {name: set() for name in IDS}, "none")
        for key in IN_CONTEXT:
            found.places.setdefault("context", Place()).add((key,), WHOLE)
        for destination in self.destinations.values():
            if f"{destination.name}__{call.view}" not in names or not destination.receives(call):
                continue
            found.by.append(destination.name)
            for name in IDS:
                found.ids[name].add(destination.ids[name].treatment)
            found.precision = min(found.precision, destination.precision, key=COARSENESS.index)
            for row in destination.rows_for(call):
                root = found.places.setdefault(ROOTS[row.property_list], Place())
                root.add(row.steps, row.form)
        return found


def find(value: Any, steps: Steps) -> Any:
    """Return what is at a path: a value, or a list of them where it goes into an array."""
    for place, step in enumerate(steps):
        if step is None:
            if not isinstance(value, list):
                return None
            rest = steps[place + 1 :]
            found = [find(element, rest) for element in value]
            return [item for part in found for item in part or []] if None in rest else found
        value = value.first(step) if isinstance(value, Object) else None
    return value


def read_allowlist(seeds: Mapping[str, Path], environment: str, today: dt.date) -> Allowlist:
    """Read the seeds for an environment; only restricted destinations are returned.

    Args:
        seeds: the CSV file of each seed.
    """
    rows = {seed: _rows(path) for seed, path in seeds.items()}
    destinations: dict[str, Destination] = {}
    for cells in sorted(_of(rows["destinations"], environment), key=_is_named):
        if cells["restrict_phi"].strip().lower() == "false":
            destinations.pop(cells["destination"].strip(), None)
            continue
        destination = _destination(cells, asked(cells, rows["destination_types"]))
        destinations[destination.name] = destination
    for destination in destinations.values():
        for cells in _of(rows["allowed_events"], environment):
            if cells["destination"].strip() in ("*", destination.name):
                destination.events.add(cells["event"])
        _add_rows(destination, _of(rows["allowed_properties"], environment), today)
    areas = {cells["zip3"].strip() for cells in rows["small_zip3_areas"]}
    return Allowlist(dict(sorted(destinations.items())), areas)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, strict=True)
        header = [name.strip() for name in next(lines)]
        return [dict(zip(header, cells)) for cells in lines if any(c.strip() for c in cells)]


def _of(rows: Iterable[dict[str, str]], environment: str) -> list[dict[str, str]]:
    return [cells for cells in rows if cells["environment"].strip() in ("*", environment)]


def _is_named(cells: Mapping[str, str]) -> bool:
    return cells["environment"].strip() != "*"


def _destination(cells: Mapping[str, str], asks: Asked) -> Destination:
    name = cells["destination"].strip()
    own_scope = cells["mask_scope"].strip().lower() == "destination"
    scope = name if own_scope else "*"
    return Destination(
        name=name,
        scope=scope,
        precision=cells["timestamp_precision"].strip().lower() or "day",
        events=set(),
        rows=[],
        ids=dict.fromkeys(IDS, Form("mask", "", "none", "", scope)),
        asked=asks,
    )


def _add_rows(destination: Destination, rows: Iterable[dict[str, str]], today: dt.date) -> None:
    """Keep of each place the most particular rows; drop those that are denied or expired."""
    by_place: dict[tuple[str, Steps], list[dict[str, str]]] = {}
    for cells in rows:
        if cells["destination"].strip() in ("*", destination.name):
            place = (cells["property_list"].strip().lower(), read_path(cells["property"]))
            by_place.setdefault(place, []).append(cells)
    for (property_list, steps), candidates in by_place.items():
        best = max(map(_rank, candidates))
        for cells in candidates:
            treatment, _, argument = cells["treatment"].strip().lower().rstrip(") ").partition("(")
            expiry = cells["expires_on"].strip()
            is_expired = bool(expiry) and dt.date.fromisoformat(expiry) < today
            if _rank(cells) != best:
                continue
            form = _form(cells, treatment, argument, destination)
            if property_list == "envelope":
                if treatment != "allow" or not is_expired:
                    destination.ids[str(steps[0])] = form
            elif treatment != "deny" and not is_expired:
                event = cells["event"] if cells["event"].strip() else None
                destination.rows.append(Row(property_list, steps, event, form))


def _rank(cells: Mapping[str, str]) -> tuple[bool, bool]:
    return (cells["destination"].strip() != "*", cells["environment"].strip() != "*")


def _form(
    cells: Mapping[str, str], treatment: str, argument: str, destination: Destination
) -> Form:
    return Form(
        treatment=treatment,
        argument=argument.strip() or {"round": "1", "truncate": "3"}.get(treatment, ""),
        normalize=cells["normalize"].strip().lower() or "none",
        data_type=cells["data_type"].strip().lower(),
        scope=_scope(cells, destination),
    )


def _scope(cells: Mapping[str, str], destination: Destination) -> str:
    wanted = cells.get("mask_scope", "").strip().lower()
    if wanted == "destination":
        return destination.name
    if wanted != "property":
        return destination.scope
    steps = read_path(cells["property"])
    path = "".join("[]" if step is None else f".{_written(step)}" for step in steps)[1:]
    return "/".join((destination.scope, cells["property_list"].strip().lower(), path))


def _written(name: str) -> str:
    is_plain = name and name == name.strip() and not set(name) & set('.[]"')
    return name if is_plain else '"' + name.replace('"', '""') + '"'
