"""What several commands have in common: where they write to, and their options."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from hipaa_mode.configuration import ANY
from hipaa_mode.errors import ExitCode
from hipaa_mode.names import environment_name

Named = TypeVar("Named", str, list[str], str | None, list[str] | None)

output = Console(highlight=False)
messages = Console(stderr=True, highlight=False)


def checked_environment(value: Named) -> Named:
    """Refuse the name of an environment that can't be one; for every option that takes one."""
    for name in value if isinstance(value, list) else [value] if value is not None else []:
        environment_name(name)
    return value


def checked_environment_or_any(value: Named) -> Named:
    """As `checked_environment`, where `*` stands for all."""
    return value if value == ANY else checked_environment(value)


def environment_option(
    meaning: str, check: Callable[[Any], Any] = checked_environment
) -> typer.models.OptionInfo:
    """Return the option that names environments, with its help."""
    option: typer.models.OptionInfo = typer.Option(
        "--environment", "-e", callback=check, help=meaning
    )
    return option


def say(text: str, style: str | None = None, to: Console = output) -> None:
    """Print text as it is, on one line however long: what is in it may be anybody's."""
    to.print(text, style=style, markup=False, soft_wrap=True)


def print_json(content: Any) -> None:
    """Write what machines read."""
    print(json.dumps(content, indent=1))


def fail_if(found: object, code: ExitCode = ExitCode.FAILED_CHECK) -> None:
    """End the command with an exit code, if anything was found."""
    if found:
        raise typer.Exit(code)


def published_root(published: Path | None, project: Path = Path(".")) -> Path:
    """Return the `published` folder: the one named, or that of the settings."""
    named = os.environ.get("HIPAA_MODE_PUBLISHED")
    return published or (Path(named) if named else project / "published")


def database_file(database: Path | None, environment: str) -> Path:
    """Return the DuckDB file: the one named, or that of the settings."""
    named = os.environ.get("HIPAA_MODE_DATABASE")
    return database or Path(named or f"restricted/{environment}.duckdb")


def number(heading: str) -> Column:
    """Return a column of numbers."""
    return Column(heading, justify="right", no_wrap=True)


def word(heading: str) -> Column:
    """Return a column of words that are not broken."""
    return Column(heading, no_wrap=True)


def table(
    title: str, columns: Sequence[str | Column], rows: Iterable[Sequence[str | Text] | None]
) -> Table:
    """Return a table with no lines between its columns.

    Args:
        columns: their headings; text of columns that say nothing else is broken where it is long.
        rows: their cells: text is shown as it is. None begins a new section.
    """
    headers = [
        Column(item, overflow="fold") if isinstance(item, str) else item for item in columns
    ]
    made = Table(
        *headers, title=title, title_justify="left", caption_justify="left",
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for row in rows:
        if row is None:
            made.add_section()
        else:
            made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return made


ProjectOption = Annotated[Path, typer.Option(help="Folder of the dbt project.")]
PublishedOption = Annotated[
    Path | None,
    typer.Option(help="Folder of published files; HIPAA_MODE_PUBLISHED if not given."),
]
DatabaseOption = Annotated[
    Path | None,
    typer.Option(
        help="The DuckDB file; HIPAA_MODE_DATABASE or restricted/<environment>.duckdb if not "
        "given."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
EnvironmentOption = Annotated[str, environment_option("The environment: the dbt target's name.")]
EnvironmentArgument = Annotated[
    str,
    typer.Argument(callback=checked_environment, help="The environment: the dbt target's name."),
]
EnvironmentsOption = Annotated[
    list[str] | None,
    environment_option("An environment; may be repeated. Those that there are if not given."),
]
