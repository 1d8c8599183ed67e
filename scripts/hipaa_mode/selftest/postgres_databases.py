"""Databases for copies of a project, on the PostgreSQL server of the project's own target.

Each is made for one copy, by a name that is its mark, lets nobody else in, and is dropped with the
copy; what a command that was killed left, the next one drops. Nothing is written to the database
that the target names.
"""

from __future__ import annotations

import hashlib
import io
import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2

from hipaa_mode import ending
from hipaa_mode.engines.postgres_connections import connect, credentials_of
from hipaa_mode.engines.postgres_faults import faults_of_server, why
from hipaa_mode.engines.postgres_rows import rows_of, with_parameters
from hipaa_mode.errors import ConfigurationError, HipaaModeError, RawCallsError
from hipaa_mode.quoting import identifier, literal
from hipaa_mode.run.file_writer import write_file
from hipaa_mode.selftest.warehouses import Ask

NAME = "hipaa_mode_copy_"
"""What the names of the databases begin with."""

_DIGITS = 16

LINES_AT_ONCE = 10_000

_LEFT = """
select base.datname
from pg_catalog.pg_database as base
where
    starts_with(base.datname, %s)
    and base.datdba = (select oid from pg_catalog.pg_roles where rolname = current_user)
    and not exists (
        select 1
        from pg_catalog.pg_stat_activity as session
        where
            session.application_name = base.datname
            or (
                session.datid = base.oid
                and session.backend_type is distinct from 'autovacuum worker'
            )
    )
"""
"""The role's databases that nobody is connected to, and that none is being made by."""

_BYTEA = 17
"""The number of type `bytea`."""

_RAW_CALLS = "raw_calls.calls"
_MAKE_RAW_CALLS = (
    f"create schema raw_calls; create unlogged table {_RAW_CALLS} (number bigint, message bytea)"
)


def new_name() -> str:
    """Return a name for a database: random digits, and those that only they have.

    So a database is known for ours from the moment it is there, by a name that nobody else gives.
    """
    digits = secrets.token_hex(_DIGITS // 2)
    return f"{NAME}{digits}_{_digest(digits)}"


def is_ours(name: str) -> bool:
    """Tell whether `new_name` made a name."""
    digits, _, digest = name.removeprefix(NAME).partition("_")
    return name.startswith(NAME) and len(digits) == _DIGITS and digest == _digest(digits)


def _digest(digits: str) -> str:
    return hashlib.sha256(f"{NAME}{digits}".encode()).hexdigest()[:_DIGITS]


class PostgresDatabases:
    """See `Warehouse`; holds a connection to each database as long as there is need of it."""

    raw_calls = _RAW_CALLS
    numbered_calls = (
        "select number as line, cast(row_number() over (partition by message order by number) "
        "as integer) as file_number, hipaa_functions.place_of(message) as line_number "
        f"from {_RAW_CALLS}"
    )
    keeps_tables = True
    builds_at_once = 2

    def __init__(self, output: Mapping[str, Any]) -> None:
        self._output = {key: value for key, value in output.items() if key != "database"}
        self._credentials = credentials_of(output)
        self._made: dict[Path, str] = {}
        self._held: dict[str, Any] = {}
        self._is_tidy = False

    def place(self, project: Path) -> Path | None:
        """Return none: any folder will do."""
        return None

    def make(self, copy: Path) -> dict[str, Any]:
        """Make the database of a copy.

        Raises:
            ConfigurationError: the server is not fit for a build, or the role may make none.
        """
        name = new_name()
        try:
            with self._own() as cursor:
                if not self._is_tidy:
                    self._drop_left(cursor)
                # Until the command is connected to it, this tells others that it is at work.
                cursor.execute(f"set application_name = {literal(name)}")
                self._made[copy] = name
                self._create(cursor, name)
                self._held[name] = connect(replace(self._credentials, database=name))
            with self._on(copy) as cursor:
                cursor.execute(_MAKE_RAW_CALLS)
        except BaseException:
            self.remove()
            raise
        return {**self._output, "dbname": name}

    def _create(self, cursor: Any, name: str) -> None:
        if faults := list(faults_of_server(cursor)):
            raise ConfigurationError("\n".join(faults))
        cursor.execute(
            "select rolcreatedb or rolsuper, rolname, datcollate, datctype "
            "from pg_roles, pg_database "
            "where rolname = current_user and datname = current_database()"
        )
        [(may_create, role, collation, kinds)] = cursor.fetchall()
        if not may_create:
            raise ConfigurationError(
                "A copy of the project is built in a database of its own, and the role "
                f"{role} may make none. Let it (alter role {identifier(role)} createdb), or name "
                "a target of DuckDB with --target"
            )
        cursor.execute(
            f"create database {identifier(name)} template template0 encoding 'UTF8' "
            f"locale_provider libc lc_collate {literal(collation)} lc_ctype {literal(kinds)}"
        )
        cursor.execute(f"revoke all on database {identifier(name)} from public")

    def _drop_left(self, cursor: Any) -> None:
        """Drop what commands that were killed left."""
        cursor.execute(_LEFT, (NAME,))
        for name in (name for (name,) in cursor.fetchall() if is_ours(name)):
            with suppress(psycopg2.Error):
                # One that somebody begins to use, or drops, meanwhile.
                cursor.execute(f"drop database {identifier(name)}")
        self._is_tidy = True

    def give_calls(self, copy: Path, calls: Mapping[str, Sequence[bytes]]) -> None:
        """Copy the calls into a table, in no SQL text."""
        numbered = list(enumerate((line for lines in calls.values() for line in lines), start=1))
        with self._on(copy) as cursor:
            for start in range(0, len(numbered), LINES_AT_ONCE):
                text = "".join(
                    f"{number}\t\\\\x{line.hex()}\n"
                    for number, line in numbered[start : start + LINES_AT_ONCE]
                )
                cursor.copy_expert(f"copy {self.raw_calls} from stdin", io.StringIO(text))

    def give_codes(self, copy: Path, like: Path, table: tuple[str, str]) -> None:
        """Copy the table from database to database."""
        name, rows = identifier(*table), io.BytesIO()
        with self._on(like) as cursor:
            cursor.execute(
                "select attname, format_type(atttypid, atttypmod) from pg_attribute "
                f"where attrelid = to_regclass({literal(name)}) and attnum > 0 "
                "and not attisdropped order by attnum"
            )
            columns = ", ".join(
                f"{identifier(column)} {kind}" for column, kind in cursor.fetchall()
            )
            cursor.copy_expert(f"copy {name} to stdout", rows)
        rows.seek(0)
        with self._on(copy) as cursor:
            cursor.execute(
                f"create schema if not exists {identifier(table[0])}; "
                f"create table {name} ({columns})"
            )
            cursor.copy_expert(f"copy {name} from stdin", rows)

    def export_published(self, copy: Path, schema: str, table: str, file: Path) -> None:
        """Write a published table to a Parquet file, in its order."""
        with (
            self._on(copy) as cursor,
            rows_of(cursor, f"select * from {identifier(schema, table)}") as rows,
        ):
            write_file(rows, str(file), ())

    def empty(self, copy: Path) -> None:
        """Take away all that a copy has, its calls too."""
        with self._on(copy) as cursor:
            cursor.execute(
                "select nspname from pg_namespace "
                "where nspname not in ('public', 'information_schema') "
                "and not starts_with(nspname, 'pg_')"
            )
            for (schema,) in cursor.fetchall():
                cursor.execute(f"drop schema {identifier(schema)} cascade")
            cursor.execute(_MAKE_RAW_CALLS)

    def run(
        self, command: Sequence[str], copy: Path, environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it as a program."""
        return ending.run(command, copy, environ)

    @contextmanager
    def reading(self, copy: Path) -> Iterator[Ask]:
        """Ask the copy's database."""
        with self._on(copy) as cursor:

            def ask(sql: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
                cursor.execute(with_parameters(sql), parameters)
                names = [column.name for column in cursor.description]
                return [dict(zip(names, row)) for row in cursor.fetchall()]

            yield ask

    def lines(self, table: Sequence[str], column: str | None) -> Iterator[bytes]:
        """Give the messages of the target's own table, of which nothing else is read."""
        name = identifier(*table)
        with self._own() as cursor:
            cursor.execute(
                "select attname, atttypid from pg_attribute "
                f"where attrelid = to_regclass({literal(name)}) and attnum > 0 "
                "and not attisdropped"
            )
            columns = dict(cursor.fetchall())
            wanted = next(iter(columns)) if len(columns) == 1 else column or "message"
            if wanted not in columns:
                raise RawCallsError(
                    f"There is no table {'.'.join(table)} with a column {wanted}. Name the one "
                    "that builds read, in HIPAA_MODE_RAW_CALLS"
                )
            message = identifier(wanted)
            if columns[wanted] != _BYTEA:
                message = f"convert_to(cast({message} as text), 'UTF8')"
            cursor.execute("begin read only")
            cursor.execute(
                f"declare raw_lines no scroll cursor for "
                f"select {message} from {name} where {identifier(wanted)} is not null"
            )
            fetch = f"fetch forward {LINES_AT_ONCE} from raw_lines"
            cursor.execute(fetch)
            while rows := cursor.fetchall():
                yield from (bytes(line) for (line,) in rows)
                cursor.execute(fetch)

    def remove(self) -> None:
        """Drop every database that was made.

        Raises:
            HipaaModeError: one can't be dropped; the next command drops it.
        """
        for connection in self._held.values():
            connection.close()
        self._held.clear()
        while self._made:
            _, name = self._made.popitem()
            with self._own() as cursor:
                cursor.execute(f"drop database if exists {identifier(name)} with (force)")

    @contextmanager
    def _own(self) -> Iterator[Any]:
        """Have a cursor in the target's own database."""
        with (
            closing(connect(self._credentials)) as connection,
            _telling(),
            connection.cursor() as cursor,
        ):
            yield cursor

    @contextmanager
    def _on(self, copy: Path) -> Iterator[Any]:
        """Have a cursor in the database of a copy."""
        with _telling(), self._held[self._made[copy]].cursor() as cursor:
            yield cursor


@contextmanager
def _telling() -> Iterator[None]:
    """Say what goes wrong, without words of PostgreSQL that may quote a value."""
    try:
        yield
    except psycopg2.Error as error:
        raise HipaaModeError(
            f"A database for a copy of the project can't be made or read: {why(error)}"
        ) from None
