"""A database file is written anew: everything is in it, and nothing that was deleted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from hipaa_mode import locking, rewriting
from hipaa_mode.cli import app
from hipaa_mode.errors import LockedError
from hipaa_mode.rewriting import RewritingError, remove_leftovers, rewrite, rewrite_apart

SECRET = b"canary-deleted"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with deleted rows that its file still has, and one of each kind of thing."""
    path = tmp_path / "calls.duckdb"
    with duckdb.connect(str(path)) as connection:
        for statement in (
            "create schema restricted",
            "create table restricted.gone as "
            f"select '{SECRET.decode()} ' || i % 3 as note from range(5000) as r (i)",
            "checkpoint",
            "create table restricted.calls (id integer primary key, note varchar)",
            "comment on table restricted.calls is 'kept'",
            "insert into restricted.calls select i, 'note ' || i from range(5000) as r (i)",
            "create view restricted.notes as select note from calls.restricted.calls",
            "create macro restricted.plus(a, b) as a + b",
            "create sequence restricted.numbers start 7",
            "create table restricted.space_to_clear (run_number bigint)",
            "insert into restricted.space_to_clear values (5)",
            "checkpoint",
            "drop table restricted.gone",
            "checkpoint",
        ):
            connection.execute(statement)
    path.chmod(0o640)
    assert SECRET in path.read_bytes()
    return path


def contents(path: Path) -> list[list[tuple[object, ...]]]:
    queries = (
        "select id, note from restricted.calls order by id",
        "select count(*) from restricted.notes",
        "select restricted.plus(1, 2)",
        "select nextval('restricted.numbers')",
        "select comment from duckdb_tables() where table_name = 'calls'",
    )
    with duckdb.connect(str(path)) as connection:
        return [connection.execute(query).fetchall() for query in queries]


def test_everything_is_there_but_what_was_deleted(path: Path) -> None:
    before = contents(path)
    done = rewrite(path)
    assert SECRET not in path.read_bytes()
    assert (done.before > 0, done.after) == (True, path.stat().st_size)
    after = contents(path)
    assert after[:3] == before[:3]
    assert after[3] == [(8,)]
    assert after[4] == [("kept",)]
    assert path.stat().st_mode & 0o777 == 0o640
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_that_it_is_due_is_forgotten(path: Path) -> None:
    rewrite(path)
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("select * from restricted.space_to_clear").fetchall() == []


def test_changes_in_the_log_of_writes_are_kept(path: Path) -> None:
    code = (
        "import duckdb, os, sys\n"
        "connection = duckdb.connect(sys.argv[1])\n"
        "connection.execute(\"insert into restricted.calls values (9999, 'only in the log')\")\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert path.with_name("calls.duckdb.wal").exists()
    rewrite(path)
    assert not path.with_name("calls.duckdb.wal").exists()
    assert (9999, "only in the log") in contents(path)[0]


def test_through_a_link_the_file_itself_is_written_anew(path: Path) -> None:
    link = path.with_name("link.duckdb")
    link.symlink_to(path)
    rewrite(link)
    assert link.is_symlink()
    assert SECRET not in path.read_bytes()


def test_what_a_killed_run_left_is_removed(path: Path) -> None:
    for name in ("calls.duckdb.rewriting", "calls.duckdb.rewriting.wal"):
        path.with_name(name).write_bytes(SECRET)
    spilled = path.with_name("calls.duckdb.tmp")
    spilled.mkdir()
    (spilled / "duckdb_temp_block-7.block").write_bytes(SECRET)
    remove_leftovers(path)
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_what_duckdb_did_not_spill_stays(path: Path) -> None:
    others = path.with_name("others")
    others.mkdir()
    (others / "duckdb_temp_block-7.block").write_bytes(SECRET)
    spilled = path.with_name("calls.duckdb.tmp")
    spilled.symlink_to(others)
    remove_leftovers(path)
    assert len(list(others.iterdir())) == 1
    spilled.unlink()
    spilled.mkdir()
    for name in ("duckdb_temp_block-7.block", "notes.txt"):
        (spilled / name).write_bytes(SECRET)
    remove_leftovers(path)
    assert [item.name for item in spilled.iterdir()] == ["notes.txt"]


def test_without_enough_disk_space_the_file_stays(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: _Usage(free=1000))
    before = path.read_bytes()
    with pytest.raises(RewritingError, match="of free disk space"):
        rewrite(path)
    assert path.read_bytes() == before


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free


@pytest.mark.parametrize("breaks", ["copy", "compare", "move"])
def test_whatever_goes_wrong_the_file_stays(
    path: Path, breaks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    if breaks == "compare":
        monkeypatch.setattr(rewriting, "_lower_flag", fail)
    elif breaks == "move":
        monkeypatch.setattr(Path, "replace", fail)
    else:
        monkeypatch.setattr(rewriting, "_FRESH", "calls")
    before = path.read_bytes()
    with pytest.raises(RewritingError, match="could not be copied"):
        rewrite(path)
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_copy_that_lacks_something_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = rewriting._compare

    def lose(connection: duckdb.DuckDBPyConnection, name: str) -> None:
        connection.execute(f"delete from {rewriting._FRESH}.restricted.calls where id = 7")
        compare(connection, name)

    monkeypatch.setattr(rewriting, "_compare", lose)
    before = path.read_bytes()
    with pytest.raises(RewritingError, match="not complete"):
        rewrite(path)
    assert path.read_bytes() == before


class TestApart:
    """The run leaves it to a process of its own, which can't get at a file that is open."""

    def test_it_says_what_was_done(self, path: Path) -> None:
        assert rewrite_apart(path).startswith("the database file was written anew")
        assert SECRET not in path.read_bytes()

    def test_a_file_that_is_open_stays_and_the_remedy_is_said(self, path: Path) -> None:
        with duckdb.connect(str(path)):
            said = rewrite_apart(path)
        assert said.startswith("WARNING: the database file still has deleted values")
        assert said.endswith("run: hipaa-mode compact")
        assert SECRET in path.read_bytes()

    def test_a_file_that_is_gone(self, tmp_path: Path) -> None:
        assert "is not there" in rewrite_apart(tmp_path / "none.duckdb")


class TestCommand:
    """`hipaa-mode compact` does the same, and waits for nobody for ever."""

    def test_it_compacts(self, path: Path) -> None:
        result = CliRunner().invoke(app, ["compact", "--database", str(path)])
        assert result.exit_code == 0, result.output
        assert "was written anew" in result.output
        assert SECRET not in path.read_bytes()
        assert locking._held == {}

    def test_it_refuses_while_a_build_has_it(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HIPAA_MODE_LOCK_TIMEOUT", "0")
        code = (
            "import sys\n"
            "from pathlib import Path\n"
            "from hipaa_mode import locking\n"
            "locking.hold_database(Path(sys.argv[1]), 0, print, {})\n"
            "print('held', flush=True)\n"
            "sys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as build:
            assert build.stdout is not None
            assert build.stdout.readline() == b"held\n"
            result = CliRunner().invoke(app, ["compact", "--database", str(path)])
            build.communicate()
        assert isinstance(result.exception, LockedError)
        assert SECRET in path.read_bytes()

    def test_a_database_that_is_not_there(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(app, ["compact", "--database", str(tmp_path / "none")])
        assert isinstance(result.exception, RewritingError)
