"""`hipaa-mode selftest`: the non-interference experiment on the user's own configuration."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from hipaa_mode.commands._options import (
    JsonOption,
    ProjectOption,
    environment_option,
    messages,
    output,
    plain_table,
    say,
)
from hipaa_mode.errors import ExitCode
from hipaa_mode.project import raw_calls_of
from hipaa_mode.selftest.run import Outcome, Verdict, run_selftest, sampled_lines

SHOWN_DIFFERENCES = 10


def selftest(
    environment: Annotated[
        str,
        environment_option("The environment to try."),
    ] = "dev",
    target: Annotated[
        str | None, typer.Option("--target", help="dbt target; the environment if not given.")
    ] = None,
    calls: Annotated[
        str | None,
        typer.Option(help="Glob of raw calls; where a build reads them if not given."),
    ] = None,
    sample: Annotated[
        int, typer.Option(min=0, help="Calls to draw at random; 0 for all of them.")
    ] = 5000,
    project: ProjectOption = Path("."),
    as_json: JsonOption = False,
) -> None:
    """Show by experiment that what is not allowlisted can't change what is published.

    Builds copies of the project over your calls and over changed ones, and compares what each
    published. Your database, key and published files are not touched; the copies are removed.
    Exit code 1 if something interferes or a destination could not be tried.

    Example: `hipaa-mode selftest --environment prod --calls '/data/calls/*.ndjson.gz'`
    """
    location = raw_calls_of(project, environment, calls)
    with messages.status("Reading the calls") as status:

        def progress(what: str) -> None:
            status.update(what)
            if not messages.is_terminal:
                messages.print(what)

        lines = sampled_lines(location, sample)
        outcome = run_selftest(project.absolute(), lines, environment, target, progress)
    if as_json:
        output.print_json(json.dumps(_as_json(environment, outcome)))
    else:
        _print(environment, outcome)
    if not outcome.holds:
        raise typer.Exit(ExitCode.FAILED_CHECK)


def _as_json(environment: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "environment": environment,
        "holds": outcome.holds,
        "calls": outcome.calls,
        "lines_left_out": outcome.left_out,
        "changed": dict(outcome.changed),
        "problems": outcome.problems,
        "not_restricted": outcome.unrestricted,
        "destinations": [
            {**dataclasses.asdict(verdict), "holds": verdict.holds} for verdict in outcome.verdicts
        ],
    }


def _print(environment: str, outcome: Outcome) -> None:
    table = plain_table(f"Non-interference in {environment}")
    for heading in ("Destination", "Verdict"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Rows", "Cells", "Tokens", "Planted and seen"):
        table.add_column(heading, justify="right")
    for verdict in outcome.verdicts:
        table.add_row(
            verdict.destination,
            _verdict(verdict),
            f"{verdict.rows:,}",
            f"{verdict.cells:,}",
            f"{verdict.tokens:,}",
            f"{verdict.seen} of {verdict.planted}",
        )
    for name in outcome.unrestricted:
        table.add_row(name, "not restricted", "", "", "", "")
    output.print(table)
    changed = outcome.changed
    output.print(
        f"{outcome.calls:,} calls; changed in them: {changed['unlisted']:,} values that no "
        f"destination may see, {changed['masked']:,} masked ones, {changed['generalised']:,} that "
        f"generalise to the same."
    )
    if outcome.left_out:
        output.print(f"Left out: {outcome.left_out:,} lines on which readers of JSON differ.")
    for problem in outcome.problems:
        say(problem, style="red")
    for verdict in outcome.verdicts:
        _print_findings(verdict)


def _print_findings(verdict: Verdict) -> None:
    for view in verdict.empty_views:
        output.print(f"No call of these reached {view}: nothing is shown of it.", style="yellow")
    lines = [*verdict.problems, *map(str, verdict.differences)]
    for line in lines[:SHOWN_DIFFERENCES]:
        text = f"{verdict.destination}: {line}"
        say(text, style="red")
    if len(lines) > SHOWN_DIFFERENCES:
        output.print(f"and {len(lines) - SHOWN_DIFFERENCES} more; --json has them all")


def _verdict(verdict: Verdict) -> str:
    if verdict.holds:
        return "[green]holds[/]"
    return "[red]interference[/]" if verdict.differences else "[red]not proven[/]"
