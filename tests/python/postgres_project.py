"""A small copy of the project that dbt builds in a database of the tests' PostgreSQL."""

from __future__ import annotations

import io
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from histories import STORED, lines_of
from postgres_server import Server
from project import Project, Run

RAW = "raw.calls"
TARGET = ("--target", "postgres")
NAMED = "hipaa_mode__environment: dev"


@dataclass
class PostgresProject(Project):
    """See `Project`; before each command the table of raw calls gets what its folder has."""

    server: Server | None = None
    base: str = ""
    follows_folder: bool = True

    def start_dbt(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start dbt on PostgreSQL."""
        self.load()
        return super().start_dbt(*_on_postgres(arguments), **options)

    def dbt(self, *arguments: str, timeout: int = 300) -> Run:
        """Run dbt on PostgreSQL to its end."""
        self.load()
        return super().dbt(*_on_postgres(arguments), timeout=timeout)

    def connect(self, user: str | None = None) -> Any:
        """Open a connection to its database; every statement is a transaction of its own."""
        assert self.server is not None
        server = replace(self.server, user=user or self.server.user)
        return server.connect(self.base)

    def ask(self, sql: str, *values: Any, user: str | None = None) -> list[Any]:
        """Ask its database."""
        with closing(self.connect(user)) as connection, connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def load(self) -> None:
        """Bring the table of raw calls up to date, in no SQL text."""
        if not self.follows_folder:
            return
        folder = self.folder / "raw_calls"
        wanted = Counter(line for file in sorted(folder.iterdir()) for line in lines_of(file))
        rows = self.ask(f"select message, ctid::text from {RAW}")
        found = Counter(bytes(message) for message, _ in rows)
        places = [
            place
            for message, place in rows
            for is_gone in [found[bytes(message)] > wanted[bytes(message)]]
            if is_gone and not found.subtract([bytes(message)])
        ]
        self.ask(f"delete from {RAW} where ctid = any (cast(%s as tid[]))", places)
        self.add(*(wanted - found).elements())

    def add(self, *lines: bytes) -> None:
        """Add calls to the table."""
        text = "".join(f"\\\\x{line.hex()}\n" for line in lines)
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.copy_expert(f"copy {RAW} from stdin", io.StringIO(text))

    def rows(self, destination: str, view: str) -> list[Any]:
        """What is published of a view, in its order."""
        return self.ask(f"select * from hipaa_mode_dev__{destination}.{view}")

    def stored(self) -> dict[str, list[Any]]:
        """What the warehouse holds, without the numbers of runs."""
        return {
            table: sorted(self.ask(f"select {self._columns(table)} from {table}"), key=repr)
            for table in STORED
        }

    def _columns(self, table: str) -> str:
        named = "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
        names = [name for (name,) in self.ask(f"{named} order by attnum", table)]
        return ", ".join(f'"{name}"' for name in names if name != "run_number")


def _on_postgres(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Add the target, and the environment, to the arguments of dbt."""
    given = list(arguments)
    variables = [NAMED]
    if "--vars" in given:
        place = given.index("--vars")
        variables.append(given.pop(place + 1).strip("{}"))
        given.pop(place)
    return (*given, *TARGET, "--vars", "{" + ", ".join(variables) + "}")


def make(
    server: Server,
    new_project: Callable[..., Project],
    name: str,
    *seeds: Any,
    **options: Any,
) -> PostgresProject:
    """Make a project and an empty database of the same name, with a table of raw calls."""
    made = new_project(name, *seeds, **options)
    project = PostgresProject(**vars(made), server=server, base=name)
    project.environment |= {
        "HIPAA_MODE_RAW_CALLS": RAW,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGUSER": server.user,
        "PGDATABASE": name,
    }
    server.create_database(name)
    project.ask(f"create schema raw; create table {RAW} (message bytea)")
    return project
