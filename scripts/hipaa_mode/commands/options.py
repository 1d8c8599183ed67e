"""Options that several commands have, and what they say."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from hipaa_mode.configuration import ANY
from hipaa_mode.names import environment_name

Named = TypeVar("Named", str, list[str], str | None, list[str] | None)


def checked_environment(value: Named) -> Named:
    """Refuse the name of an environment that can't be one; for every option that takes one."""
    for name in value if isinstance(value, list) else [value] if value is not None else []:
        environment_name(name)
    return value


def checked_environment_or_any(value: Named) -> Named:
    """As `checked_environment`, where `*` stands for all."""
    return value if value == ANY else checked_environment(value)


def environment(
    meaning: str, check: Callable[[Any], Any] = checked_environment
) -> typer.models.OptionInfo:
    """Return the option that names environments, with its help."""
    option: typer.models.OptionInfo = typer.Option(
        "--environment", "-e", callback=check, help=meaning
    )
    return option


def published_root(published: Path | None, project: Path = Path(".")) -> Path:
    """Return the `published` folder: the one named, or that of the settings."""
    named = os.environ.get("HIPAA_MODE_PUBLISHED")
    return published or (Path(named) if named else project / "published")


def database_file(database: Path | None, environment: str) -> Path:
    """Return the DuckDB file: the one named, or that of the settings."""
    named = os.environ.get("HIPAA_MODE_DATABASE")
    return database or Path(named or f"restricted/{environment}.duckdb")


Project = Annotated[Path, typer.Option(help="Folder of the dbt project.")]
Published = Annotated[
    Path | None,
    typer.Option(help="Folder of published files; HIPAA_MODE_PUBLISHED if not given."),
]
Database = Annotated[
    Path | None,
    typer.Option(
        help="The DuckDB file; HIPAA_MODE_DATABASE or restricted/<environment>.duckdb if not "
        "given."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
Environment = Annotated[str, environment("The environment: the dbt target's name.")]
EnvironmentOrAll = Annotated[
    str,
    environment(
        "The environment: the dbt target's name, or '*' for all.", checked_environment_or_any
    ),
]
EnvironmentArgument = Annotated[
    str,
    typer.Argument(callback=checked_environment, help="The environment: the dbt target's name."),
]
Environments = Annotated[
    list[str] | None,
    environment("An environment; may be repeated. Those that there are if not given."),
]
Target = Annotated[
    str | None, typer.Option("--target", help="dbt target; the environment if not given.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would change and write nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")]
