"""Commands in a project that is built on PostgreSQL alone: each works, or says what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

from console.one_engine import (
    FILES,
    assert_done,
    assert_log_is_checked_without_table,
    assert_refused,
    project_on,
)
from hipaa_mode.project_settings import engine_of

TARGET = (
    "{type: postgres, host: 127.0.0.1, port: 1, user: u, password: p, dbname: d, schema: main}"
)


@pytest.fixture(scope="module")
def project(new_project: Callable[..., Project]) -> Project:
    project = project_on(new_project, "on_postgres", TARGET)
    project.environment["HIPAA_MODE_RAW_CALLS"] = "raw.calls"
    return project


NO_SERVER = "Connection refused. See whether the server runs and can be reached"
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
    assert_refused(project, command, *REFUSED[command])


@pytest.mark.parametrize("command", DONE, ids=" ".join)
def test_needs_no_server(project: Project, command: tuple[str, ...]) -> None:
    assert_done(project, command, DONE[command])


def test_a_build_says_that_there_is_no_server(project: Project) -> None:
    run = project.dbt("build")
    assert run.exit_code != 0
    assert NO_SERVER in run.output


def test_the_audit_log_is_checked_without_the_table(project: Project) -> None:
    assert_log_is_checked_without_table(project, "postgres")


def test_the_engine_is_that_of_the_profile(project: Project) -> None:
    assert engine_of(project.folder, "dev") == "postgres"
    assert engine_of(project.folder, "not_there") == "duckdb"
