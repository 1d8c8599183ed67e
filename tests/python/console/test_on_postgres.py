"""Commands in a project that is built on PostgreSQL alone: each works, or says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from project import Project, allowed, as_line, destination, event

from hipaa_mode.project_settings import engine_of

CALL = {"type": "track", "event": "Booked", "messageId": "m", "properties": {"plan": "gold"}}
PROFILE = """
hipaa_mode:
  target: dev
  outputs:
    dev: {type: postgres, host: 127.0.0.1, port: 1, user: u, password: p, dbname: d, schema: main}
"""


@pytest.fixture(scope="module")
def project(new_project: Callable[..., Project]) -> Project:
    project = new_project(
        "on_postgres",
        [destination("tool")],
        [event("tool", "Booked")],
        [allowed("tool", "event", "plan")],
        [CALL],
    )
    (project.folder / "profiles.yml").write_text(PROFILE, "utf-8")
    (project.folder / "export.ndjson").write_bytes(as_line(CALL) + b"\n")
    project.environment["HIPAA_MODE_RAW_CALLS"] = "raw.calls"
    return project


NO_SERVER = "Connection refused. See whether the server runs and can be reached"
FILES = ("--calls", "export.ndjson")
REFUSED = {
    ("compact", "dev"): (2, "is of type postgres, so there is no database file"),
    ("inventory",): (3, "--calls 'export/*.parquet'"),
    ("selftest",): (1, NO_SERVER),
    ("selftest", *FILES): (1, NO_SERVER),
    ("preview", "tool"): (1, NO_SERVER),
    ("summary",): (3, "Nothing is published"),
    ("audit", "show"): (3, "There is no audit log"),
}
DONE = {
    ("check",): "is sound",
    ("inventory", *FILES): "plan",
    ("stop", "tool", "--reason", "a trial ends"): "Nothing of it was published",
    ("stop", "tool", "--lift"): "The stop is lifted",
    ("destination", "list"): "tool",
    ("verify", "--environment", "dev"): "Proven",
}


@pytest.mark.parametrize("command", REFUSED, ids=" ".join)
def test_refused_with_what_to_do(project: Project, command: tuple[str, ...]) -> None:
    code, text = REFUSED[command]
    done = project.hipaa_mode(*command)
    assert text in " ".join((done.stdout + done.stderr).split())
    assert done.returncode == code
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", DONE, ids=" ".join)
def test_needs_no_server(project: Project, command: tuple[str, ...]) -> None:
    done = project.hipaa_mode(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert DONE[command] in done.stdout


def test_a_build_says_that_there_is_no_server(project: Project) -> None:
    run = project.dbt("build")
    assert run.exit_code != 0
    assert NO_SERVER in run.output


def test_the_audit_log_is_checked_without_the_table(project: Project) -> None:
    folder = project.published_folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "audit_log.jsonl").touch()
    done = project.hipaa_mode("audit", "verify", "--json")
    (folder / "audit_log.jsonl").unlink()
    assert "The table was not compared: target dev is of type postgres" in (
        " ".join(json.loads(done.stdout)["notes"])
    )


def test_the_engine_is_that_of_the_profile(project: Project) -> None:
    assert engine_of(project.folder, "dev") == "postgres"
    assert engine_of(project.folder, "not_there") == "duckdb"
