"""`hipaa-mode compact`: nothing that was deleted stays in the database file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from hipaa_mode import locking, rewriting
from hipaa_mode.commands._options import checked_environment, messages, say


def compact(
    environment: Annotated[
        str,
        typer.Argument(callback=checked_environment, help="Environment whose database it is."),
    ] = "dev",
    database: Annotated[
        Path | None,
        typer.Option(
            help="The DuckDB file; HIPAA_MODE_DATABASE or restricted/<environment>.duckdb if not "
            "given."
        ),
    ] = None,
) -> None:
    """Write the database file anew, without what its free space still has of deleted rows.

    A build that takes calls of a person away does so by itself when it ends. Needs as much free
    disk space as the file has. Refuses while a build, or anybody, has the database open.

    Example: `hipaa-mode compact prod`
    """
    name = os.environ.get("HIPAA_MODE_DATABASE") or f"restricted/{environment}.duckdb"
    path = database or Path(name)

    def tell(problem: str) -> None:
        say(problem, to=messages)

    if path.is_file():
        locking.hold_database(path, locking.timeout(os.environ), tell, {})
    try:
        done = rewriting.describe(rewriting.rewrite(path))
    finally:
        locking.release_all()
    say(f"{path}: {done}")
