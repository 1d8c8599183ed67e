"""Warehouses for copies of a project on Spark: each is a folder of the copy's own.

The session is otherwise the one that the project's target has. All builds are made by one process,
so by one Java machine, one after the other.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hipaa_mode import ending
from hipaa_mode.engines.spark import LOCAL, LOCK, STATE
from hipaa_mode.engines.spark_faults import faults_before
from hipaa_mode.errors import ConfigurationError, HipaaModeError, RawCallsError
from hipaa_mode.project_settings import rendered_target
from hipaa_mode.selftest.warehouses import Ask, empty_folders, write_calls

PROCESS = "hipaa_mode.selftest.spark_process"
PARAMETERS = "server_side_parameters"
WAREHOUSE = "spark.sql.warehouse.dir"
OUTPUT = "dbt_output.txt"
NOT_INHERITED = ("SPARK_LOCAL_DIRS",)
"""Variables that would beat a copy's own settings."""


class SparkWarehouses:
    """See `Warehouse`; a copy's warehouse is in its folder, and goes with it."""

    raw_calls = "raw_calls/*.ndjson"
    numbered_calls = ""
    keeps_tables = False
    builds_at_once = 1

    def __init__(self, name: str, output: Mapping[str, Any]) -> None:
        """Take a target of profiles.yml.

        Raises:
            ConfigurationError: copies can't be built as it is.
        """
        self._output = dict(output)
        self._settings = rendered_target({PARAMETERS: output.get(PARAMETERS) or {}})[PARAMETERS]
        self._process: _Process | None = None
        if output.get("method") != "session":
            raise ConfigurationError(
                f"Target {name} is of method {output.get('method')}, and a copy of the project is "
                "built in a session of Spark with a warehouse of its own. Name a target of method "
                "session, or of type duckdb, with --target"
            )

    def place(self, project: Path) -> Path | None:
        """Return the folder of the target's own warehouse, where there may be executors elsewhere.

        Raises:
            ConfigurationError: that is not on a file system that is mounted here.
        """
        if str(self._settings.get("spark.master", "")).startswith("local"):
            return None
        named = urlsplit(str(self._settings.get(WAREHOUSE, "")))
        if not named.path or named.scheme not in ("", "file") or named.netloc:
            raise ConfigurationError(
                f"A copy of the project is built beside the warehouse, where executors can read "
                f"it, and `{WAREHOUSE}` of the target in profiles.yml names no folder of a file "
                "system that is mounted here"
            )
        return (project / unquote(named.path)).parent

    def make(self, copy: Path) -> dict[str, Any]:
        """Name the folder of the copy; the build makes it.

        Raises:
            ConfigurationError: Spark can't be started.
        """
        warehouse = _warehouse_of(copy)
        own = {WAREHOUSE: str(warehouse), "spark.local.dir": str(warehouse / LOCAL)}
        if faults := list(faults_before({**self._settings, **own}, os.environ)):
            raise ConfigurationError("Spark can't be started: " + "\n".join(faults))
        return {**self._output, PARAMETERS: {**(self._output.get(PARAMETERS) or {}), **own}}

    def give_calls(self, copy: Path, calls: Mapping[str, Sequence[bytes]]) -> None:
        """Write files."""
        write_calls(copy, calls)

    def give_codes(self, copy: Path, like: Path, table: tuple[str, str]) -> None:
        """Copy the files that the table is kept in."""
        warehouse = _warehouse_of(copy)
        warehouse.mkdir(mode=0o700)
        (warehouse / LOCK).touch(mode=0o600)
        kept = _warehouse_of(like) / STATE / table[1]
        if kept.is_dir():
            shutil.copytree(kept, warehouse / STATE / table[1])

    def export_published(self, copy: Path, schema: str, table: str, file: Path) -> None:
        """Do nothing: files are published."""

    def empty(self, copy: Path) -> None:
        """Remove the files."""
        empty_folders(copy)

    def run(
        self, command: Sequence[str], copy: Path, environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command of dbt, by the one process that runs all."""
        if self._process is None:
            self._process = _Process(copy, environ)
        output = copy / OUTPUT
        code = self._process.run(command[1:], copy, output)
        return subprocess.CompletedProcess(command, code, output.read_bytes())

    def reading(self, copy: Path) -> AbstractContextManager[Ask]:
        """Refuse: tables are gone when dbt has ended."""
        raise HipaaModeError("No tables of a copy are there to be read")

    def lines(self, table: Sequence[str], column: str | None) -> Iterator[bytes]:
        """Refuse: that would take a session of its own."""
        raise RawCallsError(
            "The raw calls are a table of Spark, which the selftest does not read. Name files of "
            "calls: hipaa-mode selftest --calls 'export/*.ndjson'"
        )

    def remove(self) -> None:
        """End the process: the folders of the copies can go."""
        if self._process is not None:
            self._process.end()
            self._process = None


def _warehouse_of(copy: Path) -> Path:
    return copy.resolve() / "restricted" / "spark"


class _Process:
    """A process that runs dbt in copies; see `spark_process`."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        own = {name: value for name, value in environ.items() if name not in NOT_INHERITED}
        # Without -P a folder of the project could stand in for a module.
        self._child = ending.start([sys.executable, "-P", "-m", PROCESS], folder, own)

    def run(self, arguments: Sequence[str], folder: Path, output: Path) -> int:
        """Run a command of dbt, and return its exit code.

        Raises:
            HipaaModeError: the process has ended.
        """
        to, of = self._child.stdin, self._child.stdout
        assert to is not None and of is not None
        asked = {"arguments": list(arguments), "folder": str(folder), "output": str(output)}
        line = b""
        with contextlib.suppress(BrokenPipeError):
            to.write(json.dumps(asked).encode() + b"\n")
            to.flush()
            line = of.readline()
        if not line:
            raise HipaaModeError(
                "The process that builds copies of the project has ended, as it does where the "
                "machine has no memory left for it. Give it more, or set spark.driver.memory of "
                "the target lower"
            )
        return int(json.loads(line)["exit_code"])

    def end(self) -> None:
        """End the process, and what it has started."""
        ending.end(self._child)
