"""A dbt project of its own takes the package through `hipaa-mode init`, builds and publishes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from project import DBT, KEY, NOT_INHERITED, token

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
CALLS = [
    {
        "type": "track",
        "event": "Visit",
        "messageId": "m-1",
        "userId": "patient-1",
        "sentAt": "2026-03-02T14:31:09Z",
        "properties": {"plan": "gold", "diagnosis": "flu"},
    },
    {"type": "track", "event": "Oncology Visit", "messageId": "m-2", "userId": "patient-1"},
]


class TestProjectOfItsOwn:
    @pytest.fixture(scope="class")
    @classmethod
    def project(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("init") / "clinic"
        (folder / "models/example").mkdir(parents=True)
        (folder / "calls").mkdir()
        (folder / "dbt_project.yml").write_text(
            "name: clinic\nversion: 1.0.0\nprofile: clinic\n"
            "models:\n  clinic:\n    example:\n      +materialized: view\n"
        )
        (folder / "models/example/one.sql").write_text("select 1 as id\n")
        lines = "".join(json.dumps(call) + "\n" for call in CALLS)
        (folder / "calls/a.ndjson").write_text(lines)
        run(folder, "init", "--destination", "ga4", "--type", "google_analytics_4",
            "--owner-name", "Ann", "--event", "Visit", "--raw-calls", "calls/*.ndjson",
            "--write-profile", "--yes")  # fmt: skip
        run(folder, "allow", "ga4", "plan", "--reason", "Four tiers", "--yes")
        dbt(folder, "deps")
        dbt(folder, "build")
        return folder

    def test_the_first_destination_is_published_from_the_calls(self, project: Path) -> None:
        files = [str(path) for path in (project / "published/dev/ga4").rglob("*.parquet")]
        with duckdb.connect() as connection:
            rows = connection.read_parquet(files).project("event, plan, user_id").fetchall()
        assert rows == [("Visit", "gold", token("patient-1"))]

    def test_the_project_keeps_its_own_models(self, project: Path) -> None:
        manifest = json.loads((project / "target/manifest.json").read_text())
        models = {
            node["name"]: node["package_name"]
            for node in manifest["nodes"].values()
            if node["resource_type"] == "model"
        }
        assert models["one"] == models["ga4__events"] == "clinic"
        assert models["masked_events"] == "hipaa_mode"
        assert "mailchimp__events" not in models
        seeds = [node for node in manifest["nodes"].values() if node["resource_type"] == "seed"]
        assert {seed["package_name"] for seed in seeds} == {"clinic"}
        assert len(seeds) == 5

    def test_dbt_warned_of_nothing(self, project: Path) -> None:
        log = (project / "logs/dbt.log").read_text()
        assert "[WARNING]" not in log


def environment(folder: Path) -> dict[str, str]:
    ours = ("HIPAA_MODE_", "DBT_")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and name not in NOT_INHERITED
    }
    return {
        **inherited,
        "PYTHONPATH": str(SCRIPTS),
        "HIPAA_MODE_KEY": KEY,
        "DO_NOT_TRACK": "1",
        "HOME": str(folder.parent),
    }


def dbt(folder: Path, *arguments: str) -> None:
    _succeed([str(DBT), "--no-use-colors", "--no-version-check", *arguments], folder)


def run(folder: Path, *arguments: str) -> None:
    _succeed([sys.executable, "-m", "hipaa_mode.cli", *arguments], folder)


def _succeed(command: list[str], folder: Path) -> None:
    options: dict[str, Any] = {"capture_output": True, "text": True}
    done = subprocess.run(command, cwd=folder, env=environment(folder), **options)
    assert done.returncode == 0, done.stdout + done.stderr
