"""Commands in a project that is built on Spark alone: each works, or says what to do.

There is no Java: none of them starts a session.
"""

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
    dev: {type: spark, method: session, host: localhost, schema: main}
"""


@pytest.fixture(scope="module")
def project(new_project: Callable[..., Project]) -> Project:
    project = new_project(
        "on_spark",
        [destination("tool")],
        [event("tool", "Booked")],
        [allowed("tool", "event", "plan")],
        [CALL],
    )
    (project.folder / "profiles.yml").write_text(PROFILE, "utf-8")
    (project.folder / "export.ndjson").write_bytes(as_line(CALL) + b"\n")
    project.environment |= {"PATH": "", "JAVA_HOME": ""}
    return project


FILES = ("--calls", "export.ndjson")
REFUSED = {
    ("compact", "dev"): (2, "is of type spark, so there is no database file"),
    ("selftest", *FILES): (2, "Name a target of type duckdb or postgres"),
    ("preview", "tool"): (2, "Name a target of type duckdb or postgres"),
    ("summary",): (3, "Nothing is published"),
    ("audit", "show"): (3, "There is no audit log"),
}
DONE = {
    ("check",): "is sound",
    ("inventory",): "plan",
    ("inventory", *FILES): "plan",
    ("stop", "tool", "--reason", "a trial ends"): "Nothing of it was published",
    ("stop", "tool", "--lift"): "The stop is lifted",
    ("destination", "list"): "tool",
    ("report",): "",
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
def test_needs_no_session(project: Project, command: tuple[str, ...]) -> None:
    done = project.hipaa_mode(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert DONE[command] in done.stdout


def test_the_audit_log_is_checked_without_the_table(project: Project) -> None:
    folder = project.published_folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "audit_log.jsonl").touch()
    done = project.hipaa_mode("audit", "verify", "--json")
    (folder / "audit_log.jsonl").unlink()
    assert "The table was not compared: target dev is of type spark" in (
        " ".join(json.loads(done.stdout)["notes"])
    )


def test_the_engine_is_that_of_the_profile(project: Project) -> None:
    assert engine_of(project.folder, "dev") == "spark"


def test_a_build_says_in_a_line_what_is_missing(project: Project) -> None:
    run = project.dbt("build")
    assert run.exit_code != 0
    assert "Spark was not started" in run.output
    assert "JAVA_HOME" in run.output
    assert "Traceback" not in run.output
