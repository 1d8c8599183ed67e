"""Who comes second to a database waits, or is told who is first and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hipaa_mode import locking
from hipaa_mode.errors import LockedError

READER = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
time.sleep(float(sys.argv[2]))
"""
HOLDER = """
import sys, time
from pathlib import Path
from hipaa_mode import locking
kind, path, seconds = sys.argv[1:]
if kind == "database":
    locking.hold_database(Path(path), 0, print, {})
else:
    locking.hold_published(Path(path), 0, print)
print("held", flush=True)
time.sleep(float(seconds))
"""


@contextmanager
def process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that has begun to hold something; it is ended after."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() in ("open", "held")
        yield other
        other.kill()


@pytest.fixture(autouse=True)
def _nothing_held(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    held: dict[Path, int] = {}
    monkeypatch.setattr(locking, "_held", held)
    monkeypatch.setattr(locking, "_gave_up", {})
    yield
    for descriptor in held.values():
        os.close(descriptor)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "calls.duckdb"
    duckdb.connect(str(path)).close()
    return path


def refused(path: Path, seconds: float = 0, tell: Any = lambda text: None) -> list[str]:
    with pytest.raises(LockedError) as caught:
        locking.hold_database(path, seconds, tell, {})
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    return lines


def test_a_database_that_nobody_has_is_held_at_once(database: Path) -> None:
    locking.hold_database(database, 0, pytest.fail, {})
    assert duckdb.connect(str(database)).execute("select 1").fetchall() == [(1,)]
    lock = database.with_name("calls.duckdb.lock")
    assert lock.stat().st_mode & 0o777 == 0o600


def test_a_database_that_is_not_there_yet_is_held_too(tmp_path: Path) -> None:
    path = tmp_path / "new.duckdb"
    locking.hold_database(path, 0, pytest.fail, {})
    assert (tmp_path / "new.duckdb.lock").exists()


def test_a_folder_that_is_not_there_is_left_to_duckdb(tmp_path: Path) -> None:
    locking.hold_database(tmp_path / "gone/new.duckdb", 0, pytest.fail, {})
    assert not (tmp_path / "gone").exists()


def test_a_file_that_is_no_database_is_left_to_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "text.duckdb"
    path.write_text("no database at all" * 100)
    locking.hold_database(path, 0, pytest.fail, {})


def test_one_process_may_hold_it_twice(database: Path) -> None:
    for _ in range(2):
        locking.hold_database(database, 0, pytest.fail, {})


def test_another_build_is_named_with_what_to_do(database: Path) -> None:
    with process(HOLDER, "database", database, 30) as other:
        what, remedy = refused(database)
    assert what.startswith(f"Another run of dbt is at work on {database}: process {other.pid} of ")
    assert "HIPAA_MODE_LOCK_TIMEOUT" in remedy


def test_a_reader_is_named_with_what_to_do(database: Path) -> None:
    with process(READER, database, 30) as other:
        what, remedy = refused(database)
    assert what.startswith(f"{database} is open in python")
    assert f"(process {other.pid}" in what
    assert "Close it there" in remedy
    assert "read the published files" in remedy


@pytest.mark.parametrize(
    ("code", "arguments"),
    [pytest.param(HOLDER, ("database",), id="build"), pytest.param(READER, (), id="reader")],
)
def test_who_comes_second_waits_and_says_so_once(
    database: Path, code: str, arguments: tuple[str, ...]
) -> None:
    told: list[str] = []
    with process(code, *arguments, database, 1.5):
        locking.hold_database(database, 30, told.append, {})
    assert len(told) == 1
    assert told[0].startswith("Waiting up to 30 s. ")


def test_the_wait_ends(database: Path) -> None:
    with process(READER, database, 30):
        started = time.monotonic()
        refused(database, 0.5)
        assert 0.5 <= time.monotonic() - started < 5
        # dbt tries again: it was waited for already.
        started = time.monotonic()
        refused(database, 5)
        assert time.monotonic() - started < 2
    locking.hold_database(database, 0, pytest.fail, {})


def test_a_build_that_was_killed_holds_nothing(database: Path) -> None:
    with process(HOLDER, "database", database, 30) as other:
        other.kill()
        other.wait()
        locking.hold_database(database, 0, pytest.fail, {})


def test_a_folder_is_published_to_by_one_build(tmp_path: Path) -> None:
    folder = tmp_path / "published/dev"
    folder.mkdir(parents=True)
    (tmp_path / "published/prod").mkdir()
    with process(HOLDER, "published", folder, 30):
        with pytest.raises(LockedError, match="Another build publishes to"):
            locking.hold_published(folder, 0, lambda text: None)
        locking.hold_published(tmp_path / "published/prod", 0, pytest.fail)
    locking.hold_published(folder, 0, pytest.fail)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("text", "seconds"), [("", 60), ("0", 0), ("2.5", 2.5), (" 900 ", 900)])
def test_the_wait_is_set_in_seconds(text: str, seconds: float) -> None:
    assert locking.timeout({"HIPAA_MODE_LOCK_TIMEOUT": text}) == seconds


@pytest.mark.parametrize("text", ["-1", "soon", "1e9", "nan"])
def test_another_wait_is_refused(text: str) -> None:
    with pytest.raises(LockedError, match="not a number of seconds"):
        locking.timeout({"HIPAA_MODE_LOCK_TIMEOUT": text})


@pytest.mark.parametrize("place", ["/sys/dev.duckdb", "{folder}", "{file}/x"])
def test_a_database_that_nobody_may_write_to_is_told_in_a_line(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    path = Path(place.format(folder=tmp_path, file=tmp_path / "file"))
    with pytest.raises(LockedError, match="can't be opened for writing") as error:
        locking.hold_database(path, 0, print, {})
    assert "HIPAA_MODE_DATABASE" in str(error.value)
    assert "\n" not in str(error.value)
    assert "Traceback" not in str(error.value)
