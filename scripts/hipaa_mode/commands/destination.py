"""`hipaa-mode destination`: who receives data, in which mode."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from hipaa_mode import property_counts
from hipaa_mode.commands import _options
from hipaa_mode.commands._editing import (
    EnvironmentOption,
    Made,
    editing_command,
    open_workspace,
)
from hipaa_mode.commands._options import (
    ProjectOption,
    checked_environment_or_any,
    environment_option,
    output,
    plain_table,
)
from hipaa_mode.configuration import ALL_VIEWS, ANY
from hipaa_mode.display import printable
from hipaa_mode.documentation import describe_columns
from hipaa_mode.editing import screens
from hipaa_mode.editing.destinations import (
    add_destination,
    remove_destination,
    set_cells,
    set_restriction,
)
from hipaa_mode.editing.scaffold import Owner
from hipaa_mode.editing.screens import (
    DestinationScreen,
    ListedEvent,
    ListedProperty,
    destination_screens,
)
from hipaa_mode.errors import ConfigurationError, ExitCode
from hipaa_mode.project import read_plan, refuse_faults

app = typer.Typer(no_args_is_help=True, help="Add, look at and remove destinations.")

NameArgument = Annotated[str, typer.Argument(help="Name of the destination.")]
ShownEnvironment = Annotated[
    str | None,
    environment_option("This environment only; all if not given.", checked_environment_or_any),
]

MODE_STYLES = {screens.HIPAA: "green", screens.OPEN: "yellow", screens.INVALID: "bold red"}


@app.command()
@editing_command
def add(
    name: Annotated[
        str, typer.Argument(help="Its name: lower-case letters, digits, underscores.")
    ],
    destination_type: Annotated[
        str, typer.Option("--type", "-t", help="Kind of tool, from destination_types.csv.")
    ],
    environment: EnvironmentOption = "dev",
    connection_mode: Annotated[
        str, typer.Option("--mode", help="server_side or client_side.")
    ] = "server_side",
    restrict_phi: Annotated[
        bool,
        typer.Option(
            "--restrict/--no-restrict", help="Allowlists and id masking; off needs a BAA."
        ),
    ] = True,
    baa_reference: Annotated[str, typer.Option(help="Reference of the agreement.")] = "",
    baa_expires_on: Annotated[str, typer.Option(help="Its last day, yyyy-mm-dd.")] = "",
    own_tokens: Annotated[
        bool,
        typer.Option("--own-tokens", help="Tokens that match no other destination's."),
    ] = False,
    timestamp_precision: Annotated[
        str, typer.Option(help="exact, second, minute, hour, day, month, year or none.")
    ] = "",
    consent_categories: Annotated[
        str,
        typer.Option(help="Consent categories that a call must have, separated by semicolons."),
    ] = "",
    consent_strategy: Annotated[
        str, typer.Option(help="and: consent to all of them; or: to one of them.")
    ] = "",
    honor_opt_outs: Annotated[
        bool,
        typer.Option(
            "--honor-opt-outs/--ignore-opt-outs",
            help="Whether a no in `integrations` keeps a call from it.",
        ),
    ] = True,
    description: Annotated[str, typer.Option("--description", "-d", help="What for.")] = "",
    views: Annotated[
        str | None,
        typer.Option(
            help="Views to add models for, with commas: events, identifies, groups, and users and "
            "groups_latest, which have the latest values. events if not given, and those of users "
            "and groups when their first property is allowed; all where PHI is not restricted."
        ),
    ] = None,
    owner_name: Annotated[str, typer.Option(help="Who answers for it, for its exposure.")] = "",
    owner_email: Annotated[str, typer.Option(help="Their e-mail address.")] = "",
) -> Made:
    """Add a destination: its row, and models with descriptions, tests and an exposure.

    It receives nothing until events and properties are allowed; everything where PHI is not
    restricted.

    Example: `hipaa-mode destination add ga4 --type google_analytics_4 --owner-email me@x.example`
    """
    cells = {
        "environment": environment,
        "destination": name,
        "destination_type": destination_type,
        "connection_mode": connection_mode,
        "restrict_phi": "true" if restrict_phi else "false",
        "baa_reference": baa_reference,
        "baa_expires_on": baa_expires_on,
        "mask_scope": "destination" if own_tokens else "",
        "timestamp_precision": timestamp_precision,
        "consent_categories": consent_categories,
        "consent_strategy": consent_strategy,
        "honor_opt_outs": "" if honor_opt_outs else "false",
        "description": description,
    }
    if views is None:
        views = "events" if restrict_phi else ",".join(ALL_VIEWS)
    wanted = [view.strip() for view in views.split(",") if view.strip()]
    next_steps = ["dbt build"]
    if restrict_phi:
        next_steps = [
            f'hipaa-mode event allow {name} "Some Event" -e {environment}',
            f'hipaa-mode allow {name} some_property -e {environment} --reason "…"',
            *next_steps,
        ]
    owner = Owner(owner_name, owner_email)
    return Made(
        lambda workspace: add_destination(workspace, cells, wanted, owner),
        ["Next: " + "; ".join(next_steps)],
    )


@app.command()
@editing_command
def remove(
    name: NameArgument,
    environment: ShownEnvironment = None,
) -> Made:
    """Remove a destination's rows, and its models when no environment lists it any more.

    The next build withdraws its published files.

    Example: `hipaa-mode destination remove web_chat --environment prod`
    """
    return Made(lambda workspace: remove_destination(workspace, name, environment))


@app.command()
@editing_command
def restrict(
    name: NameArgument,
    off: Annotated[
        bool, typer.Option("--off", help="Send everything as it is. Needs a BAA.")
    ] = False,
    baa_reference: Annotated[str | None, typer.Option(help="Reference of the agreement.")] = None,
    baa_expires_on: Annotated[str | None, typer.Option(help="Its last day, yyyy-mm-dd.")] = None,
    environment: EnvironmentOption = "dev",
) -> Made:
    """Restrict what a destination receives to its lists, or lift that under a BAA.

    Example: `hipaa-mode destination restrict crm --off --baa-reference BAA-2026-007 -e prod`
    """
    return Made(
        lambda workspace: set_restriction(
            workspace, environment, name, not off, baa_reference, baa_expires_on
        )
    )


@app.command()
@editing_command
def consent(
    name: NameArgument,
    categories: Annotated[
        str | None,
        typer.Option(help="Consent categories, separated by semicolons; '' needs none."),
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help="and: consent to all of them; or: to one of them.")
    ] = None,
    honor_opt_outs: Annotated[
        bool | None,
        typer.Option(
            "--honor-opt-outs/--ignore-opt-outs",
            help="Whether a no in `integrations` keeps a call from it.",
        ),
    ] = None,
    environment: EnvironmentOption = "dev",
) -> Made:
    """Say which consent calls need to be sent to a destination, and whether opt-outs count.

    Example: `hipaa-mode destination consent ga4 --categories "analytics;ads" -e prod`
    """
    cells = {"consent_categories": categories, "consent_strategy": strategy}
    if categories is not None and not categories.strip():
        cells["consent_strategy"] = strategy or ""
    cells["honor_opt_outs"] = {None: None, True: "", False: "false"}[honor_opt_outs]
    return Made(lambda workspace: set_cells(workspace, environment, name, cells))


@app.command()
def document(
    environment: _options.EnvironmentOption = "dev",
    project: ProjectOption = Path("."),
    target_path: Annotated[
        Path | None,
        typer.Option(help="Folder of dbt's manifest; DBT_TARGET_PATH or target if not given."),
    ] = None,
) -> None:
    """Describe the columns of destination views in dbt's documentation, after it was generated.

    The seeds say what they are; dbt reads descriptions from YAML alone. What your YAML describes
    stays as it is.

    Example: `dbt docs generate && hipaa-mode destination document && dbt docs serve`
    """
    plan = read_plan(project, environment)
    refuse_faults(plan)
    folder = project / (target_path or os.environ.get("DBT_TARGET_PATH") or "target")
    count = describe_columns(folder / "manifest.json", plan)
    output.print(f"Described {count} columns in {folder}/manifest.json", soft_wrap=True)


@app.command("list")
def list_all(
    environment: ShownEnvironment = None,
    project: ProjectOption = Path("."),
    as_json: _options.JsonOption = False,
) -> None:
    """List the destinations with their mode and validity, judged as `hipaa-mode check` does.

    Exit code 2 if a build would refuse one of them: it then builds none.

    Example: `hipaa-mode destination list --environment prod`
    """
    shown = _screens(project, environment)
    if as_json:
        output.print_json(json.dumps([_as_json(screen) for screen in shown]))
    else:
        for name in dict.fromkeys(screen.environment for screen in shown):
            output.print(_list_table(name, [row for row in shown if row.environment == name]))
        for name in dict.fromkeys(screen.environment for screen in shown):
            _print_all_findings([screen for screen in shown if screen.environment == name])
    if not all(screen.is_built for screen in shown):
        raise typer.Exit(ExitCode.BAD_CONFIGURATION)


@app.command()
def show(
    name: NameArgument,
    environment: ShownEnvironment = None,
    project: ProjectOption = Path("."),
    as_json: _options.JsonOption = False,
) -> None:
    """Show a destination as the configuration screens do: mode, validity and lists.

    Exit code 2 if a build would refuse it, or its environment for the sake of another.

    Example: `hipaa-mode destination show ga4 --environment prod`
    """
    every = _screens(project, environment)
    shown = [screen for screen in every if screen.name == name]
    if not shown:
        listed = ", ".join(dict.fromkeys(screen.name for screen in every))
        raise ConfigurationError(f"There is no destination `{name}`. Listed: {listed or 'none'}")
    if as_json:
        output.print_json(json.dumps([_as_json(screen) for screen in shown]))
    else:
        for screen in shown:
            _print_screen(screen)
    if not all(screen.is_built for screen in shown):
        raise typer.Exit(ExitCode.BAD_CONFIGURATION)


def _screens(project: Path, environment: str | None) -> list[DestinationScreen]:
    workspace = open_workspace(project)
    shown = destination_screens(workspace, [environment] if environment else [])
    if not shown and environment:
        raise ConfigurationError(
            f"No destination is listed for environment {environment}. There are: "
            + ", ".join(workspace.environments())
        )
    return shown


def _as_json(screen: DestinationScreen) -> dict[str, Any]:
    return {**asdict(screen), "valid": screen.is_valid}


def _mode(screen: DestinationScreen) -> str:
    return f"[{MODE_STYLES[screen.mode]}]{screen.mode}[/]"


def _validity(screen: DestinationScreen) -> str:
    if not screen.is_valid:
        return "[bold red]refused[/]"
    if not screen.is_built:
        return "[yellow]not built[/]"
    if screen.mode == screens.OPEN and screen.baa_expires_on:
        return f"until {escape(screen.baa_expires_on)}"
    return "[green]yes[/]"


def _list_table(environment: str, shown: list[DestinationScreen]) -> Table:
    every = "every environment" if environment == ANY else environment
    table = plain_table(f"Destinations in {every}", "Destination", "Mode", "Valid")
    for heading in ("Events", "Allowed", "Masked", "Coarser"):
        table.add_column(heading, justify="right", no_wrap=True)
    for screen in shown:
        table.add_row(
            f"{escape(screen.name)}\n[dim]{escape(screen.display_name)}[/]",
            _mode(screen),
            _validity(screen),
            *_counts(screen),
        )
    return table


def _counts(screen: DestinationScreen) -> list[str]:
    if screen.events is None:
        return ["all", "all", "none", "none"]
    every = any(listed.event == ANY for listed in screen.events)
    return [
        "all" if every else str(len(screen.events)),
        str(screen.properties.allowed),
        str(screen.properties.masked),
        str(screen.properties.generalised),
    ]


def _print_all_findings(shown: list[DestinationScreen]) -> None:
    """Print the findings of an environment, and once what is about all of its destinations."""
    common = [text for text in shown[0].faults if all(text in screen.faults for screen in shown)]
    for text in common:
        place = escape(f"{shown[0].environment}: ")
        output.print(f"[red]{place}{escape(text)}[/]", soft_wrap=True)
    for screen in shown:
        _print_findings(screen, with_name=True, common=common)


def _print_findings(
    screen: DestinationScreen, with_name: bool, common: Collection[str] = ()
) -> None:
    place = escape(f"{screen.environment} {screen.name}: ") if with_name else ""
    if screen.stopped:
        text = escape(printable(screen.stopped))
        output.print(f"[bold red]{place}{text}[/]", soft_wrap=True)
    for text in (text for text in screen.faults if text not in common):
        output.print(f"[red]{place}{escape(text)}[/]", soft_wrap=True)
    for text in screen.warnings:
        output.print(f"[yellow]{place}{escape(text)}[/]", soft_wrap=True)


def _print_screen(screen: DestinationScreen) -> None:
    baa = f", {screen.baa_reference}" if screen.mode == screens.OPEN else ""
    output.print(
        f"[bold]{escape(screen.name)}[/] in {escape(screen.environment)}: "
        f"{escape(screen.display_name)}, {_mode(screen)}{escape(baa)}, valid: {_validity(screen)}",
        soft_wrap=True,
    )
    precision = screen.timestamp_precision
    facts = [
        screen.description,
        screen.connection_mode.replace("_", " "),
        "PHI restricted" if screen.restrict_phi else "PHI not restricted",
        "tokens of its own" if screen.mask_scope != ANY else "tokens shared with others",
        f"times {precision}" if precision in ("exact", "none") else f"times to the {precision}",
        screen.consent,
    ]
    text = escape("; ".join(fact for fact in facts if fact))
    output.print(text, style="dim", soft_wrap=True)
    views = ", ".join(f"{screen.name}__{view}" for view in screen.views)
    output.print(f"Views: {escape(views) or 'none'}", style="dim", soft_wrap=True)
    _print_findings(screen, with_name=False)
    for text in screen.faults_elsewhere:
        text = escape(f"Not built, since a build of {screen.environment} is refused: {text}")
        output.print(f"[yellow]{text}[/]", soft_wrap=True)
    if screen.events is None:
        output.print("It receives every event, and properties, traits and context whole.")
    elif not screen.events:
        output.print("Events: none, so no track, page and screen calls are sent")
    else:
        output.print(_events_table(screen.events))
    for name, listed in screen.lists.items():
        if listed:
            output.print(_properties_table(screens.LISTS[name], listed))
        elif screen.restrict_phi and screen.is_valid:
            output.print(f"{screens.LISTS[name]}: none\n")


def _events_table(events: tuple[ListedEvent, ...]) -> Table:
    table = plain_table("Events", "Event", "Sent as", "From")
    for listed in events:
        name = "* (every event)" if listed.event == ANY else listed.event
        sent_as = "" if listed.sent_as == listed.event else listed.sent_as
        table.add_row(escape(name), escape(sent_as), _origin(listed))
    return table


def _properties_table(title: str, listed: tuple[ListedProperty, ...]) -> Table:
    table = plain_table(title, "Property", "How", "Why, and who says so", "From")
    table.columns[2].ratio = 1
    styles = {
        property_counts.MASKED: "magenta",
        property_counts.GENERALISED: "blue",
        property_counts.NOT_SENT: "red",
    }
    for row in listed:
        how = row.form
        if row.form == property_counts.GENERALISED or row.treatment == "surrogate":
            how += f"\n{row.treatment}"
        if row.data_type == "json":
            how += "\nall of it, as JSON"
        style = styles.get(row.form, "default")
        table.add_row(
            escape("\n".join(_property_lines(row))),
            f"[{style}]{escape(how)}[/]",
            escape("\n".join(_approval_lines(row))),
            _origin(row),
        )
    return table


def _property_lines(row: ListedProperty) -> list[str]:
    lines = [row.path]
    if row.column_name != row.path and row.form != property_counts.NOT_SENT:
        lines.append(f"as {row.column_name}")
    if row.event:
        lines.append(f"on {row.event}")
    return lines


def _approval_lines(row: ListedProperty) -> list[str]:
    lines = [row.reason, row.approved_by, f"until {row.expires_on}" if row.expires_on else ""]
    return [line for line in lines if line]


def _origin(listed: ListedEvent | ListedProperty) -> str:
    """Say which row it comes from: whose, for which environments, in which line."""
    if not listed.line:
        return "default"
    whose = "project" if listed.destination == ANY else "own"
    return escape(f"{whose} {listed.environment}\nline {listed.line}")
