"""Commands in a project that is built on Spark alone: each works, or says what to do.

There is no Java: those that need a session are refused.
"""

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
    "{type: spark, method: session, host: localhost, schema: main, "
    "server_side_parameters: {spark.master: 'local[1]'}}"
)
NO_JAVA = "Spark can't be started: there is no Java. Install Java 17"


@pytest.fixture(scope="module")
def project(new_project: Callable[..., Project]) -> Project:
    project = project_on(new_project, "on_spark", TARGET)
    project.environment |= {"PATH": "", "JAVA_HOME": ""}
    return project


REFUSED = {
    ("compact", "dev"): (2, "is of type spark, so there is no database file"),
    ("selftest", *FILES): (2, NO_JAVA),
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
    assert_refused(project, command, *REFUSED[command])


@pytest.mark.parametrize("command", DONE, ids=" ".join)
def test_needs_no_session(project: Project, command: tuple[str, ...]) -> None:
    assert_done(project, command, DONE[command])


def test_the_audit_log_is_checked_without_the_table(project: Project) -> None:
    assert_log_is_checked_without_table(project, "spark")


def test_the_engine_is_that_of_the_profile(project: Project) -> None:
    assert engine_of(project.folder, "dev") == "spark"


def test_a_build_says_in_a_line_what_is_missing(project: Project) -> None:
    run = project.dbt("build")
    assert run.exit_code != 0
    assert "Spark was not started" in run.output
    assert "JAVA_HOME" in run.output
    assert "Traceback" not in run.output
