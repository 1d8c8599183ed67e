"""What the file system refuses, for real: a folder, all of a disk, the project itself.

Root may do what modes forbid, so as root dbt runs without that capability.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import Project, Run, destination, event, track

from hipaa_mode import audit

OBEYS_MODES = (
    ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
)
SMALL_DISK = """
mount -t tmpfs -o size=150k disk disk || exit 99
"$@"
code=$?
cp -r disk/. after/
exit $code
"""
ON_A_SMALL_DISK = ("unshare", "-rm", "sh", "-c", SMALL_DISK, "sh")
MANY = 6_000


def create(new_project: Callable[..., Project], name: str, calls: int = 1) -> Project:
    project = new_project(
        name,
        [destination("alpha"), destination("beta")],
        [event("alpha", "Signed Up"), event("beta", "Visit")],
        [],
        [track("Signed Up", userId="patient-001", messageId="m-0")],
        views={"alpha": ["events"], "beta": ["events"]},
    )
    add_visits(project, calls)
    return project


def add_visits(project: Project, calls: int) -> None:
    visits = [
        track("Visit", userId=f"patient-{number}", messageId=f"{calls}-{number}")
        for number in range(calls)
    ]
    project.write_calls(visits, f"visits_{calls}.ndjson")


def last_entries(project: Project) -> dict[str, tuple[str, str]]:
    """The last outcome of each destination and its reasons, by the audit log."""
    lines = audit.read_lines(project.audit_log())
    return {
        entry["destination"]: (entry["outcome"], "; ".join(entry.get("reasons", ())))
        for entry in audit.entries(lines)
    }


def told(run: Run) -> str:
    [line] = [line for line in run.output.splitlines() if "NOT published: `beta`" in line]
    return line


class TestOneDestinationsFolder:
    """It may not be written to: the others are published."""

    @pytest.fixture(scope="class")
    @classmethod
    def ended(cls, new_project: Callable[..., Project]) -> tuple[Project, Run]:
        project = create(new_project, "forbidden")
        project.launcher = OBEYS_MODES
        project.build()
        project.write_calls(
            [track("Signed Up", userId="patient-002", messageId="m-9")], "later.ndjson"
        )
        add_visits(project, 2)
        folder = project.published_folder() / "beta"
        folder.chmod(0o500)
        try:
            run = project.dbt("build")
        finally:
            folder.chmod(0o700)
        return project, run

    def test_the_run_fails_and_says_why(self, ended: tuple[Project, Run]) -> None:
        assert ended[1].exit_code != 0
        assert "Permission denied" in told(ended[1])
        assert "beta" in told(ended[1])

    def test_the_others_are_published(self, ended: tuple[Project, Run]) -> None:
        project, _ = ended
        assert len(project.published_rows("alpha__events")) == 2
        assert len(project.published_rows("beta__events")) == 1

    def test_each_has_its_entry(self, ended: tuple[Project, Run]) -> None:
        project, _ = ended
        entries = last_entries(project)
        assert entries["alpha"][0] == "published"
        assert entries["beta"][0] == "held back"
        assert "Permission denied" in entries["beta"][1]
        assert not project.verify_audit().faults


class TestFullDisk:
    """One destination's files need more than there is: the others are published."""

    @pytest.fixture(scope="class")
    @classmethod
    def ended(cls, new_project: Callable[..., Project]) -> tuple[Project, Run]:
        project = create(new_project, "full", MANY)
        for name in ("disk", "after"):
            (project.folder / name).mkdir()
        project.launcher = ON_A_SMALL_DISK
        project.environment["HIPAA_MODE_PUBLISHED"] = "disk/published"
        run = project.dbt("build")
        (project.folder / "after/published").rename(project.folder / "published")
        return project, run

    def test_the_run_fails_and_says_why(self, ended: tuple[Project, Run]) -> None:
        assert ended[1].exit_code == 1, ended[1].output
        assert "No space left" in told(ended[1])

    def test_the_others_are_published(self, ended: tuple[Project, Run]) -> None:
        project, _ = ended
        assert len(project.published_rows("alpha__events")) == 1
        assert not (project.published_folder() / "beta").exists()

    def test_each_has_its_entry(self, ended: tuple[Project, Run]) -> None:
        project, _ = ended
        entries = last_entries(project)
        assert (entries["alpha"][0], entries["beta"][0]) == ("published", "held back")
        assert "No space left" in entries["beta"][1]
        assert not project.verify_audit().faults

    def test_nothing_unfinished_is_left(self, ended: tuple[Project, Run]) -> None:
        left = [path for path in (ended[0].folder / "after").rglob("*") if path.is_file()]
        assert left == []


class TestReadOnlyProject:
    @pytest.fixture(scope="class")
    @classmethod
    def project(cls, new_project: Callable[..., Project]) -> Iterator[Project]:
        project = create(new_project, "read_only")
        project.write_lock()
        project.locks = False
        project.launcher = OBEYS_MODES
        folders = [project.folder, *(path for path in project.folder.rglob("*") if path.is_dir())]
        modes = {folder: folder.stat().st_mode for folder in folders}
        for folder in folders:
            folder.chmod(0o500)
        yield project
        for folder, mode in modes.items():
            folder.chmod(mode)

    def test_without_the_variables_nothing_runs(self, project: Project) -> None:
        # dbt itself can't write its log, and so says nothing.
        assert project.dbt("build").exit_code != 0
        assert not project.published_folder().exists()

    def test_an_unwritable_database_is_named(self, project: Project, tmp_path: Path) -> None:
        project.environment |= {
            "DBT_TARGET_PATH": str(tmp_path / "target"),
            "DBT_LOG_PATH": str(tmp_path / "logs"),
        }
        run = project.dbt("build")
        assert run.exit_code != 0
        assert "Permission denied" in run.output
        assert "restricted" in run.output and "HIPAA_MODE_DATABASE" in run.output

    def test_with_the_variables_it_is_published(self, project: Project, tmp_path: Path) -> None:
        project.environment |= {
            "DBT_TARGET_PATH": str(tmp_path / "target"),
            "DBT_LOG_PATH": str(tmp_path / "logs"),
            "HIPAA_MODE_DATABASE": str(tmp_path / "restricted/calls.duckdb"),
            "HIPAA_MODE_PUBLISHED": str(tmp_path / "published"),
        }
        project.build()
        assert (tmp_path / "published/dev/alpha/manifest.json").exists()
        assert (tmp_path / "published/dev/beta/manifest.json").exists()
