"""The warehouse of Spark: what no build made stays, and one build at a time is at work in it."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hipaa_mode import locking
from hipaa_mode.engines.spark import KEPT, LOCK, clear_warehouse, take_warehouse
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


def test_a_second_build_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "spark"
    command = [sys.executable, "-c", TAKE, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"taken\n"
        with pytest.raises(HipaaModeError, match="Another run of dbt is at work"):
            take_warehouse(folder)
        other.communicate()
    take_warehouse(folder)
