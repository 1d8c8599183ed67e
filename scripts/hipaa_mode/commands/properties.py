"""`hipaa-mode allow`, `mask` and `deny`: what a destination receives, and in which form."""

from __future__ import annotations

from typing import Annotated

import typer

from hipaa_mode.commands._editing import (
    EnvironmentOption,
    Made,
    editing_command,
)
from hipaa_mode.editing.properties import Place, deny_property, set_property

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
ColumnOption = Annotated[
    str | None, typer.Option("--column", help="Name of the column; the path in snake_case if not.")
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", "-r", help="Why it is safe; documents the column.")
]
ApprovedByOption = Annotated[str | None, typer.Option(help="Who approved it.")]
ExpiresOnOption = Annotated[str | None, typer.Option(help="Last day it counts, yyyy-mm-dd.")]
NormalizeOption = Annotated[
    str | None, typer.Option(help="One spelling before masking: none, email, phone or lower.")
]


@editing_command
def allow(
    destination: DestinationArgument,
    property_path: PropertyArgument,
    property_list: ListOption = "event",
    environment: EnvironmentOption = "dev",
    treatment: Annotated[
        str,
        typer.Option(
            "--as",
            "--treatment",
            help="The form: allow, or coarser, as year, zip3 or round(10).",
        ),
    ] = "allow",
    event: EventOption = "",
    reason: ReasonOption = None,
    approved_by: ApprovedByOption = None,
    expires_on: ExpiresOnOption = None,
    data_type: Annotated[
        str | None,
        typer.Option(
            "--type", help="text, integer, number, boolean, timestamp, date or json (all of it)."
        ),
    ] = None,
    guard: Annotated[
        str | None,
        typer.Option(help="For free text that looks like an identifier: block, warn or none."),
    ] = None,
    column: ColumnOption = None,
) -> Made:
    """Let a property reach a destination, as it is or in a coarser form.

    Writes one row of allowed_properties.csv, and the column's documentation. Shows the diff
    first, and refuses what a build would refuse.

    Example: `hipaa-mode allow ga4 address.postal_code --list user --as zip3 --reason "3 digits"`
    """
    place = Place(environment, destination, property_list, property_path, event)
    cells = {
        "reason": reason,
        "approved_by": approved_by,
        "expires_on": expires_on,
        "data_type": data_type,
        "guard": guard,
        "column_name": column,
    }
    return Made(lambda workspace: set_property(workspace, place, treatment, cells))


@editing_command
def mask(
    destination: DestinationArgument,
    property_path: PropertyArgument,
    property_list: ListOption = "event",
    environment: EnvironmentOption = "dev",
    event: EventOption = "",
    normalize: NormalizeOption = None,
    scope: Annotated[
        str | None,
        typer.Option(
            help="Scope of the tokens: property (equal to no other property's), destination (to "
            "no other destination's); blank for that of the destination's row."
        ),
    ] = None,
    surrogate: Annotated[
        bool,
        typer.Option("--surrogate", help="A random code from a crosswalk in place of a token."),
    ] = False,
    reason: ReasonOption = None,
    approved_by: ApprovedByOption = None,
    expires_on: ExpiresOnOption = None,
    column: ColumnOption = None,
) -> Made:
    """Let a property reach a destination as a keyed token only.

    Example: `hipaa-mode mask ga4 email --list user --normalize email --reason "Counts people"`
    """
    place = Place(environment, destination, property_list, property_path, event)
    cells = {
        "reason": reason,
        "approved_by": approved_by,
        "expires_on": expires_on,
        "normalize": normalize,
        "mask_scope": scope,
        "column_name": column,
    }
    treatment = "surrogate" if surrogate else "mask"
    return Made(lambda workspace: set_property(workspace, place, treatment, cells))


@editing_command
def deny(
    destination: DestinationArgument,
    property_path: PropertyArgument,
    property_list: ListOption = "event",
    environment: EnvironmentOption = "dev",
    event: EventOption = "",
    reason: ReasonOption = None,
) -> Made:
    """Stop a property from reaching a destination.

    Removes the destination's rows for it. Where a row for every environment or the project
    allowlist would still let it pass, a `deny` row takes it away.

    Example: `hipaa-mode deny google_ads plan --environment '*' --reason "It has no use for it"`
    """
    place = Place(environment, destination, property_list, property_path, event)
    return Made(lambda workspace: deny_property(workspace, place, reason or ""))
