"""The raw calls of the benchmark, and an empty file to measure start-up with."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "demo"))

from demo_calls import generate_clean_calls

REDELIVERED_EVERY = 200
"""One line in so many is a call delivered before, so that de-duplication has work."""

REDELIVERED_AFTER = 1000
"""How many first deliveries later it comes again."""


def write_calls(path: Path, count: int) -> int:
    """Write `count` lines of calls; return how many of them are first deliveries."""
    redelivered = count // REDELIVERED_EVERY
    with path.open("wb", buffering=1 << 20) as file:
        for line in _lines(count - redelivered, redelivered):
            file.write(line + b"\n")
    return count - redelivered


def _lines(first_deliveries: int, redelivered: int) -> Iterator[bytes]:
    recent: deque[bytes] = deque(maxlen=REDELIVERED_AFTER)
    for position, line in enumerate(generate_clean_calls(first_deliveries), start=1):
        yield line
        recent.append(line)
        if redelivered and position % (REDELIVERED_EVERY - 1) == 0:
            yield recent[0]
            redelivered -= 1
    for line in list(recent)[:redelivered]:
        yield line


NEW_DAY = b"2026-04-02"
LATE_DAY = b"2026-03-28"
LATE_EVERY = 20
"""One new call in so many is of a day that was published before."""


def write_new_calls(path: Path, count: int) -> None:
    """Write `count` lines of calls that arrive later: of the next day, and a few late ones."""
    with path.open("wb", buffering=1 << 20) as file:
        for position, line in enumerate(generate_clean_calls(count, NEW_SEED)):
            day = NEW_DAY if position % LATE_EVERY else LATE_DAY
            file.write(_TIMESTAMP.sub(rb"\g<1>" + day, line, count=1) + b"\n")


NEW_SEED = 20260402
_TIMESTAMP = re.compile(rb'("timestamp":")[0-9-]{10}')
