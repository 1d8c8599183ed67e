"""`hipaa-mode destination`: who receives data, in which mode."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column
from rich.text import Text

from hipaa_mode import property_counts
from hipaa_mode.commands import console, options
from hipaa_mode.commands._editing import Cells, editing_command, open_workspace
from hipaa_mode.configuration import ALL_VIEWS, ANY
from hipaa_mode.display import printable
from hipaa_mode.documentation import describe_columns
from hipaa_mode.editing import screens
from hipaa_mode.editing.destinations import (
    add_destination,
    change_destination,
    remove_destination,
)
from hipaa_mode.editing.scaffold import Owner
from hipaa_mode.editing.screens import (
    DestinationScreen,
    ListedEvent,
    ListedProperty,
    destination_screens,
)
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.errors import ConfigurationError, ExitCode
from hipaa_mode.project import read_plan, refuse_faults

app = typer.Typer(no_args_is_help=True, help="Add, look at and remove destinations.")

NameArgument = Annotated[str, typer.Argument(help="Name of the destination.")]
ShownEnvironment = Annotated[
    str | None,
    options.environment(
        "This environment only; all if not given.", options.checked_environment_or_any
    ),
]

MODE_STYLES = {screens.HIPAA: "green", screens.OPEN: "yellow", screens.INVALID: "bold red"}
FORM_STYLES = {
    property_counts.MASKED: "magenta",
    property_counts.GENERALISED: "blue",
    property_counts.NOT_SENT: "red",
}


@app.command()
@editing_command(
    "connection_mode",
    "restrict_phi",
    "baa_reference",
    "baa_expires_on",
    "timestamp_precision",
    "consent_categories",
    "consent_strategy",
    "honor_opt_outs",
    "description",
)
def add(
    workspace: Workspace,
    cells: Cells,
    name: Annotated[
        str, typer.Argument(help="Its name: lower-case letters, digits, underscores.")
    ],
    destination_type: Annotated[
        str, typer.Option("--type", "-t", help="Kind of tool, from destination_types.csv.")
    ],
    environment: options.EnvironmentOrAll = "dev",
    own_tokens: Annotated[
        bool,
        typer.Option("--own-tokens", help="Tokens that match no other destination's."),
    ] = False,
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
) -> list[str]:
    """Add a destination: its row, and models with descriptions, tests and an exposure.

    It receives nothing until events and properties are allowed; everything where PHI is not
    restricted.

    Example: `hipaa-mode destination add ga4 --type google_analytics_4 --owner-email me@x.example`
    """
    row = {
        "environment": environment,
        "destination": name,
        "destination_type": destination_type,
        "mask_scope": "destination" if own_tokens else "",
        **{column: text or "" for column, text in cells.items()},
        "connection_mode": cells["connection_mode"] or "server_side",
        "restrict_phi": cells["restrict_phi"] or "true",
    }
    is_restricted = row["restrict_phi"] == "true"
    if views is None:
        views = "events" if is_restricted else ",".join(ALL_VIEWS)
    wanted = [view.strip() for view in views.split(",") if view.strip()]
    add_destination(workspace, row, wanted, Owner(owner_name, owner_email))
    next_steps = [
        f'hipaa-mode event allow {name} "Some Event" -e {environment}',
        f'hipaa-mode allow {name} some_property -e {environment} --reason "…"',
    ]
    return ["Next: " + "; ".join([*(next_steps if is_restricted else ()), "dbt build"])]


@app.command()
@editing_command()
def remove(
    workspace: Workspace,
    name: NameArgument,
    environment: ShownEnvironment = None,
) -> None:
    """Remove a destination's rows, and its models when no environment lists it any more.

    The next build withdraws its published files.

    Example: `hipaa-mode destination remove web_chat --environment prod`
    """
    remove_destination(workspace, name, environment)


@app.command()
@editing_command("baa_reference", "baa_expires_on")
def restrict(
    workspace: Workspace,
    cells: Cells,
    name: NameArgument,
    off: Annotated[
        bool, typer.Option("--off", help="Send everything as it is. Needs a BAA.")
    ] = False,
    environment: options.EnvironmentOrAll = "dev",
) -> None:
    """Restrict what a destination receives to its lists, or lift that under a BAA.

    Example: `hipaa-mode destination restrict crm --off --baa-reference BAA-2026-007 -e prod`
    """
    restriction = {"restrict_phi": "false" if off else "true"}
    change_destination(workspace, environment, name, {**cells, **restriction})


@app.command()
@editing_command("consent_categories", "consent_strategy", "honor_opt_outs")
def consent(
    workspace: Workspace,
    cells: Cells,
    name: NameArgument,
    environment: options.EnvironmentOrAll = "dev",
) -> None:
    """Say which consent calls need to be sent to a destination, and whether opt-outs count.

    Example: `hipaa-mode destination consent ga4 --categories "analytics;ads" -e prod`
    """
    if cells["consent_categories"] is not None and not cells["consent_categories"].strip():
        cells = {**cells, "consent_strategy": cells["consent_strategy"] or ""}
    change_destination(workspace, environment, name, cells)


@app.command()
def document(
    environment: options.Environment = "dev",
    project: options.Project = Path("."),
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
    console.say(f"Described {count} columns in {folder}/manifest.json")


@app.command("list")
def list_all(
    environment: ShownEnvironment = None,
    project: options.Project = Path("."),
    as_json: options.Json = False,
) -> None:
    """List the destinations with their mode and validity, judged as `hipaa-mode check` does.

    Exit code 2 if a build would refuse one of them: it then builds none.

    Example: `hipaa-mode destination list --environment prod`
    """
    shown = _screens(project, environment)
    by_environment: dict[str, list[DestinationScreen]] = {}
    for screen in shown:
        by_environment.setdefault(screen.environment, []).append(screen)
    if as_json:
        console.print_json([_as_json(screen) for screen in shown])
    else:
        for name, listed in by_environment.items():
            every = "every environment" if name == ANY else name
            numbers = map(console.number, listed[0].counts())
            columns: list[str | Column] = ["Destination", "Mode", "Valid", *numbers]
            console.show(console.table(f"Destinations in {every}", columns, map(_summary, listed)))
        for listed in by_environment.values():
            _print_all_findings(listed)
    console.fail_if(not all(screen.is_built for screen in shown), ExitCode.BAD_CONFIGURATION)


@app.command()
def show(
    name: NameArgument,
    environment: ShownEnvironment = None,
    project: options.Project = Path("."),
    as_json: options.Json = False,
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
        console.print_json([_as_json(screen) for screen in shown])
    else:
        for screen in shown:
            _print_screen(screen)
    console.fail_if(not all(screen.is_built for screen in shown), ExitCode.BAD_CONFIGURATION)


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


def _mode(screen: DestinationScreen) -> Text:
    return Text(screen.mode, MODE_STYLES[screen.mode])


def _validity(screen: DestinationScreen) -> Text:
    if not screen.is_valid:
        return Text("refused", "bold red")
    if not screen.is_built:
        return Text("not built", "yellow")
    if screen.mode == screens.OPEN and screen.baa_expires_on:
        return Text(f"until {screen.baa_expires_on}")
    return Text("yes", "green")


def _summary(screen: DestinationScreen) -> list[str | Text]:
    name = Text.assemble(screen.name, "\n", (screen.display_name, "dim"))
    return [name, _mode(screen), _validity(screen), *screen.counts().values()]


def _print_all_findings(shown: list[DestinationScreen]) -> None:
    """Print the findings of an environment, and once what is about all of its destinations."""
    common = [text for text in shown[0].faults if all(text in screen.faults for screen in shown)]
    for text in common:
        console.say(f"{shown[0].environment}: {text}", style="red")
    for screen in shown:
        _print_findings(screen, f"{screen.environment} {screen.name}: ", common)


def _print_findings(
    screen: DestinationScreen, place: str = "", common: Collection[str] = ()
) -> None:
    if screen.stopped:
        console.say(place + printable(screen.stopped), style="bold red")
    for text in screen.faults:
        if text not in common:
            console.say(place + text, style="red")
    for text in screen.warnings:
        console.say(place + text, style="yellow")


def _print_screen(screen: DestinationScreen) -> None:
    baa = f", {screen.baa_reference}" if screen.mode == screens.OPEN else ""
    console.output.print(
        Text.assemble(
            (screen.name, "bold"), f" in {screen.environment}: {screen.display_name}, ",
            _mode(screen), f"{baa}, valid: ", _validity(screen),
        ),
        soft_wrap=True,
    )  # fmt: skip
    precision = screen.timestamp_precision
    facts = [
        screen.description,
        screen.connection_mode.replace("_", " "),
        "PHI restricted" if screen.restrict_phi else "PHI not restricted",
        "tokens of its own" if screen.mask_scope != ANY else "tokens shared with others",
        f"times {precision}" if precision in ("exact", "none") else f"times to the {precision}",
        screen.consent,
    ]
    console.say("; ".join(filter(None, facts)), style="dim")
    views = ", ".join(f"{screen.name}__{view}" for view in screen.views)
    console.say(f"Views: {views or 'none'}", style="dim")
    _print_findings(screen)
    for text in screen.faults_elsewhere:
        console.say(
            f"Not built, since a build of {screen.environment} is refused: {text}", "yellow"
        )
    if screen.events is None:
        console.show("It receives every event, and properties, traits and context whole.")
    elif not screen.events:
        console.show("Events: none, so no track, page and screen calls are sent")
    else:
        console.show(
            console.table("Events", ("Event", "Sent as", "From"), map(_event, screen.events))
        )
    for name, listed in screen.lists.items():
        if listed:
            columns = ("Property", "How", "Why, and who says so", "From")
            shown = console.table(screens.LISTS[name], columns, map(_property, listed))
            shown.columns[2].ratio = 1
            console.show(shown)
        elif screen.restrict_phi and screen.is_valid:
            console.show(f"{screens.LISTS[name]}: none\n")


def _event(listed: ListedEvent) -> list[str]:
    name = "* (every event)" if listed.event == ANY else listed.event
    return [name, "" if listed.sent_as == listed.event else listed.sent_as, _origin(listed)]


def _property(row: ListedProperty) -> list[str | Text]:
    is_renamed = row.column_name != row.path and row.form != property_counts.NOT_SENT
    names_form = row.form == property_counts.GENERALISED or row.treatment == "surrogate"
    how = [
        row.form,
        names_form and row.treatment,
        row.data_type == "json" and "all of it, as JSON",
    ]
    return [
        _lines(row.path, is_renamed and f"as {row.column_name}", row.event and f"on {row.event}"),
        Text(_lines(*how), FORM_STYLES.get(row.form, "default")),
        _lines(row.reason, row.approved_by, row.expires_on and f"until {row.expires_on}"),
        _origin(row),
    ]


def _lines(*texts: str | bool) -> str:
    """Write those below one another that there are."""
    return "\n".join(text for text in texts if isinstance(text, str) and text)


def _origin(listed: ListedEvent | ListedProperty) -> str:
    """Say which row it comes from: whose, for which environments, in which line."""
    if not listed.line:
        return "default"
    whose = "project" if listed.destination == ANY else "own"
    return f"{whose} {listed.environment}\nline {listed.line}"
