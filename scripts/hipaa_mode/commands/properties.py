"""`hipaa-mode allow`, `mask` and `deny`: what a destination receives, and in which form."""

from __future__ import annotations

from typing import Annotated

import typer

from hipaa_mode.commands import options
from hipaa_mode.commands._editing import Cells, editing_command
from hipaa_mode.editing.properties import Place, deny_property, set_property
from hipaa_mode.editing.workspace import Workspace

DestinationArgument = Annotated[
    str, typer.Argument(help="The destination; '*' for the project allowlist.")
]
PropertyArgument = Annotated[
    str, typer.Argument(help="Path of the property, such as address.postal_code.")
]
ListOption = Annotated[
    str,
    typer.Option("--list", "-l", help="Its list: event, user, group, context or envelope."),
]
EventOption = Annotated[
    str, typer.Option("--event", help="The one event it passes on; every event if not given.")
]


@editing_command("reason", "approved_by", "expires_on", "data_type", "guard", "column_name")
def allow(
    workspace: Workspace,
    cells: Cells,
    destination: DestinationArgument,
    property_path: PropertyArgument,
    property_list: ListOption = "event",
    environment: options.EnvironmentOrAll = "dev",
    treatment: Annotated[
        str,
        typer.Option(
            "--as",
            "--treatment",
            help="The form: allow, or coarser, as year, zip3 or round(10).",
        ),
    ] = "allow",
    event: EventOption = "",
) -> None:
    """Let a property reach a destination, as it is or in a coarser form.

    Writes one row of allowed_properties.csv, and the column's documentation. Shows the diff
    first, and refuses what a build would refuse.

    Example: `hipaa-mode allow ga4 address.postal_code --list user --as zip3 --reason "3 digits"`
    """
    place = Place(environment, destination, property_list, property_path, event)
    set_property(workspace, place, treatment, cells)


@editing_command("normalize", "mask_scope", "reason", "approved_by", "expires_on", "column_name")
def mask(
    workspace: Workspace,
    cells: Cells,
    destination: DestinationArgument,
    property_path: PropertyArgument,
    property_list: ListOption = "event",
    environment: options.EnvironmentOrAll = "dev",
    event: EventOption = "",
    surrogate: Annotated[
        bool,
        typer.Option("--surrogate", help="A random code from a crosswalk in place of a token."),
    ] = False,
) -> None:
    """Let a property reach a destination as a keyed token only.

    Example: `hipaa-mode mask ga4 email --list user --normalize email --reason "Counts people"`
    """
    place = Place(environment, destination, property_list, property_path, event)
    set_property(workspace, place, "surrogate" if surrogate else "mask", cells)


@editing_command("reason")
def deny(
    workspace: Workspace,
    cells: Cells,
    destination: DestinationArgument,
    property_path: PropertyArgument,
    property_list: ListOption = "event",
    environment: options.EnvironmentOrAll = "dev",
    event: EventOption = "",
) -> None:
    """Stop a property from reaching a destination.

    Removes the destination's rows for it. Where a row for every environment or the project
    allowlist would still let it pass, a `deny` row takes it away.

    Example: `hipaa-mode deny google_ads plan --environment '*' --reason "It has no use for it"`
    """
    place = Place(environment, destination, property_list, property_path, event)
    deny_property(workspace, place, cells["reason"] or "")
