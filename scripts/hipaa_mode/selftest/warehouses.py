"""Where copies of a project are built: databases of their own, apart from what the project has."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb

from hipaa_mode import ending
from hipaa_mode.engines import DUCKDB, POSTGRES, SPARK
from hipaa_mode.errors import ConfigurationError, RawCallsError
from hipaa_mode.quoting import identifier, literal

Ask = Callable[[str, Mapping[str, object]], list[dict[str, Any]]]
"""Returns the rows of a query by the names of their columns; parameters stand in it as `$name`."""


class Warehouse(Protocol):
    """Makes databases of the kind that a target has, one for each copy.

    Attributes:
        raw_calls: what a copy reads its calls of, as HIPAA_MODE_RAW_CALLS names them.
        numbered_calls: a query of a copy's calls: `line`, from 1, `file_number`, `line_number`.
        keeps_tables: whether what a run of dbt made is there to be read when it has ended.
        builds_at_once: how many builds may run side by side.
    """

    raw_calls: str
    numbered_calls: str
    keeps_tables: bool
    builds_at_once: int

    def place(self, project: Path) -> Path | None:
        """Return the folder that copies have to be in; None where any will do."""

    def make(self, copy: Path) -> dict[str, Any]:
        """Make the database of a copy, and return the copy's target of profiles.yml."""

    def give_calls(self, copy: Path, calls: Mapping[str, Sequence[bytes]]) -> None:
        """Give a copy its calls, the lines of each file."""

    def give_codes(self, copy: Path, like: Path, table: tuple[str, str]) -> None:
        """Give a copy that was not built yet a table of one that was."""

    def export_published(self, copy: Path, schema: str, table: str, file: Path) -> None:
        """Write a published table to a Parquet file, in its order."""

    def empty(self, copy: Path) -> None:
        """Take away all that a copy has, its calls too."""

    def run(
        self, command: Sequence[str], copy: Path, environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command of dbt in a copy to its end; both streams of its output are one."""

    def reading(self, copy: Path) -> AbstractContextManager[Ask]:
        """Let a copy's database be asked."""

    def lines(self, table: Sequence[str], column: str | None) -> Iterator[bytes]:
        """Give the messages of the project's own table of raw calls, each on one line."""

    def remove(self) -> None:
        """Remove every database that was made."""


def warehouse_of(name: str, profile: str, outputs: Mapping[str, Mapping[str, Any]]) -> Warehouse:
    """Return what makes databases as a target of a profile has one.

    Raises:
        ConfigurationError: copies can't be built there.
    """
    output = outputs[name]
    if output.get("type") == POSTGRES:
        from hipaa_mode.selftest.postgres_databases import PostgresDatabases

        return PostgresDatabases(output)
    if output.get("type") == SPARK:
        from hipaa_mode.selftest.spark_warehouses import SparkWarehouses

        return SparkWarehouses(name, output)
    if output.get("type") != DUCKDB:
        # There the copy would be built, and published, where the project itself is.
        raise ConfigurationError(
            f"Target {name} of profile {profile} is of type {output.get('type')}, and a copy of "
            f"the project is built in a database of its own. Name a target of type {DUCKDB}, "
            f"{POSTGRES} or {SPARK}, with --target"
        )
    return DuckDbFiles(output)


def empty_folders(copy: Path) -> None:
    """Remove what a copy has read and built in files."""
    for folder in ("raw_calls", "restricted"):
        shutil.rmtree(copy / folder)
        (copy / folder).mkdir(mode=0o700)


def write_calls(copy: Path, calls: Mapping[str, Sequence[bytes]]) -> None:
    """Write the calls of a copy to files."""
    (copy / "raw_calls").mkdir(mode=0o700, exist_ok=True)
    for file, lines in calls.items():
        (copy / "raw_calls" / file).write_bytes(b"".join(line + b"\n" for line in lines))


class DuckDbFiles:
    """See `Warehouse`; each is a file in the copy's folder, and goes with it."""

    keeps_tables = True
    builds_at_once = 2

    raw_calls = "raw_calls/*.ndjson"
    numbered_calls = (
        "select number as line, 1 as file_number, number as line_number "
        "from unnest(range(1, cast($count as bigint) + 1)) as numbers (number)"
    )

    def __init__(self, output: Mapping[str, Any]) -> None:
        self._output = {key: value for key, value in output.items() if key != "attach"}

    def place(self, project: Path) -> Path | None:
        """Return none: any folder will do."""
        return None

    def make(self, copy: Path) -> dict[str, Any]:
        """Name the file of the copy; dbt makes it."""
        stem = self._output.get("database", "selftest")
        return {**self._output, "path": f"restricted/{stem}.duckdb"}

    def give_calls(self, copy: Path, calls: Mapping[str, Sequence[bytes]]) -> None:
        """Write files."""
        write_calls(copy, calls)

    def give_codes(self, copy: Path, like: Path, table: tuple[str, str]) -> None:
        """Copy the table from file to file."""
        database = _file_of(like)
        name = identifier(*table)
        with duckdb.connect(str(copy / "restricted" / database.name)) as connection:
            connection.execute(f"attach {literal(database)} as other (read_only)")
            connection.execute(f"create schema if not exists {identifier(table[0])}")
            connection.execute(f"create table {name} as from other.{name}")

    def export_published(self, copy: Path, schema: str, table: str, file: Path) -> None:
        """Do nothing: files are published."""

    def empty(self, copy: Path) -> None:
        """Remove the files."""
        empty_folders(copy)

    def run(
        self, command: Sequence[str], copy: Path, environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it as a program."""
        return ending.run(command, copy, environ)

    @contextmanager
    def reading(self, copy: Path) -> Iterator[Ask]:
        """Open the file to be read."""
        with duckdb.connect(str(_file_of(copy)), read_only=True) as connection:

            def ask(sql: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
                cursor = connection.execute(sql, parameters)
                names = [column[0] for column in cursor.description or ()]
                return [dict(zip(names, row)) for row in cursor.fetchall()]

            yield ask

    def lines(self, table: Sequence[str], column: str | None) -> Iterator[bytes]:
        """Refuse: a build may have the database open."""
        raise RawCallsError(
            "The raw calls are a table of DuckDB, which the selftest does not read. Name files of "
            "calls: hipaa-mode selftest --calls 'export/*.ndjson'"
        )

    def remove(self) -> None:
        """Do nothing: they go with the folders of the copies."""


def _file_of(copy: Path) -> Path:
    return next((copy / "restricted").glob("*.duckdb"))
