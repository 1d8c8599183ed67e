"""`hipaa-mode event`: which events a destination receives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hipaa_mode.commands._editing import (
    DryRunOption,
    EnvironmentOption,
    JsonOption,
    YesOption,
    make_change,
)
from hipaa_mode.commands._options import ProjectOption
from hipaa_mode.editing.events import allow_event, deny_event

app = typer.Typer(no_args_is_help=True, help="Say which events a destination receives.")

DestinationArgument = Annotated[
    str, typer.Argument(help="The destination; '*' for every restricted one.")
]
EventArgument = Annotated[
    str,
    typer.Argument(
        help="Event of a track call; name of a page or screen call, or page or screen for one "
        "without a name; '*' for all."
    ),
]


@app.command()
def allow(
    destination: DestinationArgument,
    event: EventArgument,
    environment: EnvironmentOption = "dev",
    sent_as: Annotated[
        str | None,
        typer.Option(help="Name to send it under, where its own says too much; '' for its own."),
    ] = None,
    project: ProjectOption = Path("."),
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let an event reach a destination, under its own name or another.

    Example: `hipaa-mode event allow ga4 "Appointment Booked" --sent-as booking_completed`
    """
    make_change(
        project,
        lambda workspace: allow_event(workspace, environment, destination, event, sent_as),
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )


@app.command()
def deny(
    destination: DestinationArgument,
    event: EventArgument,
    environment: EnvironmentOption = "dev",
    project: ProjectOption = Path("."),
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Stop an event from reaching a destination.

    A row for every environment becomes one for each of the others.

    Example: `hipaa-mode event deny ga4 "Insurance" --environment prod`
    """
    make_change(
        project,
        lambda workspace: deny_event(workspace, environment, destination, event),
        dry_run=dry_run,
        yes=yes,
        as_json=as_json,
    )
