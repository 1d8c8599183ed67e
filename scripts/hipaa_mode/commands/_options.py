"""What several commands have in common: where they write to, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from hipaa_mode.configuration import ANY
from hipaa_mode.names import environment_name

Named = TypeVar("Named", str, list[str], str | None, list[str] | None)


def checked_environment(value: Named) -> Named:
    """Refuse the name of an environment that can't be one; for every option that takes one."""
    for name in value if isinstance(value, list) else [value] if value is not None else []:
        environment_name(name)
    return value


def checked_environment_or_blank(value: str) -> str:
    """As `checked_environment`, where a blank stands for the default target."""
    return value and checked_environment(value)


def checked_environment_or_any(value: Named) -> Named:
    """As `checked_environment`, where `*` stands for all."""
    return value if value == ANY else checked_environment(value)


output = Console()
messages = Console(stderr=True)

ProjectOption = Annotated[Path, typer.Option(help="Folder of the dbt project.")]
PublishedOption = Annotated[
    Path | None,
    typer.Option(help="Folder of published files; HIPAA_MODE_PUBLISHED if not given."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
EnvironmentOption = Annotated[
    str,
    typer.Option(
        "--environment",
        "-e",
        callback=checked_environment,
        help="The environment: the dbt target's name.",
    ),
]
