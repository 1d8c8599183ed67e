"""What an environment was built from, so that no run mistakes another's for its own.

Each build leaves a record in a table of the restricted zone and, so that a new database knows it
too, in a file beside what is published: which raw calls were read, the day, the lists of
suppressed people from outside, and what was withheld when something was published last. The next
run is compared with it before anything is touched.

A raw file is known again by its path, or, where its folder moved, by its name and size. The record
holds hashes of these. An empty file is none.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from hipaa_mode import folders
from hipaa_mode.errors import PublishingError
from hipaa_mode.raw_calls import RawLocation
from hipaa_mode.seeds import Fault

RECORD = "run_record.json"
"""The record's file, in an environment's published folder."""

MOST_FILES = 1_000
"""Files that a record has: the newest ones, of which a later run finds some again."""

ACCEPT_RAW_CALLS = "hipaa_mode__accept_raw_calls"
SHARE_WITH = "hipaa_mode__share_with"
ACCEPT_DAY = "hipaa_mode__accept_day"


@dataclass(frozen=True)
class Withheld:
    """What was withheld when something was published last."""

    run_number: int
    raw: int
    suppressed: int
    retain_days: int | None


@dataclass(frozen=True)
class RunRecord:
    """What an environment was built from last.

    Attributes:
        day: the day it went by, ISO 8601.
        location: what named the raw calls; blank where none were read yet.
        files: hashes that the raw files, or the table, are known by.
        shares_with: environments that may read the same raw calls.
        lists: how many people of the environment each list from outside had, by location.
        withheld: see `Withheld`; None where nothing was published.
    """

    environment: str
    run_number: int = 0
    day: str = ""
    location: str = ""
    files: tuple[str, ...] = ()
    shares_with: tuple[str, ...] = ()
    lists: Mapping[str, int] | None = None
    withheld: Withheld | None = None

    def as_json(self) -> str:
        """Write the record as JSON."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)


def read_json(text: str) -> RunRecord:
    """Read a record.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    content = json.loads(text)
    withheld = content["withheld"]
    record = RunRecord(
        environment=str(content["environment"]),
        run_number=int(content["run_number"]),
        day=str(content["day"]),
        location=str(content["location"]),
        files=tuple(map(str, content["files"])),
        shares_with=tuple(map(str, content["shares_with"])),
        lists={str(place): int(count) for place, count in (content["lists"] or {}).items()},
        withheld=Withheld(**withheld) if withheld else None,
    )
    if record.day:
        dt.date.fromisoformat(record.day)
    return record


def read_record(root: Path, environment: str) -> RunRecord | None:
    """Read the record beside what an environment publishes; None where there is none.

    Raises:
        PublishingError: it can't be read. Then nobody knows what the environment was built from.
    """
    path = folders.environment_folder(root, environment) / RECORD
    try:
        return read_json(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise PublishingError(
            f"{path}, which tells what the environment was built from, can't be read. Restore it, "
            "or remove it: then accept the raw calls by name"
        ) from None


def write_record(root: Path, record: RunRecord) -> None:
    """Write the record beside what its environment publishes.

    Raises:
        PublishingError: it can't be written.
    """
    path = folders.environment_folder(root, record.environment) / RECORD
    aside = path.with_name(path.name + folders.UNFINISHED)
    try:
        folders.make_private(path.parent)
        with contextlib.suppress(FileNotFoundError):
            aside.unlink()
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, folders.FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(record.as_json() + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        aside.rename(path)
    except OSError as error:
        raise PublishingError(
            f"Nothing can be published: {error.strerror} ({path}). Fix the cause and run dbt "
            "build again"
        ) from None


def other_records(root: Path, environment: str) -> list[RunRecord]:
    """Return the records of the other environments that publish below the same folder."""
    found = [path.parent.name for path in sorted(root.glob(f"*/{RECORD}"))]
    records = [read_record(root, name) for name in found if name != environment]
    return [record for record in records if record is not None]


def latest(records: Iterable[RunRecord | None]) -> RunRecord | None:
    """Return the record of the latest run; of two of one run the last, which knows more."""
    known = [record for record in records if record is not None]
    if not known:
        return None
    last = max(enumerate(known), key=lambda item: (item[1].run_number, item[0]))[1]
    return replace(last, day=max(record.day for record in known))


def known_day(
    clock: dt.date, days: Collection[str], accepted: str | None
) -> tuple[dt.date, str | None]:
    """Return the day that a run goes by: the clock's, or that of an earlier run if it is later.

    Args:
        days: days of earlier runs, ISO 8601.
        accepted: the day that the variable `ACCEPT_DAY` names: the clock's is right.

    Returns:
        The day, and what to say where the clock is behind.
    """
    last = max((dt.date.fromisoformat(day) for day in days if day), default=clock)
    if last <= clock:
        return clock, None
    if accepted == clock.isoformat():
        return clock, f"the day is {clock}, as {ACCEPT_DAY} says, though a run was on {last}"
    return last, (
        f"the clock says {clock}, but an earlier run was on {last}: expiry, retention and "
        f"agreements go by {last}. Set the clock right; if that run's clock was the wrong one: "
        f"dbt build --vars '{{{ACCEPT_DAY}: \"{clock}\"}}'"
    )


def environment_faults(
    environment: str,
    database_environments: Sequence[str],
    record: RunRecord | None,
    share_with: Collection[str],
) -> list[Fault]:
    """Return why a run may not use a database, or a published folder: another environment does.

    Args:
        database_environments: those that used the database, the first one first.
        record: the record in the environment's published folder.
        share_with: environments that the run may share with, by the variable.
    """
    faults: list[Fault] = []
    others = [name for name in database_environments if name != environment]
    is_new = environment not in database_environments
    if others and is_new and not set(others) & set(share_with):
        faults.append(
            Fault(
                "The database",
                None,
                f"it belongs to environment `{others[0]}`, and this run is of `{environment}`",
                _wrong_target(others[0], "HIPAA_MODE_DATABASE"),
            )
        )
    owner = record.environment if record else environment
    if owner != environment and owner not in share_with:
        faults.append(
            Fault(
                "The published folder",
                None,
                f"it belongs to environment `{owner}`, and this run is of `{environment}`",
                _wrong_target(owner, "HIPAA_MODE_PUBLISHED"),
            )
        )
    return faults


def _wrong_target(owner: str, variable: str) -> str:
    return (
        f"Run dbt with --target {owner}, or correct {variable}; to share it on purpose: "
        f"dbt build --vars '{{{SHARE_WITH}: [{owner}]}}'"
    )


def marks_of(location: RawLocation, database: str = "") -> tuple[str, ...]:
    """Return the hashes that raw files, or a table, are known by; none where all are empty.

    Args:
        database: name of the database file that a table is in.
    """
    if location.kind == "table":
        name = ".".join(part.lower() for part in location.table)
        return (_mark("table", database, name),)
    files = sorted(location.files, key=lambda file: (-file.modified_at, file.path))
    marks: list[str] = []
    for file in [file for file in files if file.size > 0][:MOST_FILES]:
        marks += _marks_of_file(file.path, file.size)
    return tuple(marks)


def _marks_of_file(path: str, size: int) -> tuple[str, str]:
    return _mark("path", path), _mark("file", PurePath(path).name, str(size))


def _mark(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:20]


def raw_calls_faults(
    environment: str,
    named: str,
    location: RawLocation,
    marks: Collection[str],
    record: RunRecord | None,
    others: Sequence[RunRecord],
    accepted: Mapping[str, Any],
    is_default: bool = False,
    has_published: bool = False,
) -> list[Fault]:
    """Return why a run may not read these raw calls.

    Args:
        named: the location as the settings name it.
        marks: what it is known by.
        record: what the environment was built from; None where it is new.
        others: what other environments were built from.
        accepted: values of the variables `ACCEPT_RAW_CALLS` and `SHARE_WITH`.
        is_default: whether nothing names raw calls, so that they are the demo's.
        has_published: whether the environment has published something.
    """
    faults: list[Fault] = []
    before = set(record.files) if record else set()
    was_built = bool(record and record.location)
    is_accepted = str(accepted.get(ACCEPT_RAW_CALLS) or "").strip() == named.strip()
    if (was_built or has_published) and not before & set(marks) and not is_accepted:
        known = f" from {record.location}" if record and record.location else ""
        faults.append(
            Fault(
                f"Raw calls {named}",
                None,
                ("they are the demo's" if is_default else "none of them was read before")
                + f", and the environment was built{known}",
                (
                    "Set HIPAA_MODE_RAW_CALLS to the environment's raw calls"
                    if is_default
                    else "Correct HIPAA_MODE_RAW_CALLS, or mount what is missing"
                )
                + "; to build from these on purpose, which takes the calls of the others out of "
                f"everything: dbt build --vars '{{{ACCEPT_RAW_CALLS}: \"{named}\"}}'",
            )
        )
    shared = {*accepted.get(SHARE_WITH, ()), *(record.shares_with if record else ())}
    for other in others:
        is_shared = other.environment in shared or environment in other.shares_with
        if not is_shared and _of_another(location, marks, before, set(other.files)):
            faults.append(
                Fault(
                    f"Raw calls {named}",
                    None,
                    f"environment `{other.environment}` was built from them first",
                    _wrong_target(other.environment, "HIPAA_MODE_RAW_CALLS"),
                )
            )
    return faults


def _of_another(
    location: RawLocation, marks: Collection[str], before: Collection[str], theirs: Collection[str]
) -> bool:
    """Whether some file is one of another environment's that this one did not read before."""
    if location.kind == "table":
        return bool(set(marks) & set(theirs) - set(before))
    return any(
        set(found) & set(theirs) and not set(found) & set(before)
        for found in (_marks_of_file(file.path, file.size) for file in location.files if file.size)
    )
