"""Reports of small projects that nobody built, and a page as its elements and text."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from seed_files import Seeds, minimal_seeds

from hipaa_mode import audit
from hipaa_mode.inventory.state import State, write_state
from hipaa_mode.project import read_plan
from hipaa_mode.report.content import Report, gather
from hipaa_mode.report.render import render

HOSTILE = "<script>alert(1)</script>\"'&lt;\u202e\x1b[31m"


SHOWN = "<script>alert(1)</script>\"'&lt;\\u{202e}\\u{1b}[31m"


class Page(HTMLParser):
    """A page as a list of elements and the text in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._hidden = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._hidden else data

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def write_project(folder: Path, seeds: Seeds, views: tuple[str, ...] = ("events",)) -> None:
    (folder / "dbt_project.yml").write_text("name: clinic\n")
    (folder / "seeds").mkdir(exist_ok=True)
    seeds.write(folder / "seeds")
    for name in {row["destination"] for row in seeds.rows["destinations"]}:
        for view in views:
            model = folder / f"models/{name}/{name}__{view}.sql"
            model.parent.mkdir(parents=True, exist_ok=True)
            model.write_text(f"{{{{ hipaa_mode.destination_{view}('{name}') }}}}")


def manifest(project: Path, name: str, **facts: Any) -> dict[str, Any]:
    """A manifest as a build writes it."""
    plan = read_plan(project, "dev").destinations[name]
    columns = [
        {
            "name": column.name,
            "property_list": column.property_list,
            "property": column.path,
            "treatment": column.treatment,
            "guard": column.guard,
            "values_not_fitting": 7 if column.path == "plan" else 0,
            "values_like_identifiers": 12 if column.guard else None,
        }
        for column in plan.views["events"]
    ]
    view = {"view": "events", "rows": 1712, "columns": columns, "properties_dropped": 62}
    stored = {"bytes": 10, "sha256": "0" * 64}
    content = {
        "destination": name,
        "environment": "dev",
        "published_at": "2026-03-02T14:31:09+00:00",
        "allowlist_fingerprint": plan.fingerprint,
        "calls": {"raw": 6000, "staged": 5913, "duplicates": 53, "rejected": 34},
        **facts,
    }
    files = {
        f"{name}__events/{day}.parquet": {"view": f"{name}__events", "rows": 856, **stored}
        for day in ("2026-03-01", "2026-03-02")
    }
    return {**content, "views": {f"{name}__events": view}, "files": files}


def publish(project: Path, name: str, **facts: Any) -> None:
    folder = project / "published/dev" / name
    folder.mkdir(parents=True, exist_ok=True)
    content = manifest(project, name, **facts)
    (folder / "manifest.json").write_text(json.dumps(content))


def report_seeds() -> Seeds:
    """A destination in HIPAA mode with a property of every form, and an open one."""
    seeds = minimal_seeds()
    seeds.replace("allowed_properties", reason=f"Why {HOSTILE}", expires_on="2031-01-31")
    seeds.replace("destinations", description=HOSTILE.replace("\x1b", ""))
    seeds.add(
        "destinations",
        destination="crm",
        restrict_phi="false",
        baa_reference="BAA-7",
        baa_expires_on="2031-12-31",
    )
    seeds.add("allowed_events", event="Booked <b>", sent_as="done")
    for cells in (
        {"property": "email", "treatment": "mask", "normalize": "email"},
        {"property": "born", "treatment": "birth_year", "event": "Signed In"},
        {"property": "price", "treatment": "round(5)"},
        {"property": "survey", "data_type": "json", "guard": "warn"},
        {"property": "anonymous_id", "property_list": "envelope", "treatment": "deny"},
        {"property": "locale", "property_list": "context"},
    ):
        seeds.add("allowed_properties", **cells)
    return seeds


def gathered(project: Path, proofs: dict[str, Any] | None = None) -> Report:
    return gather(project, [], project / "published", proofs or {})


def arriving(property_list: str, path: str, calls: int, *receivers: str) -> dict[str, Any]:
    look = {"kind": "email", "title": "e-mail address", "by_name": True, "share_of_values": None}
    return {
        "property_list": property_list,
        "property": path,
        "calls": calls,
        "looks_like": [look] if "mail" in path else [],
        "received_by": [
            {"destination": name, "treatment": "allow", "column": path} for name in receivers
        ],
    }


def hostile_report(folder: Path, seeds: Seeds) -> Path:
    """A report with hostile names and reasons in it, and long ones."""
    seeds.add("allowed_properties", property=f'"{"long" * 40}"', reason="word" * 60)
    write_project(folder, seeds)
    publish(folder, "ga4")
    last = {
        "lines": 1,
        "properties": [arriving("event", HOSTILE, 1), arriving("event", "x" * 90, 1)],
    }
    state = State({"a": "2026-03-01"}, "2026-03-01", "2026-03-10T00:00:00+00:00", last)
    write_state(folder, "dev", state)
    with audit.AuditLog(folder / "published", "dev") as log:
        log.append([{"destination": "ga4", "outcome": "held back", "reasons": [HOSTILE]}])
    verdict = {"destination": "ga4", "view": "ga4__events", "column": "", "outcome": "rows"}
    file = folder / "report.html"
    file.write_text(render(gathered(folder, {"dev": {"verdicts": [verdict]}})), "utf-8")
    return file
