"""What the last hook of a run asks: what is published, and what is said of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from hipaa_mode import (
    folders,
    publishing,
    rejections,
    run_end,
    token_bridges,
)
from hipaa_mode.calls import CALL_TYPES
from hipaa_mode.configuration import ANY
from hipaa_mode.consent import count_denials
from hipaa_mode.errors import ConfigurationError, HipaaModeError, PublishingError
from hipaa_mode.never_matched import never_matched
from hipaa_mode.published_access import read_access
from hipaa_mode.quoting import literal
from hipaa_mode.raw_calls import RawLocation, first_bytes
from hipaa_mode.raw_formats import SNIFFED_BYTES, likely_kind
from hipaa_mode.run.audit_entries import Delivered
from hipaa_mode.run.compiled_again import built_otherwise
from hipaa_mode.run.counted import Counted, Noted, described, described_views
from hipaa_mode.run.ending import Decided, Ending, Said
from hipaa_mode.run.gate import Gate
from hipaa_mode.run.permission import RunRequest
from hipaa_mode.run.state import (
    KEEP_HOOK,
    Run,
    message_of,
    place_of,
)
from hipaa_mode.run.summary import totals
from hipaa_mode.stops import read_stops, stopped_in
from hipaa_mode.suppression import ReturningCalls, hub_notices


class EndQuestions(Run):
    """Each method is a question: its arguments are what a macro sends, its answer what it gets."""

    def permissions(self, **request: Any) -> Decided:
        """Decide which destinations may be published; see `run.permission`.

        Args:
            request: see `RunRequest`.
        """
        asked = RunRequest.of(**request)
        ended = self._at_gate().decide(asked, self._built_otherwise)
        self._ending = Ending(ended, sorted(self._started_plan().destinations))
        return self._ending.decided(asked.statuses)

    def _built_otherwise(self, unique_ids: Collection[str]) -> Mapping[str, str]:
        return built_otherwise(unique_ids, str(self._environment), self._compiling)

    @contextlib.contextmanager
    def _compiling(self) -> Iterator[None]:
        """Give models that are compiled once more the run's own plan; seeds may have changed."""
        self.is_compiling = True
        try:
            yield
        finally:
            self.is_compiling = False

    def _at_gate(self) -> Gate:
        if self._gate is None:
            raise HipaaModeError(KEEP_HOOK)
        return self._gate

    def hold_back(self, reasons: Sequence[str]) -> None:
        """Note why nothing may be published."""
        self._at_end().reasons.extend(reasons)

    def judge_rejections(
        self,
        read: Sequence[tuple[str, int, str | None, int]],
        accepted: Sequence[tuple[str, int, int]],
        share: float,
        accepted_number: object,
    ) -> bool:
        """Judge the rejected lines; see `rejections.judge`. Return whether they may pass.

        Args:
            read: file, run, reason or none, and number of the lines that the warehouse has.
            accepted: file, lines and rejected lines that a build let pass.
            share: part of a run's new lines that may be rejected.
            accepted_number: value of the variable that accepts so many.
        """
        files = {file.path: file for file in (self.raw_lines.location or RawLocation("")).files}

        def kind_of(path: str) -> tuple[str, str] | None:
            file = files.get(path)
            return likely_kind(first_bytes(file, SNIFFED_BYTES)) if file else None

        judgement = rejections.judge(
            rejections.lines_of(read),
            {file: (lines, rejected) for file, lines, rejected in accepted},
            float(share),
            accepted_number,
            kind_of,
        )
        ending = self._at_end()
        ending.lines.extend(judgement.notices)
        ending.reasons.extend(judgement.reasons)
        return not judgement.reasons

    def published_before(self) -> int:
        """Return the number of the run that published last; 0 where none is known."""
        return self._last_published()

    def judge_returning(
        self, suppressed: int, aged: int, suppressed_now: int, raw_now: int
    ) -> None:
        """Hold everything back if calls that were withheld come back; see `ReturningCalls`."""
        since = self._last_published()
        counts = ReturningCalls(
            is_known=self._stored.was_brought_up_to_date("withheld_calls", since),
            suppressed=suppressed,
            aged=aged,
            suppressed_now=suppressed_now,
            raw_now=raw_now,
            retain_days=self._started_plan().retain_days,
        )
        self.hold_back(self._state.returning_calls(counts))

    def _stopped(self) -> dict[str, str]:
        """Return the destinations that are stopped as the seed is now, each with the reason.

        Raises:
            ConfigurationError: the seed can't be read, so nothing says what is not stopped.
        """
        if self._plan is None or self._configured is None:
            return {}
        labels = dict(self._configured.seed_labels)
        stops, faults = read_stops(self._configured.named_files(), labels)
        if faults:
            raise ConfigurationError("\n".join(str(fault) for fault in faults))
        found = stopped_in(stops, self._plan.environment, self._plan.destinations)
        return {name: stop.reason for name, stop in found.items()}

    def to_publish(self) -> list[str]:
        """Return the destinations that are published; hold back the others."""
        return self._at_end().choose(self._stopped())

    def _refuse_stopped(self, destination: str) -> None:
        """Refuse to put files in place that were stopped while the run was at work."""
        reason = self._stopped().get(destination)
        if reason is not None:
            raise PublishingError(
                f"Destination `{destination}` was not published: it was stopped ({reason})"
            )

    def count(self, noted: Sequence[Sequence[Any]], **counts: Any) -> None:
        """Take what the run counted.

        Args:
            noted: see `Noted`.
            counts: see `Counted`.
        """
        self._counted = Counted(**counts, noted=[Noted(*item) for item in noted])

    def publish(
        self,
        root: str,
        environment: str,
        destination: str,
        views: Mapping[str, str],
        calls_read: str,
        denied_rows: Mapping[str, str],
        denials: str,
        invocation_id: str,
    ) -> bool:
        """Look at a destination's files once more, and put them in place.

        Args:
            root: the published folder.
            environment: the environment.
            destination: the destination.
            views: the views that the project has of it, by the name of each one's model.
            calls_read: the relation of all calls.
            denied_rows: by model, a query of the row ids that it may not have.
            denials: a query of how many calls are denied to whom, and why.
            invocation_id: dbt's name of the run.

        Returns:
            Whether that was done. If not, it is held back, and the run's end says why.
        """
        place = place_of(root, environment)
        ending, counted, plan = self._at_end(), self._counted, self._started_plan()
        if counted is None:
            raise HipaaModeError("Nothing was counted before it was published")
        own = plan.destinations[destination]
        permission = ending.ended.permissions[destination]
        overlooked = {name: item.describe() for name, item in permission.exceptions.items()}
        manifest = described(
            own,
            described_views(
                own, views, counted, plan.masked_tables, overlooked, self._coincidences
            ),
            counted,
            environment,
            self._stored_key(),
            invocation_id,
            plan.retain_days,
            plan.retained_from,
        )
        try:
            written = self._finish(place, destination, calls_read, denied_rows, denials, manifest)
            stamp = publishing.stamp(*place, destination)
        except (HipaaModeError, OSError) as error:
            reason = self._stopped().get(destination)
            if reason is not None:
                ending.say_stopped(destination, reason)
            else:
                ending.refuse(destination, message_of(error))
            return False
        ending.published.append(written)
        self._delivered[destination] = Delivered(written, stamp, tuple(permission.checks))
        by_reason = counted.withheld
        self._state.published(counted.raw, by_reason, plan.retain_days, self._run_number)
        return True

    def _finish(
        self,
        place: tuple[Path, str],
        destination: str,
        calls_read: str,
        denied_rows: Mapping[str, str],
        denials: str,
        manifest: Mapping[str, Any],
    ) -> dict[str, Any]:
        plans = self._files.of(manifest["views"])
        folder = folders.incoming_folder(*place) / destination
        published = folders.destination_folder(*place, destination)
        self._at_gate().check(
            destination, plans, folder, self.connect, calls_read, denied_rows, published
        )
        whole = self._files.manifest(manifest, self._run_number)
        whole["consent"] = self._consent(destination, whole, denials)
        # Not where the run only might publish: a preview's folder is gone after it.
        self._note_place(*place)
        return publishing.finish(
            *place,
            destination,
            [name for plan in plans for name in plan.written],
            [name for plan in plans for name in plan.keep],
            {name: rows for plan in plans for name, rows in plan.rows.items()},
            whole,
            lambda: self._refuse_stopped(destination),
            read_access(self._environ),
        )

    def _consent(
        self, destination: str, manifest: Mapping[str, Any], denials: str
    ) -> dict[str, Any]:
        """Count the calls that were denied to a destination, none of which the gate found."""
        plan = self._started_plan().destinations[destination]
        names = {view["view"] for view in manifest["views"].values()}
        types = {kind for view in names & CALL_TYPES.keys() for kind in CALL_TYPES[view]}
        every = plan.events is None or ANY in plan.events
        if self._denials is None:
            # The names of events come by this connection and not in SQL, which dbt logs.
            with self.connect() as cursor:
                self._denials = cursor.execute(denials).fetchall()
        counts = count_denials(self._denials, plan.name, types, None if every else plan.events)
        return {**counts, "published": 0}

    def write_token_bridge(
        self, root: str, environment: str, destination: str, query: str
    ) -> None:
        """Write a destination's bridge, of the rows of a query, and put it in place."""
        place = (*place_of(root, environment), destination)
        try:
            path = literal(str(token_bridges.begin(*place)))
            options = "format parquet, compression zstd, use_tmp_file false"
            with self.connect() as cursor:
                cursor.execute(f"copy ({query}) to {path} ({options})").fetchall()
            bridge = token_bridges.finish(*place, read_access(self._environ))
        except duckdb.IOException as error:
            self._at_end().problems.append(
                f"The token bridge of `{destination}` was not published: {error}"
            )
        except (HipaaModeError, OSError) as error:
            self._at_end().problems.append(message_of(error))
        else:
            delivered = self._delivered[destination]
            self._delivered[destination] = replace(delivered, token_bridge=bridge)
            self._noted.append(
                f"published the token bridge of `{destination}`: {bridge['rows']} tokens"
            )

    def remove_token_bridge(self, root: str, environment: str, destination: str) -> None:
        """Remove a destination's copy of the bridge, if it has one."""
        try:
            if token_bridges.remove(*place_of(root, environment), destination):
                self._noted.append(f"removed the token bridge of `{destination}`")
        except (HipaaModeError, OSError) as error:
            self._at_end().problems.append(message_of(error))

    def discard_unpublished(self, root: str, environment: str) -> None:
        """Remove what was written aside and not put in place; forget the ids of the calls."""
        publishing.discard(*place_of(root, environment))
        if self._gate is not None:
            self._gate.close()

    def held_back(self) -> list[dict[str, Any]]:
        """Return the entries of the destinations that were held back, for the audit log."""
        return self._at_end().held_back

    def lacks_entries(self, names: Sequence[str], error: str) -> None:
        """Note that the audit log could not be written."""
        self._at_end().lacks_entries(names, error)

    def allowed_events(self) -> list[str]:
        """Return the names of the events that rows allow."""
        return sorted(self._started_plan().event_rows)

    def end(
        self,
        events: Sequence[str],
        suppressed: Sequence[str],
        hub: tuple[int, int],
        earliest_day: object,
        days_ahead: object,
    ) -> Said:
        """Return what the run says.

        Args:
            events: allowed events that some call has had.
            suppressed: places of the suppressed ids that no call has had.
            hub: how many others alias and merge calls tie to one id at most, and how many ids in
                all are tied to suppressed people.
            earliest_day: day before which no call can have been made.
            days_ahead: days after its receipt by which none can.
        """
        ending, counted = self._at_end(), self._counted
        of_calls: list[str] = []
        hints: list[str] = []
        if counted is not None:
            plan = self._started_plan()
            if ending.published:
                of_calls = totals(counted, plan.retain_days, earliest_day, days_ahead)
            calls = counted.staged + counted.all_withheld
            hints = never_matched(plan, calls, counted.arrived, events, suppressed)
            hints += hub_notices(*hub)
        return ending.say(self._noted, of_calls, hints, time.monotonic() - self._began)

    def rewrite_database(self, file: str) -> None:
        """See that a database file is written anew when the run has ended."""
        run_end.rewrite_database(file)
