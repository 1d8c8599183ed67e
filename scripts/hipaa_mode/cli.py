"""The `hipaa-mode` command.

Exit codes: 0 success, 1 a check failed, 2 bad configuration, 3 a file is missing, 4 no usable
masking key.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from hipaa_mode import __version__, publishing
from hipaa_mode.commands import audit, console, destination, event, key, options, properties
from hipaa_mode.commands.check import check
from hipaa_mode.commands.compact import compact
from hipaa_mode.commands.init import init
from hipaa_mode.commands.inventory import inventory
from hipaa_mode.commands.lock import lock
from hipaa_mode.commands.preview import preview
from hipaa_mode.commands.report import report
from hipaa_mode.commands.selftest import selftest
from hipaa_mode.commands.stop import stop
from hipaa_mode.commands.summary import summary
from hipaa_mode.commands.ui import ui
from hipaa_mode.commands.verify import verify
from hipaa_mode.ending import signals_as_exceptions
from hipaa_mode.errors import ConfigurationError, HipaaModeError, NoKeyError
from hipaa_mode.project_folder import enter_project
from hipaa_mode.settings import environment_faults

app = typer.Typer(
    no_args_is_help=True,
    help="HIPAA mode in your own warehouse: allowlisted, pseudonymised destination views.",
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for group in (key, audit, destination, event):
    app.add_typer(group.app, name=group.__name__.rpartition(".")[2])
for command in (
    init, properties.allow, properties.mask, properties.deny, compact, inventory, lock, preview,
    report, selftest, stop, ui, verify, key.keygen, check, summary,
):  # fmt: skip
    app.command()(command)


def main() -> None:
    """Run the command, and turn the package's errors into a message and an exit code."""
    try:
        run = typer.main.get_command(app)
        enter_project(run, lambda text: console.say(text, to=console.messages))
        with signals_as_exceptions():
            run()
    except HipaaModeError as error:
        text = _of_the_key(error) if isinstance(error, NoKeyError) else str(error)
        console.messages.print(f"[bold red]Error:[/] {text}", soft_wrap=True)
        sys.exit(error.exit_code)


def _of_the_key(error: NoKeyError) -> str:
    """Ask for the key that files here were published under, and not for a new one."""
    root = options.published_root(None)
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
        console.show(__version__)
        raise typer.Exit
    if faults := environment_faults(os.environ):
        raise ConfigurationError("\n".join(str(fault) for fault in faults))


if __name__ == "__main__":
    main()
