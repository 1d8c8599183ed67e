"""Who is suppressed: the people whose calls are withheld from everything that is masked.

The lists are `suppressed_users.csv` among the seeds, and files and tables outside of git that are
named when the run starts; whoever is on any of them is withheld. They hold raw ids, so dbt never
loads them: the ids go from the files into tables of the restricted zone, and no message, `repr` or
request quotes one.

A list from outside is no part of what is reviewed in git. So nobody comes back because one is not
named, is empty, or has lost rows: the run is refused until that is accepted by name or number.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from hipaa_mode.belonging import Withheld
from hipaa_mode.configuration import (
    ANY,
    NOT_A_DATE,
    Configuration,
    parse_date,
    unknown_environment,
)
from hipaa_mode.masking import strings
from hipaa_mode.raw_calls import looks_like_file, table_parts
from hipaa_mode.seeds import Fault, SeedFile, SeedRow, read_csv, read_seed

SEED = "suppressed_users"
SUPPRESSED_USERS_VARIABLE = "HIPAA_MODE_SUPPRESSED_USERS"
"""Scope of the subkey of the list's fingerprint; no destination can have a name with a hyphen."""

GIVE_UP_LISTS = "hipaa_mode__give_up_suppression_lists"
ACCEPT_RETURNING_PEOPLE = "hipaa_mode__accept_returning_people"
ACCEPT_RETURNING_CALLS = "hipaa_mode__accept_returning_calls"

OF_PEOPLE = ("suppressed", "suppressed_by_alias")
"""Reasons that calls are withheld for because of whose they are; see macro withheld_calls."""

MOST_TIES = 20
"""Ids that alias and merge calls tie to one without its being taken for nobody's in particular."""

SCHEMA = pa.schema([(name, pa.string()) for name in ("user_id", "location", "place")])
"""The ids, which list each is on (its location, blank for the seed), and its file and line."""

NO_ID = "`user_id` stands for an id that is not there: no call is of such a person"
_NO_ENVIRONMENT_REMEDY = "Write the environment's name, or * for all"
NO_ID_REMEDY = "Give the id, remove the row, or take the word out of hipaa_mode__placeholder_ids"

_CSV = (".csv",)
_NDJSON = (".ndjson", ".jsonl", ".json")
_OUTSIDE_COLUMNS = ("user_id",)
_OUTSIDE_OPTIONAL = ("environment", "requested_on", "reference")


class SuppressedUsers:
    """The suppressed ids of an environment, as an Arrow stream that SQL can read.

    Attributes:
        tables: the tables that list more of them: the parts of each one's name, by location.
        locations: the lists from outside, tables among them.
        environments: those that a row may be for, besides `*`.
    """

    def __init__(self) -> None:
        self.tables: dict[str, tuple[str, ...]] = {}
        self.locations: list[str] = []
        self.environments: list[str] = []
        self._rows: frozenset[tuple[str, str, str]] = frozenset()
        self._placeholder_ids: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Show how many there are, and none of them."""
        return f"SuppressedUsers({len(self)} hidden)"

    def __len__(self) -> int:
        """Return how many ids the files list."""
        return len({user_id for user_id, *_ in self._rows})

    def read(
        self,
        configuration: Configuration,
        environment: str,
        files: Mapping[str, SeedFile],
        labels: Mapping[str, str],
        locations: Sequence[str] = (),
        base: Path | None = None,
        given_up: Collection[str] = (),
        placeholder_ids: Iterable[str] = (),
    ) -> list[Fault]:
        """Read the lists anew.

        Args:
            configuration: knows the environments that a row may be for.
            environment: whose rows count, besides those for `*`.
            files: the seeds' files; `suppressed_users` need not be among them.
            locations: CSV or NDJSON files, and tables, that list more of them.
            base: folder that a relative file is looked for in.
            given_up: locations that may be missing, or list nobody.
            placeholder_ids: what stands for an id that is not there: no call is of such a person.

        Returns:
            What is wrong with the lists. Where anything is, the run must not go on: someone might
            not be withheld.
        """
        faults: list[Fault] = []
        self.tables = {}
        self.locations = list(locations)
        known = sorted(configuration.known_environments())
        self.environments = [name for name in known if configuration.has_destinations(name)]
        found: set[tuple[str, str, str]] = set()
        self._placeholder_ids = frozenset(word.lower() for word in placeholder_ids)
        if SEED in files:
            rows = read_seed(SEED, files[SEED], labels[SEED], faults) or []
            found.update(self._judged(rows, "", configuration, environment, faults))
        for location in locations:
            known_faults = len(faults)
            rows = self._read_outside(location, base or Path(), faults, location in given_up)
            found.update(self._judged(rows, location, configuration, environment, faults))
            may_be_empty = location in self.tables or location in given_up
            if not rows and not may_be_empty and len(faults) == known_faults:
                faults.append(_lists_nobody(location))
        self._rows = frozenset(found)
        return faults

    def _judged(
        self,
        rows: Iterable[SeedRow],
        location: str,
        configuration: Configuration,
        environment: str,
        faults: list[Fault],
    ) -> Iterator[tuple[str, str, str]]:
        for row in rows:
            user_id = row["user_id"].strip()
            faults += _row_faults(configuration, row, user_id)
            if user_id.lower() in self._placeholder_ids:
                faults.append(row.fault(NO_ID, NO_ID_REMEDY))
            if row.word("environment") in (environment, ANY):
                yield user_id, location, f"{row.file}, line {row.line}"

    def _read_outside(
        self, location: str, base: Path, faults: list[Fault], may_be_missing: bool
    ) -> list[SeedRow]:
        path = base / Path(location).expanduser()
        if not path.is_file():
            parts = table_parts(location)
            is_file = looks_like_file(location) or location.lower().endswith(_CSV)
            if parts is not None and not is_file:
                self.tables[location] = parts
            elif not may_be_missing:
                problem = "the list of suppressed users is not there"
                remedy = f"Restore it, or correct {SUPPRESSED_USERS_VARIABLE}"
                faults.append(Fault(location, None, problem, remedy))
            return []
        kind = path.name.lower()
        if kind.endswith(_NDJSON):
            return list(_ndjson_rows(path, location, faults))
        if not kind.endswith(_CSV):
            problem = "the list of suppressed users is neither CSV nor newline-delimited JSON"
            faults.append(Fault(location, None, problem, "Name the file .csv or .ndjson"))
            return []
        known_faults = len(faults)
        columns, optional = _OUTSIDE_COLUMNS, _OUTSIDE_OPTIONAL
        rows = read_csv(path, location, columns, optional, faults, may_have_others=True)
        if rows is None and may_be_missing and path.stat().st_size == 0:
            del faults[known_faults:]
        return [
            SeedRow(
                row.file, row.line, {**row.cells, "environment": row.word("environment") or ANY}
            )
            for row in rows or []
        ]

    def __arrow_c_schema__(self) -> Any:
        """Export the schema."""
        return SCHEMA.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Export a new stream over the ids."""
        rows = sorted(self._rows)
        columns = [strings([row[i].encode() for row in rows]) for i in range(len(SCHEMA))]
        table = pa.Table.from_arrays(columns, names=SCHEMA.names).cast(SCHEMA)
        return table.__arrow_c_stream__(requested_schema)


def _row_faults(configuration: Configuration, row: SeedRow, user_id: str) -> Iterator[Fault]:
    listed_for = row.word("environment")
    if not user_id:
        yield row.fault("`user_id` is blank", "Give the id, or remove the row")
    if not _is_day(row.cells.get("requested_on", "")):
        yield row.fault("`requested_on` is not a date", NOT_A_DATE)
    # Of an environment that is misspelt, nobody would be withheld.
    is_known = "destinations" not in configuration.unread
    if not listed_for or (is_known and not configuration.has_destinations(listed_for)):
        yield row.fault("no destination is listed for this environment", _NO_ENVIRONMENT_REMEDY)
    elif is_known and not configuration.names(listed_for):
        yield unknown_environment(row)


def _is_day(text: str) -> bool:
    """Whether a text is blank or begins with a date, as a time of ISO 8601 does."""
    day, separator, _ = text.strip().replace(" ", "T", 1).partition("T")
    try:
        return not (day or separator) or bool(parse_date(day))
    except ValueError:
        return False


def locations_of(*values: object) -> list[str]:
    """Return the lists that settings name, each once: texts, lists of texts, or nothing.

    A text may name several, separated by semicolons.
    """
    named: list[str] = []
    for value in values:
        texts = value if isinstance(value, (list, tuple)) else str(value or "").split(";")
        named += [str(text).strip() for text in texts]
    return list(dict.fromkeys(filter(None, named)))


@dataclass(frozen=True)
class ListCounts:
    """How many people one list from outside has.

    Attributes:
        now: people of the environment that it lists; 0 where nothing names it any more.
        before: people of the environment that it listed in the last run, as the database has it.
        lost: people of `before` that are on no list now.
        is_named: whether the run's settings name it.
        rows: rows of a table, of any environment; None for a file, which was judged before.
        blank: rows of a table without an id.
        unknown: rows of a table for an environment that there is not.
        placeholders: rows of a table with what stands for an id that is not there.
    """

    now: int = 0
    before: int = 0
    lost: int = 0
    is_named: bool = False
    rows: int | None = None
    blank: int = 0
    unknown: int = 0
    placeholders: int = 0


def list_faults(
    known: Mapping[str, int], lists: Mapping[str, ListCounts], accepted: Mapping[str, Any]
) -> list[Fault]:
    """Return why the lists from outside may not be used as they are.

    Args:
        known: how many people each list had in the last build.
        lists: what each list has now, by location, and those that the database knows of.
        accepted: values of the variables `GIVE_UP_LISTS` and `ACCEPT_RETURNING_PEOPLE`.
    """
    given_up = locations_of(accepted.get(GIVE_UP_LISTS))
    faults: list[Fault] = []
    returning: dict[str, int] = {}
    for location in sorted({*known, *lists} - {""}):
        item = lists.get(location, ListCounts())
        faults += _table_faults(location, item)
        if location in given_up:
            continue
        has_moved = item.before > 0 and item.lost == 0
        if not item.is_named and not has_moved:
            faults.append(
                Fault(
                    location,
                    None,
                    f"this list of {_people(known.get(location, item.before))} is not named any "
                    "more: they would come back",
                    f"Name it in {SUPPRESSED_USERS_VARIABLE} again{_or_give_up(location)}",
                )
            )
        elif item.is_named and item.rows == 0:
            faults.append(_lists_nobody(location))
        elif item.lost or (not item.before and item.now < known.get(location, 0)):
            returning[location] = item.lost or known[location] - item.now
    count = sum(returning.values())
    if count and str(accepted.get(ACCEPT_RETURNING_PEOPLE)) != str(count):
        for location, lost in returning.items():
            faults.append(
                Fault(
                    location,
                    None,
                    f"{_people(lost)} that it listed in the last run are on no list now: they "
                    "would come back",
                    "Restore their rows, spelt as they were; if they are to come back: dbt build "
                    f"--vars '{{{ACCEPT_RETURNING_PEOPLE}: {count}}}'",
                )
            )
    return faults


def _table_faults(location: str, item: ListCounts) -> list[Fault]:
    said = (
        (item.blank, "`user_id` is blank in", "Give the ids, or remove the rows"),
        (item.unknown, "no destination is listed for the environment of", _NO_ENVIRONMENT_REMEDY),
        (item.placeholders, f"{NO_ID}, in", NO_ID_REMEDY),
    )
    return [
        Fault(location, None, f"{problem} {'1 row' if count == 1 else f'{count} rows'}", remedy)
        for count, problem, remedy in said
        if count
    ]


@dataclass(frozen=True)
class ReturningCalls:
    """Calls that were withheld when something was published last, and what there is now.

    Attributes:
        is_known: whether the database knows the run that published.
        suppressed: calls of people that were withheld since then and are not any more, though
            nobody was taken off a list who explains it.
        aged: those that had expired, or have no time.
        suppressed_now: calls of people that are withheld now.
        raw_now: all raw calls.
        retain_days: for how many days calls are kept now; None for good.
    """

    is_known: bool
    suppressed: int
    aged: int
    suppressed_now: int
    raw_now: int
    retain_days: int | None


def returning_faults(
    before: Withheld | None, counts: ReturningCalls, accepted: object
) -> list[str]:
    """Return why nothing may be published: calls come back that were withheld.

    Args:
        before: what was withheld when something was published last.
        counts: the calls that come back, and what there is now.
        accepted: value of the variable `ACCEPT_RETURNING_CALLS`.
    """
    if before is None:
        return []
    returning = counts.suppressed
    if counts.retain_days == before.retain_days:
        returning += counts.aged
    if not counts.is_known:
        fewer = before.suppressed - counts.suppressed_now
        gone = before.raw - counts.raw_now
        returning = fewer if fewer > max(gone, 0) else 0
    if returning <= 0 or str(accepted) == str(returning):
        return []
    calls = "1 call that was" if returning == 1 else f"{returning} calls that were"
    return [
        f"{calls} withheld when something was published last would come back, and neither a "
        "list nor `retain_days` says so: look whether the lists of suppressed people spell their "
        "ids as the calls do, and whether an alias call or an id's row with `normalize` is gone. "
        "If they are to come back: dbt build --vars "
        f"'{{{ACCEPT_RETURNING_CALLS}: {returning}}}'"
    ]


def hub_notices(most: int, ids: int) -> list[str]:
    """Return what a run says where an id that ties many others to suppressed people stands out.

    Their calls are withheld all the same: nobody can tell from here whether that is right.

    Args:
        most: how many others the id has that alias and merge calls tie to the most.
        ids: ids in all that are tied to those on the lists.
    """
    if most <= MOST_TIES:
        return []
    return [
        f"WARNING: alias and merge calls tie {ids} ids to suppressed people, and {most} of them "
        "to one and the same id. If that is a placeholder and nobody's id, too many calls are "
        "withheld: add it to hipaa_mode__placeholder_ids"
    ]


def _lists_nobody(location: str) -> Fault:
    remedy = f"Restore it{_or_give_up(location)}"
    return Fault(location, None, "the list of suppressed users lists nobody", remedy)


def _or_give_up(location: str) -> str:
    return (
        f"; to go on without it, so that its people come back: dbt build --vars "
        f"'{{{GIVE_UP_LISTS}: [\"{location}\"]}}'"
    )


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _ndjson_rows(path: Path, label: str, faults: list[Fault]) -> Iterator[SeedRow]:
    try:
        lines: Iterable[str] = path.read_bytes().decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError):
        faults.append(Fault(label, None, "the file can't be read as UTF-8", "Restore it"))
        return
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
            user_id = _text(content["user_id"])
            environment = content.get("environment") or ANY
            if not isinstance(environment, str):
                raise TypeError
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            problem = "the line is not a JSON object with a `user_id`"
            faults.append(Fault(label, number, problem, "Fix the line, or remove it"))
            continue
        requested_on = str(content.get("requested_on") or "")
        cells = {"user_id": user_id, "environment": environment, "requested_on": requested_on}
        yield SeedRow(label, number, cells)


def _text(value: Any) -> str:
    """Return an id as staging writes it: a whole number as its digits."""
    if isinstance(value, str):
        value.encode()
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError
