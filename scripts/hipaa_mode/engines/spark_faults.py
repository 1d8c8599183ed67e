"""What keeps a Spark session from starting, said in a line each before dbt asks for one.

Spark's own words come after a minute, from Java, and without a remedy.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hipaa_mode.engines import spark_masking

OLDEST_JAVA = 17
PYSPARK = "4.3"
"""The one whose SQL the functions were reviewed in."""

COMMANDS = ("build", "compile", "generate")
"""Commands of dbt that make sense without tables of an earlier one."""

REFUSED = ("run", "test", "seed", "snapshot", "retry")
"""Commands that are refused before a session starts for them."""

WITHOUT_SESSION = ("compile", "parse", "list", "ls", "deps", "clean", "debug", "docs", "generate")
"""Commands of dbt that Spark need not run for."""

SECONDS_TO_ANSWER = 5.0

MOST_CAUSES = 10
"""Causes of an error of Java's that are looked at, each the cause of the one before."""

_KIND = re.compile(r"[A-Za-z_][\w.$]*", re.ASCII)
"""What names of Java's classes and of Spark's conditions look like: nothing else is told."""

_looked_at: set[int] = set()


def refuse_once(adapter: Any, environ: Mapping[str, str], command: str | None = None) -> None:
    """Refuse a session that can't be started, the first time that it is asked.

    Args:
        adapter: dbt's adapter of Spark.
        command: what dbt runs; that of this process if not given.

    Raises:
        CompilationError: it can't be started.
    """
    if id(adapter) in _looked_at:
        return
    _looked_at.add(id(adapter))
    credentials = adapter.config.credentials
    if command is None:
        flags: Any = importlib.import_module("dbt.flags")
        command = getattr(flags.get_flags(), "WHICH", "")
    if command in WITHOUT_SESSION or credentials.method != "session":
        return
    faults = command_faults(command) if command in REFUSED else []
    if faults := faults or list(faults_before(credentials.server_side_parameters, environ)):
        from dbt_common.exceptions import CompilationError

        raise CompilationError(
            "hipaa_mode: Spark was not started, so nothing was built.\n- " + "\n- ".join(faults)
        )


def command_faults(command: str) -> list[str]:
    """Say of a command of dbt that it can't be run."""
    if command in COMMANDS:
        return []
    return [
        f"`dbt {command}` has no tables on Spark: they are gone when a build ends. Run: dbt build"
    ]


def faults_before(settings: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    """Say what keeps a session with some settings from starting."""
    yield from _faults_of_pyspark()
    yield from spark_masking.setting_faults(environ)
    yield from _faults_of_connect(settings, environ)
    yield from _faults_of_java(environ)
    yield from _faults_of_master(str(settings.get("spark.master", "")))
    yield from _faults_of_warehouse(str(settings.get("spark.sql.warehouse.dir", "")))


def _faults_of_connect(settings: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    named = {
        "SPARK_REMOTE out of the environment": environ,
        "`spark.remote` out of `server_side_parameters` in profiles.yml": settings,
    }
    for name, values in named.items():
        if name.split(" ")[0].strip("`") in values:
            yield (
                "a build on a Spark Connect server was not proven: it goes on when a build ends, "
                "keeps what it logged, and lets other sessions see the tables. Let dbt start "
                f"Spark itself: take {name}"
            )


def _faults_of_pyspark() -> Iterator[str]:
    try:
        version = importlib.metadata.version("pyspark")
    except importlib.metadata.PackageNotFoundError:
        yield "pyspark is not installed. Run: pip install 'hipaa-mode[spark]'"
        return
    if not version.startswith(f"{PYSPARK}."):
        yield (
            f"pyspark {version} is installed, and {PYSPARK} is needed. "
            "Run: pip install 'hipaa-mode[spark]'"
        )


def _faults_of_java(environ: Mapping[str, str]) -> Iterator[str]:
    home = environ.get("JAVA_HOME")
    java = (
        str(Path(home) / "bin" / "java")
        if home
        else shutil.which("java", path=environ.get("PATH"))
    )
    if java is None or not os.access(java, os.X_OK):
        where = "JAVA_HOME has no bin/java" if home else "there is no Java"
        yield (
            f"{where}. Install Java {OLDEST_JAVA} (Debian: apt-get install default-jre-headless), "
            "or let JAVA_HOME name its folder"
        )
        return
    done = subprocess.run(
        [java, "-version"], capture_output=True, text=True, check=False, errors="replace"
    )
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    if found is None:
        yield f"{java} does not say which Java it is. Install Java {OLDEST_JAVA}"
    elif int(found[1]) < OLDEST_JAVA:
        yield (
            f"{java} is Java {found[1]}, and {OLDEST_JAVA} or later is needed. Install it, and "
            "let JAVA_HOME name its folder"
        )


def _faults_of_master(master: str) -> Iterator[str]:
    if not master.startswith("spark://"):
        return
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()
        except (OSError, ValueError):
            continue
        return
    yield (
        f"{master} does not answer. Start the master, or change `spark.master` of the target in "
        "profiles.yml"
    )


def _faults_of_warehouse(named: str) -> Iterator[str]:
    parts = urlsplit(named)
    if not named or parts.scheme not in ("", "file"):
        return
    folder = Path(unquote(parts.path)).absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield (
            f"the warehouse {folder} can't be written: {there} is no folder that you may write "
            "to. Change its rights, or `spark.sql.warehouse.dir` of the target in profiles.yml"
        )


def kinds_in_java(error: Any) -> list[str]:
    """Return the classes of an error of Java's and of its causes, with their conditions.

    Their messages, which may quote values, are not asked for.

    Args:
        error: what Java threw; None for nothing.
    """
    found: list[str] = []
    try:
        while error is not None and len(found) < MOST_CAUSES:
            names = [str(error.getClass().getName())]
            with contextlib.suppress(Exception):
                # Not every error has one.
                names.append(str(error.getCondition() or ""))
            found.append(" ".join(filter(_KIND.fullmatch, names)))
            error = error.getCause()
    except Exception:
        # Java has ended.
        pass
    return list(dict.fromkeys(filter(None, found)))
