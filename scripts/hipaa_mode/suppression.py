"""Who is suppressed: the people whose calls are withheld from everything that is masked.

The list is `suppressed_users.csv` among the seeds, and a file or table outside of git that is
named when the run starts. It holds raw ids, so dbt never loads it: the ids go from the file into
one table of the restricted zone, and no message, `repr` or request quotes one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from hipaa_mode.configuration import ANY, Configuration
from hipaa_mode.optional_lists import BLANKS
from hipaa_mode.raw_calls import looks_like_file, table_parts
from hipaa_mode.seeds import Fault, SeedRow, read_csv, read_seed

SEED = "suppressed_users"
SUPPRESSED_USERS_VARIABLE = "HIPAA_MODE_SUPPRESSED_USERS"
KEY_SCOPE = "suppression-list"
"""Scope of the subkey of the list's fingerprint; no destination can have a name with a hyphen."""

SCHEMA = pa.schema([("user_id", pa.string())])
_CSV = (".csv",)
_NDJSON = (".ndjson", ".jsonl", ".json")
_OUTSIDE_COLUMNS = ("user_id",)
_OUTSIDE_OPTIONAL = ("environment", "requested_on", "reference")


class SuppressedUsers:
    """The suppressed ids of an environment, as an Arrow stream that SQL can read.

    Attributes:
        table: parts of the name of the table that lists more of them; empty where none does.
    """

    def __init__(self) -> None:
        self.table: tuple[str, ...] = ()
        self._ids: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        """Show how many there are, and none of them."""
        return f"SuppressedUsers({len(self._ids)} hidden)"

    def __len__(self) -> int:
        """Return how many ids the files list."""
        return len(self._ids)

    def read(
        self,
        configuration: Configuration,
        environment: str,
        files: Mapping[str, Path],
        labels: Mapping[str, str],
        location: str = "",
        base: Path | None = None,
    ) -> list[Fault]:
        """Read the list anew.

        Args:
            configuration: knows the environments that a row may be for.
            environment: whose rows count, besides those for `*`.
            files: the seeds' files; `suppressed_users` need not be among them.
            labels: how messages name them.
            location: a CSV or NDJSON file, or a table, that lists more of them; blank for none.
            base: folder that a relative file is looked for in.

        Returns:
            What is wrong with the list. Where anything is, the run must not go on: someone might
            not be withheld.
        """
        faults: list[Fault] = []
        self.table = ()
        rows: list[SeedRow] = []
        if SEED in files:
            rows += read_seed(SEED, files[SEED], labels[SEED], faults) or []
        if location:
            rows += self._read_outside(location, base or Path(), faults)
        ids: set[str] = set()
        for row in rows:
            listed_for = row.word("environment")
            user_id = row["user_id"].strip(BLANKS)
            if not user_id:
                faults.append(row.fault("`user_id` is blank", "Give the id, or remove the row"))
            if not listed_for or not configuration.knows(listed_for):
                # Of an environment that is misspelt, nobody would be withheld.
                if not listed_for or "destinations" not in configuration.unread:
                    faults.append(
                        row.fault(
                            "no destination is listed for this environment",
                            "Write the environment's name, or * for all",
                        )
                    )
            elif listed_for in (environment, ANY):
                ids.add(user_id)
        self._ids = frozenset(ids)
        return faults

    def _read_outside(self, location: str, base: Path, faults: list[Fault]) -> list[SeedRow]:
        path = base / Path(location).expanduser()
        if not path.is_file():
            parts = table_parts(location)
            is_file = looks_like_file(location) or location.lower().endswith(_CSV)
            if parts is not None and not is_file:
                self.table = parts
                return []
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
        rows = read_csv(path, location, _OUTSIDE_COLUMNS, _OUTSIDE_OPTIONAL, faults) or []
        return [_for_all_if_blank(row) for row in rows]

    def __arrow_c_schema__(self) -> Any:
        """Export the schema."""
        return SCHEMA.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Export a new stream over the ids."""
        table = pa.table({"user_id": pa.array(sorted(self._ids), pa.string())}, schema=SCHEMA)
        return table.__arrow_c_stream__(requested_schema)


def _for_all_if_blank(row: SeedRow) -> SeedRow:
    cells = {**row.cells, "environment": row.word("environment") or ANY}
    return SeedRow(row.file, row.line, cells)


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
            faults.append(Fault(label, number, problem, "Mend the line, or remove it"))
            continue
        yield SeedRow(label, number, {"user_id": user_id, "environment": environment})


def _text(value: Any) -> str:
    """Return an id as staging writes it: a whole number as its digits."""
    if isinstance(value, str):
        value.encode()
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError
