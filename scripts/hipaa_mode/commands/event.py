"""`hipaa-mode event`: which events a destination receives."""

from __future__ import annotations

from typing import Annotated

import typer

from hipaa_mode.commands import options
from hipaa_mode.commands._editing import editing_command
from hipaa_mode.editing.events import allow_event, deny_event
from hipaa_mode.editing.workspace import Workspace

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
@editing_command()
def allow(
    workspace: Workspace,
    destination: DestinationArgument,
    event: EventArgument,
    environment: options.EnvironmentOrAll = "dev",
    sent_as: Annotated[
        str | None,
        typer.Option(help="Name to send it under, where its own says too much; '' for its own."),
    ] = None,
) -> None:
    """Let an event reach a destination, under its own name or another.

    Example: `hipaa-mode event allow ga4 "Appointment Booked" --sent-as booking_completed`
    """
    allow_event(workspace, environment, destination, event, sent_as)


@app.command()
@editing_command()
def deny(
    workspace: Workspace,
    destination: DestinationArgument,
    event: EventArgument,
    environment: options.EnvironmentOrAll = "dev",
) -> None:
    """Stop an event from reaching a destination.

    A row for every environment becomes one for each of the others.

    Example: `hipaa-mode event deny ga4 "Insurance" --environment prod`
    """
    deny_event(workspace, environment, destination, event)
