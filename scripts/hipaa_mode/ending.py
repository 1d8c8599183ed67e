"""Ending early without leaving anything behind.

A signal that ends a command becomes an exception, so that copies of raw calls are removed on the
way out. Programs that it started end first: they would write into what is being removed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

SECONDS_TO_END = 5
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

_children: set[subprocess.Popen[bytes]] = set()
_groups: set[subprocess.Popen[bytes]] = set()
"""Those of them that have a group of processes of their own, which ends with them."""

_changing = threading.Lock()
_is_ending = threading.Event()


@contextlib.contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Have SIGINT, SIGTERM and SIGHUP end what runs inside by an exception, and its children.

    A signal that is ignored, as by nohup, stays so. For the main thread.
    """
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    mine = [number for number in numbers if before[number] != signal.SIG_IGN]

    def end(number: int, frame: FrameType | None) -> None:
        for other in mine:
            # A second one must not interrupt the clean-up.
            signal.signal(other, signal.SIG_IGN)
        _is_ending.set()
        _end_children()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    for number in mine:
        signal.signal(number, end)
    try:
        yield
    finally:
        _is_ending.clear()
        for number in mine:
            signal.signal(number, before[number])


def run(
    command: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and return its output, both streams as one.

    It ends where this process is told to end, or leaves the call by an exception.
    """
    child = _started(command, folder, environ, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        output, _ = child.communicate()
    except BaseException:
        _end(child)
        raise
    finally:
        _children.discard(child)
    return subprocess.CompletedProcess(command, child.returncode, output)


def start(
    command: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a program to talk to by its standard input and output; `end` ends it.

    It, and what it starts, end where this process is told to end, too.
    """
    return _started(command, folder, environ, stdin=subprocess.PIPE, start_new_session=True)


def end(child: subprocess.Popen[bytes]) -> None:
    """End a program that was started, and all that it has started."""
    _end(child)
    _children.discard(child)
    _groups.discard(child)
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def _started(
    command: Sequence[str], folder: Path, environ: Mapping[str, str], **options: Any
) -> subprocess.Popen[bytes]:
    """Start a program that ends with this process, unless that is ending."""
    with _changing:
        if _is_ending.is_set():
            raise KeyboardInterrupt
        child = subprocess.Popen(
            command, cwd=folder, env=environ, stdout=subprocess.PIPE, **options
        )
        if options.get("start_new_session"):
            _groups.add(child)
        _children.add(child)
    return child


def _end_children() -> None:
    for child in list(_children):
        with contextlib.suppress(OSError):
            _signal(child, signal.SIGTERM)


def _end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        _signal(child, signal.SIGTERM)
    try:
        child.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child in _groups:
        _end_group(child.pid)


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    if child in _groups:
        os.killpg(child.pid, number)
    else:
        child.send_signal(number)


def _end_group(leader: int) -> None:
    """Wait until no process of a group is left, and kill those that go on."""
    until = time.monotonic() + SECONDS_TO_END
    with contextlib.suppress(OSError):
        while time.monotonic() < until:
            os.killpg(leader, 0)
            time.sleep(0.05)
        os.killpg(leader, signal.SIGKILL)
