"""What several commands have in common: where they write to, and their options."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.table import Table

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


output = Console(highlight=False)
messages = Console(stderr=True, highlight=False)


def say(text: str, style: str | None = None, to: Console = output) -> None:
    """Print text as it is, on one line however long: what is in it may be anybody's."""
    to.print(text, style=style, markup=False, soft_wrap=True)


def environment_option(
    meaning: str, check: Callable[[Any], Any] = checked_environment
) -> typer.models.OptionInfo:
    """Return the option that names environments, with its help."""
    option: typer.models.OptionInfo = typer.Option(
        "--environment", "-e", callback=check, help=meaning
    )
    return option


def published_root(published: Path | None) -> Path:
    """Return the `published` folder: the one named, or that of the settings."""
    return published or Path(os.environ.get("HIPAA_MODE_PUBLISHED") or "published")


def plain_table(title: str, *headings: str) -> Table:
    """Return a table with a title and no lines between its columns."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.padding = (0, 1, 0, 0)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


ProjectOption = Annotated[Path, typer.Option(help="Folder of the dbt project.")]
PublishedOption = Annotated[
    Path | None,
    typer.Option(help="Folder of published files; HIPAA_MODE_PUBLISHED if not given."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
EnvironmentOption = Annotated[str, environment_option("The environment: the dbt target's name.")]
