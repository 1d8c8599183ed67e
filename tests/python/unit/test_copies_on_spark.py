"""Copies of a project on Spark have a warehouse of their own, and leave what is not theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hipaa_mode import ending, locking
from hipaa_mode.engines.spark import take_warehouse
from hipaa_mode.engines.spark_masking import FILE_VARIABLE
from hipaa_mode.errors import ConfigurationError, HipaaModeError
from hipaa_mode.keys import KEY_FILE_VARIABLE
from hipaa_mode.selftest import spark_warehouses
from hipaa_mode.selftest.builds import Copies
from hipaa_mode.selftest.private_folder import LOCK, private_folder
from hipaa_mode.selftest.spark_warehouses import SparkWarehouses
from hipaa_mode.selftest.warehouses import Warehouse, warehouse_of

HOLD = """
import sys
from pathlib import Path
from hipaa_mode.selftest.private_folder import private_folder
with private_folder("copies-", Path(sys.argv[1])) as folder:
    (folder / "calls").write_text("a call")
    print(folder, flush=True)
    sys.stdin.read()
"""


def target(settings: dict[str, str] | None = None, **others: str) -> dict[str, Any]:
    return {
        "type": "spark",
        "method": "session",
        "schema": "main",
        "server_side_parameters": {"spark.master": "local[2]", **(settings or {})},
        **others,
    }


def warehouse(settings: dict[str, str] | None = None, **others: str) -> Warehouse:
    return warehouse_of("spark", "hipaa_mode", {"spark": target(settings, **others)})


def test_a_copy_has_a_warehouse_of_its_own_and_all_else_of_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "spark.sql.warehouse.dir": "/data/warehouse",
        "spark.local.dir": "/data/warehouse/hipaa_mode_local",
        "spark.driver.memory": "{{ env_var('MEMORY', '8g') }}",
        "spark.sql.catalog.lake": "a.Class",
    }
    monkeypatch.setattr(spark_warehouses, "faults_before", lambda settings, environ: [])
    made = warehouse(settings).make(tmp_path)
    own = str(tmp_path / "restricted" / "spark")
    assert made == target(
        {
            **settings,
            "spark.sql.warehouse.dir": own,
            "spark.local.dir": f"{own}/hipaa_mode_local",
        }
    )


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"spark.master": "local[*]", "spark.sql.warehouse.dir": "s3a://lake"}, None),
        ({"spark.master": "yarn", "spark.sql.warehouse.dir": "restricted/spark"}, "restricted"),
        ({"spark.master": "", "spark.sql.warehouse.dir": "restricted/spark"}, "restricted"),
        (
            {"spark.master": "spark://m:1", "spark.sql.warehouse.dir": "file:///d/a%20b/w"},
            "/d/a b",
        ),
        (
            {
                "spark.master": "{{ env_var('MASTER_OF_TESTS', 'yarn') }}",
                "spark.sql.warehouse.dir": "{{ env_var('PLACE_OF_TESTS', '/d') }}/w",
            },
            "/d",
        ),
    ],
)
def test_copies_are_where_executors_can_read_them(
    tmp_path: Path, settings: dict[str, str], place: str | None
) -> None:
    expected = None if place is None else tmp_path / place
    assert warehouse(settings).place(tmp_path) == expected


@pytest.mark.parametrize("named", ["", "s3a://lake/warehouse", "hdfs://n/warehouse"])
def test_a_warehouse_that_is_not_mounted_is_refused_on_a_cluster(
    tmp_path: Path, named: str
) -> None:
    found = warehouse({"spark.master": "yarn", "spark.sql.warehouse.dir": named})
    with pytest.raises(ConfigurationError, match="no folder of a file system that is mounted"):
        found.place(tmp_path)


def test_what_has_no_warehouse_of_a_copys_own_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=r"is of method thrift.* Name a target of method"):
        warehouse(method="thrift")
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost")
    with pytest.raises(ConfigurationError, match="take SPARK_REMOTE out of the environment"):
        warehouse().make(tmp_path)


def test_one_process_runs_one_command_after_the_other_and_ends(tmp_path: Path) -> None:
    copies = warehouse()
    codes = {}
    for name, command in {"one": "--help", "two": "no-such-command", "three": "--help"}.items():
        (tmp_path / name).mkdir()
        done = copies.run(["dbt", command], tmp_path / name, os.environ)
        codes[name] = done.returncode
        assert (b"build" in done.stdout) is (command == "--help")
    assert codes == {"one": 0, "two": 1, "three": 0}
    [process] = ending._groups
    copies.remove()
    assert process.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_a_copy_is_never_built_where_it_has_no_database() -> None:
    with pytest.raises(ConfigurationError, match=r"is of type snowflake.* duckdb, postgres or sp"):
        warehouse(type="snowflake")


def test_a_process_that_has_died_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_warehouses, "PROCESS", "no_such_module")
    copies = warehouse()
    try:
        with pytest.raises(HipaaModeError, match="has ended, as it does where the machine has no"):
            copies.run(["dbt", "build"], tmp_path, {"SPARK_LOCAL_DIRS": "x"})
    finally:
        copies.remove()


def test_codes_are_taken_over_into_a_warehouse_that_a_build_takes(tmp_path: Path) -> None:
    copies = SparkWarehouses("spark", target())
    like, copy = tmp_path / "like", tmp_path / "copy"
    kept = "restricted/spark/hipaa_mode/surrogate_codes/part-0.parquet"
    for folder in (like, copy):
        (folder / "restricted").mkdir(parents=True)
    (like / kept).parent.mkdir(parents=True)
    (like / kept).write_bytes(b"codes")
    copies.give_codes(copy, like, ("main_restricted", "surrogate_codes"))
    assert (copy / kept).read_bytes() == b"codes"
    try:
        take_warehouse(copy / "restricted" / "spark")
    finally:
        locking.release_all()


def test_the_folder_of_a_command_that_was_killed_goes_with_the_next(tmp_path: Path) -> None:
    def start() -> tuple[subprocess.Popen[str], Path]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    killed, left = start()
    killed.kill()
    killed.communicate()
    at_work, used = start()
    other = tmp_path / "copies-of-somebody"
    other.mkdir()
    (other / "mine").touch()
    assert not left.exists()
    with private_folder("copies-", tmp_path) as own:
        assert {path.name for path in own.iterdir()} == {LOCK}
        assert own.stat().st_mode & 0o777 == 0o700
        assert (used / "calls").exists()
    at_work.communicate()
    assert (used.exists(), own.exists(), (other / "mine").exists()) == (False, False, True)


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigurationError, match="No folder for copies of the project can be made"),
        private_folder("copies-", tmp_path / "file"),
    ):
        pass


class Told:
    """A warehouse that builds nothing."""

    raw_calls = ""

    def run(
        self, command: Sequence[str], copy: Path, environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        self.environ = environ
        return subprocess.CompletedProcess(command, 0, b"")


def test_executors_have_no_key_file_where_a_copy_has_a_key_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, "/keys/of_executors")
    monkeypatch.setenv(KEY_FILE_VARIABLE, "/keys/of_the_project")
    copies = Copies(tmp_path, tmp_path, "dev", "dev")
    told = Told()
    vars(copies)["_warehouse"] = told
    copies.run(tmp_path, "build", key={KEY_FILE_VARIABLE: "own"})
    assert (told.environ[KEY_FILE_VARIABLE], told.environ.get(FILE_VARIABLE)) == ("own", None)
