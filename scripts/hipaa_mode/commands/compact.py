"""`hipaa-mode compact`: nothing that was deleted stays in the database file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from hipaa_mode import locking, rewriting
from hipaa_mode.commands import console, options
from hipaa_mode.engines import DUCKDB
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.project_settings import engine_of


def compact(
    environment: Annotated[
        str,
        typer.Argument(
            callback=options.checked_environment, help="Environment whose database it is."
        ),
    ] = "dev",
    database: options.Database = None,
) -> None:
    """Write the database file anew, without what its free space still has of deleted rows.

    A build that takes calls of a person away does so by itself when it ends. Needs as much free
    disk space as the file has. Refuses while a build, or anybody, has the database open.

    Example: `hipaa-mode compact prod`
    """
    engine = engine_of(Path("."), environment)
    if database is None and engine != DUCKDB:
        raise ConfigurationError(
            f"Target {environment} is of type {engine}, so there is no database file. A build "
            "that takes calls of a person away writes the tables of the restricted zone anew"
        )
    path = options.database_file(database, environment)
    try:
        if path.is_file():
            seconds = locking.timeout(os.environ)
            locking.hold_database(
                path, seconds, lambda problem: console.say(problem, to=console.messages), {}
            )
        done = rewriting.describe(rewriting.rewrite(path))
    finally:
        locking.release_all()
    console.say(f"{path}: {done}")
