"""DuckDB: the functions are made by the dbt-duckdb plugin, on the connection itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from hipaa_mode import functions, raw_ids, run_end
from hipaa_mode.engines import NewTables
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.quoting import literal
from hipaa_mode.run import connection
from hipaa_mode.run.file_writer import ROWS_AT_ONCE

if TYPE_CHECKING:
    from hipaa_mode.raw_calls import RawLines

ROWS_READ = 100_000
"""Rows of a query that are read at once; of those for files, as many as are written."""


class DuckDb:
    """See `Engine`.

    Args:
        connect: opens a connection of the run's database.
    """

    publishes_files = True
    masks_itself = False
    knows_rows = False
    row_count = "system.main.count_star()"
    keeps_tables = True
    may_keep_calls = False
    text_type = "varchar"
    joins_on_calls = True
    row_order = "rowid"

    def __init__(self, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._connect = connect

    @contextlib.contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Have a connection of its own, of which dbt logs nothing.

        Raises:
            HipaaModeError: the database can't be asked.
        """
        try:
            with self._connect() as cursor:
                yield cursor
        except duckdb.Error as error:
            # DuckDB's own words may quote a value, but for those about files.
            is_of_file = isinstance(error, duckdb.IOException)
            why = str(error) if is_of_file else type(error).__name__
            raise HipaaModeError(f"The database can't be read or written: {why}") from None

    def ask(self, sql: str, parameters: Mapping[str, object]) -> list[Any]:
        """Return the rows of a query."""
        with self.cursor() as cursor:
            return cursor.execute(sql, dict(parameters) or None).fetchall()

    @contextlib.contextmanager
    def read(self, query: str) -> Iterator[pa.RecordBatchReader]:
        """Have the rows of a query."""
        with self.cursor() as cursor, cursor.sql(query).to_arrow_reader(ROWS_READ) as rows:
            yield rows

    @contextlib.contextmanager
    def read_here(self, query: str) -> Iterator[pa.RecordBatchReader]:
        """Have the rows of a query, by the connection of the thread."""
        with connection.this_connection().sql(query).to_arrow_reader(ROWS_AT_ONCE) as rows:
            yield rows

    def command_faults(self, command: str) -> list[str]:
        """Say nothing: all commands can be run."""
        return []

    def start(self, subkeys: Mapping[str, str], environment: str, fingerprint: str) -> str | None:
        """Do nothing: the plugin did it, and masks with the session's keys."""
        return None

    def end(self) -> None:
        """Do nothing: the plugin's database is closed with the run."""

    def connection_faults(self, masks: bool = False) -> list[str]:
        """Say which settings and extensions of the connection are not as reviewed."""
        return connection.faults_of_this_connection()

    def function_fault(self, made: str | None) -> str:
        """Say what may stand in for a function."""
        return connection.function_fault(made)

    def hash_of_called(self, sql: str) -> str:
        """Return the hash of the functions that SQL calls, and of those that they call."""
        return functions.hash_of_called(sql)

    def has_table(self, database: str, schema: str, name: str) -> bool:
        """Tell whether there is a table."""
        return bool(
            self.ask(
                "select 1 from system.main.duckdb_tables() where lower(database_name) = "
                "lower($database) and lower(schema_name) = lower($schema) and table_name = $name",
                {"database": database, "schema": schema, "name": name},
            )
        )

    def database_of(self, table: Sequence[str], database: str) -> str:
        """Return the name of a database's file: another environment's may have its name.

        The first of two parts may be a database's name, or that of a schema.
        """
        rows = self.ask("select database_name, path from system.main.duckdb_databases()", {})
        files = {str(name).lower(): str(path or name) for name, path in rows}
        own = files.get(database.lower(), database)
        named = files.get(table[0].lower(), own) if len(table) > 1 else own
        return named.rpartition("/")[2]

    def columns(self, parts: Sequence[str]) -> str:
        """Return a query of the columns of a table."""
        named = zip(("table_name", "schema_name", "database_name"), reversed(parts))
        is_it = " and ".join(f"lower({kind}) = lower({literal(part)})" for kind, part in named)
        return f"select lower(column_name) from system.main.duckdb_columns() where {is_it}"

    def temporary_table(self, name: str, query: str) -> str:
        """Return the statement that makes a temporary table."""
        return f"create or replace temp table {name} as {query}"

    def replaced_table(self, name: str, query: str) -> str:
        """Return the statement that makes a table."""
        return f"create or replace table {name} as {query}"

    def together(self, statements: Sequence[str]) -> Sequence[str]:
        """Return statements that run others in one transaction."""
        return [f"begin; {'; '.join(statements)}; commit"]

    def texts(self, texts: Sequence[str]) -> str:
        """Return SQL of a list of text literals."""
        return f"cast([{', '.join(map(literal, texts))}] as varchar[])"

    def different_texts(self, texts: Sequence[str]) -> str:
        """Return SQL of the different ones of some texts."""
        return raw_ids.different_texts(texts)

    def list_people(self, cursor: Any, name: str, people: Any) -> None:
        """Do nothing: every cursor has the view of that name."""

    def read_raw_lines(self, name: str, lines: RawLines) -> None:
        """Do nothing: every cursor has the view of that name."""

    def publishing(
        self,
        environment: str,
        destination: str,
        relations: Mapping[str, str],
        run_number: int,
    ) -> contextlib.AbstractContextManager[NewTables]:
        """Refuse: what is published is files."""
        raise HipaaModeError("DuckDB publishes files")

    def published_by(self, environment: str) -> Mapping[str, int]:
        """Return none: what is published is files."""
        return {}

    def write_parquet(self, query: str, path: Path) -> None:
        """Write the rows of a query to a file."""
        options = "format parquet, compression zstd, use_tmp_file false"
        self.ask(f"copy ({query}) to {literal(str(path))} ({options})", {})

    def clear_space(self, zone: Sequence[str]) -> None:
        """See that the database file is written anew when the run has ended.

        DuckDB leaves what was deleted in the file's free space until that is used again.
        """
        found = self.ask(
            "select path from system.main.duckdb_databases() where database_name = $name",
            {"name": zone[0]},
        )
        run_end.rewrite_database(found[0][0] or "" if found else "")

    def withdraw(self, environment: str, kept: Collection[str]) -> None:
        """Do nothing: what is published is files."""
