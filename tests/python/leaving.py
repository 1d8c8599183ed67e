"""What may leave, worked out from the seed files alone: a second opinion for tests.

Written apart from hipaa_mode on purpose, and small: it reads the files of a sound project as a
careful person would and says what each destination could observe. A change lets more leave if
anything can be observed afterwards that could not be before.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SEEDS = (
    *("destination_types", "destinations", "allowed_events", "allowed_properties"),
    *("small_zip3_areas", "environments", "suppressed_users"),
)
PRECISIONS = ("exact", "second", "minute", "hour", "day", "month", "year", "none")
LISTS = {"events": ("event", "context"), "identifies": ("user", "context"),
         "groups": ("group", "context")}  # fmt: skip
IDS = ("user_id", "anonymous_id", "group_id")
TOKENS = ("mask", "surrogate")
FREE_TEXT = ("allow", "url_path", "url_origin", "truncate")
IDENTIFIER = "what looks like an identifier"
UNLISTED = "An event of no row"

PARTS_OF_IDENTIFIERS = ("allow", "domain", "ip_prefix", "zip3", "round")
"""What no guard looks at, and yet tells of an identifier that a guard would have made null."""

TYPES_OF = {"year": "integer", "birth_year": "integer", "age_cap": "integer", "round": "number"}
"""Type of a treatment's result where the row names none, if it is not text."""

HOLDS = {
    "json": ("json", "text", "number", "integer", "boolean", "timestamp", "date"),
    "text": ("text", "number", "integer", "boolean", "timestamp", "date"),
    "number": ("number", "integer"),
    "timestamp": ("timestamp", "date"),
}
"""Types whose values a column of a type can hold; its own alone where it is not named."""

COARSER = {"month": ("month", "year", "birth_year"), "year": ("year", "birth_year")}

Rows = Mapping[str, list[dict[str, str]]]
Observation = tuple[object, ...]


class UnsoundError(Exception):
    """The files say nothing that a careful person could act on."""


@dataclass(frozen=True)
class Universe:
    """What observations may be about: all that either side of a comparison names."""

    events: frozenset[str]
    people: frozenset[str]
    areas: frozenset[str]
    ages: frozenset[int]
    tools: frozenset[str]
    categories: frozenset[str]


def read(seeds: Path) -> Rows:
    """Read all seeds below a folder, links followed; a file that is not there has no rows."""
    found: dict[str, list[dict[str, str]]] = {seed: [] for seed in SEEDS}
    for folder, _, names in os.walk(seeds, followlinks=True):
        for name in names:
            if name.endswith(".csv") and name[:-4] in found:
                found[name[:-4]] += _rows(Path(folder, name))
    return found


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [
                cells for cells in csv.reader(file, strict=True) if any(map(str.strip, cells))
            ]
    except (OSError, ValueError, csv.Error):
        raise UnsoundError from None
    for cells in lines[1:]:
        if len(cells) != len(lines[0]):
            raise UnsoundError
        yield {"guard": "", **dict(zip(lines[0], cells))}


def more_leaves(before: Rows, after: Rows, environment: str, today: dt.date) -> list[str]:
    """Say what can be observed after a change, today or on any later day, and could not before.

    Raises:
        UnsoundError: the files after the change can't be understood.
    """
    try:
        universe = _universe([*before.items(), *after.items()])
        for day in sorted({today, *_turning_days(before, today), *_turning_days(after, today)}):
            was = _observations(before, environment, day, universe)
            now = _observations(after, environment, day, universe)
            new = [seen for seen in now - was if not _is_part_of_a_whole(seen, was)]
            if new:
                return sorted(f"{day}: " + " ".join(map(str, seen)) for seen in new)
    except (KeyError, ValueError):
        raise UnsoundError from None
    return []


def _is_part_of_a_whole(seen: Observation, was: set[Observation]) -> bool:
    if seen[-1] in ("json", IDENTIFIER):
        return (*seen[:3], "everything") in was
    return (*seen[:3], "everything") in was or (*seen[:5], "any form") in was


def _turning_days(rows: Rows, today: dt.date) -> Iterator[dt.date]:
    cells = [row["baa_expires_on"] for row in rows["destinations"]]
    for cell in (*cells, *(row["expires_on"] for row in rows["allowed_properties"])):
        if cell.strip() and (day := dt.date.fromisoformat(cell.strip())) >= today:
            yield day + dt.timedelta(1)


def _universe(files: Iterable[tuple[str, list[dict[str, str]]]]) -> Universe:
    cells: dict[str, set[str]] = {}
    for seed, rows in files:
        for row in rows:
            for column, cell in row.items():
                cells.setdefault(f"{seed}.{column}", set()).add(cell)
    days = {int(cell) for cell in cells.get("environments.retain_days", ()) if cell.strip()}
    return Universe(
        events=frozenset(
            {UNLISTED, *cells.get("allowed_events.event", ())}
            | {cell for cell in cells.get("allowed_properties.event", ()) if cell.strip()}
        ),
        people=frozenset(cell.strip() for cell in cells.get("suppressed_users.user_id", ())),
        areas=frozenset(cell.strip() for cell in cells.get("small_zip3_areas.zip3", ())),
        tools=frozenset(
            name.strip()
            for column in ("integration_names", "display_name")
            for cell in cells.get(f"destination_types.{column}", ())
            for name in cell.split(";")
        )
        - {""},
        categories=frozenset(
            name.strip()
            for cell in cells.get("destinations.consent_categories", ())
            for name in cell.split(";")
        )
        - {""},
        ages=frozenset(age for day in days for age in (day, day + 1)) | {36_501},
    )


def _observations(
    rows: Rows, environment: str, day: dt.date, universe: Universe
) -> set[Observation]:
    destinations: dict[str, dict[str, str]] = {}
    for row in sorted(_of(rows["destinations"], environment), key=lambda row: _is_named(row)):
        destinations[row["destination"].strip()] = row
    seen: set[Observation] = set()
    for name, row in destinations.items():
        expiry = row["baa_expires_on"].strip()
        if not _restricts(row) and not (expiry and dt.date.fromisoformat(expiry) < day):
            # Afterwards a build stops until somebody acts, which is another change.
            seen.add((name, "all views", None, "under an agreement"))
        seen |= _of_destination(rows, environment, day, universe, name, row)
    if seen:
        kept = {
            cells["environment"].strip(): cells["retain_days"].strip()
            for cells in rows["environments"]
        }
        days = kept.get(environment, kept.get("*", ""))
        seen |= {("age", age) for age in universe.ages if not days or age <= int(days)}
        withheld = {row["user_id"].strip() for row in _of(rows["suppressed_users"], environment)}
        seen |= {("person", person) for person in universe.people - withheld}
    return seen


def _of_destination(
    rows: Rows,
    environment: str,
    day: dt.date,
    universe: Universe,
    name: str,
    row: Mapping[str, str],
) -> set[Observation]:
    events = _events(rows, environment, universe, name, row)
    listed = _listed(rows, environment, day, name, row)
    small = {cells["zip3"].strip() for cells in rows["small_zip3_areas"]}
    areas = universe.areas - small
    seen: set[Observation] = set()
    for view, lists in LISTS.items():
        for event in events if view == "events" else (None,):
            counting = [
                cells
                for cells in listed
                if cells["property_list"].strip().lower() in ("envelope", *lists)
                and cells["event"] in ("", event)
            ]
            seen |= {(name, view, event, *item) for item in _of_call(row, counting, areas)}
    for said in _heard(rows, universe, row):
        seen.add((name, "all views", None, "of who says", *said))
    for event, sent in events.items():
        seen |= {(name, "events", None, "named", event)} if event == sent else set()
    for one, other in itertools.combinations(sorted(events), 2):
        if events[one] != events[other]:
            seen.add((name, "events", None, "told apart", one, other))
    return seen


def _heard(rows: Rows, universe: Universe, row: Mapping[str, str]) -> Iterator[Observation]:
    """Yield what a call may say and is sent all the same."""
    [kind] = [
        kind
        for kind in rows["destination_types"]
        if kind["destination_type"].strip() == row["destination_type"].strip()
    ]
    named = kind.get("integration_names", "") or kind["display_name"]
    names = {name.strip() for name in named.split(";")} - {""}
    is_deaf = row.get("honor_opt_outs", "").strip().lower() == "false"
    for tool in universe.tools:
        if is_deaf or tool.lower().replace(" ", "") not in {
            name.lower().replace(" ", "") for name in names
        }:
            yield (f"{tool} no",)
        if is_deaf or tool in names:
            yield (f"{tool} alone",)
    needed = {name.strip() for name in row.get("consent_categories", "").split(";")} - {""}
    is_one_enough = row.get("consent_strategy", "").strip().lower() == "or"
    for count in range(min(len(universe.categories), 3) + 1):
        for given in itertools.combinations(sorted(universe.categories), count):
            is_enough = needed & set(given) if is_one_enough else needed <= set(given)
            if is_enough or not needed:
                yield ("consent to " + (" and ".join(given) or "nothing"),)


def _of_call(
    row: Mapping[str, str], listed: Iterable[dict[str, str]], areas: Iterable[str]
) -> Iterator[Observation]:
    """Yield what can be observed of a call on which these rows of the allowlist count."""
    scope = "own" if row["mask_scope"].strip().lower() == "destination" else "shared"
    if not _restricts(row):
        yield ("everything",)
    yield from (("row", what) for what in _tells("mask", "", "text", "", scope))
    for coarser in PRECISIONS[PRECISIONS.index(_precision(row)) :]:
        yield "time", coarser
    ids = dict.fromkeys(IDS, "mask" if _restricts(row) else "allow")
    scopes: dict[str, str] = {}
    for cells in listed:
        property_list, path = cells["property_list"].strip().lower(), cells["property"]
        form, argument = _treatment(cells["treatment"])
        if property_list == "envelope":
            ids[path] = form
            scopes[path] = _scope(cells, scope)
            continue
        data_type = cells["data_type"].strip().lower()
        own = _scope(cells, scope)
        for told in _tells(form, argument, data_type, _guard(cells, row), own):
            yield property_list, path, *told
        if form == "zip3":
            yield from (("area", area) for area in areas)
    for path, form in ids.items():
        of_id = _tells(form, "", "text", "none", scopes.get(path, scope))
        yield from (("id", path, *what) for what in of_id)


def _scope(cells: Mapping[str, str], scope: str) -> str:
    """Return within what a property's tokens can be compared, given the destination's scope."""
    wanted = cells.get("mask_scope", "").strip().lower()
    if wanted == "property":
        return f"{scope} property"
    return "own" if wanted == "destination" else scope


def _events(
    rows: Rows, environment: str, universe: Universe, name: str, row: Mapping[str, str]
) -> dict[str, str]:
    """Return the events that reach a destination, each with the name it goes by there."""
    if not _restricts(row):
        return {event: event for event in universe.events}
    sent: dict[str, str] = {}
    for cells in sorted(_of(rows["allowed_events"], environment), key=_rank):
        if cells["destination"].strip() in ("*", name):
            sent[cells["event"]] = cells["sent_as"] if cells["sent_as"].strip() else cells["event"]
    if "*" in sent:
        sent = {event: event for event in universe.events} | sent
    return {event: as_ for event, as_ in sent.items() if event != "*"}


def _listed(
    rows: Rows, environment: str, day: dt.date, name: str, row: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return the rows of the allowlist that count for a destination on a day."""
    wanted = ("*", name) if _restricts(row) else (name,)
    places: dict[tuple[str, str], list[dict[str, str]]] = {}
    for cells in _of(rows["allowed_properties"], environment):
        if cells["destination"].strip() in wanted:
            place = (cells["property_list"].strip().lower(), cells["property"])
            places.setdefault(place, []).append(cells)
    listed: list[dict[str, str]] = []
    for candidates in places.values():
        best = max(map(_rank, candidates))
        for cells in candidates:
            until = cells["expires_on"].strip()
            lasts = not until or dt.date.fromisoformat(until) >= day
            narrows = cells["property_list"].strip().lower() == "envelope" and (
                cells["treatment"].strip().lower() != "allow"
            )
            if _rank(cells) == best and (lasts or narrows):
                listed.append(cells)
    return listed


def _tells(form: str, argument: str, data_type: str, guard: str, scope: str) -> set[Observation]:
    """Say what can be observed of a value that is received in a form."""
    if form == "deny":
        return set()
    token: set[Observation] = {("the same twice",)}
    token |= {("the same elsewhere",)} if scope.startswith("shared") else set()
    token |= set() if scope.endswith("property") else {("the same as other properties",)}
    if form in TOKENS:
        return token
    told: set[Observation] = set()
    data_type = {"bool": "boolean", "int": "integer", "string": "text"}.get(data_type, data_type)
    data_type = data_type or TYPES_OF.get(form, "text")
    if form == "allow" and data_type in ("text", "json"):
        told.add(("any form",))
    if form == "truncate":
        kinds = {f"truncate{length}" for length in range(1, int(argument or "3") + 1)}
    else:
        kinds = {kind + argument for kind in COARSER.get(form, (form,))}
    told |= {(kind, held) for kind in kinds for held in HOLDS.get(data_type, (data_type,))}
    if form in FREE_TEXT and data_type in ("text", "json"):
        told |= {(IDENTIFIER,)} if guard != "block" else set()
    elif form in PARTS_OF_IDENTIFIERS and data_type in ("text", "number", "integer"):
        told.add((IDENTIFIER,))
    return token | told | {("the same elsewhere",)}


def _guard(cells: Mapping[str, str], row: Mapping[str, str]) -> str:
    # Where the row says nothing, a restricted destination gets nothing that looks like one.
    return cells["guard"].strip().lower() or ("block" if _restricts(row) else "none")


def _treatment(cell: str) -> tuple[str, str]:
    form, _, argument = cell.strip().lower().rstrip(") ").partition("(")
    return form, argument.strip()


def _precision(row: Mapping[str, str]) -> str:
    return row["timestamp_precision"].strip().lower() or ("day" if _restricts(row) else "exact")


def _restricts(row: Mapping[str, str]) -> bool:
    return row["restrict_phi"].strip().lower() != "false"


def _of(rows: Iterable[dict[str, str]], environment: str) -> list[dict[str, str]]:
    return [row for row in rows if row["environment"].strip() in ("*", environment)]


def _is_named(row: Mapping[str, str]) -> bool:
    return row["environment"].strip() != "*"


def _rank(row: Mapping[str, str]) -> tuple[bool, bool]:
    return row["destination"].strip() != "*", _is_named(row)
