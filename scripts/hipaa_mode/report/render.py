"""Writing the report as one HTML file that needs nothing else."""

from __future__ import annotations

from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from hipaa_mode.display import printable
from hipaa_mode.editing.screens import LISTS
from hipaa_mode.inventory.kinds import SAFE_HARBOR
from hipaa_mode.report.content import Report


def render(report: Report) -> str:
    """Write the report as HTML. Everything that comes from outside is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hipaa_mode.report", ""),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    package = resources.files("hipaa_mode")
    sheets = (package / "ui/static/shared.css", package / "report/report.css")
    style = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    return environment.get_template("report.html.j2").render(
        report=report,
        style=Markup(style),
        lists=LISTS,
        safe_harbor=SAFE_HARBOR,
    )


def _shown(value: Any) -> Any:
    """Spell out what is hidden in texts from outside; the template's own is Markup."""
    return printable(value) if type(value) is str else value
