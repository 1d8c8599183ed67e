"""The dbt-duckdb plugin: gives a connection the masking function and the raw calls.

Named in profiles.yml as `plugins: [{module: hipaa_mode.plugin}]`. Its one setting,
`config: {environment: dev}`, names the environment for commands that run no hooks, such as
`dbt show`; a run's own environment comes from its on-run-start hook. It registers

- `system.main.hipaa_mask(value, scope)`: the token of a value;
- `system.main.hipaa_mask_retired(value, scope, key)`: the one it had under a retired key, which is
  named by its fingerprint; for the bridge from old tokens to new ones and nothing else;
- `system.main.hipaa_mode_random_code(value)`: a random 128-bit code for every row;
- `system.main.hipaa_mode_is_hexadecimal(text)`: whether it is lower-case hexadecimal digits alone;
- `system.main.hipaa_mode_note_coincidences(view, column, count)`: notes what a check takes for a
  coincidence, for the run's end, and is true: dbt keeps the rows of a test to itself;
- the functions that values pass through: see `functions`;
- the temporary view `hipaa_mode_raw_lines`: the lines of the raw files;
- the temporary view `hipaa_mode_suppressed_users`: the ids of people whose calls are withheld.

What macros ask of Python goes another way: see `run.door`.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError
from duckdb.func import FunctionNullHandling, PythonUDFType

from hipaa_mode import functions, locking, rewriting, run_end, temporary_copies
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.masking import are_hexadecimal, random_codes
from hipaa_mode.quoting import literal
from hipaa_mode.run import current
from hipaa_mode.run.readers import (
    RAW_LINES_VIEW,
    SUPPRESSED_USERS_VIEW,
    VALUES_IN_FILE,
    VALUES_IN_MEMORY,
)
from hipaa_mode.run.session import Session
from hipaa_mode.run.state import message_of, tell
from hipaa_mode.run_settings import run_faults
from hipaa_mode.settings import plugin_faults


def _make_folder(database: Path) -> None:
    """Make the folder of a database file that is not there yet, its owner's alone."""
    folder = database.absolute().parent
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise HipaaModeError(
            f"The folder of the database can't be made: {error.strerror} ({folder}). Make it, or "
            "correct the path in profiles.yml"
        ) from None


def _database_file(creds: DuckDBCredentials) -> Path | None:
    """Return the database's file; None for one in memory, or at a service."""
    if creds.is_motherduck or re.match(r":|[A-Za-z_]{2,}:", creds.path):
        return None
    return Path(creds.path)


def _attach_values(connection: duckdb.DuckDBPyConnection, database: Path | None) -> None:
    """Attach the databases that have the values of calls while a run goes on.

    The file of the one loses its name at once: nothing is left of it when this process ends,
    however it does.
    """
    in_file = "" if database is None else f"{os.path.realpath(database)}.values-"
    attached = dict(
        connection.execute(
            "select lower(database_name), coalesce(path, '') from system.main.duckdb_databases()"
        ).fetchall()
    )
    for name, begin in ((VALUES_IN_MEMORY, ""), (VALUES_IN_FILE, in_file)):
        if name not in attached:
            _attach_one(connection, name, begin and begin + secrets.token_hex(8))
        elif bool(attached[name]) != bool(begin) or not attached[name].startswith(begin):
            raise HipaaModeError(
                f"the database is called {name}, as one is that has the values of calls. Give it "
                "another name"
            )


def _attach_one(connection: duckdb.DuckDBPyConnection, name: str, file: str) -> None:
    """Attach a database in a file that is removed, or in memory where none is named."""
    # A log of writes would be a second file with values.
    how = "read_write, recovery_mode no_wal_writes" if file else "read_write"
    connection.execute(f"attach {literal(file or ':memory:')} as {name} ({how})")
    if file:
        Path(file).unlink()


class Plugin(BasePlugin):
    """Registers the functions on every database connection; see the module's docstring."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Make what this process creates (database, logs, temporary files) private to its user."""
        run_end.begin()
        database_settings = self.creds.settings or {} if self.creds else {}
        faults = [*run_faults(os.environ), *plugin_faults(plugin_config, database_settings)]
        if faults:
            listed = "\n- ".join(str(fault) for fault in faults)
            raise DbtRuntimeError(f"hipaa_mode: a setting is wrong. Nothing was run.\n- {listed}")
        try:
            self.session = Session(os.environ, plugin_config.get("environment"))
        except HipaaModeError as error:
            raise DbtRuntimeError(f"hipaa_mode: {error}") from None
        current.use(self.session)

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Wait for, or refuse, a database that another process has open; see `locking`."""
        super().update_connection_config(creds, config)
        database = _database_file(creds)
        if database is None:
            # No file that another process could have open.
            return
        try:
            temporary_copies.refuse_to_keep_in_copy(
                database, Path.cwd(), "The database", "HIPAA_MODE_DATABASE"
            )
            _make_folder(database)
            seconds = locking.timeout(os.environ)
            locking.hold_database(database, seconds, tell, config)
            # What a build that was killed had of values there.
            rewriting.remove_leftovers(database)
        except HipaaModeError as error:
            raise DbtRuntimeError(f"hipaa_mode: {error}") from None

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Register and make the functions, unless an earlier try to connect already did."""
        self.session.connect = lambda: self._cursor(conn)
        rows = conn.execute(
            "select function_name from duckdb_functions() "
            "where database_name = 'system' and function_type = 'scalar'"
        ).fetchall()
        text = "VARCHAR"
        on_vectors = {"type": PythonUDFType.ARROW, "null_handling": FunctionNullHandling.SPECIAL}
        registering: dict[str, tuple[Callable[..., Any], list[Any], str, dict[str, Any]]] = {
            "hipaa_mask": (self.session.tokens, [text] * 2, text, on_vectors),
            "hipaa_mask_retired": (self.session.retired_tokens, [text] * 3, text, on_vectors),
            "hipaa_mode_random_code": (
                *(random_codes, [text], text),
                {**on_vectors, "side_effects": True},
            ),
            "hipaa_mode_is_hexadecimal": (are_hexadecimal, [text], "BOOLEAN", on_vectors),
            "hipaa_mode_note_coincidences": (
                *(self.session.note_coincidences, [text, text, "BIGINT"], "BOOLEAN"),
                {"side_effects": True},
            ),
        }
        for name in registering.keys() - {name for (name,) in rows}:
            function, parameters, returned, how = registering[name]
            try:
                conn.create_function(name, function, parameters, returned, **how)
            except duckdb.Error as error:
                raise DbtRuntimeError(
                    "hipaa_mode could not register its functions: something else in this "
                    f"database has one of their names ({type(error).__name__}). Drop it and run "
                    "again"
                ) from None
        try:
            _attach_values(conn, _database_file(self.creds) if self.creds else None)
            self.session.made_functions = functions.create(conn)
        except (HipaaModeError, OSError) as error:
            raise DbtRuntimeError(f"hipaa_mode: {message_of(error)}") from None

    def _cursor(self, conn: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        cursor = conn.cursor()
        self.configure_cursor(cursor)
        return cursor

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Give the cursor the temporary views; a registered view belongs to one cursor."""
        cursor.register(RAW_LINES_VIEW, self.session.raw_lines)
        cursor.register(SUPPRESSED_USERS_VIEW, self.session.suppressed_users)
