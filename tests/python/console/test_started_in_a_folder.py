"""Commands that are started in a folder of a project run as in the project's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hipaa_mode.errors import ExitCode
from hipaa_mode.project_folder import nearest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "clinic"
    folder.mkdir()
    for name in ("dbt_project.yml", "profiles.yml", "receives.lock.yml"):
        shutil.copy(REPOSITORY / name, folder)
    for name in ("seeds", "models"):
        shutil.copytree(REPOSITORY / name, folder / name)
    call = {"type": "track", "event": "Signed In", "messageId": "m", "properties": {"plan": "x"}}
    (folder / "models/calls.ndjson").write_text(json.dumps(call) + "\n")
    return folder


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {n: v for n, v in os.environ.items() if not n.startswith(("HIPAA_MODE_", "DBT_"))}
    return subprocess.run(
        [sys.executable, "-m", "hipaa_mode.cli", *arguments], cwd=folder, text=True,
        env={**environ, "PYTHONPATH": str(REPOSITORY / "scripts"), **variables},
        capture_output=True,
    )  # fmt: skip


def test_commands_find_the_project_above_and_say_which(project: Path) -> None:
    inside = project / "models"
    for arguments in (["check"], ["destination", "show", "ga4"], ["lock", "--check"]):
        done = run(inside, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr.startswith(f"Project: {project}\n")
        there = run(project, *arguments)
        assert there.stdout == done.stdout
        assert "Project:" not in there.stderr


def test_what_is_not_named_is_the_projects(project: Path) -> None:
    key = run(project / "models", "keygen")
    assert (project / ".hipaa_mode/masking.key").exists(), key.stderr
    assert run(project / "seeds", "key", "fingerprint", "dev").returncode == 0
    own = run(project / "seeds", "key", "fingerprint", "dev", HIPAA_MODE_KEY_FILE="no.key")
    assert own.returncode == ExitCode.BAD_KEY


def test_paths_on_the_command_line_are_of_where_it_was_started(project: Path) -> None:
    inside = project / "models"
    report = run(inside, "report", "--no-verify", "--output", "mine.html")
    assert report.returncode == 0, report.stderr
    assert (inside / "mine.html").exists() and not (project / "mine.html").exists()
    made = run(inside, "keygen", "--file", "other.key")
    assert made.returncode == 0 and (inside / "other.key").exists()
    calls = run(inside, "inventory", "--calls", "calls.ndjson", "--json")
    assert calls.returncode == 0, calls.stderr
    assert "plan" in calls.stdout


def test_a_named_project_is_the_one_that_is_meant(project: Path, tmp_path: Path) -> None:
    done = run(project / "models", "check", "--project", str(project))
    assert done.returncode == 0 and "Project:" not in done.stderr
    done = run(project / "models", "check", "--project", str(tmp_path))
    assert done.returncode == ExitCode.MISSING_FILE


def test_outside_of_projects_nothing_changes(tmp_path: Path) -> None:
    done = run(tmp_path, "check")
    assert done.returncode == ExitCode.MISSING_FILE
    assert "Run the command in a dbt project" in done.stderr


def test_the_nearest_project_is_taken(tmp_path: Path) -> None:
    inner = tmp_path / "a/dbt_packages/b/models"
    inner.mkdir(parents=True)
    for folder in (tmp_path / "a", inner.parent):
        (folder / "dbt_project.yml").touch()
    assert nearest(inner) == inner.parent
    assert nearest(inner.parent) == inner.parent
    assert nearest(tmp_path / "a/dbt_packages") == tmp_path / "a"
