"""What a run knows of the runs before it, and leaves to those after; see `belonging`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hipaa_mode import belonging, publishing
from hipaa_mode.belonging import RunRecord, Withheld
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.raw_calls import RawLocation
from hipaa_mode.seeds import Fault
from hipaa_mode.suppression import (
    ACCEPT_RETURNING_CALLS,
    OF_PEOPLE,
    ListCounts,
    ReturningCalls,
    list_faults,
    returning_faults,
)


class RunState:
    """The records that a run starts from, and the one that it makes.

    Attributes:
        record: what the environment was built from; None where it is new.
    """

    def __init__(self) -> None:
        self.record: RunRecord | None = None
        self._environment = ""
        self._root = Path()
        self._accepted: Mapping[str, Any] = {}
        self._next: RunRecord | None = None
        self._reads_raw_calls = False

    @property
    def newest(self) -> RunRecord | None:
        """The run's own record as far as it is made, else the one that it started from."""
        return self._next or self.record

    def begin(
        self,
        root: Path,
        environment: str,
        stored: str | None,
        database_environments: Sequence[str],
        accepted: Mapping[str, Any],
        clock: dt.date,
    ) -> tuple[dt.date, list[str], list[Fault]]:
        """Read the records.

        Args:
            stored: the record that the database has of the last run; None where it has none.
            database_environments: environments that used the database, the first one first.
            accepted: values of the variables that accept something, by name.

        Returns:
            The day that the run goes by, notices, and why the run must not go on.
        """
        self._root, self._environment = root, environment
        self._accepted = {name: value for name, value in accepted.items() if value}
        self._next = None
        self._reads_raw_calls = False
        beside = belonging.read_record(self._root, self._environment)
        self.record = belonging.latest((belonging.read_json(stored) if stored else None, beside))
        share_with = self._accepted.get(belonging.SHARE_WITH, ())
        faults = belonging.environment_faults(
            self._environment, database_environments, beside, share_with
        )
        days = [self.record.day] if self.record else []
        days += [
            str(manifest.get("published_at") or "")[:10]
            for manifest in publishing.read_manifests(self._root, self._environment)
        ]
        accepted_day = self._accepted.get(belonging.ACCEPT_DAY)
        day, notice = belonging.known_day(clock, days, accepted_day)
        self._next = replace(
            self.record or RunRecord(self._environment),
            environment=self._environment,
            day=day.isoformat(),
        )
        return day, [notice] if notice else [], faults

    def check_raw_calls(
        self, named: str, is_default: bool, location: RawLocation, marks: Sequence[str]
    ) -> list[Fault]:
        """Return why the run may not read its raw calls; see `belonging.raw_calls_faults`."""
        current = self._must_have_begun()
        faults = belonging.raw_calls_faults(
            self._environment,
            named,
            location,
            marks,
            self.record,
            belonging.other_records(self._root, self._environment),
            self._accepted,
            is_default,
            bool(publishing.read_manifests(self._root, self._environment)),
        )
        self._reads_raw_calls = not faults
        shares = {*current.shares_with, *self._accepted.get(belonging.SHARE_WITH, ())}
        self._next = replace(
            current,
            location=named,
            files=tuple(marks),
            shares_with=tuple(sorted(shares)),
        )
        return faults

    def judge_lists(self, lists: Mapping[str, ListCounts]) -> list[Fault]:
        """Return why the lists of suppressed people may not be used; see `list_faults`."""
        named = {name: item.now for name, item in lists.items() if item.is_named}
        self._next = replace(self._must_have_begun(), lists=named)
        known = self.record.lists or {} if self.record else {}
        return list_faults(known, lists, self._accepted)

    def note(self, run_number: int) -> RunRecord:
        """Make the record of a run that has read its raw calls, and write it.

        Raises:
            HipaaModeError: the raw calls were not checked.
        """
        current = self._must_have_begun()
        if not self._reads_raw_calls:
            raise HipaaModeError(
                "The raw calls were not compared with those of earlier runs. Keep hipaa_mode's "
                "on-run-start hook"
            )
        self._next = replace(current, run_number=run_number)
        belonging.write_record(self._root, self._next)
        return self._next

    def published(
        self, raw: int, by_reason: Mapping[str, int], retain_days: int | None, run_number: int
    ) -> None:
        """Write down what was withheld when something was published.

        Args:
            retain_days: for how many days calls are kept; None for good.
        """
        now = Withheld(
            run_number=run_number,
            raw=raw,
            suppressed=sum(by_reason[reason] for reason in OF_PEOPLE),
            retain_days=retain_days,
        )
        current = replace(self._must_have_begun(), run_number=run_number)
        if current.withheld != now:
            self._next = replace(current, withheld=now)
            belonging.write_record(self._root, self._next)

    def returning_calls(self, counts: ReturningCalls) -> list[str]:
        """Return why nothing may be published: calls that were withheld come back."""
        before = self.record.withheld if self.record else None
        accepted = self._accepted.get(ACCEPT_RETURNING_CALLS)
        return returning_faults(before, counts, accepted)

    def _must_have_begun(self) -> RunRecord:
        if self._next is None:
            raise HipaaModeError("The run did not start. Keep hipaa_mode's on-run-start hook")
        return self._next
