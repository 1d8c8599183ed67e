"""`hipaa-mode ui`: the configuration screens of a HIPAA mode, as web pages on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from hipaa_mode.commands import console, options


def ui(
    project: options.Project = Path("."),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for a free one.")
    ] = 0,
    preview: Annotated[
        bool,
        typer.Option(
            help="Build previews as pages open, about ten seconds of two processors each; or "
            "only when asked to."
        ),
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the link as one line of JSON for machines.")
    ] = False,
) -> None:
    """Open the configuration screens: destinations, their modes and lists, as web pages.

    Served to this machine only, to whoever has the link that is printed. Changes are shown as a
    diff of the seeds, and written when you save them. Ctrl+C ends it; what is not saved is lost.

    Example: `hipaa-mode ui --project ../clinic`
    """
    from hipaa_mode.ui.server import prepare

    ready = prepare(project, port, preview)
    if as_json:
        print(json.dumps({"url": ready.url, "port": ready.port}), flush=True)
    else:
        console.show("The configuration screens are at this link, for you alone:")
        console.say(f"\n  {ready.url}\n")
        console.show("Ctrl+C ends it. What is not saved is lost.", style="dim")
    ready.run()
