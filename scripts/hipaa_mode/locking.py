"""One build at a time: who comes second waits, or is told plainly what is in the way.

A DuckDB file has one writing process and no other process beside it. A second build would end in
DuckDB's own error, and one that comes between two connections of the first would do worse. So a
build holds a lock file beside its database until it ends, and with it the folder that
an environment is published to, since two databases can publish into one.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from hipaa_mode.errors import LockedError

if sys.platform != "win32":
    import fcntl

TIMEOUT_VARIABLE = "HIPAA_MODE_LOCK_TIMEOUT"
DEFAULT_TIMEOUT = 60.0
"""Seconds to wait for what is locked."""

SECONDS_BETWEEN_TRIES = 0.2

_CONFLICT = re.compile(
    r"[Cc]onflicting lock is held in (.+?) \(PID (\d+)\)(?: by user (\S+?))?[.\s]"
)
_CAN_NOT_WRITE = re.compile(
    "(Permission denied|Read-only file system|Is a directory|Not a directory|No space left on "
    "device|Disk quota exceeded|Operation not permitted)"
)
_held: dict[Path, int] = {}
"""Descriptors of what this process holds, until its run of dbt ends; a second plugin finds its
lock here."""

_gave_up: dict[Path, float] = {}
"""Until when it was waited for a database that was locked to the end."""

Tell = Callable[[str], None]


def timeout(environ: Mapping[str, str]) -> float:
    """Return for how many seconds to wait for a lock.

    Raises:
        LockedError: the variable is not a number of seconds.
    """
    text = environ.get(TIMEOUT_VARIABLE, "").strip()
    if not text:
        return DEFAULT_TIMEOUT
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]+)?", text):
        raise LockedError(f"{TIMEOUT_VARIABLE} is not a number of seconds. Write 0 not to wait")
    return float(text)


def hold_database(path: Path, seconds: float, tell: Tell, config: Mapping[str, Any]) -> None:
    """Hold a database until the run of dbt ends, and see that nobody else has it open.

    Args:
        path: the DuckDB file; it need not exist.
        tell: is told, once, that there is something to wait for.
        config: how the file is about to be opened.

    Raises:
        LockedError: somebody still has it after that time, or nobody may write to it. The text
            says who, or why, and what to do.
    """
    path = path.absolute()
    # dbt tries to connect more than once; it has been waited for long enough the first time.
    deadline = _gave_up.get(path, time.monotonic() + seconds)
    lock = path.with_name(f"{path.name}.lock")
    try:
        _hold(lock, deadline, tell, lambda: _other_build(path, lock), is_file=True)
        _wait(lambda: _open_elsewhere(path, config), deadline, tell)
    except LockedError:
        _gave_up[path] = deadline
        raise
    _gave_up.pop(path, None)


def hold_published(folder: Path, seconds: float, tell: Tell) -> None:
    """Hold the folder that an environment is published to until the run of dbt ends.

    Raises:
        LockedError: another build still publishes to it after `seconds`.
    """
    problem = (
        f"Another build publishes to {folder}, from another database.\n"
        f"Wait for it to end and run again, or set {TIMEOUT_VARIABLE} to a number of seconds to "
        "wait for it. If both are meant to run, give one of them a folder of its own "
        "(HIPAA_MODE_PUBLISHED)"
    )
    _hold(folder.absolute(), time.monotonic() + seconds, tell, lambda: problem, is_file=False)


def hold_folder(folder: Path, name: str, seconds: float, tell: Tell) -> None:
    """Hold a folder of the restricted zone until the run of dbt ends, by a file in it.

    Raises:
        LockedError: another build still has it after `seconds`.
    """
    lock = folder.absolute() / name
    _hold(lock, time.monotonic() + seconds, tell, lambda: _other_build(folder, lock), is_file=True)


def release_all() -> None:
    """Release what this process holds, and forget what it waited for: its run has ended."""
    while _held:
        _, descriptor = _held.popitem()
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _gave_up.clear()


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone, for moments, where the system can.

    Destinations are moved into a published folder and out of it so: an emergency stop comes
    between two moves of a build, which holds its environment's folder all the while that it runs.
    """
    descriptor = -1
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _wait(problem: Callable[[], str | None], deadline: float, tell: Tell) -> None:
    """Wait until there is no problem any more; raise it when that takes too long."""
    has_told = False
    while (text := problem()) is not None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise LockedError(text)
        if not has_told:
            tell(f"Waiting up to {left:.0f} s. {text.splitlines()[0]}")
            has_told = True
        time.sleep(min(SECONDS_BETWEEN_TRIES, left))


def _hold(
    path: Path, deadline: float, tell: Tell, problem: Callable[[], str], is_file: bool
) -> None:
    if sys.platform == "win32" or path in _held:
        return
    try:
        flags = os.O_RDWR | os.O_CREAT if is_file else os.O_RDONLY
        descriptor = os.open(path, flags, 0o600)
    except OSError:
        # A folder that can't be written to is told of by whoever writes what matters.
        return

    def in_the_way() -> str | None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return problem()
        except OSError:
            # A file system without locks.
            pass
        return None

    try:
        _wait(in_the_way, deadline, tell)
        if is_file:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, _about_this_process().encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    _held[path] = descriptor


def _about_this_process() -> str:
    facts = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "user": login() or "",
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    return json.dumps(facts) + "\n"


def login() -> str | None:
    """Return the name that somebody is logged in with, if there is one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


def _other_build(path: Path, lock: Path) -> str:
    who = ""
    try:
        facts = json.loads(lock.read_text(encoding="utf-8"))
        who = (
            f": process {int(facts['pid'])} of {facts['user']} on {facts['host']}, since "
            f"{facts['started_at']}"
        )
    except (OSError, ValueError, TypeError, KeyError):
        # It has not written down yet who it is.
        pass
    return (
        f"Another run of dbt is at work on {path}{who}. One run at a time can write to it.\n"
        f"Wait for it to end and run again, or set {TIMEOUT_VARIABLE} to a number of seconds to "
        "wait for it"
    )


def _open_elsewhere(path: Path, config: Mapping[str, Any]) -> str | None:
    """Say who has a database open; None where nobody has.

    Opened as it will be opened: to look at the file's locks another way would take away those
    that this process has on it.
    """
    try:
        duckdb.connect(str(path), read_only=False, config=dict(config)).close()
    except duckdb.IOException as error:
        text = str(error)
        if failure := _CAN_NOT_WRITE.search(text):
            raise LockedError(
                f"The database {path} can't be opened for writing: {failure[1]}. Give its folder "
                "and the file to the user that builds, or name another with HIPAA_MODE_DATABASE"
            ) from None
        if "Could not set lock" not in text:
            return None
        who = "another program"
        if found := _CONFLICT.search(text):
            by = f" of {found[3]}" if found[3] else ""
            who = f"{Path(found[1]).name} (process {found[2]}{by})"
        return (
            f"{path} is open in {who}. DuckDB lets one process write to a file, and nobody read "
            "beside it.\nClose it there (a notebook, an editor's database view, the duckdb shell) "
            "and run again; to read while builds run, read the published files"
        )
    except duckdb.Error:
        # What else is wrong with it, connecting will tell.
        pass
    return None
