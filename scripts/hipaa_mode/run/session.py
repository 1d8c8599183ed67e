"""All that macros may ask, in one object; see `door` for who may ask what."""

from __future__ import annotations

from typing import Any

from hipaa_mode.audit import Changes
from hipaa_mode.run.audit_entries import AuditRequest, Recorded, record
from hipaa_mode.run.build_questions import BuildQuestions
from hipaa_mode.run.end_questions import EndQuestions
from hipaa_mode.run.start_questions import StartQuestions
from hipaa_mode.run.state import Run, place_of


class HookQuestions(Run):
    """What the first and the last hook ask: entries of the audit log."""

    def audit(self, **request: Any) -> Recorded:
        """Add entries to the audit log.

        Args:
            request: see `AuditRequest`.
        """
        asked = AuditRequest(**request)
        of_run = {
            "dbt_invocation_id": asked.dbt_invocation_id,
            "command": asked.command,
            "git": self._git_state,
            "configuration_fingerprint": self._plan.fingerprint if self._plan else None,
        }
        recorded = record(
            asked,
            place_of(asked.root, asked.environment),
            self.keys.of_audit_log(),
            of_run,
            self._delivered,
            self._note_changes,
        )
        if recorded.restore_after is None:
            rows = recorded.add
            self._audit_sequence = rows[-1].sequence if rows else asked.table_sequence
            self._noted += [f"audit log: {message}" for message in recorded.messages]
        return recorded

    def _note_changes(self, changed: Changes) -> None:
        self._files.changed = changed

    def audit_sequence(self) -> int | None:
        """Return the number of the last entry of the log's table; none where nobody asked it."""
        return self._audit_sequence


class Session(StartQuestions, BuildQuestions, EndQuestions, HookQuestions):
    """What one dbt run knows, and answers of it; the connections of a database have it too."""

    def note_coincidences(self, view: str, column: str, count: int) -> None:
        """Remember how many values of a column the checks took for no leak of ids."""
        if count:
            self._coincidences.setdefault(view, {})[column] = count
