"""A stop wins over a build that is at work, and is no fault of the builds after it."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from project import Project, Run, destination, event, track
from publishing_steps import A_GROUP

from hipaa_mode import audit
from hipaa_mode.published_access import GROUP, MODE
from hipaa_mode.received.lock_file import read_lock
from hipaa_mode.stopping import withdraw_stopped, write_stop
from hipaa_mode.stops import Stop

NAMES = ("alpha", "beta")
CALLS = [track("Signed Up", messageId="m-1", userId="patient-1")]


PRIVATE = ("audit_log.jsonl", "run_record.json")


def access_of(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_gid, stat.S_IMODE(facts.st_mode)


@dataclass
class Story:
    """A project that is stopped while it builds, freed, built, stopped again."""

    project: Project
    runs: dict[str, Run] = field(default_factory=dict)
    published: dict[str, set[str]] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    locked: dict[str, object] = field(default_factory=dict)
    access: dict[str, set[tuple[object, int, int]]] = field(default_factory=dict)

    def note(self, step: str, run: Run | None = None) -> None:
        if run is not None:
            self.runs[step] = run
        folder = self.project.published_folder()
        self.published[step] = {path.name for path in folder.iterdir() if path.is_dir()}
        lock = read_lock(self.project.folder)
        assert lock is not None
        of_alpha = lock["environments"]["dev"]["destinations"]["alpha"]
        self.locked[step] = of_alpha.get("stopped")
        files = [folder, *folder.rglob("*")]
        self.access[step] = {
            (path.name if path.name in PRIVATE else path.is_dir(), *access_of(path))
            for path in files
        }


@pytest.fixture(scope="class")
def story(new_project: Callable[..., Project]) -> Story:
    rows = [destination(name) for name in NAMES]
    events = [event(name, "Signed Up") for name in NAMES]
    views = {name: ["events"] for name in NAMES}
    project = new_project("stop", rows, events, [], CALLS, views=views)
    story = Story(project)
    started = time.monotonic()
    process = project.start_dbt("build")
    project.locks = False
    try:
        while not list(project.incoming.glob("dev/alpha/*/*.parquet*")):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() - started < 300
            time.sleep(0.05)
        stop = Stop("dev", "alpha", "Contract ended", "2026-03-01", "dana")
        write_stop(project.folder, stop)
        withdraw_stopped([project.folder / "published"], stop, {})
        output, _ = process.communicate(timeout=300)
    finally:
        process.kill()
    story.note("while building", Run(process.returncode, output, 0))

    # From now on a group may read.
    project.environment |= {GROUP: str(A_GROUP), MODE: "2750"}
    lifted = project.hipaa_mode("stop", "alpha", "--lift")
    story.commands["lift"] = lifted.stdout + lifted.stderr
    story.note("freed", project.dbt("build"))
    stopped = project.hipaa_mode("stop", "alpha", "--reason", "A complaint")
    story.commands["stop"] = stopped.stdout + stopped.stderr
    story.note("stopped")
    story.note("built again", project.dbt("build"))
    project.write_seed("stopped_destinations", [])
    deleted = project.hipaa_mode("lock", "--check", "--json")
    story.commands["row deleted"] = deleted.stdout
    table = [
        line
        for (line,) in project.query(
            "select entry from main_restricted.audit_log order by sequence"
        )
    ]
    story.faults = project.verify_audit(table).faults
    return story


class TestStop:
    def test_a_build_at_work_does_not_publish_what_was_stopped(self, story: Story) -> None:
        assert story.published["while building"] == {"beta"}
        assert story.runs["while building"].exit_code == 0
        assert "STOPPED: `alpha` is not published: Contract ended" in (
            story.runs["while building"].output
        )

    def test_it_is_published_again_when_the_stop_is_lifted(self, story: Story) -> None:
        assert "The stop is lifted" in story.commands["lift"]
        assert story.published["freed"] == {"alpha", "beta"}

    def test_it_is_withdrawn_at_once_and_stays_so(self, story: Story) -> None:
        assert story.published["stopped"] == story.published["built again"] == {"beta"}
        assert story.runs["built again"].exit_code == 0
        assert "STOPPED: `alpha`" in story.runs["built again"].output

    def test_the_audit_log_tells_it_and_is_sound(self, story: Story) -> None:
        entries = audit.entries(audit.read_lines(story.project.audit_log()))
        found = [
            (e["outcome"], e["reasons"] if e["outcome"] == "withdrawn" else [])
            for e in entries
            if e["destination"] == "alpha"
        ]
        assert found == [("published", []), ("withdrawn", ["stopped: A complaint"])]
        assert story.faults == []

    def test_the_lock_knows_so_that_a_deleted_row_is_refused(self, story: Story) -> None:
        assert story.locked == {
            "while building": None,
            "freed": None,
            "stopped": "true",
            "built again": "true",
        }
        [difference] = [
            item
            for item in json.loads(story.commands["row deleted"])["differences"]
            if item["place"] == "stopped"
        ]
        assert (difference["destination"], difference["effect"]) == ("alpha", "widens")

    def test_every_build_gives_what_it_publishes_to_the_group(self, story: Story) -> None:
        mine = {True: 0o700, False: 0o600}
        assert story.access.keys() > {"while building"}
        for step, found in story.access.items():
            readers = step != "while building"
            group = A_GROUP if readers else os.getegid()
            modes = {True: 0o2750, False: 0o640} if readers else mine
            expected = {(is_folder, group, mode) for is_folder, mode in modes.items()}
            kept = {item for item in found if item[0] in PRIVATE}
            assert found - kept == expected, step
            assert {item[2] for item in kept} == {0o600}, step
