"""`hipaa-mode check`: whether a build would accept the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hipaa_mode import stops_in_force
from hipaa_mode.commands import console, options
from hipaa_mode.errors import ExitCode
from hipaa_mode.project import read_plan
from hipaa_mode.received.gate import judge_project


def check(
    environment: options.Environment = "dev",
    project: options.Project = Path("."),
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse rows that narrow nothing, too.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Check the seeds and the lock as a build would, without dbt, a database or a key.

    Exit code 2 if there is a fault. A row without which every destination would receive the same
    is a warning, and with `--strict` a fault. Destinations that are stopped are named.

    Example: `hipaa-mode check --environment prod --strict`
    """
    plan = read_plan(project, environment)
    judgement = judge_project(project, environment)
    faults = plan.faults + judgement.faults
    warnings = plan.warnings + judgement.notices
    if strict:
        faults += plan.rows_without_effect
        warnings = [item for item in warnings if item not in plan.rows_without_effect]
    if as_json:
        console.print_json(
            {
                "environment": environment,
                "faults": [str(fault) for fault in faults],
                "warnings": [str(warning) for warning in warnings],
                "stopped": {name: vars(stop) for name, stop in plan.stopped.items()},
            }
        )
    else:
        for title, found, style in (("Faults", faults, "red"), ("Warnings", warnings, "yellow")):
            if found:
                rows = (
                    [
                        item.file if item.line is None else f"{item.file}, line {item.line}",
                        item.problem,
                        item.remedy,
                    ]
                    for item in found
                )
                shown = console.table(
                    f"{title}: {len(found)}", ("Where", "What", "What to do"), rows
                )
                shown.title_style = style
                console.show(shown)
        for line in stops_in_force.lines(plan.stopped):
            console.say(line, style="red")
        if not faults:
            count = len(plan.destinations)
            console.show(f"The configuration of {environment} is sound: {count} destinations.")
    console.fail_if(faults, ExitCode.BAD_CONFIGURATION)
