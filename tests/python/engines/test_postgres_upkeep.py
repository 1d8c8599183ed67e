"""On PostgreSQL a build keeps what it built, and gives what a full one gives."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from histories import DESTINATIONS, EVENTS, IDS, PROPERTIES, Course
from postgres_project import PostgresProject, make
from postgres_server import Server
from project import Project

VIEWS = ("events", "identifies", "groups")


def everything(project: PostgresProject) -> dict[str, object]:
    """What is stored, and what is published."""
    found: dict[str, object] = dict(project.stored())
    for row in DESTINATIONS:
        for view in VIEWS:
            found[f"{row['destination']}.{view}"] = project.rows(row["destination"], view)
    return found


@pytest.mark.parametrize("seed", range(1, 1 + int(os.environ.get("HIPAA_MODE_EXAMPLES", "1"))))
def test_after_any_course_of_builds_it_is_what_a_full_build_gives(
    postgres: Server, new_project: Callable[..., Project], seed: int
) -> None:
    project = make(
        postgres, new_project, f"course{seed}", DESTINATIONS, EVENTS, [*PROPERTIES, *IDS]
    )
    (project.folder / "raw_calls/calls.ndjson").unlink()
    course = Course(project, seed)
    course.history.step(project.folder / "raw_calls")
    for _ in range(3):
        course.step()
    course.build()
    grown = everything(project)
    project.build("--full-refresh")
    full = everything(project)
    assert [name for name in full if grown[name] != full[name]] == [], course.steps
