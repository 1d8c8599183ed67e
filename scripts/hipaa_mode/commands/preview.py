"""`hipaa-mode preview`: what a destination gets of a call, and what a change of the seeds does."""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column
from rich.text import Text

from hipaa_mode.commands import console, options
from hipaa_mode.display import printable
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.plan import make_plan
from hipaa_mode.preview.build import Previewer
from hipaa_mode.preview.calls import invented_calls, read_calls
from hipaa_mode.preview.changes import CHANGES, NARROWS, WIDENS, Change
from hipaa_mode.preview.difference import (
    COMMIT_SHOWN,
    Difference,
    as_markdown,
    difference,
    in_words,
)
from hipaa_mode.preview.explain import OUTCOMES, Explainer, Line, Preview
from hipaa_mode.project import destination_models, read_seeds, refuse_faults, today
from hipaa_mode.raw_calls import RawLocation

LONGEST_SHOWN = 120


class FailOn(str, Enum):
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
        options.environment(
            "The environment: the dbt target's name. dev, or with --diff all, if not given."
        ),
    ] = None,
    target: options.Target = None,
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
    project: options.Project = Path("."),
    as_json: options.Json = False,
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
        found = _difference(project, diff, chosen, destination, count)
        if as_json:
            console.print_json(found.as_json())
        elif markdown:
            print(as_markdown(found), end="")
        else:
            _print_difference(found)
        effects = {change.effect for change in found.changes}
        console.fail_if(
            effects & {FailOn.WIDENS: {WIDENS}, FailOn.ANY: effects}.get(fail_on, set())
        )
        return
    if destination is None:
        raise typer.BadParameter("Name a destination", param_hint="DESTINATION")
    if markdown:
        raise typer.BadParameter("--markdown goes with --diff")
    started, environment = time.monotonic(), environment or "dev"
    previews, has_own_key = _previews(destination, call, environment, target, project)
    if as_json:
        key = "own" if has_own_key else "throw-away"
        shown = [dataclasses.asdict(preview) for preview in previews]
        console.print_json(
            {"environment": environment, "destination": destination, "key": key, "calls": shown}
        )
        return
    for place, preview in enumerate(previews, start=1):
        which = f" (call {place} of {len(previews)})" if len(previews) > 1 else ""
        _print(f"{destination}{which}", preview)
    key = "your masking key" if has_own_key else "a throw-away key: a build's tokens are others"
    origin = f"calls of {call}" if call else "invented calls"
    console.show(
        f"Built from {origin} by the models of {environment} with {key}, in "
        f"{time.monotonic() - started:.1f} seconds.",
        style="dim",
    )


def _previews(
    name: str, file: Path | None, environment: str, target: str | None, project: Path
) -> tuple[list[Preview], bool]:
    """Build calls, and return what becomes of each, and whether the masking key is the user's."""
    configuration = read_seeds(project)
    models = destination_models(project)
    plan = make_plan(configuration, environment, today(), models)
    refuse_faults(plan)
    if name not in plan.destinations:
        raise ConfigurationError(
            f"{environment} has no destination `{name}`. It has {', '.join(plan.destinations)}"
        )
    destination = plan.destinations[name]
    own = [model for model in models if model.rpartition("__")[0] == name]
    views = [model.rpartition("__")[2] for model in own]
    calls = read_calls(file) if file else map(json.dumps, invented_calls(destination, views))
    texts = list(calls)
    status = console.messages.status("Building the calls in a copy of the project …")
    with status, Previewer(project, plan, target) as previewer:
        built = previewer.build(name, own, texts)
        has_own_key = previewer.has_own_key
    explainer = Explainer(configuration, environment, destination, own, today())
    return [explainer.explain(text, made) for text, made in zip(texts, built)], has_own_key


def _print(title: str, shown: Preview) -> None:
    columns = [
        Column(heading, overflow="fold", ratio=ratio)
        for heading, ratio in (("Property", 3), ("Before", 4), ("After", 4), ("Why", 4))
    ]
    rows: list[list[str | Text] | None] = []
    for _, lines in itertools.groupby(shown.lines, lambda line: line.property_list):
        rows += [*map(_cells, lines), None]
    console.show(console.table(f"{title}: {shown.view or 'NOT SENT'}", columns, rows))
    if shown.not_sent:
        console.show(Text.assemble(("Not sent:", "bold"), f" {shown.not_sent}."))
    console.show(f"{console.counted(OUTCOMES, (line.outcome for line in shown.lines))}.")
    if shown.empty_columns:
        columns_shown = ", ".join(map(printable, shown.empty_columns))
        console.say(f"Empty in this row: {columns_shown}.")
    console.show()


def _cells(line: Line) -> list[str | Text]:
    style = STYLES[line.outcome]
    after = Text("—", style)
    if line.column:
        value = "null" if line.after is None else printable(line.after, LONGEST_SHOWN)
        after = Text.assemble((printable(line.column), "bold"), " ", (value, style))
    return [
        printable(f"{line.property_list} {line.path}".strip(), LONGEST_SHOWN),
        printable(line.before, LONGEST_SHOWN),
        after,
        Text.assemble((line.outcome, style), f": {printable(line.why)}"),
    ]


def _difference(
    project: Path,
    reference: str,
    environments: list[str],
    destination: str | None,
    count: bool,
) -> Difference:
    with console.messages.status("Comparing the seeds …") as status:

        def reading(environment: str, location: RawLocation) -> Callable[[int], None]:
            total, done = sum(file.size for file in location.files), 0

            def progress(size: int) -> None:
                nonlocal done
                done += size
                read = f"{done / 1e6:,.0f} MB of {total / 1e6:,.0f} MB on disk"
                status.update(f"Counting affected calls of {environment}: {read}")

            return progress

        return difference(project, reference, environments, destination, count, reading)


def _print_difference(found: Difference) -> None:
    for fault in found.old_faults:
        console.say(f"At {found.reference}: {fault}", style="yellow")
    columns = (
        console.word("Destination"),
        console.word("Effect"),
        "What",
        "Before",
        "After",
        console.number("Calls"),
    )
    for item in found.environments:
        rows: list[list[str | Text] | None] = []
        for name, changes in itertools.groupby(item.changes, lambda change: change.destination):
            first, *others = map(_row, changes)
            rows += [[name, *first], *(["", *row] for row in others), None]
        if rows:
            console.show(console.table(in_words(item.environment), columns, rows))
        else:
            console.show(f"{in_words(item.environment)}: no destination receives anything else.")
        if item.calls_read is not None:
            console.show(f"Calls: of {item.calls_read:,} raw calls at hand.")
        elif item.note:
            console.say(item.note, style="yellow")
    counted = console.counted(EFFECT_STYLES, (change.effect for change in found.changes))
    commit = found.commit[:COMMIT_SHOWN]
    console.say(f"Against {found.reference} ({commit}): {counted or 'nothing changes'}.")


def _row(change: Change) -> list[str | Text]:
    not_sent = Text("not sent", "dim")
    return [
        Text(change.effect, EFFECT_STYLES[change.effect]),
        printable(f"{change.kind} {change.what}", LONGEST_SHOWN),
        printable(change.before) or not_sent,
        printable(change.after) or not_sent,
        "" if change.calls is None else f"{change.calls:,}",
    ]
