"""The columns of destination views are described in what dbt documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from seed_files import minimal_seeds

from hipaa_mode.documentation import describe_columns
from hipaa_mode.errors import MissingFileError


def test_columns_get_their_form_and_reason_and_what_people_wrote_stays(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("allowed_properties", treatment="mask", reason="Counts plans")
    nodes = {
        name: {"resource_type": "model", "name": name, "columns": {}}
        for name in ("ga4__events", "ga4__users", "masked_events")
    }
    nodes["ga4__events"]["columns"] = {"event": {"name": "event", "description": "Ours"}}
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"nodes": nodes}))
    assert describe_columns(manifest, seeds.plan(tmp_path)) > 0
    said = {
        name: {column: about["description"] for column, about in node["columns"].items()}
        for name, node in json.loads(manifest.read_text())["nodes"].items()
    }
    assert said["masked_events"] == {}
    assert said["ga4__events"]["event"] == "Ours"
    assert said["ga4__events"]["plan"] == "mask: Counts plans"
    assert said["ga4__events"]["user_id"] == "Id of the user, a token."
    assert said["ga4__events"]["row_id"].startswith("Token of the message id")
    assert said["ga4__users"]["row_id"].startswith("Token of the user")
    assert "last changed" in said["ga4__users"]["changed_at"]


def test_without_a_manifest_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="dbt docs generate"):
        describe_columns(tmp_path / "manifest.json", minimal_seeds().plan(tmp_path))
