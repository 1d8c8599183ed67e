"""The raw calls of the benchmark, and an empty file to measure start-up with."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from hipaa_mode.demo_calls import generate_clean_calls

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
