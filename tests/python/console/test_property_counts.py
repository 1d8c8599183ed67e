"""One count of allowed properties, wherever it is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hipaa_mode.cli import app
from hipaa_mode.property_counts import PropertyCounts, count_properties
from hipaa_mode.report.content import gather
from hipaa_mode.run.summary import of_destination

REPOSITORY = Path(__file__).resolve().parents[3]


def column(property_list: str, path: str, treatment: str) -> dict[str, object]:
    return {
        "name": path or "row_id",
        "property_list": property_list,
        "property": path,
        "treatment": treatment,
        "values_not_fitting": 0,
    }


COLUMNS = [
    column("envelope", "", "envelope"),
    column("envelope", "", "mask"),
    column("event", "plan", "allow"),
    column("event", "price", "round(10)"),
    # One property, of which two columns hold what different events may show.
    column("event", "email", "mask"),
    column("event", "email", "domain"),
    column("context", "email", "surrogate"),
    column("event", "gone", "deny"),
]


def test_ids_are_left_out_and_a_property_counts_once() -> None:
    counts = count_properties(COLUMNS)
    assert counts == PropertyCounts(allowed=4, sent=1, masked=2, generalised=2)
    assert counts.text == "4 properties allowed (2 masked, 2 coarser)"
    assert count_properties([]).text == "0 properties allowed (0 masked, 0 coarser)"
    assert count_properties(COLUMNS[2:3]).text == "1 property allowed (0 masked, 0 coarser)"


def test_the_log_counts_so() -> None:
    facts = {
        "rows": 7, "files": 2, "files_written": 1, "columns": [], "properties_dropped": 5,
        "checks_overlook": ["a"],
    }  # fmt: skip
    columns = [
        {**column, "values_like_identifiers": None, "values_that_ids_equal": 0, "guard": ""}
        for column in COLUMNS
    ]
    manifest = {
        "destination": "ga4", "consent": {}, "restrict_phi": True,
        "views": {"ga4__events": {**facts, "columns": columns}},
    }  # fmt: skip
    assert of_destination(manifest) == [
        "published ga4__events: 7 rows (1 of 2 files written), "
        f"{count_properties(COLUMNS).text}, 5 dropped",
        "ga4__events: a (arguments of its tests)",
    ]


@pytest.mark.parametrize(("is_restricted", "shown"), [(True, "4 2 2"), (False, "all none none")])
def test_the_summary_counts_so(tmp_path: Path, is_restricted: bool, shown: str) -> None:
    folder = tmp_path / "dev/ga4"
    (folder / "ga4__events").mkdir(parents=True)
    manifest = {
        "destination": "ga4", "environment": "dev", "files": {}, "hipaa_mode": is_restricted,
        "restrict_phi": is_restricted,
        "calls": {"raw": 7, "staged": 7, "duplicates": 0, "rejected": 0, "withheld": 0},
        "views": {"ga4__events": {"rows": 7, "columns": COLUMNS, "properties_dropped": 5}},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    result = CliRunner().invoke(app, ["summary", "--published", str(tmp_path)])
    [line] = [line for line in result.output.splitlines() if "ga4__events" in line]
    assert " ".join(line.split()[2:]) == f"7 {shown} 5 0"


def test_list_and_report_count_alike(tmp_path: Path) -> None:
    listed = CliRunner().invoke(
        app, ["destination", "list", "-e", "dev", "--json", "--project", str(REPOSITORY)]
    )
    screens = {screen["name"]: screen["properties"] for screen in json.loads(listed.stdout)}
    [environment] = gather(REPOSITORY, ["dev"], tmp_path, {}).environments
    restricted = [item for item in environment.destinations if item.mode == "HIPAA mode"]
    assert restricted
    for destination in restricted:
        counts = PropertyCounts(**screens[destination.name])
        assert counts.allowed > 0
        assert destination.settings["Properties"] == counts.text
