"""What a run adds to the audit log, and what of the log its table in the database lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hipaa_mode import audit, publishing

LOST = "the audit log lost entries, which were restored from its table"
DIFFER = "the audit log and its table differ: run hipaa-mode audit verify"
WITHDRAWN_AFTER = "withdrawn by a stop just after it was published"


@dataclass(frozen=True)
class AuditRequest:
    """Entries that a macro wants recorded; see macro `record_audit`.

    Attributes:
        entries: of each its destination, outcome and reasons, and what else is known.
        look: whether to record, too, what changed among the published files without an entry.
        create: whether to begin a log where there is none.
        table_sequence: number of the last entry that the table has; 0 where it has none.
        restore: lines of the table that the log lost; None where it was not asked for them.
    """

    root: str
    environment: str
    entries: Sequence[Mapping[str, Any]]
    look: bool
    create: bool
    table_sequence: int
    dbt_invocation_id: str
    command: str
    restore: Sequence[str] | None = None


@dataclass(frozen=True)
class AuditLine:
    """A row that the log's table lacks: the columns that are asked for, and the whole entry."""

    sequence: int
    time: str
    destination: str
    outcome: str
    hash: str
    entry: str


@dataclass(frozen=True)
class Recorded:
    """What became of a request.

    Attributes:
        restore_after: number of the last entry that the log has, where the table has later ones:
            the macro then asks again with their lines in `restore`. None where it is recorded.
        add: rows that the table lacks.
        messages: what the user should know.
    """

    restore_after: int | None = None
    add: list[AuditLine] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Delivered:
    """What a run has put in place of a destination.

    Attributes:
        manifest: its manifest.
        stamp: the stamp of that.
        checks: the checks that passed.
        token_bridge: what is known of its token bridge; None where it has none.
    """

    manifest: dict[str, Any]
    stamp: str
    checks: tuple[str, ...] = ()
    token_bridge: dict[str, Any] | None = None


def record(
    request: AuditRequest,
    place: tuple[Path, str],
    key: tuple[bytes | None, str | None],
    of_run: Mapping[str, Any],
    delivered: Mapping[str, Delivered],
    note_changes: Callable[[audit.Changes], None],
) -> Recorded:
    """Add entries to the log; say which lines the table lacks, or the file.

    Args:
        request: what to add.
        place: root and environment of the published files.
        key: the key that seals entries, and its fingerprint.
        of_run: what every entry says of the run.
        delivered: what the run published, by destination.
        note_changes: takes which published files are not as a run left them.
    """
    if not request.create and not audit.log_path(*place).exists():
        return Recorded()
    known = request.table_sequence
    messages: list[str] = []
    with audit.AuditLog(*place, *key) as log:
        last = log.last["sequence"] if log.last else 0
        if last < known and request.restore is None:
            return Recorded(restore_after=last)
        if log.restore(request.restore or ()):
            messages.append(LOST)
        elif last < known:
            messages.append(DIFFER)
        log.append([_entry(entry, place, of_run, delivered) for entry in request.entries])
        if request.look:
            changed = audit.changes(log)
            note_changes(changed)
            found = audit.unrecorded(log, changed)
            log.append([{"recorded_by": of_run, **entry} for entry in found])
            messages += [f"`{e['destination']}`: {'; '.join(e['reasons'])}" for e in found]
        lines = [entry for entry in log.entries if entry["sequence"] > known]
    return Recorded(add=[_line(entry) for entry in lines], messages=messages)


def _entry(
    entry: Mapping[str, Any],
    place: tuple[Path, str],
    of_run: Mapping[str, Any],
    delivered: Mapping[str, Delivered],
) -> dict[str, Any]:
    content = {**of_run, **entry}
    if entry["outcome"] == audit.PUBLISHED:
        own = delivered[entry["destination"]]
        content |= {"checks": list(own.checks), "token_bridge": own.token_bridge}
        content |= audit.delivery(own.manifest)
        if publishing.manifest_of(*place, entry["destination"]) != own.manifest:
            content["outcome"] = audit.WITHDRAWN
            content["reasons"] = [WITHDRAWN_AFTER]
        content["manifest_stamp"] = own.stamp
    return content


def _line(entry: Mapping[str, Any]) -> AuditLine:
    return AuditLine(
        sequence=entry["sequence"],
        time=entry["time"],
        destination=entry["destination"],
        outcome=entry["outcome"],
        hash=entry["hash"],
        entry=audit.canonical(entry),
    )
