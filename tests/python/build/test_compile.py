"""Compiling needs no raw calls, no key and no database: a review can do it from a fresh clone."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from project import Project, allowed, destination, event


def test_compiles_without_raw_calls_and_key(new_project: Callable[..., Project]) -> None:
    project = new_project(
        "compile",
        [destination("ga4")],
        [event("ga4", "Signed In")],
        [allowed("ga4", "event", "plan")],
    )
    shutil.rmtree(project.folder / "raw_calls")
    shutil.rmtree(project.folder / ".hipaa_mode")

    run = project.dbt("compile")

    assert run.exit_code == 0, run.output
    models = project.folder / "target/compiled/hipaa_mode/models"
    read = (models / "staging/calls_read.sql").read_text()
    assert "from hipaa_mode_raw_lines" in read
    assert str(project.folder) not in read
    assert (models / "destination_views/ga4/ga4__events.sql").exists()
