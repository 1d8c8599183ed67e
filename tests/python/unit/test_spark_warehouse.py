"""The warehouse of Spark: what no build made stays, and one build at a time is at work in it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from hipaa_mode import locking
from hipaa_mode.engines.spark import (
    BEFORE,
    KEPT,
    LOCAL,
    LOCK,
    REQUIRED,
    Spark,
    _why,
    clear_warehouse,
    run_privately,
    take_warehouse,
)
from hipaa_mode.errors import HipaaModeError

TAKE = """
import sys
from pathlib import Path
from hipaa_mode.engines.spark import take_warehouse
take_warehouse(Path(sys.argv[1]))
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def release() -> None:
    locking.release_all()


def test_what_builds_left_goes_but_for_what_is_kept(tmp_path: Path) -> None:
    warehouse = tmp_path / "restricted" / "spark"
    (warehouse / "main_staging.db").mkdir(parents=True)
    take_warehouse(warehouse)
    assert stat.S_IMODE(warehouse.stat().st_mode) == 0o700
    for name in (KEPT[0], "raw_files"):
        (warehouse / "hipaa_mode" / name).mkdir(parents=True)
    (warehouse / "main_staging.db" / "calls_read").mkdir()
    (warehouse / "hipaa_mode_aside" / "rows").mkdir(parents=True)
    clear_warehouse(warehouse)
    left = {str(path.relative_to(warehouse)) for path in warehouse.rglob("*")}
    assert left == {LOCK, "hipaa_mode", f"hipaa_mode/{KEPT[0]}", "main_staging.db"}


@pytest.mark.parametrize("has_new", [False, True])
def test_a_table_that_a_killed_build_was_writing_anew_is_there(
    tmp_path: Path, has_new: bool
) -> None:
    table = tmp_path / "hipaa_mode" / KEPT[0]
    take_warehouse(tmp_path)
    names = [table.name + BEFORE, *([table.name] if has_new else [])]
    for name in names:
        (table.parent / name).mkdir(parents=True)
        (table.parent / name / "part-0.parquet").write_text(name)
    locking.release_all()
    take_warehouse(tmp_path)
    assert (table / "part-0.parquet").read_text() == names[-1]
    assert [path.name for path in table.parent.iterdir()] == [table.name]


def test_a_folder_that_no_build_made_is_left_as_it_is(tmp_path: Path) -> None:
    table = tmp_path / "sales.db" / "orders" / "part-0.parquet"
    table.parent.mkdir(parents=True)
    table.write_bytes(b"rows")
    tmp_path.chmod(0o755)
    with pytest.raises(HipaaModeError, match=r"files that no build made.*name a new folder"):
        take_warehouse(tmp_path)
    assert table.read_bytes() == b"rows"
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sales.db"]


def test_a_second_build_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HIPAA_MODE_LOCK_TIMEOUT", "0")
    folder = tmp_path / "spark"
    command = [sys.executable, "-c", TAKE, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"taken\n"
        with pytest.raises(HipaaModeError, match="Another run of dbt is at work"):
            take_warehouse(folder)
        other.communicate()
    take_warehouse(folder)


def test_rows_on_their_way_of_a_killed_build_go_with_the_next(tmp_path: Path) -> None:
    left, own = (tmp_path / LOCAL / name for name in ("blockmgr-1", "blockmgr-2"))
    left.mkdir(parents=True)
    (left / "shuffle_0_0_0.data").write_bytes(b"rows")
    take_warehouse(tmp_path)
    own.mkdir()
    os.utime(left, (1, 1))
    clear_warehouse(tmp_path, began=own.stat().st_mtime)
    assert list((tmp_path / LOCAL).iterdir()) == [own]
    clear_warehouse(tmp_path)
    assert list((tmp_path / LOCAL).iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("java.io.IOException: No space left on device", "no space is left"),
        ("ModuleNotFoundError: No module named 'hipaa_mode.keys'", "package hipaa_mode. Install"),
        ("cannot cast 'jane@clinic.example'", "RuntimeError. Its own words"),
    ],
)
def test_an_error_says_what_to_do_and_no_value(text: str, said: str) -> None:
    why = _why(RuntimeError(f"at row 'jane@clinic.example': {text}"))
    assert said in why
    assert "jane" not in why


class Thrown:
    """An error of Java's, as Python sees it."""

    def __init__(self, name: str, cause: Thrown | None = None, condition: str | None = None):
        self._name = name
        self._cause = cause
        if condition is not None:
            self.getCondition = lambda: condition

    def getClass(self) -> Any:  # noqa: N802
        return SimpleNamespace(getName=lambda: self._name)

    def getCause(self) -> Thrown | None:  # noqa: N802
        return self._cause

    def getMessage(self) -> str:  # noqa: N802
        raise AssertionError("its words may quote a value")


def py4j_error(thrown: object) -> Exception:
    error = RuntimeError("An error occurred while calling o1.sql: jane@clinic.example")
    vars(error)["java_exception"] = thrown
    return error


def test_an_error_of_java_is_told_by_its_classes_and_conditions() -> None:
    failed = Thrown("java.lang.ArithmeticException", condition="CAST_INVALID_INPUT.WITH_HINT")
    thrown = Thrown("org.apache.spark.SparkException", failed, condition="")
    assert _why(py4j_error(thrown)).startswith(
        "Spark can't run a statement: RuntimeError, org.apache.spark.SparkException, "
        "java.lang.ArithmeticException CAST_INVALID_INPUT.WITH_HINT. Its own words"
    )


@pytest.mark.parametrize("name", ["jane@clinic.example", "a b", ""])
def test_what_is_no_name_of_a_class_is_not_told(name: str) -> None:
    thrown = Thrown(name, Thrown("a.Failure", condition=name))
    assert "RuntimeError, a.Failure. Its" in _why(py4j_error(thrown))


def test_an_error_without_end_or_without_java_is_told() -> None:
    endless = Thrown("a.Endless")
    endless._cause = endless
    assert "RuntimeError, a.Endless. Its" in _why(py4j_error(endless))
    assert "RuntimeError. Its" in _why(py4j_error(object()))


class OfTests(Spark):
    """An engine with a session that has some settings."""

    def __init__(self, settings: dict[str, str]) -> None:
        given = {**REQUIRED, **settings}
        self._session = SimpleNamespace(
            _jsparkSession=None,
            conf=SimpleNamespace(get=given.get, getAll=given),
            sparkContext=SimpleNamespace(master="spark://of-tests:7077"),
            sql=lambda text: SimpleNamespace(collect=lambda: [("main_restricted",)]),
        )

    @property
    def session(self) -> Any:
        return self._session


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, ""),
        ({"spark.sql.catalog.lake": "a.Class", "spark.sql.catalog.lake.uri": "x"}, ""),
        ({"spark.sql.catalog.main_restricted": "a.Class"}, "`main_restricted` of the session has"),
        ({"spark.sql.catalog.spark_catalog": "a.Class"}, "`spark_catalog` of the session has"),
        ({"spark.sql.extensions": "a.Class"}, "was not reviewed"),
        ({"spark.sql.ansi.enabled": "false"}, "has to be `true`"),
        ({"spark.sql.variable.substitute": "true"}, "has to be `false`"),
    ],
)
def test_settings_that_change_what_sql_means_are_refused(
    settings: dict[str, str], said: str
) -> None:
    faults = OfTests(settings).connection_faults()
    assert [said in fault for fault in faults] == ([True] if said else [])


def test_a_step_is_read_of_a_view_where_the_steps_before_it_are_the_same() -> None:
    engine = OfTests({})
    step = "found as (select id from ties)"
    engine._steps = {("ties as (select 1)", step): "found as (select * from the_view)"}
    rest = f"{step} select * from found"
    assert engine.with_views(f"with ties as (select 1), {rest}") == (
        "with ties as (select 1), found as (select * from the_view) select * from found"
    )
    assert engine.with_views(f"with ties as (select 2), {rest}") == (
        f"with ties as (select 2), {rest}"
    )


def test_two_threads_add_rows_one_after_the_other() -> None:
    """Spark removes what one writes into a table as the other ends, or fails."""
    at_once: list[int] = []
    running: list[str] = []

    def run(text: str) -> MagicMock:
        running.append(text)
        time.sleep(0.05)
        at_once.append(len(running))
        running.remove(text)
        return MagicMock()

    for comment in ("", '/* {"app": "dbt"} */\n', "-- a comment\n"):
        session = MagicMock(sql=run)
        run_privately(session)
        text = comment + "insert into build_state values (1)"
        threads = [threading.Thread(target=session.sql, args=(text,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert at_once == [1] * 6
