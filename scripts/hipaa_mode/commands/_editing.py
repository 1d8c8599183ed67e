"""What the commands that change the configuration share: show the change, ask, write it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from hipaa_mode.commands import console, options
from hipaa_mode.editing.layout import Layout
from hipaa_mode.editing.workspace import EditRefusedError, Workspace, unified_diff
from hipaa_mode.editing.writing import FileChange, recover
from hipaa_mode.errors import HipaaModeError

JsonOption = Annotated[
    bool, typer.Option("--json", help="Write JSON for machines; needs --yes or --dry-run.")
]

Cells = Mapping[str, str | None]
"""Cells of a row by column; None where the option was not given."""

Edit = Callable[..., Sequence[str] | None]


def _word(help: str, *names: str) -> Any:
    return Annotated[str | None, typer.Option(*names, help=help)]


def _switch(help: str, names: str, on: str, off: str) -> Any:
    """Return an option that is there or not, and what its cell says in both cases."""
    written = {None: None, True: on, False: off}
    return Annotated[
        bool | None, typer.Option(names, help=help, callback=lambda value: written[value])
    ]


CELL_OPTIONS = {
    "connection_mode": _word("server_side, which it is if not given, or client_side.", "--mode"),
    "restrict_phi": _switch(
        "Allowlists and id masking; off needs a BAA.", "--restrict/--no-restrict", "true", "false"
    ),
    "baa_reference": _word("Reference of the agreement."),
    "baa_expires_on": _word("Its last day, yyyy-mm-dd."),
    "mask_scope": _word(
        "Scope of the tokens: property (equal to no other property's), destination (to no other "
        "destination's); blank for that of the destination's row.",
        "--scope",
    ),
    "timestamp_precision": _word("exact, second, minute, hour, day, month, year or none."),
    "consent_categories": _word(
        "Consent categories that a call must have, separated by semicolons; '' needs none.",
        "--consent-categories", "--categories",
    ),
    "consent_strategy": _word(
        "and: consent to all of them; or: to one of them.", "--consent-strategy", "--strategy"
    ),
    "honor_opt_outs": _switch(
        "Whether a no in `integrations` keeps a call from it.",
        "--honor-opt-outs/--ignore-opt-outs", "", "false",
    ),
    "description": _word("What it is for.", "--description", "-d"),
    "reason": _word("Why it is safe; documents the column.", "--reason", "-r"),
    "approved_by": _word("Who approved it."),
    "expires_on": _word("Last day it counts, yyyy-mm-dd."),
    "normalize": _word("One spelling before masking: none, email, phone or lower."),
    "data_type": _word(
        "text, integer, number, boolean, timestamp, date or json (all of it).", "--type"
    ),
    "guard": _word("For free text that looks like an identifier: block, warn or none."),
    "column_name": _word("Name of the column; the path in snake_case if not.", "--column"),
}  # fmt: skip
"""The option for each column of the seeds that says what its cell holds."""


def open_workspace(project: Path) -> Workspace:
    """Read a project, and undo what an interrupted command left half written."""
    layout = Layout.read(project)
    if restored := recover(layout.root):
        files = ", ".join(restored)
        text = f"An earlier command was interrupted while it wrote. Put back: {files}"
        console.say(text, style="yellow", to=console.messages)
    return Workspace(layout)


def editing_command(*columns: str) -> Callable[[Edit], Callable[..., None]]:
    """Turn a function that changes a workspace into a command that shows it, asks and writes it.

    The function has the workspace, its own options, those shared ones that it names, and `cells`
    where the command has options for columns of a seed. It returns what to do next. The command
    has `--project`, `--dry-run`, `--yes` and `--json` besides.
    """

    def decorate(edit: Edit) -> Callable[..., None]:
        own = dict(inspect.signature(edit, eval_str=True).parameters)

        def command(
            project: options.Project = Path("."),
            dry_run: options.DryRun = False,
            yes: options.Yes = False,
            as_json: JsonOption = False,
            **given: Any,
        ) -> None:
            shared = {"yes": yes, "as_json": as_json}
            given |= {name: shared[name] for name in own.keys() & shared.keys()}
            if columns:
                given["cells"] = {column: given.pop(column) for column in columns}
            make_change(project, lambda workspace: edit(workspace, **given), dry_run, yes, as_json)

        ours = dict(inspect.signature(command, eval_str=True).parameters)
        del ours["given"]
        named = [item for name, item in own.items() if name not in ("workspace", "cells", *ours)]
        of_cells = [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=CELL_OPTIONS[name]
            )
            for name in columns
        ]
        parameters = [
            item.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for item in (*named, *of_cells, *ours.values())
        ]
        vars(command)["__signature__"] = inspect.Signature(parameters)
        command.__annotations__ = {item.name: item.annotation for item in parameters}
        command.__doc__, command.__name__ = edit.__doc__, edit.__name__
        return command

    return decorate


def make_change(project: Path, edit: Edit, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Make a change in a workspace, show its diff, and write it when the user says so.

    Raises:
        HipaaModeError: the change is refused.
    """
    try:
        workspace = open_workspace(project)
        next_steps = edit(workspace) or ()
        workspace.refuse_new_faults()
        changes = workspace.changes()
        if not as_json:
            show_change(workspace)
        asks = not (dry_run or yes or as_json)
        writes = bool(changes) and not dry_run and (yes or (asks and agrees("Write this?")))
        if writes:
            workspace.save()
    except HipaaModeError as error:
        if not as_json:
            raise
        faults = error.faults if isinstance(error, EditRefusedError) else []
        refusal = {"error": str(error), "faults": [str(fault) for fault in faults]}
        console.print_json({"written": False, "changes": [], **refusal})
        raise typer.Exit(error.exit_code) from None
    if as_json:
        console.print_json(_answer(workspace, changes, writes))
    else:
        _say_outcome(changes, writes, dry_run, next_steps)
    console.fail_if(changes and not writes and not dry_run)


def show_change(workspace: Workspace) -> None:
    """Print the diff, what a build would warn of, and what else to know."""
    changes = workspace.changes()
    for change in changes:
        show_diff(unified_diff(change))
    known = {str(warning) for warning in workspace.unchanged().warnings()}
    for warning in workspace.warnings():
        if changes and str(warning) not in known:
            console.say(f"Warning: {warning}", style="yellow", to=console.messages)
    for fault in workspace.faults():
        console.say(f"Wrong before, and still: {fault}", style="red", to=console.messages)
    for note in _notes(workspace):
        console.say(
            f"Note: {note}" + ("" if note.endswith("\n") else "."),
            style="cyan",
            to=console.messages,
        )


def _notes(workspace: Workspace) -> list[str]:
    of_the_lock = workspace.agreement().notes if workspace.changes() else ()
    return list(dict.fromkeys([*workspace.notes, *of_the_lock]))


def agrees(question: str) -> bool:
    """Ask; where nobody can answer, say how to go on."""
    if not sys.stdin.isatty():
        console.messages.print(
            "Nothing was written. Add --yes to write this, or --dry-run to look only"
        )
        return False
    return typer.confirm(question, default=False)


def show_diff(lines: Iterable[str]) -> None:
    """Print a unified diff in colours."""
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        console.say(
            line, style="bold" if line.startswith(("+++", "---")) else styles.get(line[:1])
        )


def _say_outcome(
    changes: list[FileChange], written: bool, dry_run: bool, next_steps: Iterable[str]
) -> None:
    files = ", ".join(str(change.path) for change in changes)
    if not changes:
        console.show("Nothing to change: the configuration says this already.")
    elif written:
        for line in (f"Written: {files}", *next_steps):
            console.say(line)
    elif dry_run:
        console.say(f"Dry run, nothing written: {files}")


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
