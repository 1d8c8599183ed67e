"""The `hipaa-mode` command.

Exit codes: 0 success, 1 a check failed, 2 bad configuration, 3 a file is missing, 4 no usable
masking key.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.table import Table

from hipaa_mode import __version__, publishing, stops_in_force
from hipaa_mode.commands import audit, destination, event, key
from hipaa_mode.commands._options import (
    EnvironmentOption,
    JsonOption,
    ProjectOption,
    PublishedOption,
    checked_environment,
    messages,
    output,
    plain_table,
    published_root,
    say,
)
from hipaa_mode.commands.compact import compact
from hipaa_mode.commands.init import init
from hipaa_mode.commands.inventory import inventory
from hipaa_mode.commands.key_token import token
from hipaa_mode.commands.lock import lock
from hipaa_mode.commands.preview import preview
from hipaa_mode.commands.properties import allow, deny, mask
from hipaa_mode.commands.report import report
from hipaa_mode.commands.selftest import selftest
from hipaa_mode.commands.stop import stop
from hipaa_mode.commands.ui import ui
from hipaa_mode.commands.verify import verify
from hipaa_mode.ending import signals_as_exceptions
from hipaa_mode.errors import ConfigurationError, ExitCode, HipaaModeError, NoKeyError
from hipaa_mode.keys import (
    DEFAULT_KEY_FILE,
    KEY_FILE_VARIABLE,
    generate_key,
    load_master_key,
    write_key_file,
)
from hipaa_mode.project import read_plan
from hipaa_mode.project_folder import enter_project
from hipaa_mode.property_counts import count_properties
from hipaa_mode.received.gate import judge_project
from hipaa_mode.seeds import Fault
from hipaa_mode.settings import environment_faults, is_url
from hipaa_mode.stops import Stop

app = typer.Typer(
    no_args_is_help=True,
    help="HIPAA mode in your own warehouse: allowlisted, pseudonymised destination views.",
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
key_app = typer.Typer(
    no_args_is_help=True, help="Rotate the masking key, and look at it and what is made of it."
)
key_app.command("rotate")(key.rotate)
key_app.command("list")(key.list_keys)
key_app.command("forget")(key.forget)
key_app.command("token")(token)
app.add_typer(key_app, name="key")
app.add_typer(audit.app, name="audit")
app.add_typer(destination.app, name="destination")
app.add_typer(event.app, name="event")
app.command()(init)
app.command()(allow)
app.command()(mask)
app.command()(deny)
app.command()(compact)
app.command()(inventory)
app.command()(lock)
app.command()(preview)
app.command()(report)
app.command()(selftest)
app.command()(stop)
app.command()(ui)
app.command()(verify)


EnvironmentArgument = Annotated[
    str,
    typer.Argument(callback=checked_environment, help="The environment: the dbt target's name."),
]


def main() -> None:
    """Run the command, and turn the package's errors into a message and an exit code."""
    try:
        command = typer.main.get_command(app)
        enter_project(command, _say)
        with signals_as_exceptions():
            command()
    except HipaaModeError as error:
        text = _of_the_key(error) if isinstance(error, NoKeyError) else str(error)
        messages.print(f"[bold red]Error:[/] {text}", soft_wrap=True)
        sys.exit(error.exit_code)


def _say(text: str) -> None:
    say(text, to=messages)


def _of_the_key(error: NoKeyError) -> str:
    """Ask for the key that files here were published under, and not for a new one."""
    root = published_root(None)
    for folder in sorted(root.glob("*")) if root.is_dir() else ():
        fingerprint = publishing.key_published_under(root, folder.name)
        if fingerprint:
            return error.where_tokens_are_stored(folder.name, fingerprint)
    return str(error)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        output.print(__version__)
        raise typer.Exit
    faults = environment_faults(os.environ)
    if faults:
        raise ConfigurationError("\n".join(str(fault) for fault in faults))


@app.command()
def keygen(
    file: Annotated[
        Path | None,
        typer.Option(
            help=f"File to write; {KEY_FILE_VARIABLE} or {DEFAULT_KEY_FILE} if not given."
        ),
    ] = None,
) -> None:
    """Make a masking key: 32 random bytes, in a new file that only you can read.

    Example: `hipaa-mode keygen --file /secure/hipaa-mode.key`
    """
    path = file or Path(os.environ.get(KEY_FILE_VARIABLE) or DEFAULT_KEY_FILE)
    if is_url(str(path)):
        raise ConfigurationError("A key is written to a file of this machine, not to a URL")
    write_key_file(path, generate_key())
    output.print(
        f"Wrote a new masking key to {path} (mode 0600). Back it up apart from the data: "
        "without it no token can be made again.",
        soft_wrap=True,
    )


@key_app.command("show-scope")
def key_show_scope(
    environment: EnvironmentArgument,
    scope: Annotated[str, typer.Argument(help="Scope of the tokens: `*`, a destination, …")] = "*",
    retired: Annotated[
        str | None,
        typer.Option(help="Of this retired key: its name in `key list`, or how that begins."),
    ] = None,
) -> None:
    """Print the HMAC key of a scope: a secret that lets anyone recompute its tokens.

    For programs that make tokens elsewhere, and read the key from a pipe or a file. An argument
    of a command is for all on the machine to read: `hipaa-mode key token` needs none.

    Example: `hipaa-mode key show-scope prod | ssh warehouse 'umask 077; cat > prod.subkey'`
    """
    if sys.stdout.isatty():
        messages.print("[yellow]This is key material. Do not paste or store it.[/]")
    master_key = key.named(retired).key if retired else load_master_key(os.environ)
    print(master_key.subkey(environment, scope).reveal())


@key_app.command("fingerprint")
def key_fingerprint(
    environment: EnvironmentArgument,
) -> None:
    """Print what tells one key from another without telling the key.

    Example: `hipaa-mode key fingerprint prod`
    """
    output.print(load_master_key(os.environ).fingerprint(environment))


@app.command()
def check(
    environment: EnvironmentOption = "dev",
    project: ProjectOption = Path("."),
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse rows that narrow nothing, too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the seeds and the lock as a build would, without dbt, a database or a key.

    Exit code 2 if there is a fault. A row without which every destination would receive the same
    is a warning, and with `--strict` a fault. Destinations that are stopped are named.

    Example: `hipaa-mode check --environment prod --strict`
    """
    plan = read_plan(project, environment)
    judgement = judge_project(project, environment)
    plan.faults += judgement.faults
    plan.warnings += judgement.notices
    if strict:
        plan.faults += plan.rows_without_effect
        plan.warnings = [item for item in plan.warnings if item not in plan.rows_without_effect]
    if as_json:
        output.print_json(
            json.dumps(
                {
                    "environment": environment,
                    "faults": [str(fault) for fault in plan.faults],
                    "warnings": [str(warning) for warning in plan.warnings],
                    "stopped": {name: asdict(stop) for name, stop in plan.stopped.items()},
                }
            )
        )
    else:
        _print_faults("Faults", plan.faults, "red")
        _print_faults("Warnings", plan.warnings, "yellow")
        _print_stopped(plan.stopped)
        if not plan.faults:
            count = len(plan.destinations)
            output.print(f"The configuration of {environment} is sound: {count} destinations.")
    if plan.faults:
        raise typer.Exit(ExitCode.BAD_CONFIGURATION)


def _print_stopped(stopped: dict[str, Stop]) -> None:
    for line in stops_in_force.lines(stopped):
        say(line, style="red")


def _print_faults(title: str, faults: list[Fault], style: str) -> None:
    if not faults:
        return
    table = Table(title=f"{title}: {len(faults)}", title_style=style, title_justify="left")
    for heading in ("Where", "What", "What to do"):
        table.add_column(heading, overflow="fold")
    for fault in faults:
        place = fault.file if fault.line is None else f"{fault.file}, line {fault.line}"
        table.add_row(place, fault.problem, fault.remedy)
    output.print(table)


@app.command()
def summary(
    environment: EnvironmentOption = "dev",
    published: PublishedOption = None,
    project: Annotated[
        Path, typer.Option(help="Folder of the dbt project, for what is stopped.")
    ] = Path("."),
    as_json: JsonOption = False,
) -> None:
    """Show what is published: rows, columns, masked columns, dropped properties; what is stopped.

    Compares every file with the hash in its manifest; exit code 1 if one differs, or if files of a
    stopped destination are there.

    Example: `hipaa-mode summary --environment prod`
    """
    root = published_root(published)
    manifests = publishing.read_manifests(root, environment)
    differences = publishing.check_files(root, environment)
    stops = stops_in_force.in_force(project, environment)
    differences += stops_in_force.still_published(root, environment, stops.stopped)
    if stops.unknown:
        say(stops.unknown, style="yellow", to=messages)
    if not as_json:
        _print_stopped(stops.stopped)
    if as_json:
        stopped = {name: asdict(stop) for name, stop in stops.stopped.items()}
        content = {"destinations": manifests, "stopped": stopped, "differences": differences}
        output.print_json(json.dumps({**content, "stopped_unknown": stops.unknown}))
    elif manifests:
        output.print(_summary_table(environment, manifests))
        calls = manifests[-1]["calls"]
        output.print(
            f"{calls['raw']} raw calls = {calls['staged']} staged + {calls['duplicates']} "
            f"duplicates + {calls['rejected']} rejected + {calls.get('withheld', 0)} withheld. "
            f"Files: {root / environment}/"
        )
    else:
        others = ", for what is not stopped" if stops.stopped else ""
        _fail(
            f"Nothing is published in {root / environment}. Run: dbt build{others}",
            ExitCode.MISSING_FILE,
        )
    if not as_json:
        for line in _guarded_lines(manifests):
            say(line)
    for difference in differences:
        say(difference, style="red", to=messages)
    if differences:
        raise typer.Exit(ExitCode.FAILED_CHECK)


def _guarded_lines(manifests: list[dict[str, Any]]) -> list[str]:
    """Say, by destination and property, how many values looked like identifiers."""
    return [
        f"{view}.{column['name']}: "
        f"{column['values_like_identifiers']:,} values look like identifiers and "
        + ("are null" if column["guard"] == "block" else "were sent (guard warn)")
        for manifest in manifests
        for view, facts in manifest["views"].items()
        for column in facts["columns"]
        if column.get("values_like_identifiers")
    ]


def _summary_table(environment: str, manifests: list[dict[str, Any]]) -> Table:
    table = plain_table(f"Published in {environment}")
    for heading in ("View", "Mode"):
        table.add_column(heading, no_wrap=True)
    for heading in ("Rows", "Allowed", "Masked", "Coarser", "Dropped", "Unfit"):
        table.add_column(heading, justify="right", no_wrap=True)
    for manifest in manifests:
        mode = "HIPAA" if manifest["hipaa_mode"] else "open"
        for view, facts in manifest["views"].items():
            table.add_row(view, mode, *_counts(facts, manifest["restrict_phi"]))
        table.add_section()
    table.caption_justify = "left"
    table.caption = (
        "Allowed: properties, ids of the call left out. Masked: of these, tokens and surrogates. "
        "Coarser: generalised, such as zip3. Dropped: property names that arrived and were not "
        "sent. Unfit: values that fitted no type or treatment and are null. Open: not "
        "restricted, under a BAA."
    )
    return table


def _counts(facts: dict[str, Any], is_restricted: bool) -> list[str]:
    counts = count_properties(facts["columns"])
    numbers = (counts.allowed, counts.masked, counts.generalised)
    dropped = facts["properties_dropped"]
    not_fitting = sum(column["values_not_fitting"] for column in facts["columns"])
    return [
        f"{facts['rows']:,}",
        *(map(str, numbers) if is_restricted else ("all", "none", "none")),
        "?" if dropped is None else str(dropped),
        f"{not_fitting:,}",
    ]


def _fail(message: str, code: ExitCode) -> NoReturn:
    messages.print(f"[bold red]Error:[/] {message}", soft_wrap=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    main()
