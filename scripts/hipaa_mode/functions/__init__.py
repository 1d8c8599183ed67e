"""The SQL functions that every value passes through: macros/functions/duckdb.sql.

They are made anew for each process, in a database in memory that has nothing else in it: no file
keeps them, no other process can replace them, and the models call them by their full names. A view
that calls one could not be read outside a run, so none that is stored does.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import duckdb

from hipaa_mode.errors import HipaaModeError

SCHEMA = "hipaa_functions"
_FUNCTION = re.compile(
    rf"^create macro {SCHEMA}\.(\w+)\(([^()]*)\) as\s(.*?);$", re.DOTALL | re.MULTILINE
)
_CALL = re.compile(rf"\b{SCHEMA}\.(\w+)\(")
NOT_THE_ENGINES = (
    "select database_name, schema_name, function_name, parameters, macro_definition "
    "from system.main.duckdb_functions() where not internal"
)
"""A query of all functions that are not the engine's, nor registered by Python."""


@dataclass(frozen=True)
class Function:
    """A function of the file."""

    name: str
    parameters: tuple[str, ...]
    body: str


def read_text(engine: str = "duckdb") -> str:
    """Return the file that makes the functions of an engine."""
    return resources.files(__package__).joinpath(f"{engine}.sql").read_text(encoding="utf-8")


def file_of(engine: str = "duckdb") -> str:
    """Return that file's path in the project."""
    return f"macros/functions/{engine}.sql"


def file_hash(engine: str = "duckdb") -> str:
    """Return the SHA-256 of the file, by which `hipaa-mode verify` knows it."""
    return hashlib.sha256(read_text(engine).encode()).hexdigest()


@functools.cache
def functions() -> Mapping[str, Function]:
    """Return the functions of the file by their names."""
    return read_functions(read_text())


def read_functions(text: str) -> Mapping[str, Function]:
    """Return the functions that a text makes, by their names.

    Raises:
        HipaaModeError: the text has something other than functions, or one of them twice.
    """
    found = [
        Function(name, tuple(item.strip() for item in parameters.split(",") if item), body)
        for name, parameters, body in _FUNCTION.findall(text)
    ]
    rest = re.sub(r"^--.*$", "", _FUNCTION.sub("", text), flags=re.MULTILINE)
    by_name = {function.name: function for function in found}
    if rest.strip() or len(by_name) < len(found):
        raise HipaaModeError(
            f"{file_of()} has something other than functions, or one of them twice"
        )
    return MappingProxyType(by_name)


def normalizing(normalize: str) -> str:
    """Return the function that gives identifiers one spelling; empty where they keep theirs."""
    if normalize == "none":
        return ""
    return "normalized_" + normalize.replace("(", "_").replace(")", "")


def called_in(sql: str) -> list[Function]:
    """Return the functions that SQL calls, and those that they call, in the file's order."""
    known = functions()
    waiting, called = _CALL.findall(sql), set[str]()
    while waiting:
        name = waiting.pop()
        if name in known and name not in called:
            called.add(name)
            waiting += _CALL.findall(known[name].body)
    return [function for name, function in known.items() if name in called]


def hash_of_called(sql: str) -> str:
    """Return the SHA-256 of the functions that SQL calls, and of those that they call.

    What is stored under one hash may differ from what the same SQL gives under another.
    """
    called = sorted(called_in(sql), key=lambda function: function.name)
    return hashlib.sha256(repr(called).encode()).hexdigest()


def create(connection: duckdb.DuckDBPyConnection) -> str:
    """Make the functions, and return the digest of what the database has of them.

    Raises:
        HipaaModeError: something else of the database has the name that they need.
    """
    databases = connection.execute(
        f"select path from system.main.duckdb_databases() where database_name = '{SCHEMA}'"
    ).fetchall()
    schemas = connection.execute(
        f"select 1 from system.main.duckdb_schemas() where lower(schema_name) = '{SCHEMA}'"
    ).fetchall()
    if any(path for (path,) in databases) or schemas:
        what = f"has a schema {SCHEMA}," if schemas else f"is called {SCHEMA},"
        raise HipaaModeError(
            f"the database {what} as that of the functions in memory is called. "
            "Give it another name"
        )
    if databases:
        connection.execute(f"detach {SCHEMA}")
    connection.execute(f"attach ':memory:' as {SCHEMA} (read_write)")
    connection.execute(read_text())
    return digest(connection.execute(NOT_THE_ENGINES).fetchall())


def create_called(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Make the functions that SQL calls in a database that has none: a tenth of the work."""
    connection.execute(f"attach ':memory:' as {SCHEMA} (read_write)")
    for item in called_in(sql):
        parameters = ", ".join(item.parameters)
        connection.execute(f"create macro {SCHEMA}.{item.name}({parameters}) as {item.body}")


def digest(rows: Iterable[tuple[str, ...]]) -> str:
    """Return the SHA-256 of the functions as a database has them, of rows of that query."""
    own = sorted(repr(row) for row in rows if row[0] == SCHEMA)
    return hashlib.sha256("\n".join(own).encode()).hexdigest()
