"""What the commands that change the configuration share: show the change, ask, write it."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.text import Text

from hipaa_mode.commands._options import (
    ProjectOption,
    checked_environment_or_any,
    environment_option,
    messages,
    output,
)
from hipaa_mode.editing.layout import Layout
from hipaa_mode.editing.workspace import EditRefusedError, Workspace, unified_diff
from hipaa_mode.editing.writing import FileChange, recover
from hipaa_mode.errors import ExitCode, HipaaModeError

EnvironmentOption = Annotated[
    str,
    environment_option(
        "The environment: the dbt target's name, or '*' for all.", checked_environment_or_any
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would change and write nothing.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Write JSON for machines; needs --yes or --dry-run.")
]


def open_workspace(project: Path) -> Workspace:
    """Read a project, and undo what an interrupted command left half written."""
    layout = Layout.read(project)
    restored = recover(layout.root)
    if restored:
        messages.print(
            "An earlier command was interrupted while it wrote. Put back: " + ", ".join(restored),
            style="yellow",
            soft_wrap=True,
        )
    return Workspace(layout)


class Made(NamedTuple):
    """What a command is to do.

    Attributes:
        edit: makes the change in a workspace.
        next_steps: what to do after it is written.
    """

    edit: Callable[[Workspace], None]
    next_steps: Sequence[str] = ()


def editing_command(make: Callable[..., Made]) -> Callable[..., None]:
    """Turn a function that says what to change into a command that shows it, asks and writes it.

    The command has the function's options, and `--project`, `--dry-run`, `--yes` and `--json`.
    """

    def command(
        project: ProjectOption = Path("."),
        dry_run: DryRunOption = False,
        yes: YesOption = False,
        as_json: JsonOption = False,
        **options: Any,
    ) -> None:
        edit, next_steps = make(**options)
        make_change(
            project, edit, dry_run=dry_run, yes=yes, as_json=as_json, next_steps=next_steps
        )

    own, shared = (
        inspect.signature(function, eval_str=True).parameters for function in (make, command)
    )
    parameters = [*own.values(), *(shared[name] for name in shared if name != "options")]
    vars(command)["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {item.name: item.annotation for item in parameters}
    command.__doc__, command.__name__ = make.__doc__, make.__name__
    return command


def make_change(
    project: Path,
    edit: Callable[[Workspace], None],
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    next_steps: Iterable[str] = (),
) -> None:
    """Make a change in a workspace, show its diff, and write it when the user says so.

    Args:
        next_steps: what to do after it is written.

    Raises:
        HipaaModeError: the change is refused.
    """
    try:
        workspace = open_workspace(project)
        edit(workspace)
        workspace.refuse_new_faults()
        changes = workspace.changes()
        asks = bool(changes) and not (dry_run or yes or as_json)
        if not as_json:
            show_change(workspace)
        writes = bool(changes) and not dry_run and (yes or (asks and agrees("Write this?")))
        if writes:
            workspace.save()
    except HipaaModeError as error:
        if not as_json:
            raise
        output.print_json(json.dumps(_refusal(error)))
        raise typer.Exit(error.exit_code) from None
    if as_json:
        output.print_json(json.dumps(_answer(workspace, changes, writes)))
    else:
        _say_outcome(changes, writes, dry_run, next_steps)
    if changes and not writes and not dry_run:
        raise typer.Exit(ExitCode.FAILED_CHECK)


def show_change(workspace: Workspace) -> None:
    """Print the diff, what a build would warn of, and what else to know."""
    for change in workspace.changes():
        for line in unified_diff(change):
            output.print(Text(line, style=diff_style(line)), soft_wrap=True)
    known = {str(warning) for warning in workspace.unchanged().warnings()}
    for warning in workspace.warnings():
        if str(warning) not in known and workspace.changes():
            messages.print(Text(f"Warning: {warning}", style="yellow"), soft_wrap=True)
    for fault in workspace.faults():
        messages.print(Text(f"Wrong before, and still: {fault}", style="red"), soft_wrap=True)
    for note in _notes(workspace):
        ending = "" if note.endswith("\n") else "."
        messages.print(Text(f"Note: {note}{ending}", style="cyan"), soft_wrap=True)


def _notes(workspace: Workspace) -> list[str]:
    of_the_lock = workspace.agreement().notes if workspace.changes() else ()
    return list(dict.fromkeys([*workspace.notes, *of_the_lock]))


def agrees(question: str) -> bool:
    """Ask; where nobody can answer, say how to go on."""
    if not sys.stdin.isatty():
        messages.print("Nothing was written. Add --yes to write this, or --dry-run to look only")
        return False
    return typer.confirm(question, default=False)


def diff_style(line: str) -> str:
    """Return how a line of a unified diff is shown."""
    if line.startswith(("+++", "---")):
        return "bold"
    if line.startswith("@@"):
        return "cyan"
    return {"+": "green", "-": "red"}.get(line[:1], "")


def _say_outcome(
    changes: list[FileChange], written: bool, dry_run: bool, next_steps: Iterable[str]
) -> None:
    if not changes:
        output.print("Nothing to change: the configuration says this already.")
        return
    files = ", ".join(str(change.path) for change in changes)
    if written:
        output.print(Text(f"Written: {files}"), soft_wrap=True)
        for step in next_steps:
            output.print(Text(step), soft_wrap=True)
    elif dry_run:
        output.print(Text(f"Dry run, nothing written: {files}"), soft_wrap=True)


def _answer(workspace: Workspace, changes: list[FileChange], written: bool) -> dict[str, Any]:
    return {
        "written": written,
        "changes": [
            {
                "path": str(change.path),
                "action": change.action,
                "diff": "\n".join(unified_diff(change)),
            }
            for change in changes
        ],
        "warnings": [str(warning) for warning in workspace.warnings()],
        "faults": [str(fault) for fault in workspace.faults()],
        "notes": _notes(workspace),
    }


def _refusal(error: HipaaModeError) -> dict[str, Any]:
    faults = error.faults if isinstance(error, EditRefusedError) else []
    return {
        "written": False,
        "changes": [],
        "error": str(error),
        "faults": [str(fault) for fault in faults],
    }
