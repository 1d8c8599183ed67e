"""What the last hook of a run asks: what is published, and what is said of it.

The macros say which queries that takes, and how; they are run here, where dbt logs no value.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hipaa_mode import (
    PACKAGE,
    folders,
    locking,
    publishing,
    rejections,
    token_bridges,
)
from hipaa_mode.calls import CALL_TYPES
from hipaa_mode.configuration import ANY
from hipaa_mode.consent import count_denials
from hipaa_mode.engines import running_adapter, schema_of
from hipaa_mode.errors import ConfigurationError, HipaaModeError, PublishingError
from hipaa_mode.never_matched import never_matched
from hipaa_mode.partitions import PartitionPlan
from hipaa_mode.published_access import read_access
from hipaa_mode.raw_calls import RawLocation, first_bytes
from hipaa_mode.raw_formats import SNIFFED_BYTES, likely_kind
from hipaa_mode.run import store_copies
from hipaa_mode.run.audit_entries import Delivered, entry_of
from hipaa_mode.run.compiled_again import built_otherwise
from hipaa_mode.run.counted import Counted, Noted, described
from hipaa_mode.run.ending import Ending, Said
from hipaa_mode.run.facts import running_project
from hipaa_mode.run.finished_files import ids_of_calls
from hipaa_mode.run.gate import FinishedDestination, Gate
from hipaa_mode.run.kept_calls import MADE_OF, MODELS, READ, KeptCalls, run_numbers
from hipaa_mode.run.permission import Failure, end_of_run, read_outcome
from hipaa_mode.run.state import CALLS_READ, KEEP_HOOK, Run, message_of
from hipaa_mode.run.stored import PART_OF_CALLS
from hipaa_mode.run.summary import totals
from hipaa_mode.run.view_files import manifest_of_tables
from hipaa_mode.run.view_tables import write_table
from hipaa_mode.stops import read_stops, stopped_in
from hipaa_mode.suppression import ReturningCalls, hub_notices

OTHER_FUNCTIONS = "made by other functions"
"""What stands for the fingerprint of a table that is to be made anew for that reason."""


@dataclass(frozen=True)
class ToPublish:
    """What a destination is published of; see macro `publish_request`.

    Attributes:
        views: the views that the project has of it, by the name of each one's model.
        denied_rows: by model, a query of the row ids that it may not have.
        token_bridge: a query of its part of the bridge; None where it is to have none.
        relations: by view, its relation.
    """

    views: Mapping[str, str]
    denied_rows: Mapping[str, str]
    token_bridge: str | None = None
    relations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishRequest:
    """What publishing goes by; see macro `publish_request`.

    Attributes:
        queries: SQL by what it finds.
        calls_read: the relation of all calls.
        rejected_share: part of a run's new lines that may be rejected.
        accepted_lines: value of the variable that accepts so many.
        earliest_day: day before which no call can have been made.
        days_ahead: days after its receipt by which none can.
    """

    destinations: Mapping[str, Mapping[str, Any]]
    queries: Mapping[str, Any]
    calls_read: str
    rejected_share: float
    accepted_lines: object
    earliest_day: object
    days_ahead: object


class EndQuestions(Run):
    """Each method is a question: its arguments are what a macro sends, its answer what it gets."""

    def decide(self, results: Sequence[Any], **ran: Any) -> bool:
        """Decide which destinations may be published; see `run.permission`.

        Returns:
            Whether any is to be published, as far as the run itself goes.
        """
        outcome = read_outcome(results, failures=self._failures, **ran)
        plan, gate = self._started_plan(), self._at_gate()
        ended = end_of_run(
            outcome, lambda: running_project().nodes, plan.destinations, self._built_otherwise
        )
        gate.permissions = ended.permissions
        was_read = outcome.statuses.get(CALLS_READ) == "success"
        self._ending = Ending(ended, sorted(plan.destinations), was_read)
        if fault := self.engine.function_fault(self.made_functions):
            self._ending.reasons.append(fault)
            if self.engine.keeps_tables:
                self._ask(
                    f"update {self._table('build_state')} set fingerprint = $why where "
                    "run_number = $run_number",
                    why=OTHER_FUNCTIONS,
                    run_number=self._run_number,
                )
        return not ended.notice

    def _failures(self, sql: str) -> list[Failure]:
        return [
            (check, column, problem, int(failures))
            for check, column, problem, failures in self._ask(
                f"select check_name, column_name, problem, failures from ({sql}) as failed"
            )
        ]

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

    def publish(self, **request: Any) -> None:
        """Publish what may be; hold back the rest, for reasons that the run's end says."""
        asked = PublishRequest(**request)
        ending = self._at_end()
        ending.reasons += self.engine.connection_faults()
        if ending.was_read:
            self._judge_rejections(asked)
        if ending.is_publishable:
            self._judge_returning(asked.queries)
        if chosen := ending.choose(self._stopped()):
            finishing = {name: ToPublish(**asked.destinations[name]) for name in chosen}
            self._look_at(finishing, asked)
            counted = self._count(asked.queries)
            for name, own in finishing.items():
                self._publish(name, own, asked, counted)
            retain_days = self._started_plan().retain_days
            if ending.published:
                of_run = (retain_days, asked.earliest_day, asked.days_ahead)
                ending.totals = totals(counted, *of_run)
            ending.hints = self._hints(asked.queries, counted)
        self._discard_unpublished()
        self._copy_published()

    def _copy_published(self) -> None:
        """Copy what was published to the object store, if one is named."""
        ending = self._at_end()
        said = store_copies.copy(
            self._environ,
            self._place,
            ending.published,
            self._permitting_copy,
            self._started_plan().destinations,
            self._stopped,
        )
        ending.hints = [*said.lines, *ending.hints]
        ending.problems += said.problems
        self._record_at_end(said.entries)

    @contextlib.contextmanager
    def _permitting_copy(self, manifest: Mapping[str, Any]) -> Iterator[None]:
        """Let a copy be named: no stop comes in between, or came since it was published."""
        name = str(manifest["destination"])
        with locking.alone_in(self._place[0]):
            self._refuse_stopped(name)
            if publishing.manifest_of(*self._place, name) != manifest:
                raise PublishingError(f"what was published of `{name}` was changed meanwhile")
            yield

    def _discard_unpublished(self) -> None:
        """Remove what was written aside and not put in place; forget the ids of the calls."""
        publishing.discard(*self._place)
        self._at_gate().close()

    def _judge_rejections(self, asked: PublishRequest) -> None:
        """Judge the rejected lines. What is let pass is noted, so that it is judged once."""
        files = {file.path: file for file in (self.raw_lines.location or RawLocation("")).files}

        def kind_of(path: str) -> tuple[str, str] | None:
            file = files.get(path)
            return likely_kind(first_bytes(file, SNIFFED_BYTES)) if file else None

        accepted = self._ask(asked.queries["accepted_lines"])
        judgement = rejections.judge(
            rejections.lines_of(self._ask(asked.queries["lines"])),
            {file: (lines, rejected) for file, lines, rejected in accepted},
            float(asked.rejected_share),
            asked.accepted_lines,
            kind_of,
        )
        ending = self._at_end()
        ending.lines.extend(judgement.notices)
        ending.reasons.extend(judgement.reasons)
        if not judgement.reasons:
            self._ask(asked.queries["accept_lines"], run_number=self._run_number)

    def _judge_returning(self, queries: Mapping[str, Any]) -> None:
        """Hold everything back if calls that were withheld come back; see `ReturningCalls`."""
        since = self._last_published()
        suppressed, aged = 0, 0
        released = f"select 1 from {self._table('released_calls')} where run_number > $since"
        if self._ask(f"{released} limit 1", since=since):
            [(suppressed, aged)] = self._ask(queries["returning"], since=since)
        [(suppressed_now, raw_now)] = self._ask(queries["withheld_now"])
        counts = ReturningCalls(
            is_known=self._stored.was_brought_up_to_date("withheld_calls", since),
            suppressed=suppressed,
            aged=aged,
            suppressed_now=suppressed_now,
            raw_now=raw_now,
            retain_days=self._started_plan().retain_days,
        )
        self._at_end().reasons += self._state.returning_calls(counts)

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

    def _refuse_stopped(self, destination: str) -> None:
        """Refuse to put files in place that were stopped while the run was at work."""
        reason = self._stopped().get(destination)
        if reason is not None:
            raise PublishingError(
                f"Destination `{destination}` was not published: it was stopped ({reason})"
            )

    def _count(self, queries: Mapping[str, Any]) -> Counted:
        [counts] = self._ask(queries["counts"])
        withheld = dict(self._ask(queries["withheld"]))
        noted = [Noted(*row) for row in self._ask(queries["noted"])]
        names = queries["property_names"]
        found = self._ask(names) if names else None
        return Counted(withheld, noted, found, self._ask(queries["denials"]), *counts)

    def _publish(self, name: str, own: ToPublish, asked: PublishRequest, counted: Counted) -> None:
        """Look at a destination's files once more, and put them in place; then its token bridge.

        If that can't be done, it is held back, and the run's end says why.
        """
        ending, plan = self._at_end(), self._started_plan()
        permission = ending.ended.permissions[name]
        try:
            manifest = self._finish(name, own, asked, counted)
            stamp = publishing.stamp(*self._place, name)
        except (HipaaModeError, OSError) as error:
            reason = self._stopped().get(name)
            if reason is not None:
                ending.say_stopped(name, reason)
            else:
                ending.refuse(name, message_of(error))
            return
        ending.published.append(manifest)
        delivered = Delivered(manifest, stamp, tuple(permission.checks))
        self._state.published(counted.raw, counted.withheld, plan.retain_days, self._run_number)
        bridge = self._publish_token_bridge(name, own.token_bridge, asked)
        entry = entry_of(replace(delivered, token_bridge=bridge), self._place)
        self._record_at_end([entry])

    def _look_at(self, finishing: Mapping[str, ToPublish], asked: PublishRequest) -> None:
        """Begin to look at the files of destinations once more."""
        if self.engine.publishes_files:
            finished = {
                name: self._finished(name, own, self._files.of(own.views))
                for name, own in finishing.items()
            }
            self._at_gate().look_at(finished, self.engine.read, self._ids(asked))

    def _finished(
        self, name: str, own: ToPublish, plans: Sequence[PartitionPlan]
    ) -> FinishedDestination:
        return FinishedDestination(
            plans,
            folders.incoming_folder(*self._place) / name,
            folders.destination_folder(*self._place, name),
            own.denied_rows,
        )

    def _finish(
        self, name: str, own: ToPublish, asked: PublishRequest, counted: Counted
    ) -> dict[str, Any]:
        if not self.engine.publishes_files:
            return self._finish_schema(name, own, asked, counted)
        plans = self._files.of(own.views)
        self._at_gate().check(name)
        manifest = self._described(name, own, counted)
        # Not where the run only might publish: a preview's folder is gone after it.
        self._note_place()
        return publishing.finish(
            *self._place,
            name,
            [file for plan in plans for file in plan.written],
            [file for plan in plans for file in plan.keep],
            {file: rows for plan in plans for file, rows in plan.rows.items()},
            self._files.manifest(manifest, self._run_number),
            lambda: self._refuse_stopped(name),
            read_access(self._environ),
        )

    def _ids(self, asked: PublishRequest) -> str:
        return ids_of_calls(asked.calls_read, self.engine.row_count, self.engine.text_type)

    def _finish_schema(
        self, name: str, own: ToPublish, asked: PublishRequest, counted: Counted
    ) -> dict[str, Any]:
        """Swap in a destination's schema, and write its manifest beside the audit log."""
        gate = self._at_gate()
        gate.check_permission(name)
        self._note_place()
        folder = folders.incoming_folder(*self._place) / name
        with self.engine.publishing(self._place[1], name, own.relations, self._run_number) as new:
            plans = [
                write_table(self.engine, new.tables[view], own.relations[view], model, folder)
                for model, view in own.views.items()
            ]
            finished = self._finished(name, own, plans)
            gate.look_here(name, finished, self.engine.read, self._ids(asked))
            gate.check(name)
            self._coincidences |= gate.coincidences
            manifest = manifest_of_tables(
                self._described(name, own, counted),
                {plan.view: sum(plan.rows.values()) for plan in plans},
                schema_of(self._place[1], name),
            )

            def swap() -> None:
                # Before the manifest: no reader of that finds what is not there.
                self._refuse_stopped(name)
                new.put_in_place()

            return publishing.finish(
                *self._place,
                name,
                (),
                (),
                {},
                {**manifest, "run_number": self._run_number},
                swap,
                read_access(self._environ),
            )

    def _described(self, name: str, own: ToPublish, counted: Counted) -> dict[str, Any]:
        """Return what a destination's manifest says besides its files."""
        return {
            **described(
                self._started_plan(),
                name,
                own.views,
                counted,
                self._at_end().ended.permissions[name].exceptions,
                self._coincidences,
            ),
            "key_fingerprint": self._stored_key(),
            "dbt_invocation_id": self._of_run["dbt_invocation_id"],
            "consent": self._consent(name, own, counted),
        }

    def _consent(self, name: str, own: ToPublish, counted: Counted) -> dict[str, Any]:
        """Count the calls that were denied to a destination, none of which the gate found."""
        events = self._started_plan().destinations[name].events
        types = {kind for view in own.views.values() for kind in CALL_TYPES.get(view, ())}
        every = events is None or ANY in events
        return {
            **count_denials(counted.denials, name, types, None if every else events),
            "published": 0,
        }

    def _publish_token_bridge(
        self, name: str, query: str | None, asked: PublishRequest
    ) -> dict[str, Any] | None:
        """Put a destination's part of the bridge in place, or remove what it had of it.

        A build of some models alone may never have made the bridge. What goes wrong is said at
        the run's end.

        Returns:
            What is known of the copy; None where there is none.
        """
        place = (*self._place, name)
        try:
            was_made = self._stored.state("token_bridge") is not None
            if query is None or not was_made or not self._ask(asked.queries["bridge"]):
                if token_bridges.remove(*place):
                    self._noted.append(f"removed the token bridge of `{name}`")
                return None
            self.engine.write_parquet(query, token_bridges.begin(*place))
            bridge = token_bridges.finish(*place, read_access(self._environ))
        except (HipaaModeError, OSError) as error:
            self._at_end().problems.append(message_of(error))
            return None
        self._noted.append(f"published the token bridge of `{name}`: {bridge['rows']} tokens")
        return bridge

    def _hints(self, queries: Mapping[str, Any], counted: Counted) -> list[str]:
        """Return what to look at, by what the calls have had."""
        plan = self._started_plan()
        events = self._ask(queries["events"]) if plan.event_rows else []
        unseen = []
        if counted.suppressed_people:
            self._count_ids()
            unseen = self._ask(queries["suppressed_unseen"])
        calls = counted.staged + counted.all_withheld
        hints = never_matched(
            plan, calls, counted.arrived, [name for (name,) in events], [x for (x,) in unseen]
        )
        if counted.withheld.get("suppressed_by_alias"):
            [(most, ids)] = self._ask(queries["hub"])
            hints += hub_notices(most or 0, ids)
        return hints

    def _record_at_end(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Record entries; that the log can't be written stops nobody, and is said last."""
        try:
            self._record(entries)
        except (HipaaModeError, OSError) as error:
            names = [entry["destination"] for entry in entries]
            self._at_end().lacks_entries(names, message_of(error))

    def end(self) -> Said:
        """Record what was held back, forget what no later run asks for, and say what was done."""
        ending = self._at_end()
        self._record_at_end(ending.held_back)
        self._clear_space()
        if self._keeps_calls and not ending.reasons:
            self._keep_calls()
        return ending.say(self._noted, time.monotonic() - self._began)

    def _keep_calls(self) -> None:
        """See that the calls are kept for the next build, if this run made all tables of them."""
        states = {name: self._stored.state(name) for name in MODELS}
        made = {
            name: state
            for name, state in states.items()
            if state is not None
            and state.run_number == self._run_number
            and state.fingerprint != PART_OF_CALLS
        }
        location = self.raw_lines.location
        if made.keys() != states.keys() or location is None or location.kind == "table":
            return
        before = self._kept if READ in self._kept_models else None
        manifests = publishing.read_manifests(*self._place)
        published = [int(manifest.get("run_number") or 0) for manifest in manifests]
        kept = KeptCalls(
            made_with=self._made_with,
            run_numbers=run_numbers(before, self._run_number, published),
            tables=made,
            files=tuple(self._files_now),
            last_number=max(
                (before.last_number if before else 0, *(file.number for file in self._files_now))
            ),
        )
        nodes = running_adapter().get_macro_resolver().nodes
        own = [nodes[f"model.{PACKAGE}.{name}"] for name in MODELS]
        tables = {node.name: (node.schema, node.alias) for node in own}
        schema = self._zone[-1]
        tables |= {name: (schema, name) for name in MADE_OF}
        self._session_engine.keep_calls(kept, tables)

    def _clear_space(self) -> None:
        """Forget calls that all tables have followed, and what came back before publishing.

        Then what was deleted is cleared away for good, if that is due.
        """
        for table in ("released_people", "released_calls"):
            self._ask(
                f"delete from {self._table(table)} where run_number <= $run_number",
                run_number=self._last_published(),
            )
        self._ask(
            f"delete from {self._table('changed_calls')} where run_number <= (select "
            "min(run_number) from (select max(run_number) as run_number from "
            f"{self._table('build_state')} group by relation) as latest)"
        )
        if self._ask(f"select 1 from {self._table('space_to_clear')} limit 1"):
            self.engine.clear_space(self._zone)

    def _at_gate(self) -> Gate:
        if self._gate is None:
            raise HipaaModeError(KEEP_HOOK)
        return self._gate

    def _at_end(self) -> Ending:
        if self._ending is None:
            raise HipaaModeError(KEEP_HOOK)
        return self._ending
