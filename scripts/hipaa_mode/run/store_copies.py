"""What a run does in the object store: takes away what is gone, copies what it published."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hipaa_mode import audit, published_places
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.folders import destination_folder
from hipaa_mode.seeds import Fault
from hipaa_mode.store.copies import Copied, Copies
from hipaa_mode.store.files import Store
from hipaa_mode.store.location import SETTING, location_of, transport_problem

AGAIN = "The next dbt build tries again"
_LABEL = "environment variables"
_UNSET = "Correct it, or unset it: then nothing is copied"


@dataclass
class CopiesSaid:
    """What the copies of a run came to.

    Attributes:
        lines: what was done.
        problems: what was not, and makes the run fail.
        entries: of the audit log.
    """

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: CopiesSaid) -> None:
        """Add what came after."""
        self.lines += other.lines
        self.problems += other.problems
        self.entries += other.entries

    def entries_of(self, outcome: str) -> list[dict[str, Any]]:
        """Return the entries of one outcome."""
        return [entry for entry in self.entries if entry["outcome"] == outcome]


def store_faults(environ: Mapping[str, str], publishes_files: bool) -> list[Fault]:
    """Return why nothing can be copied by what the run is, besides what is wrong with the URI."""
    if SETTING not in environ:
        return []
    if not publishes_files:
        problem = f"`{SETTING}` is set, and PostgreSQL publishes tables, which are not copied"
        return [Fault(_LABEL, None, problem, "Unset it")]
    problem = transport_problem(environ)
    return [Fault(_LABEL, None, f"`{SETTING}` {problem}", _UNSET)] if problem else []


def copies_of(environ: Mapping[str, str], place: tuple[Path, str]) -> Copies | None:
    """Return the copies of what is published in a place; None where no store is named.

    Raises:
        HipaaModeError: the store can't be opened.
    """
    location = location_of(environ)
    if location is None:
        return None
    root, environment = place
    holder = hashlib.sha256(f"{socket.gethostname()}\n{root}".encode()).hexdigest()
    return Copies(Store(location), environment, holder)


def withdraw(copies: Copies, kept: Collection[str], reasons: Mapping[str, str]) -> CopiesSaid:
    """Take away the copies of destinations that are gone or stopped.

    Args:
        reasons: why, of those that are stopped; the others are not listed any more.

    Raises:
        HipaaModeError: they can't be.
    """
    said = CopiesSaid()
    done = copies.withdraw(lambda name: name not in kept)
    for name in done.destinations:
        where, reason = copies.shown(name), reasons.get(name, "no longer in destinations.csv")
        said.lines.append(f"removed {where}: {reason}")
        said.entries.append(_entry(name, audit.COPY_REMOVED, [f"{where}: {reason}"]))
    said.lines += [f"{where} was left in part: no build made what is in it" for where in done.left]
    return said


def withdraw_at_start(
    environ: Mapping[str, str],
    place: tuple[Path, str],
    kept: Collection[str],
    reasons: Mapping[str, str],
) -> CopiesSaid:
    """Take away what is gone or stopped; that it can't be is said, and tried again at the end."""
    try:
        copies = copies_of(environ, place)
        if copies is not None and copies.is_there():
            return withdraw(copies, kept, reasons)
    except (HipaaModeError, OSError) as error:
        why = f"the copies of what is gone or stopped were not removed: {_reason(error)}"
        return CopiesSaid(problems=[why])
    return CopiesSaid()


def copy(
    environ: Mapping[str, str],
    place: tuple[Path, str],
    published: Sequence[Mapping[str, Any]],
    permit: Callable[[Mapping[str, Any]], AbstractContextManager[Any]],
    kept: Collection[str],
    stopped: Callable[[], Mapping[str, str]],
) -> CopiesSaid:
    """Copy what a run published, in the order in which it did.

    Args:
        published: the manifests.
        permit: gives what must be entered for a destination's manifest to be written.
        kept: the destinations of the environment.
        stopped: says which are stopped by now, each with the reason.
    """
    said = CopiesSaid()
    left = [str(manifest["destination"]) for manifest in published]
    try:
        copies = copies_of(environ, place)
        if copies is None:
            return said
        copies.open()
        _note(environ, place)
        with copies.held():
            for manifest in published:
                said.add(_copy_one(copies, place, manifest, permit(manifest), stopped))
                left.remove(str(manifest["destination"]))
            reasons = stopped()
            said.add(withdraw(copies, set(kept) - reasons.keys(), reasons))
            copies.tidy([entry["destination"] for entry in said.entries_of(audit.COPIED)])
    except (HipaaModeError, OSError) as error:
        said.add(_not_copied(left, error))
    return said


def _note(environ: Mapping[str, str], place: tuple[Path, str]) -> None:
    published_places.note_store(environ, environ[SETTING], place[1])


def _copy_one(
    copies: Copies,
    place: tuple[Path, str],
    manifest: Mapping[str, Any],
    permit: AbstractContextManager[Any],
    stopped: Callable[[], Mapping[str, str]],
) -> CopiesSaid:
    name = str(manifest["destination"])
    try:
        copied = copies.copy(destination_folder(*place, name), manifest, permit)
    except (HipaaModeError, OSError) as error:
        # What is stopped is no fault of the run.
        return CopiesSaid() if name in stopped() else _not_copied([name], error)
    where = copies.shown(name)
    content = {
        **{"place": where, "folder": copied.folder, "files": copied.files},
        **{"bytes": copied.bytes, "removed": list(copied.removed)},
    }
    entry = _entry(name, audit.COPIED, [f"to {where}/{copied.folder}"])
    entry["key_fingerprint"] = manifest.get("key_fingerprint")
    line = f"copied `{name}` to {where}/{copied.folder}: {_in_words(copied)}"
    left = [_left(copied.problem)] if copied.problem else []
    return CopiesSaid([line], left, [{**entry, "object_store": content}])


def _in_words(copied: Copied) -> str:
    noun = "file" if copied.files == 1 else "files"
    text = f"{copied.files} {noun}, {copied.bytes:,} bytes" if copied.files else "as it was"
    count = len(copied.removed)
    return text + (f"; removed {count} earlier folder{'s' * (count > 1)}" if count else "")


def _not_copied(names: Sequence[str], error: Exception) -> CopiesSaid:
    why = _reason(error)
    if not names:
        return CopiesSaid(problems=[_left(why)])
    problem = f"NOT copied: `{'`, `'.join(names)}`, what was there stays: {why}. {AGAIN}"
    return CopiesSaid([], [problem], [_entry(name, audit.NOT_COPIED, [why]) for name in names])


def _left(why: str) -> str:
    return f"earlier folders are left in the object store, or may be: {why}. {AGAIN}"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__} ({error.filename})"
    return str(error)


def _entry(name: str, outcome: str, reasons: list[str]) -> dict[str, Any]:
    return {"destination": name, "outcome": outcome, "reasons": reasons}
