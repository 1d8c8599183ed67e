"""Which raw files a build has to read: those that the warehouse does not have yet.

The warehouse keeps a row for every file it has read. A file that only grew is read on from where
the last reading ended; one that changed otherwise is read again, and the calls of one that is gone
go too, so that the result is that of a build that reads everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from hipaa_mode.errors import RawCallsError
from hipaa_mode.raw_calls import RawFile, RawLocation
from hipaa_mode.raw_formats import LONGEST_MAGIC, is_compressed

SAMPLE_BYTES = 64 << 10
"""Bytes at the start and at the end of a file that tell whether it only grew."""

MANY_BYTES = 1 << 30
"""From how many bytes of lines on there are many calls."""

PACKED = (".gz", ".zst", ".bz2", ".parquet", ".pq")
"""What names of files end with whose lines take about ten times as many bytes as they do."""


@dataclass(frozen=True)
class KnownFile:
    """A file as the warehouse has read it.

    Attributes:
        modified_at: time of its last change when it was read, in nanoseconds since 1970.
        sample: SHA-256 of its first and last bytes; see `SAMPLE_BYTES`.
        lines: lines up to `size`; 0 where they are not counted.
        can_grow: whether its last line was whole, so that more may follow.
    """

    number: int
    path: str
    size: int
    modified_at: int
    sample: str
    lines: int
    can_grow: bool


@dataclass(frozen=True)
class Reading:
    """What a build reads.

    Attributes:
        files: the files, or parts of them, to read.
        removed: numbers of files whose calls must go before, since they changed or are gone.
        unchanged: how many files are as they were.
    """

    files: tuple[RawFile, ...]
    removed: tuple[int, ...]
    unchanged: int


def plan_reading(
    location: RawLocation, known: Iterable[KnownFile], last_number: int = 0
) -> Reading:
    """Compare the files that are there with those that were read.

    Args:
        last_number: the highest number that a file ever had there. That of a file that is gone
            is not given again: tables that do not follow yet would take the new for the old.
    """
    read = {file.path: file for file in known}
    next_number = max((last_number, *(file.number for file in read.values()))) + 1
    files: list[RawFile] = []
    removed: list[int] = []
    unchanged = 0
    for found in location.files:
        before = read.pop(found.path, None)
        if before is not None and _is_unchanged(found, before):
            unchanged += 1
        elif before is not None and _only_grew(found, before):
            files.append(
                replace(
                    found, number=before.number, start=before.size, first_line=before.lines + 1
                )
            )
        else:
            if before is not None:
                removed.append(before.number)
            files.append(replace(found, number=next_number))
            next_number += 1
    removed += [file.number for file in read.values()]
    return Reading(tuple(files), tuple(sorted(removed)), unchanged)


def are_many(files: Iterable[RawFile]) -> bool:
    """Tell whether files, or parts of them, have many calls, by their sizes."""
    lines = (
        (file.size - file.start) * (10 if file.path.lower().endswith(PACKED) else 1)
        for file in files
    )
    return sum(lines) >= MANY_BYTES


def as_read(
    location: RawLocation, paths: Iterable[str], known: Iterable[KnownFile]
) -> tuple[RawFile, ...]:
    """Return files of a location as far as they were read before.

    Raises:
        RawCallsError: one is gone or changed since, or is no file but a table.
    """
    found = {file.path: file for file in location.files}
    read = {file.path: file for file in known}
    files = []
    for path in paths:
        if location.kind == "table":
            raise RawCallsError(
                "Values of calls are needed that an earlier run has read from a table. Run dbt "
                "build without a selection, or with calls_read in it"
            )
        file, before = found.get(path), read.get(path)
        if not file or not before or not (_is_unchanged(file, before) or _only_grew(file, before)):
            raise RawCallsError(
                f"{path} changed or is gone since it was read, and values of its calls are "
                "needed. Run dbt build without a selection, or with calls_read in it"
            )
        files.append(replace(file, size=before.size, number=before.number))
    return tuple(files)


def as_known(file: RawFile, lines: Mapping[str, int]) -> KnownFile:
    """Describe a file that was just read, for the next build.

    Raises:
        RawCallsError: the file is gone.
    """
    try:
        with open(file.path, "rb") as stream:
            is_packed = is_compressed(stream.read(LONGEST_MAGIC))
            stream.seek(max(file.size - 1, 0))
            ends_line = file.size > 0 and stream.read(1) == b"\n"
        sample = _sample(file.path, file.size)
    except OSError:
        raise RawCallsError(f"{file.path} is gone since the run began. Run again") from None
    counted = file.path in lines
    return KnownFile(
        number=file.number,
        path=file.path,
        size=file.size,
        modified_at=file.modified_at,
        sample=sample,
        lines=lines.get(file.path, 0),
        can_grow=counted and ends_line and not is_packed,
    )


def _is_unchanged(found: RawFile, before: KnownFile) -> bool:
    return (found.size, found.modified_at) == (before.size, before.modified_at)


def _only_grew(found: RawFile, before: KnownFile) -> bool:
    grew = before.can_grow and found.size > before.size
    return grew and _sample(found.path, before.size) == before.sample


def _sample(path: str, size: int) -> str:
    """Hash the first and the last bytes of a file, as if it ended at `size`."""
    digest = hashlib.sha256(str(size).encode())
    with open(path, "rb") as stream:
        digest.update(stream.read(min(SAMPLE_BYTES, size)))
        stream.seek(max(size - SAMPLE_BYTES, 0))
        digest.update(stream.read(min(SAMPLE_BYTES, size)))
    return digest.hexdigest()
