"""What all processes of some sessions take: Spark's work is done by others than dbt's.

Linux alone, since it reads /proc. What a process did after it was last looked at is not counted.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import TracebackType

EVERY_SECONDS = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """Watches the processes of some sessions, until its `with` ends.

    Attributes:
        sessions: ids of sessions; more can be added.
        peak_bytes: the most resident memory that all had together, shared pages counted for each.
    """

    def __init__(self, *sessions: int) -> None:
        self.sessions = {*sessions}
        self.peak_bytes = 0
        self._ticks: dict[tuple[int, int], int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    @property
    def processor_seconds(self) -> float:
        """What all of them took, those that ended too."""
        return sum(self._ticks.values()) / _TICKS

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self.look()

    def look(self) -> None:
        """Count what there is now."""
        resident = 0
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                text = (folder / "stat").read_text("utf-8", "replace")
            except OSError:
                continue
            # Behind the name, which may have blanks: state, parent, group, session, …
            fields = text.rpartition(")")[2].split()
            if int(fields[3]) in self.sessions:
                started = int(fields[19])
                self._ticks[int(folder.name), started] = int(fields[11]) + int(fields[12])
                resident += int(fields[21]) * _PAGE
        self.peak_bytes = max(self.peak_bytes, resident)


def wait_for(path: Path, words: str, count: int, seconds: float = 120) -> None:
    """Wait until a log has some words so many times.

    Raises:
        TimeoutError: it has not.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if path.exists() and path.read_text("utf-8", "replace").count(words) >= count:
            return
        time.sleep(0.25)
    raise TimeoutError(f"{path} does not say: {words}")
