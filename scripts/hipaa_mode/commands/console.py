"""Where commands write to, and how: text, tables, JSON and the exit code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from hipaa_mode.errors import ExitCode

output = Console(highlight=False)
messages = Console(stderr=True, highlight=False)


def say(text: str, style: str | None = None, to: Console = output) -> None:
    """Print text as it is, on one line however long: what is in it may be anybody's."""
    to.print(text, style=style, markup=False, soft_wrap=True)


def show(content: object = "", style: str | None = None) -> None:
    """Print a table, a tree, or text that is ours alone, folded to the terminal's width."""
    output.print(content, style=style)


def print_json(content: Any) -> None:
    """Write what machines read."""
    print(json.dumps(content, indent=1))


def fail_if(found: object, code: ExitCode = ExitCode.FAILED_CHECK) -> None:
    """End the command with an exit code, if anything was found."""
    if found:
        raise typer.Exit(code)


def counted(names: Iterable[str], found: Iterable[str]) -> str:
    """Say how many there are of each, in the order of the names."""
    counts = Counter(found)
    return ", ".join(f"{counts[name]} {name}" for name in names if counts[name])


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
        *headers, title=escape(title), title_justify="left", caption_justify="left",
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for row in rows:
        if row is None:
            made.add_section()
        else:
            made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return made
