"""`hipaa-mode compact`: nothing that was deleted stays in the database file."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from hipaa_mode import locking, rewriting
from hipaa_mode.commands._options import (
    DatabaseOption,
    checked_environment,
    database_file,
    messages,
    say,
)


def compact(
    environment: Annotated[
        str,
        typer.Argument(callback=checked_environment, help="Environment whose database it is."),
    ] = "dev",
    database: DatabaseOption = None,
) -> None:
    """Write the database file anew, without what its free space still has of deleted rows.

    A build that takes calls of a person away does so by itself when it ends. Needs as much free
    disk space as the file has. Refuses while a build, or anybody, has the database open.

    Example: `hipaa-mode compact prod`
    """
    path = database_file(database, environment)
    try:
        if path.is_file():
            seconds = locking.timeout(os.environ)
            locking.hold_database(path, seconds, lambda problem: say(problem, to=messages), {})
        done = rewriting.describe(rewriting.rewrite(path))
    finally:
        locking.release_all()
    say(f"{path}: {done}")
