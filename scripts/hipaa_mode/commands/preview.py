"""`hipaa-mode preview`: what a destination gets of a call, and what a change of the seeds does."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from hipaa_mode.commands._options import (
    JsonOption,
    ProjectOption,
    environment_option,
    messages,
    output,
    plain_table,
    say,
)
from hipaa_mode.display import printable
from hipaa_mode.errors import ConfigurationError, ExitCode
from hipaa_mode.plan import Plan, make_plan
from hipaa_mode.preview.build import Previewer
from hipaa_mode.preview.calls import invented_calls, read_calls
from hipaa_mode.preview.changes import CHANGES, NARROWS, WIDENS, Change
from hipaa_mode.preview.difference import (
    COMMIT_SHOWN,
    Difference,
    EnvironmentDifference,
    as_markdown,
    difference,
    in_words,
)
from hipaa_mode.preview.explain import OUTCOMES, Explainer, Line, Preview
from hipaa_mode.project import destination_models, read_seeds, refuse_faults, today
from hipaa_mode.raw_calls import RawLocation

LONGEST_SHOWN = 120


class FailOn(StrEnum):
    """When `--diff` ends with exit code 1."""

    NEVER = "never"
    WIDENS = "widens"
    ANY = "any"


EFFECT_STYLES = {WIDENS: "bold red", CHANGES: "yellow", NARROWS: "green"}
STYLES = {
    "kept": "green",
    "masked": "cyan",
    "generalised": "blue",
    "nulled by the guard": "yellow",
    "nulled by type": "yellow",
    "dropped": "dim",
}


def preview(
    destination: Annotated[
        str | None, typer.Argument(help="The destination; with --diff all if not given.")
    ] = None,
    call: Annotated[
        Path | None,
        typer.Option(
            "--call",
            help="File with a call, or one a line (50 at most); - for the standard input. "
            "Its values are shown as they are, on your terminal and nowhere else.",
        ),
    ] = None,
    environment: Annotated[
        str | None,
        environment_option(
            "The environment: the dbt target's name. dev, or with --diff all, if not given."
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="dbt target; the environment if not given.")
    ] = None,
    diff: Annotated[
        str | None,
        typer.Option(
            "--diff",
            metavar="GIT-REF",
            help="Show instead what the seeds as they are would change against this commit.",
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="With --diff: write Markdown for a pull request.")
    ] = False,
    count: Annotated[
        bool,
        typer.Option(help="With --diff: count the raw calls at hand that a change affects."),
    ] = True,
    fail_on: Annotated[
        FailOn,
        typer.Option(
            help="With --diff: when the exit code is 1. `widens`: something is sent that was not, "
            "or may tell more than before; `any`: anything changes."
        ),
    ] = FailOn.NEVER,
    project: ProjectOption = Path("."),
    as_json: JsonOption = False,
) -> None:
    """Show a call before and after, as a destination would get it, and why.

    The project's own models are run, in a copy in a private folder that is removed afterwards, on
    nothing but these calls: about 8 seconds. Tokens are made with your masking key, or with a
    throw-away one where there is none. Without --call a call is made up for each view, to fit its
    allowlist; only --call shows real values.

    With --diff nothing is built: the seeds of two commits are compared, by environment and
    destination, and affected raw calls counted, where a build reads them. Exit code 0, or 1 as
    --fail-on says; 2 where the seeds have faults, 3 where there is no such commit.

    Example: `hipaa-mode preview ga4 --call call.json`

    Example: `hipaa-mode preview --diff origin/main --markdown --fail-on widens`
    """
    if diff is not None:
        if call is not None:
            raise typer.BadParameter("--call does not go with --diff")
        chosen = [environment] if environment else []
        _show_difference(project, diff, chosen, destination, count, markdown, as_json, fail_on)
        return
    if destination is None:
        raise typer.BadParameter("Name a destination", param_hint="DESTINATION")
    if markdown:
        raise typer.BadParameter("--markdown goes with --diff")
    _show_calls(destination, call, environment or "dev", target, project, as_json)


def _show_calls(
    name: str,
    file: Path | None,
    environment: str,
    target: str | None,
    project: Path,
    as_json: bool,
) -> None:
    started = time.monotonic()
    configuration = read_seeds(project)
    models = destination_models(project)
    plan = make_plan(configuration, environment, today(), models)
    refuse_faults(plan)
    if name not in plan.destinations:
        raise ConfigurationError(
            f"{environment} has no destination `{name}`. It has {', '.join(plan.destinations)}"
        )
    destination = plan.destinations[name]
    of_destination = [model for model in models if model.rpartition("__")[0] == name]
    views = [model.rpartition("__")[2] for model in of_destination]
    calls = (
        read_calls(file)
        if file
        else [json.dumps(call) for call in invented_calls(destination, views)]
    )
    status = messages.status("Building the calls in a copy of the project …")
    with status, Previewer(project, plan, target) as previewer:
        built = previewer.build(name, of_destination, calls)
        has_own_key = previewer.has_own_key
    explainer = Explainer(configuration, environment, destination, of_destination, today())
    previews = [explainer.explain(text, found) for text, found in zip(calls, built)]
    if as_json:
        print(json.dumps(_as_json(plan, name, has_own_key, previews), indent=1))
        return
    for number, (text, shown) in enumerate(zip(calls, previews), start=1):
        _print(name, number, len(calls), text, shown)
    key = "your masking key" if has_own_key else "a throw-away key: a build's tokens are others"
    origin = f"calls of {file}" if file else "invented calls"
    output.print(
        f"Built from {origin} by the models of {environment} with {key}, in "
        f"{time.monotonic() - started:.1f} seconds.",
        style="dim",
    )


def _as_json(plan: Plan, name: str, has_own_key: bool, previews: list[Preview]) -> dict[str, Any]:
    return {
        "environment": plan.environment,
        "destination": name,
        "key": "own" if has_own_key else "throw-away",
        "calls": [dataclasses.asdict(preview) for preview in previews],
    }


def _print(name: str, number: int, count: int, text: str, shown: Preview) -> None:
    which = f" (call {number} of {count})" if count > 1 else ""
    title = f"{name}{which}: {shown.view}" if shown.view else f"{name}{which}: NOT SENT"
    table = plain_table(title)
    table.add_column("Property", overflow="fold", ratio=3)
    table.add_column("Before", overflow="fold", ratio=4)
    table.add_column("After", overflow="fold", ratio=4)
    table.add_column("Why", overflow="fold", ratio=4)
    last = ""
    for line in shown.lines:
        if line.property_list != last and last:
            table.add_section()
        last = line.property_list
        table.add_row(*_cells(line))
    output.print(table)
    if shown.not_sent:
        output.print(f"[bold]Not sent:[/] {escape(shown.not_sent)}.")
    counts = Counter(line.outcome for line in shown.lines)
    counted = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])
    output.print(f"{counted}.")
    if shown.empty_columns:
        columns = escape(", ".join(map(printable, shown.empty_columns)))
        output.print(f"Empty in this row: {columns}.")
    output.print()


def _cells(line: Line) -> list[str]:
    style = STYLES[line.outcome]
    path = escape(printable(f"{line.property_list} {line.path}".strip(), LONGEST_SHOWN))
    before = escape(printable(line.before, LONGEST_SHOWN))
    if not line.column:
        after = f"[{style}]—[/]"
    else:
        value = "null" if line.after is None else printable(line.after, LONGEST_SHOWN)
        column = escape(printable(line.column))
        after = f"[bold]{column}[/] [{style}]{escape(value)}[/]"
    return [path, before, after, f"[{style}]{line.outcome}[/]: {escape(printable(line.why))}"]


def _show_difference(
    project: Path,
    reference: str,
    environments: list[str],
    destination: str | None,
    count: bool,
    markdown: bool,
    as_json: bool,
    fail_on: FailOn,
) -> None:
    with messages.status("Comparing the seeds …") as status:

        def reading(environment: str, location: RawLocation) -> Callable[[int], None]:
            total, done = sum(file.size for file in location.files), 0

            def progress(size: int) -> None:
                nonlocal done
                done += size
                read = f"{done / 1e6:,.0f} MB" + (f" of {total / 1e6:,.0f} MB on disk")
                status.update(f"Counting affected calls of {environment}: {read}")

            return progress

        found = difference(project, reference, environments, destination, count, reading)
    if as_json:
        print(json.dumps(found.as_json(), indent=1))
    elif markdown:
        print(as_markdown(found), end="")
    else:
        _print_difference(found)
    widens = any(change.effect == WIDENS for change in found.changes)
    if (fail_on is FailOn.WIDENS and widens) or (fail_on is FailOn.ANY and found.changes):
        raise typer.Exit(ExitCode.FAILED_CHECK)


def _print_difference(found: Difference) -> None:
    for fault in found.old_faults:
        text = f"At {found.reference}: {fault}"
        say(text, style="yellow")
    for item in found.environments:
        if item.changes:
            output.print(_difference_table(item))
        else:
            output.print(f"{in_words(item.environment)}: no destination receives anything else.")
        if item.calls_read is not None:
            output.print(f"Calls: of {item.calls_read:,} raw calls at hand.")
        elif item.note:
            say(item.note, style="yellow")
    counts = Counter(change.effect for change in found.changes)
    counted = (
        ", ".join(f"{counts[e]} {e}" for e in EFFECT_STYLES if counts[e]) or "nothing changes"
    )
    commit = found.commit[:COMMIT_SHOWN]
    output.print(f"Against {escape(found.reference)} ({commit}): {counted}.")


def _difference_table(item: EnvironmentDifference) -> Table:
    table = plain_table(in_words(item.environment))
    table.add_column("Destination", no_wrap=True)
    table.add_column("Effect", no_wrap=True)
    for heading in ("What", "Before", "After"):
        table.add_column(heading, overflow="fold")
    table.add_column("Calls", justify="right", no_wrap=True)
    last = ""
    for change in item.changes:
        if last and change.destination != last:
            table.add_section()
        table.add_row(change.destination if change.destination != last else "", *_row(change))
        last = change.destination
    return table


def _row(change: Change) -> list[str]:
    style = EFFECT_STYLES[change.effect]
    return [
        f"[{style}]{change.effect}[/]",
        escape(printable(f"{change.kind} {change.what}", LONGEST_SHOWN)),
        escape(printable(change.before)) or "[dim]not sent[/]",
        escape(printable(change.after)) or "[dim]not sent[/]",
        "" if change.calls is None else f"{change.calls:,}",
    ]
