"""PostgreSQL: functions in a schema of their own, subkeys in a connection's start-up packet."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger

from hipaa_mode import functions, locking
from hipaa_mode.engines import OURS, POSTGRES, NewTables, closing, schema_of, thread_connection
from hipaa_mode.engines.postgres_connections import CLIENT, connect, use
from hipaa_mode.engines.postgres_faults import faults_of_server, what_stands_in, why
from hipaa_mode.engines.postgres_rows import copied_line, rows_of, with_parameters
from hipaa_mode.errors import HipaaModeError, PublishingError
from hipaa_mode.quoting import identifier, literal
from hipaa_mode.run.file_writer import write_file

if TYPE_CHECKING:
    from hipaa_mode.raw_calls import RawLines

MOST_BYTES_OF_OPTIONS = 9_000
"""PostgreSQL takes start-up packets of 10,000 bytes."""

REQUIRED: Mapping[str, str] = {
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "array_nulls": "on",
    "IntervalStyle": "postgres",
    "session_replication_role": "origin",
    "plpgsql.variable_conflict": "error",
}
"""Settings that decide what the reviewed SQL means."""

ANALYST = "hipaa_mode_analyst"
"""The role that may read all published schemas, where there is one; that of a destination has the
name of its schema."""

OLD = "__old_"
"""What the name of a schema ends with that was published before, and a random number."""

LOCK_TIMEOUT = "2s"
MOST_BYTES_OF_A_NAME = 63
SPACE_TO_CLEAR = "space_to_clear"
_LOCK = 7303014
_HELD = f"{_LOCK}, 1"

_PUBLISHED_BY = f"{OURS} published by "
"""What the comment on a published schema begins with; the number of the run follows."""

_PUBLISHING = f"set local lock_timeout = '{LOCK_TIMEOUT}'; set local synchronize_seqscans = off"
"""What is in force while tables are published: tables are read in the order of their rows."""


def setting_of(scope: str) -> str:
    """Return the setting that has the subkey of a scope; as in function `token`."""
    return f"hipaa_mode.subkey_{hashlib.md5(scope.encode()).hexdigest()[:16]}"


_logger = AdapterLogger("Postgres")


class Postgres:
    """See `Engine`; it keeps one connection of its own.

    Args:
        adapter: dbt's adapter of the run.
    """

    publishes_files = False
    masks_itself = True
    knows_rows = True
    row_count = "pg_catalog.count(*)"
    keeps_tables = True
    may_keep_calls = False
    text_type = "text"
    joins_on_calls = True
    row_order = "ctid"

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self._connection: Any = None
        self._settings: tuple[str, ...] = ()
        self._is_at_work = False
        self._in_use = threading.RLock()

    @contextlib.contextmanager
    def cursor(self) -> Iterator[Any]:
        """Have a cursor on the run's own connection.

        Raises:
            HipaaModeError: the database can't be asked.
        """
        with self._in_use:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = self._connect()
                    if self._is_at_work:
                        self._hold_database()
                with closing(self._connection.cursor()) as cursor:
                    yield cursor
            except psycopg2.Error as error:
                # PostgreSQL's own words may quote a value.
                raise HipaaModeError(
                    f"The database can't be read or written: {why(error)}"
                ) from None

    def _connect(self) -> Any:
        return connect(self._adapter.config.credentials, type(self._adapter.connections))

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(self, sql: str, parameters: Mapping[str, object]) -> list[Any]:
        """Return the rows of a query."""
        with self.cursor() as cursor:
            if parameters:
                cursor.execute(with_parameters(sql), parameters)
            else:
                cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def read_here(self, query: str) -> contextlib.AbstractContextManager[pa.RecordBatchReader]:
        """Refuse: no files are written of rows."""
        raise HipaaModeError("PostgreSQL publishes no files")

    def command_faults(self, command: str) -> list[str]:
        """Say nothing: all commands can be run."""
        return []

    def start(self, subkeys: Mapping[str, str], environment: str, fingerprint: str) -> str | None:
        """Make the functions; connections that are opened from now on have the subkeys.

        Raises:
            HipaaModeError: the functions can't be made, or the subkeys not given.
        """
        if self._adapter.config.credentials.search_path:
            raise HipaaModeError(
                "the target in profiles.yml sets `search_path`, in which something else may "
                "stand in for what the SQL names. Take it out"
            )
        self.end()
        given = {setting_of(scope): key for scope, key in subkeys.items()}
        given |= self._notices_the_end()
        options = " ".join(f"-c {name}={value}" for name, value in given.items())
        if len(options) > MOST_BYTES_OF_OPTIONS:
            raise HipaaModeError(
                f"{len(subkeys)} subkeys are more than a connection to PostgreSQL can be given. "
                "Let more destinations and properties share a scope; after a rotation of the key "
                "hipaa_mode__token_bridge: false needs half as many"
            )
        use()
        CLIENT.options = options
        self._settings = tuple(map(setting_of, subkeys))
        self._disconnect()
        self._is_at_work = True
        self._hold_database()
        return self._make_functions()

    def _notices_the_end(self) -> dict[str, str]:
        """Return what has the server end a statement whose client is gone, where it can.

        Else it would go on with what a build that was killed had begun, and hold its locks.
        """
        noticing = {"client_connection_check_interval": "2s"}
        try:
            for name, value in noticing.items():
                self.ask(f"select set_config({literal(name)}, {literal(value)}, false)", {})
        except HipaaModeError:
            return {}
        return noticing

    def _hold_database(self) -> None:
        """Hold the database for as long as the run's own connection is open.

        Raises:
            HipaaModeError: another build has it, for longer than it is waited for.
        """
        seconds = locking.timeout(os.environ)
        with self.cursor() as cursor:
            cursor.execute(f"select pg_try_advisory_lock({_HELD})")
            if cursor.fetchall() == [(True,)]:
                return
            _logger.info("hipaa_mode: another build is at work in this database; waiting for it")
            cursor.execute(f"set lock_timeout = '{max(1, round(1000 * seconds))}ms'")
            try:
                cursor.execute(f"select pg_advisory_lock({_HELD})")
            except psycopg2.errors.LockNotAvailable:
                raise HipaaModeError(
                    "another build is at work in this database. Run it again when that has ended, "
                    f"or wait longer for it: {locking.TIMEOUT_VARIABLE}"
                ) from None
            cursor.execute("reset lock_timeout")

    def end(self) -> None:
        """Close the connection, and give later ones no subkeys."""
        self._is_at_work = False
        self._disconnect()
        CLIENT.options = ""

    def _make_functions(self) -> str:
        own = f"{OURS} {functions.file_hash(POSTGRES)}"
        with self.cursor() as cursor:
            if faults := list(faults_of_server(cursor)):
                raise HipaaModeError("\n".join(faults))
            cursor.execute("begin")
            try:
                cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
                cursor.execute(
                    "select coalesce(obj_description(oid, 'pg_namespace'), '') from pg_namespace "
                    "where nspname = %s",
                    (functions.SCHEMA,),
                )
                found = [comment for (comment,) in cursor.fetchall()]
                if found and not found[0].startswith(f"{OURS} "):
                    raise HipaaModeError(
                        f"the database has a schema {functions.SCHEMA} that is not the package's. "
                        "Give it another name"
                    )
                digest = _digest(cursor)
                if found != [f"{own} {digest}"]:
                    _create(cursor)
                    digest = _digest(cursor)
                    cursor.execute(
                        f"comment on schema {functions.SCHEMA} is {literal(f'{own} {digest}')}"
                    )
                cursor.execute("commit")
            except BaseException:
                cursor.execute("rollback")
                raise
        return digest

    def connection_faults(self, masks: bool = False) -> list[str]:
        """Say which settings of the thread's connection are not as the SQL was reviewed with."""
        try:
            with closing(thread_connection().cursor()) as cursor:
                cursor.execute("select name, setting from pg_settings")
                settings = dict(cursor.fetchall())
                faults = list(faults_of_server(cursor))
                cursor.execute(
                    "select count(*) from unnest(cast(%s as text[])) as given (name) "
                    "where current_setting(name, true) is null",
                    (list(self._settings),),
                )
                [(lacking,)] = cursor.fetchall()
        except psycopg2.Error as error:
            raise HipaaModeError(
                f"The connection does not say how it is set ({type(error).__name__})"
            ) from None
        faults += [
            f"`{name}` of the connection is `{settings.get(name)}` and has to be `{wanted}`"
            for name, wanted in REQUIRED.items()
            if settings.get(name, wanted) != wanted
        ]
        if masks and lacking:
            faults.append(
                "the connection was opened without the subkeys of tokens. Nothing but "
                "dbt-postgres may open the connections of a run"
            )
        return faults

    def function_fault(self, made: str | None) -> str:
        """Say what may stand in for a function of the package or of the engine."""
        if made is None:
            return "the functions were not made, so nothing was built. Keep the on-run-start hook"
        with self.cursor() as cursor:
            if _digest(cursor) != made:
                return (
                    f"the functions of schema {functions.SCHEMA}, which every value passes "
                    "through, are not those that were made when the run started. Take out what "
                    "replaces or drops one, and run one build at a time"
                )
            names = what_stands_in(cursor)
        if names:
            return (
                "the database has what may stand in for the engine's own, so nothing was built. "
                f"Drop: {', '.join(names)}"
            )
        return ""

    def hash_of_called(self, sql: str) -> str:
        """Return the hash of the functions that SQL calls: of all, since no file says which."""
        return functions.file_hash(POSTGRES)

    def has_table(self, database: str, schema: str, name: str) -> bool:
        """Tell whether there is a table."""
        return bool(
            self.ask(
                "select 1 from information_schema.tables "
                "where table_schema = $schema and table_name = $name",
                {"schema": schema, "name": name},
            )
        )

    def database_of(self, table: Sequence[str], database: str) -> str:
        """Return the database's name: a connection has but one."""
        return database

    def columns(self, parts: Sequence[str]) -> str:
        """Return a query of the columns of a table."""
        return (
            "select lower(attname) from pg_attribute where attnum > 0 and not attisdropped and "
            f"attrelid = to_regclass({literal(identifier(*parts))})"
        )

    def temporary_table(self, name: str, query: str) -> str:
        """Return statements that make a temporary table."""
        return f"drop table if exists pg_temp.{name}; create temporary table {name} as {query}"

    def replaced_table(self, name: str, query: str) -> str:
        """Return statements that fill a table anew."""
        return f"delete from {name}; insert into {name} {query}"

    def together(self, statements: Sequence[str]) -> Sequence[str]:
        """Return statements that run others in one transaction."""
        return [f"begin; {'; '.join(statements)}; commit"]

    def texts(self, texts: Sequence[str]) -> str:
        """Return SQL of a list of text literals."""
        return f"cast(array[{', '.join(map(literal, texts))}] as text[])"

    def different_texts(self, texts: Sequence[str]) -> str:
        """Return SQL of the different ones of some texts."""
        listed = f"unnest(array[{', '.join(texts)}]) as listed (text)"
        return f"unnest(array(select distinct text from {listed} where text is not null))"

    def list_people(self, cursor: Any, name: str, people: Any) -> None:
        """Copy the lists into a temporary table: what is copied is in no SQL text."""
        table = pa.RecordBatchReader.from_stream(people).read_all()
        columns = ", ".join(f"{column} text" for column in table.column_names)
        cursor.execute(
            f"drop table if exists pg_temp.{name}; create temporary table {name} ({columns})"
        )
        lines = "".join(copied_line(row.values()) for row in table.to_pylist())
        cursor.copy_expert(f"copy {name} from stdin", io.StringIO(lines))

    def read_raw_lines(self, name: str, lines: RawLines) -> None:
        """Do nothing: raw calls are a table."""

    @contextlib.contextmanager
    def read(self, query: str) -> Iterator[pa.RecordBatchReader]:
        """Have the rows of a query, of which the server sends some at a time.

        Raises:
            HipaaModeError: they can't be read.
        """
        with self.cursor() as cursor, rows_of(cursor, query) as rows:
            yield rows

    def write_parquet(self, query: str, path: Path) -> None:
        """Write the rows of a query to a file."""
        with self.read(query) as rows:
            write_file(rows, str(path), ())

    @contextlib.contextmanager
    def publishing(
        self, environment: str, destination: str, relations: Mapping[str, str], run_number: int
    ) -> Iterator[NewTables]:
        """Make tables of a destination's views, and put them in place, in one transaction.

        Raises:
            PublishingError: they can't be; what was published stays.
        """
        schema = schema_of(environment, destination)
        aside, before = f"{schema}__new", _old(schema)
        if len(before.encode()) > MOST_BYTES_OF_A_NAME:
            raise PublishingError(
                f"the schema `{schema}` would have too long a name. Shorten the destination's"
            )
        with self.cursor() as cursor:

            def put_in_place() -> None:
                _swap(cursor, aside, schema, before, run_number)
                cursor.execute("commit")

            cursor.execute("begin")
            try:
                cursor.execute(_PUBLISHING)
                cursor.execute(f"create schema {identifier(aside)}")
                tables = {view: identifier(aside, view) for view in relations}
                for view, table in tables.items():
                    _copy_view(cursor, relations[view], table)
                yield NewTables(tables, put_in_place)
            except psycopg2.errors.LockNotAvailable:
                cursor.execute("rollback")
                raise PublishingError(
                    f"something else in the database holds what the schema `{schema}` needs to be "
                    f"put in place, for more than {LOCK_TIMEOUT}. End that (pg_locks names it), "
                    "and run dbt build again"
                ) from None
            except BaseException:
                cursor.execute("rollback")
                raise
        self._drop_old()

    def published_by(self, environment: str) -> Mapping[str, int]:
        """Return the number of the run that published a destination."""
        start = schema_of(environment, "")
        found = self.ask(
            "select substr(nspname, length($start) + 1), "
            "substr(obj_description(oid, 'pg_namespace'), length($said) + 1) "
            "from pg_namespace where starts_with(nspname, $start) "
            "and starts_with(obj_description(oid, 'pg_namespace'), $said)",
            {"start": start, "said": _PUBLISHED_BY},
        )
        return {name: int(number) for name, number in found if OLD not in name}

    def _drop_old(self) -> None:
        """Drop what was published before; what somebody still reads is left for the next build."""
        with self.cursor() as cursor:
            cursor.execute(
                "select nspname from pg_namespace where starts_with(nspname, %s) "
                "and starts_with(obj_description(oid, 'pg_namespace'), %s) "
                "and strpos(nspname, %s) > 0",
                (f"{OURS}_", f"{OURS} ", OLD),
            )
            found = cursor.fetchall()
            cursor.execute(f"set lock_timeout = '{LOCK_TIMEOUT}'")
            for (schema,) in found:
                with contextlib.suppress(psycopg2.errors.LockNotAvailable):
                    cursor.execute(f"drop schema {identifier(schema)} cascade")
            cursor.execute("reset lock_timeout")

    def clear_space(self, zone: Sequence[str]) -> None:
        """Write the tables of the restricted zone, and their statistics, anew."""
        tables = self.ask(
            "select table_name from information_schema.tables "
            "where table_schema = $schema and table_type = 'BASE TABLE'",
            {"schema": zone[1]},
        )
        for (name,) in tables:
            self.ask(f"vacuum (full, analyze) {identifier(*zone[1:], name)}", {})
        self.ask(f"delete from {identifier(*zone[1:], SPACE_TO_CLEAR)}", {})

    def withdraw(self, environment: str, kept: Collection[str]) -> None:
        """Drop the schemas of destinations other than some, whoever reads them."""
        start = schema_of(environment, "")
        for (schema,) in self.ask(
            "select nspname from pg_namespace where starts_with(nspname, $start) and "
            "starts_with(obj_description(oid, 'pg_namespace'), $ours)",
            {"start": start, "ours": f"{OURS} "},
        ):
            if OLD not in schema and schema[len(start) :] not in kept:
                self._take_away(schema)
        self._drop_old()

    def _take_away(self, schema: str) -> None:
        """Take a schema away by its name, whoever reads it; its rows go when they have ended."""
        with self.cursor() as cursor:
            cursor.execute(f"set lock_timeout = '{LOCK_TIMEOUT}'")
            try:
                cursor.execute(_taken_away(schema, _old(schema), _readers(cursor, schema)))
            except psycopg2.errors.LockNotAvailable:
                raise HipaaModeError(
                    f"the schema `{schema}` is to be withdrawn, and something else in the "
                    f"database holds it for more than {LOCK_TIMEOUT}. End that (pg_locks names "
                    "it), and run dbt build again; nothing was built"
                ) from None
            finally:
                cursor.execute("reset lock_timeout")


_DIGEST = f"""
select proname, pg_get_function_identity_arguments(oid), prorettype::regtype::text,
    prokind::text, prosrc, coalesce(pg_get_function_sqlbody(oid), ''), provolatile::text,
    proisstrict, prosecdef,
    coalesce(proconfig::text, ''), proowner::regrole::text
from pg_catalog.pg_proc
where pronamespace = to_regnamespace('{functions.SCHEMA}')
order by 1, 2
"""


def _digest(cursor: Any) -> str:
    """Return the SHA-256 of the functions as the database has them."""
    cursor.execute(_DIGEST)
    return hashlib.sha256("\n".join(map(repr, cursor.fetchall())).encode()).hexdigest()


def _create(cursor: Any) -> None:
    """Make the functions in place of those of another version."""
    cursor.execute("create extension if not exists pgcrypto")
    cursor.execute(
        "select extnamespace::regnamespace::text from pg_extension where extname = 'pgcrypto'"
    )
    [(pgcrypto,)] = cursor.fetchall()
    text = functions.read_text(POSTGRES).replace("pgcrypto.", f"{pgcrypto}.")
    cursor.execute(
        f"drop schema if exists {functions.SCHEMA} cascade; create schema {functions.SCHEMA}; "
        f"revoke all on schema {functions.SCHEMA} from public"
    )
    cursor.execute(text)


def _copy_view(cursor: Any, relation: str, table: str) -> None:
    """Make a table of a view, in the order of its row ids, with the comments of its columns."""
    cursor.execute(f"create table {table} as select * from {relation} order by row_id")
    cursor.execute(
        "select attname, col_description(attrelid, attnum) from pg_attribute "
        f"where attrelid = to_regclass({literal(relation)}) and attnum > 0"
    )
    for name, comment in cursor.fetchall():
        if comment:
            cursor.execute(f"comment on column {table}.{identifier(name)} is {literal(comment)}")


def _old(schema: str) -> str:
    """Return the name that a schema gets when it is published no more."""
    return f"{schema}{OLD}{secrets.token_hex(4)}"


def _readers(cursor: Any, schema: str) -> str:
    """Return the roles that may read a schema, as SQL; blank where the server has none of them."""
    cursor.execute("select rolname from pg_roles where rolname = any (%s)", ([schema, ANALYST],))
    return ", ".join(identifier(role) for (role,) in cursor.fetchall())


def _taken_away(schema: str, before: str, readers: str) -> str:
    """Return statements that give a schema another name, under which nobody may read it."""
    return (
        f"alter schema {identifier(schema)} rename to {identifier(before)}; "
        f"revoke all on schema {identifier(before)} from {readers or 'public'}; "
        f"revoke all on all tables in schema {identifier(before)} from {readers or 'public'}"
    )


def _swap(cursor: Any, aside: str, schema: str, before: str, run_number: int) -> None:
    """Put a schema in the place of the one that there was, by names: no reader is waited for."""
    readers = _readers(cursor, schema)
    cursor.execute("select 1 from pg_namespace where nspname = %s", (schema,))
    if cursor.fetchall():
        cursor.execute(_taken_away(schema, before, readers))
    cursor.execute(
        f"alter schema {identifier(aside)} rename to {identifier(schema)}; "
        f"comment on schema {identifier(schema)} is {literal(f'{_PUBLISHED_BY}{run_number}')}"
    )
    if readers:
        cursor.execute(
            f"grant usage on schema {identifier(schema)} to {readers}; "
            f"grant select on all tables in schema {identifier(schema)} to {readers}"
        )
