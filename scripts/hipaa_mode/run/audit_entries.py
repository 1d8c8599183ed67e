"""What a run adds to the audit log: first to its file, then to its table in the restricted zone.

Each of them restores what the other lost. The table is no model: no build, and no --full-refresh,
makes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hipaa_mode import audit, publishing

LOST = "the audit log lost entries, which were restored from its table"
DIFFER = "the audit log and its table differ: run hipaa-mode audit verify"
WITHDRAWN_AFTER = "withdrawn by a stop just after it was published"


@dataclass(frozen=True)
class Delivered:
    """What a run has put in place of a destination.

    Attributes:
        token_bridge: what is known of its token bridge; None where it has none.
    """

    manifest: dict[str, Any]
    stamp: str
    checks: tuple[str, ...] = ()
    token_bridge: dict[str, Any] | None = None


@dataclass(frozen=True)
class LogTable:
    """The table: its name in SQL, the environment whose rows count, and what runs SQL."""

    name: str
    environment: str
    ask: Callable[..., list[Any]]

    def last(self) -> int:
        """Return the number of the last entry that it has; 0 where it has none."""
        sql = f"select max(sequence) from {self.name} where environment = $environment"
        return self.ask(sql, environment=self.environment)[0][0] or 0

    def after(self, sequence: int) -> list[str]:
        """Return the lines of the entries after one."""
        rows = self.ask(
            f"select entry from {self.name} where environment = $environment "
            "and sequence > $sequence order by sequence",
            environment=self.environment,
            sequence=sequence,
        )
        return [entry for (entry,) in rows]

    def add(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Add entries of the log."""
        for entry in entries:
            self.ask(
                f"insert into {self.name} values ($environment, $sequence, $time, $destination, "
                "$outcome, $hash, $entry)",
                environment=self.environment,
                entry=audit.canonical(entry),
                **{name: entry[name] for name in ("sequence", "time", "hash")},
                **{name: entry[name] for name in ("destination", "outcome")},
            )


def record(
    log: audit.AuditLog,
    table: LogTable,
    entries: Sequence[Mapping[str, Any]],
    of_run: Mapping[str, Any],
    note_changes: Callable[[audit.Changes], None] | None = None,
) -> list[str]:
    """Add entries to the log and to its table; return what the user should know.

    Args:
        of_run: what every entry says of the run.
        note_changes: takes which published files are not as a run left them; those that no entry
            tells of are recorded, too.
    """
    messages: list[str] = []
    known, last = table.last(), log.last["sequence"] if log.last else 0
    if last < known:
        messages.append(LOST if log.restore(table.after(last)) else DIFFER)
    log.append([{**of_run, **entry} for entry in entries])
    if note_changes is not None:
        changed = audit.changes(log)
        note_changes(changed)
        found = audit.unrecorded(log, changed)
        log.append([{"recorded_by": of_run, **entry} for entry in found])
        messages += [f"`{e['destination']}`: {'; '.join(e['reasons'])}" for e in found]
    table.add(entry for entry in log.entries if entry["sequence"] > known)
    return messages


def entry_of(own: Delivered, place: tuple[Path, str]) -> dict[str, Any]:
    """Return the entry of a destination that was published."""
    entry = {
        **audit.delivery(own.manifest),
        "checks": list(own.checks),
        "token_bridge": own.token_bridge,
        "manifest_stamp": own.stamp,
    }
    if publishing.manifest_of(*place, own.manifest["destination"]) != own.manifest:
        entry |= {"outcome": audit.WITHDRAWN, "reasons": [WITHDRAWN_AFTER]}
    return entry
