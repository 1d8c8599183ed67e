"""Ending early without leaving anything behind.

A signal that ends a command becomes an exception, so that copies of raw calls are removed on the
way out. Programs that it started end first: they would write into what is being removed.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

SECONDS_TO_END = 5
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

_children: set[subprocess.Popen[bytes]] = set()
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
    with _changing:
        if _is_ending.is_set():
            raise KeyboardInterrupt
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        _children.add(child)
    try:
        output, _ = child.communicate()
    except BaseException:
        _end(child)
        raise
    finally:
        _children.discard(child)
    return subprocess.CompletedProcess(command, child.returncode, output)


def _end_children() -> None:
    for child in list(_children):
        with contextlib.suppress(OSError):
            child.terminate()


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
