"""`hipaa-mode selftest`: the non-interference experiment on the user's own configuration."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hipaa_mode.commands import console, options
from hipaa_mode.project import raw_calls_of
from hipaa_mode.selftest.run import Outcome, Verdict, run_selftest, sampled_lines

SHOWN_DIFFERENCES = 10


def selftest(
    environment: options.Environment = "dev",
    target: options.Target = None,
    calls: Annotated[
        str | None,
        typer.Option(help="Glob of raw calls; where a build reads them if not given."),
    ] = None,
    sample: Annotated[
        int, typer.Option(min=0, help="Calls to draw at random; 0 for all of them.")
    ] = 5000,
    project: options.Project = Path("."),
    as_json: options.Json = False,
) -> None:
    """Show by experiment that what is not allowlisted can't change what is published.

    Builds copies of the project over your calls and over changed ones, and compares what each
    published. What you built, your key and what is published are not touched; the copies are
    removed.
    Exit code 1 if something interferes or a destination could not be tried.

    Example: `hipaa-mode selftest --environment prod --calls '/data/calls/*.ndjson.gz'`
    """
    location = raw_calls_of(project, environment, calls)
    with console.messages.status("Reading the calls") as status:

        def progress(what: str) -> None:
            status.update(what)
            if not console.messages.is_terminal:
                console.messages.print(what)

        lines = sampled_lines(project, target or environment, location, sample)
        outcome = run_selftest(project.absolute(), lines, environment, target, progress)
    if as_json:
        verdicts = outcome.verdicts
        console.print_json(
            {
                "environment": environment,
                "holds": outcome.holds,
                "calls": outcome.calls,
                "lines_left_out": outcome.left_out,
                "changed": dict(outcome.changed),
                "problems": outcome.problems,
                "not_restricted": outcome.unrestricted,
                "destinations": [{**asdict(item), "holds": item.holds} for item in verdicts],
            }
        )
    else:
        _print(environment, outcome)
    console.fail_if(not outcome.holds)


def _print(environment: str, outcome: Outcome) -> None:
    columns = [console.word("Destination"), console.word("Verdict")]
    columns += map(console.number, ("Rows", "Cells", "Tokens", "Planted and seen"))
    rows: list[list[str | Text]] = [
        [
            verdict.destination,
            _verdict(verdict),
            f"{verdict.rows:,}",
            f"{verdict.cells:,}",
            f"{verdict.tokens:,}",
            f"{verdict.seen} of {verdict.planted}",
        ]
        for verdict in outcome.verdicts
    ]
    rows += [[name, "not restricted"] for name in outcome.unrestricted]
    console.show(console.table(f"Non-interference in {environment}", columns, rows))
    changed = outcome.changed
    console.show(
        f"{outcome.calls:,} calls; changed in them: {changed['unlisted']:,} values that no "
        f"destination may see, {changed['masked']:,} masked ones, {changed['generalised']:,} that "
        f"generalise to the same."
    )
    if outcome.left_out:
        console.show(f"Left out: {outcome.left_out:,} lines on which readers of JSON differ.")
    for problem in outcome.problems:
        console.say(problem, style="red")
    for verdict in outcome.verdicts:
        _print_findings(verdict)


def _print_findings(verdict: Verdict) -> None:
    for view in verdict.empty_views:
        console.show(f"No call of these reached {view}: nothing is shown of it.", style="yellow")
    lines = [*verdict.problems, *map(str, verdict.differences)]
    for line in lines[:SHOWN_DIFFERENCES]:
        console.say(f"{verdict.destination}: {line}", style="red")
    if len(lines) > SHOWN_DIFFERENCES:
        console.show(f"and {len(lines) - SHOWN_DIFFERENCES} more; --json has them all")


def _verdict(verdict: Verdict) -> Text:
    if verdict.holds:
        return Text("holds", "green")
    return Text("interference" if verdict.differences else "not proven", "red")
