"""`hipaa-mode lock`: agrees to what each destination receives, and shows what that changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from hipaa_mode.commands import console, options
from hipaa_mode.commands._editing import agrees, show_diff
from hipaa_mode.display import printable
from hipaa_mode.editing.workspace import unified_diff
from hipaa_mode.editing.writing import FileChange
from hipaa_mode.project import today
from hipaa_mode.received.comparison import EFFECTS, NARROWS, WIDENS, Difference, compare
from hipaa_mode.received.description import Description
from hipaa_mode.received.environments import describe_project
from hipaa_mode.received.lock_file import (
    LOCK_FILE,
    LockFileError,
    as_text,
    lock_path,
    nothing,
    read_lock,
    write_lock,
)

STYLES = {WIDENS: "bold red", NARROWS: "green"}


def lock(
    project: options.Project = Path("."),
    environment: Annotated[
        list[str] | None,
        options.environment(
            "An environment that neither a row nor a target names; may be repeated."
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if the lock differs.")
    ] = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Write JSON for machines; needs --yes, --dry-run or --check."),
    ] = False,
) -> None:
    """Write what each destination receives to receives.lock.yml, which builds are held to.

    Shows what differs first, what lets more through at the top. A build that would let anything
    through that the file does not say is refused.

    Example: `hipaa-mode lock`, and in CI `hipaa-mode lock --check`
    """
    locked = _read(project, must_be_sound=check)
    current = describe_project(project, locked, environment or ())
    differences = compare(locked or nothing(), current, today())
    before = lock_path(project).read_bytes() if lock_path(project).exists() else None
    diff = unified_diff(FileChange(PurePosixPath(LOCK_FILE), before, as_text(current).encode()))
    if check and not differences and locked is not None:
        # What ended as the lock says is in it until it is written again.
        diff = []
    effects = [difference.effect for difference in differences]
    if not as_json:
        _show(differences, diff)
    may_write = bool(diff) and not check and not dry_run
    writes = may_write and (
        yes or (not as_json and agrees("Is this what shall be received? Write it?"))
    )
    if writes:
        write_lock(project, current)
    if as_json:
        console.print_json(
            {
                "written": writes,
                "effects": {effect: effects.count(effect) for effect in EFFECTS},
                "differences": [asdict(difference) for difference in differences],
                "diff": "\n".join(diff),
            }
        )
    elif not diff:
        console.show(f"{LOCK_FILE} says what is received.")
    elif writes:
        console.show(f"Written: {LOCK_FILE}. Commit it with the seeds.")
    elif check:
        console.say(
            f"{LOCK_FILE} does not say what is received. Review it, then run: hipaa-mode lock"
        )
    elif dry_run:
        console.show(f"Dry run, nothing written: {LOCK_FILE}")
    console.fail_if(diff and not writes and not dry_run)


def _read(project: Path, must_be_sound: bool) -> Description | None:
    try:
        return read_lock(project)
    except LockFileError as error:
        if must_be_sound:
            raise
        console.say(f"Warning: {error}", style="yellow", to=console.messages)
        return None


def _show(differences: Sequence[Difference], diff: Sequence[str]) -> None:
    for difference in differences:
        console.say(printable(str(difference)), style=STYLES.get(difference.effect, "yellow"))
    if differences:
        counted = console.counted(EFFECTS, (difference.effect for difference in differences))
        console.show(f"What differs: {counted}.\n")
    show_diff(diff)
