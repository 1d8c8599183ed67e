"""Builds at once: one runs, the other waits or is told; nobody's files come to harm."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from project import Project, Run, destination, event, track

from hipaa_mode import publishing

READER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
query = "select count(*) from main_restricted.calls_read"
print(connection.execute(query).fetchone()[0], flush=True)
sys.stdin.read()
"""
SECONDS = 120


@dataclass
class Builds:
    """One project, and what builds of it that ran at once came to."""

    project: Project
    runs: dict[str, Run] = field(default_factory=dict)
    reader: str = ""

    def start(
        self, name: str, environment: str, timeout: float, target: str = ""
    ) -> subprocess.Popen[str]:
        """Start a build with the environment's database and raw calls and a target folder of its
        own, or that of an earlier build, which has been parsed."""
        self.project.environment = {
            **self.project.environment,
            "HIPAA_MODE_DATABASE": f"restricted/{environment}.duckdb",
            "HIPAA_MODE_RAW_CALLS": f"raw_calls/{environment}.ndjson",
            "HIPAA_MODE_LOCK_TIMEOUT": str(timeout),
        }
        return self.project.start_dbt(
            *("build", "--target", environment, "--target-path", f"target_{target or name}"),
            *("--log-path", f"logs_{target or name}"),
        )

    def end(self, name: str, process: subprocess.Popen[str], said: str = "") -> None:
        output, _ = process.communicate(timeout=SECONDS)
        self.runs[name] = Run(process.returncode, said + output, 0)

    def wait_for_words(self, words: str, process: subprocess.Popen[str]) -> str:
        """Wait until a build says something; return all that it has said."""
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if words in line:
                return said
        raise AssertionError(said)

    def wait_for_lock(self, environment: str, process: subprocess.Popen[str]) -> None:
        lock = self.project.folder / f"restricted/{environment}.duckdb.lock"
        deadline = time.monotonic() + SECONDS
        while not (lock.exists() and lock.stat().st_size) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture(scope="module")
def builds(new_project: Callable[..., Project]) -> Builds:
    project = new_project(
        "concurrency",
        [destination("alpha", environment="*")],
        [event("alpha", "Visit", environment="*")],
        views={"alpha": ["events"]},
    )
    calls = [track("Visit", messageId=f"m{number}", userId="ann") for number in range(3)]
    for environment in ("dev", "prod"):
        project.write_calls(calls, f"{environment}.ndjson")
    builds = Builds(project)
    # Both environments publish into one folder, at once; and a second and third build of one come
    # while the first, which stands still for them, has its database.
    first = builds.start("first", "dev", 0)
    other = builds.start("other", "prod", 0)
    builds.wait_for_lock("dev", first)
    first.send_signal(signal.SIGSTOP)
    builds.end("third", builds.start("third", "dev", 0))
    second = builds.start("second", "dev", SECONDS)
    said = builds.wait_for_words("Waiting up to", second)
    first.send_signal(signal.SIGCONT)
    builds.end("first", first)
    builds.end("other", other)
    builds.end("second", second, said)

    database = project.folder / "restricted/dev.duckdb"
    command = [sys.executable, "-c", READER, str(database)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "3\n"
        builds.reader = str(reader.pid)
        builds.end("beside a reader", builds.start("reader", "dev", 0, "third"))
        reader.communicate("")
    return builds


def error_of(run: Run) -> list[str]:
    """The lines of an error that a run ended with, without their times."""
    lines = run.output.splitlines()
    start = next(number for number, line in enumerate(lines) if "hipaa_mode: " in line)
    return [line.strip() for line in lines[start:]]


def test_one_of_two_builds_runs_and_the_other_waits(builds: Builds) -> None:
    for name in ("first", "second"):
        assert builds.runs[name].exit_code == 0, builds.runs[name].output
        assert "published alpha__events: 3 rows" in builds.runs[name].output
    assert "Waiting up to 120 s. Another run of dbt is at work on" in builds.runs["second"].output
    assert "Waiting" not in builds.runs["first"].output


def test_one_that_may_not_wait_is_told_which_process_runs_and_what_to_do(builds: Builds) -> None:
    run = builds.runs["third"]
    assert run.exit_code != 0
    assert "Traceback" not in run.output
    what, remedy, *_ = error_of(run)
    assert "Another run of dbt is at work on" in what
    assert "dev.duckdb: process " in what
    assert remedy.startswith("Wait for it to end and run again, or set HIPAA_MODE_LOCK_TIMEOUT")


def test_a_reader_is_named_and_not_a_stack_trace(builds: Builds) -> None:
    run = builds.runs["beside a reader"]
    assert run.exit_code != 0
    assert "Traceback" not in run.output
    what, remedy, *_ = error_of(run)
    assert "dev.duckdb is open in python" in what
    assert f"(process {builds.reader}" in what
    assert remedy.startswith("Close it there (a notebook,")


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_environments_that_publish_to_one_folder_do_each_other_no_harm(
    builds: Builds, environment: str
) -> None:
    assert builds.runs["other"].exit_code == 0, builds.runs["other"].output
    root = builds.project.folder / "published"
    assert publishing.check_files(root, environment) == []
    [manifest] = publishing.read_manifests(root, environment)
    assert manifest["environment"] == environment
    assert len(builds.project.published_rows("alpha__events", environment)) == 3
    assert not builds.project.incoming.exists()


def test_nothing_is_corrupted(builds: Builds) -> None:
    builds.project.environment["HIPAA_MODE_LOCK_TIMEOUT"] = "0"
    run = builds.project.build("--target-path", "target_first")
    assert "read 0 new or grown files; 1 are unchanged" in run.output
    assert "published alpha__events: 3 rows (0 of 1 files written)" in run.output
    path = Path(builds.project.folder / "published/dev/audit_log.jsonl")
    outcomes = [
        line.split('"outcome":"')[1].split('"')[0] for line in path.read_text().splitlines()
    ]
    assert outcomes == ["published"] * 3
    assert builds.project.verify_audit().faults == []
