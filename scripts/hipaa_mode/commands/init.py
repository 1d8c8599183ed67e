"""`hipaa-mode init`: puts hipaa_mode into a dbt project that is there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hipaa_mode import PACKAGE
from hipaa_mode.commands import options
from hipaa_mode.commands._editing import Cells, editing_command
from hipaa_mode.editing.init import (
    FirstDestination,
    Package,
    default_environment,
    init_project,
    note_profile,
)
from hipaa_mode.editing.scaffold import Owner
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.project_settings import profiles_file as profiles_file_of


@editing_command("description")
def init(
    workspace: Workspace,
    cells: Cells,
    yes: bool,
    as_json: bool,
    package: Annotated[
        Path | None,
        typer.Option(help="Checkout of hipaa_mode; the one this command runs from if not given."),
    ] = None,
    git: Annotated[
        str, typer.Option(help="URL of a git repository to take the dbt package from instead.")
    ] = "",
    revision: Annotated[str, typer.Option(help="Its revision: a tag, branch or commit.")] = "",
    destination: Annotated[str, typer.Option(help="Name of the first destination.")] = "",
    destination_type: Annotated[
        str, typer.Option("--type", "-t", help="Its kind of tool, as google_analytics_4.")
    ] = "",
    environment: Annotated[
        str | None,
        options.environment(
            "Its environment; the default target if blank.",
            lambda value: value and options.checked_environment(value),
        ),
    ] = None,
    owner_name: Annotated[str, typer.Option(help="Who answers for it.")] = "",
    owner_email: Annotated[str, typer.Option(help="Their e-mail address.")] = "",
    event: Annotated[
        list[str] | None, typer.Option(help="An event it may receive; give it once for each.")
    ] = None,
    raw_calls: Annotated[
        str, typer.Option(help="Glob of NDJSON or Parquet files, or a table, with the raw calls.")
    ] = "",
    write_profile: Annotated[
        bool, typer.Option("--write-profile", help="Add the plugin to profiles.yml too.")
    ] = False,
    profiles_dir: Annotated[
        Path | None, typer.Option(help="Folder of profiles.yml, if dbt is told another one.")
    ] = None,
) -> list[str]:
    """Put hipaa_mode into a dbt project: package, settings, seeds and a first destination.

    Asks for what is not given, where somebody can answer. Shows every change before it writes
    any; the profile is shown, and written only with `--write-profile`. Run again, it adds what
    is missing and nothing else.

    Example: `hipaa-mode init --destination crm --type salesforce --owner-email me@clinic.example`
    """
    profiles_file = profiles_file_of(workspace.layout.root, profiles_dir)
    environment = environment or default_environment(workspace, profiles_file)
    asks = sys.stdin.isatty() and not yes and not as_json
    if asks and not destination and _has_no_destination(workspace):
        destination = typer.prompt("Name of the first destination, as ga4")
    if asks and destination:
        destination_type = destination_type or typer.prompt("Its kind of tool", default="webhook")
        if not owner_name and not owner_email:
            owner_email = typer.prompt("E-mail address of who answers for it")
    first = None
    if destination:
        row = {
            "environment": environment,
            "destination": destination,
            "destination_type": destination_type or "webhook",
            "connection_mode": "server_side",
            "restrict_phi": "true",
            "description": cells["description"] or "",
        }
        first = FirstDestination(row, Owner(owner_name, owner_email), event or ())
    found = Package.find(package, git, revision)
    init_project(workspace, found, first, raw_calls, profiles_file if write_profile else None)
    note_profile(workspace, profiles_file, environment)
    return _next_steps(workspace, bool(raw_calls), destination or "<destination>")


def _has_no_destination(workspace: Workspace) -> bool:
    return workspace.layout.name != PACKAGE and not workspace.configuration().listed


def _next_steps(workspace: Workspace, has_calls: bool, destination: str) -> list[str]:
    steps = ["Next:", "  dbt deps"]
    if not (workspace.layout.root / ".hipaa_mode" / "masking.key").exists():
        steps.append("  hipaa-mode keygen            # or set HIPAA_MODE_KEY_FILE")
    if not has_calls:
        steps.append("  export HIPAA_MODE_RAW_CALLS='/data/calls/*.ndjson.gz'")
    return [
        *steps,
        f'  hipaa-mode event allow {destination} "Some Event"',
        f'  hipaa-mode allow {destination} some_property --reason "Why it is safe"',
        "  dbt build",
    ]
