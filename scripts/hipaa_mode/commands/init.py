"""`hipaa-mode init`: puts hipaa_mode into a dbt project that is there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from hipaa_mode import PACKAGE
from hipaa_mode.commands._editing import (
    DryRunOption,
    JsonOption,
    YesOption,
    make_change,
    open_workspace,
)
from hipaa_mode.commands._options import (
    ProjectOption,
    checked_environment_or_blank,
    environment_option,
)
from hipaa_mode.editing.init import (
    FirstDestination,
    Package,
    default_environment,
    init_project,
    profile_of,
)
from hipaa_mode.editing.scaffold import Owner
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.project_settings import profiles_file as profiles_file_of


def init(
    project: ProjectOption = Path("."),
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
        environment_option(
            "Its environment; the default target if blank.", checked_environment_or_blank
        ),
    ] = None,
    description: Annotated[str, typer.Option("--description", "-d", help="What it is for.")] = "",
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
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put hipaa_mode into a dbt project: package, settings, seeds and a first destination.

    Asks for what is not given, where somebody can answer. Shows every change before it writes
    any; the profile is shown, and written only with `--write-profile`. Run again, it adds what
    is missing and nothing else.

    Example: `hipaa-mode init --destination crm --type salesforce --owner-email me@clinic.example`
    """
    workspace = open_workspace(project)
    profiles_file = profiles_file_of(workspace.layout.root, profiles_dir)
    environment = environment or default_environment(workspace, profiles_file)
    asks = sys.stdin.isatty() and not yes and not as_json
    if asks and not destination and _has_no_destination(workspace):
        destination = typer.prompt("Name of the first destination, as ga4")
    if asks and destination:
        destination_type = destination_type or typer.prompt("Its kind of tool", default="webhook")
        owner_email = owner_email or (
            "" if owner_name else typer.prompt("E-mail address of who answers for it")
        )
    first = None
    if destination:
        cells = {
            "environment": environment,
            "destination": destination,
            "destination_type": destination_type or "webhook",
            "connection_mode": "server_side",
            "restrict_phi": "true",
            "description": description,
        }
        first = FirstDestination(cells, Owner(owner_name, owner_email), event or ())
    found = Package.find(package, git, revision)
    steps: list[str] = []

    def edit(changed: Workspace) -> None:
        written_to = profiles_file if write_profile else None
        init_project(changed, found, first, raw_calls, written_to)
        profile = profile_of(changed, profiles_file, environment)
        changed.notes += profile.problems
        if profile.snippet:
            changed.notes.append(
                f"{profile.file} needs this; --write-profile adds it:\n{profile.snippet}"
            )
        steps.extend(_next_steps(changed, bool(raw_calls), destination))

    make_change(project, edit, dry_run=dry_run, yes=yes, as_json=as_json, next_steps=steps)


def _has_no_destination(workspace: Workspace) -> bool:
    return workspace.layout.name != PACKAGE and not workspace.configuration().listed


def _next_steps(workspace: Workspace, has_calls: bool, destination: str) -> list[str]:
    steps = ["Next:", "  dbt deps"]
    if not (workspace.layout.root / ".hipaa_mode" / "masking.key").exists():
        steps.append("  hipaa-mode keygen            # or set HIPAA_MODE_KEY_FILE")
    if not has_calls:
        steps.append("  export HIPAA_MODE_RAW_CALLS='/data/calls/*.ndjson.gz'")
    name = destination or "<destination>"
    steps += [
        f'  hipaa-mode event allow {name} "Some Event"',
        f'  hipaa-mode allow {name} some_property --reason "Why it is safe"',
        "  dbt build",
    ]
    return steps
