"""Running commands in a folder of a project as if in the project's own, as git and dbt do."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

PROJECT_FILE = "dbt_project.yml"

_start: Path | None = None


def nearest(folder: Path) -> Path | None:
    """Return the dbt project that a folder is in: itself, or the first one above it."""
    return next((f for f in (folder, *folder.parents) if (f / PROJECT_FILE).is_file()), None)


def started_in() -> Path:
    """Return the folder that paths on the command line are relative to."""
    return _start or Path.cwd()


def enter_project(command: Any, say: Callable[[str], None]) -> None:
    """Have a command, and those below it, run in the folder of the project that they start in.

    Paths on the command line stay relative to where it was started. Those of variables and
    settings are relative to the project, as in a build. Says which project it is, where that is
    not the folder itself.
    """
    for below in getattr(command, "commands", {}).values():
        enter_project(below, say)
    if getattr(command, "commands", None) is not None:
        return
    run = command.callback
    hints = get_type_hints(run)
    paths = [name for name, hint in hints.items() if Path in (hint, *get_args(hint))]

    @functools.wraps(run)
    def in_project(**values: Any) -> Any:
        global _start
        here = Path.cwd()
        is_named = str(values.get("project", ".")) != "."
        found = None if is_named else nearest(here)
        if found is None or found == here:
            return run(**values)
        say(f"Project: {found}")
        for name in paths:
            value = values.get(name)
            if name != "project" and value is not None and str(value) != "-":
                values[name] = type(value)(here / value)
        _start = here
        os.chdir(found)
        try:
            return run(**values)
        finally:
            _start = None
            os.chdir(here)

    command.callback = in_project
