"""What one dbt run knows, and what macros may ask of it through the door.

Each method is one question: its arguments are what a macro sends, its answer what the macro gets;
see `door` for who may ask what. What is decided is decided in modules of their own.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger

from hipaa_mode import (
    audit,
    folders,
    locking,
    published_places,
    publishing,
    raw_ids,
    rejections,
    run_end,
    temporary_copies,
    token_bridges,
)
from hipaa_mode.audit import Changes
from hipaa_mode.configuration import ANY
from hipaa_mode.consent import count_denials, describe_denials
from hipaa_mode.errors import (
    ConfigurationError,
    HipaaModeError,
    NoKeyError,
    PublishingError,
)
from hipaa_mode.names import environment_name
from hipaa_mode.never_matched import never_matched
from hipaa_mode.partitions import Partition
from hipaa_mode.plan import Plan
from hipaa_mode.property_counts import count_properties
from hipaa_mode.published_access import access_faults, read_access
from hipaa_mode.raw_calls import RawLines, RawLocation, first_bytes, locate
from hipaa_mode.raw_files import KnownFile, as_known, plan_reading
from hipaa_mode.raw_formats import SNIFFED_BYTES, likely_kind
from hipaa_mode.received.gate import Judgement, judge
from hipaa_mode.run.audit_entries import AuditRequest, Delivered, Recorded, record
from hipaa_mode.run.compiled_again import built_otherwise
from hipaa_mode.run.configured import Configured
from hipaa_mode.run.connection import faults_of_this_connection
from hipaa_mode.run.finished_files import CALL_TYPES
from hipaa_mode.run.gate import Gate, hash_seeds
from hipaa_mode.run.masking_keys import MaskingKeys, lacks_key
from hipaa_mode.run.start import faults_of_running_project
from hipaa_mode.run.view_files import BuiltView, ViewFiles, WritePlan
from hipaa_mode.run_settings import run_faults
from hipaa_mode.run_state import Earlier, RawCallsRequest, RunState
from hipaa_mode.stops import read_stops, stopped_in
from hipaa_mode.suppression import (
    GIVE_UP_LISTS,
    ListCounts,
    ReturningCalls,
    SuppressedUsers,
    hub_notices,
)

NO_LONGER_LISTED = "no longer in destinations.csv"
RAW_LINES_VIEW = "hipaa_mode_raw_lines"
SUPPRESSED_USERS_VIEW = "hipaa_mode_suppressed_users"
KEEP_HOOK = "The configuration was not read. Keep hipaa_mode's on-run-start hook"

logger = AdapterLogger("DuckDB")


@dataclass(frozen=True)
class StartRequest(Configured):
    """What a run's first hook says of it, besides where its configuration is.

    Attributes:
        needs_key: whether the command masks something.
        needs_lock: whether it may send more than the lock says.
        threads: threads of the database.
        root: the published folder; blank where the command does not ask for it.
        stored_key: fingerprint of the key that the stored tokens are made with; blank for none.
        belonging: what is known of earlier runs; None where the command compares nothing.
    """

    needs_key: bool = False
    needs_lock: bool = False
    threads: int = 1
    root: str = ""
    stored_key: str = ""
    belonging: Mapping[str, Any] | None = None


@dataclass
class Started:
    """What a run starts with.

    Attributes:
        refusals: why it must not go on, before anything of the configuration is judged.
        notices: what to warn of, before that.
        faults: what is wrong with the configuration, the lock, the key or the settings.
        warnings: what to warn of.
        destinations: names of the environment's destinations.
        suppressed_users_view: the relation of the suppressed people of files.
        suppression_lists: what names lists of them.
        suppression_tables: those of them that are tables, each with the parts of its name.
        environments: the environments that a list's row may be for.
        person_normalizations: as the plan has them.
        key_fingerprint: of the masking key; blank where it is not needed, or not to be had.
        retired_fingerprints: of the retired keys.
    """

    refusals: list[str]
    notices: list[str]
    faults: list[str]
    warnings: list[str]
    destinations: list[str]
    suppressed_users_view: str
    suppression_lists: list[str]
    suppression_tables: dict[str, list[str]]
    environments: list[str]
    person_normalizations: list[str]
    key_fingerprint: str = ""
    retired_fingerprints: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RawCalls:
    """Where the raw calls are: their kind, the parts of a table's name, the view of files."""

    kind: str
    table: list[str]
    view: str


@dataclass(frozen=True)
class FilesToRead:
    """What a run reads; see `raw_files.Reading`."""

    removed: list[int]
    read: int
    unchanged: int


@dataclass(frozen=True)
class Withdrawn:
    """What withdrawing came to, and why; see `publishing.Withdrawal`."""

    withdrawn: list[str]
    left: list[str]
    problems: list[str]
    reasons: dict[str, str]


class Session:
    """What one dbt run knows: its environment, plan, keys, raw calls and what it publishes.

    Args:
        environ: the environment variables.
        environment: the environment, for commands without a first hook that says so.
    """

    def __init__(self, environ: Mapping[str, str], environment: str | None = None) -> None:
        self._environ = environ
        self._environment = None if environment is None else environment_name(environment)
        self._configured: Configured | None = None
        self._plan: Plan | None = None
        self._plan_text: tuple[Plan, str] | None = None
        self._own_plan: tuple[Configured, Plan] | None = None
        self._git_state: dict[str, Any] | None = None
        self._delivered: dict[str, Delivered] = {}
        self._coincidences: dict[str, dict[str, int]] = {}
        self._denials: list[tuple[Any, ...]] | None = None
        self._run_number = _new_run_number()
        self._files = ViewFiles()
        self._state = RunState()
        self._gate: Gate | None = None
        self.is_compiling = False
        """Whether models are compiled once more, as `verify` compiles them."""
        self.keys = MaskingKeys(environ, self._environment)
        self.connect: Callable[[], duckdb.DuckDBPyConnection] = duckdb.connect
        self.raw_lines = RawLines()
        self.suppressed_users = SuppressedUsers()

    def tokens(self, values: pa.Array, scopes: pa.Array) -> pa.Array:
        """Mask a vector of values."""
        return self.keys.tokens(values, scopes)

    def retired_tokens(self, values: pa.Array, scopes: pa.Array, keys: pa.Array) -> pa.Array:
        """Mask a vector of values as it was masked under a retired key, given by fingerprint."""
        return self.keys.retired_tokens(values, scopes, keys)

    # At the start.

    def lacks_key(self) -> bool:
        """Whether the run that starts has no masking key to go on with."""
        return lacks_key(self._environ)

    def start(self, **request: Any) -> Started:
        """Pin the configuration and the environment for the run; forget an earlier run's key.

        Args:
            request: see `StartRequest`.
        """
        asked = StartRequest(**request)
        run_end.watch()
        self._environment = environment_name(asked.environment)
        self.keys = MaskingKeys(self._environ, self._environment)
        refusals: list[str] = []
        notices: list[str] = []
        given_up = None
        if asked.belonging is not None:
            earlier = Earlier(**asked.belonging)
            given_up = earlier.accepted.get(GIVE_UP_LISTS)
            day, notices, faults = self._state.begin(asked.environment, earlier, asked.day)
            asked = replace(asked, today=day.isoformat())
            refusals = [str(fault) for fault in faults]
        seeds = hash_seeds(asked.files())
        configuration, plan = asked.read(self.suppressed_users, given_up)
        self._configured, self._plan, self._own_plan = asked, plan, None
        self._gate = Gate(plan, seeds, lambda: hash_seeds(asked.files()), lambda: asked.read()[1])
        judgement = Judgement()
        if asked.needs_lock and not plan.faults:
            judgement = judge(Path.cwd(), configuration, plan, asked.day, asked.models)
        self._git_state = None
        if asked.needs_key and "destinations" in asked.seed_files:
            self._git_state = audit.git_state(asked.named_files()["destinations"].parent)
        self._delivered.clear()
        self._coincidences.clear()
        self._denials = None
        self._run_number = max(_new_run_number(), self._run_number + 1)
        self._files = ViewFiles(asked.threads, len(asked.models or ()))
        self.raw_lines.location = None
        self.raw_lines.files = None
        people = self.suppressed_users
        started = Started(
            refusals=refusals,
            notices=notices,
            faults=[
                str(fault)
                for fault in (*run_faults(self._environ), *plan.faults, *judgement.faults)
            ],
            warnings=[str(item) for item in (*plan.warnings, *judgement.notices)],
            destinations=sorted(plan.destinations),
            suppressed_users_view=SUPPRESSED_USERS_VIEW,
            suppression_lists=people.locations,
            suppression_tables={name: list(parts) for name, parts in people.tables.items()},
            environments=people.environments,
            person_normalizations=plan.person_normalizations,
        )
        if asked.needs_key:
            if asked.root:
                unusable = access_faults(self._environ, _place(asked.root, asked.environment)[0])
                started.faults += [str(fault) for fault in unusable]
            try:
                started.key_fingerprint = self.keys.fingerprint()
                started.retired_fingerprints = self.keys.retired_fingerprints()
            except HipaaModeError as error:
                started.faults.append(_key_fault(error, asked))
        return started

    def connection_faults(self) -> list[str]:
        """Say what of the connection that asks may change what the reviewed SQL means."""
        return faults_of_this_connection()

    def project_faults(self) -> list[str]:
        """Say what of the project that dbt runs is not as reviewed."""
        return faults_of_running_project()

    def check_raw_calls(self, **request: Any) -> list[str]:
        """Return why the run may not read its raw calls.

        Args:
            request: see `RawCallsRequest`.
        """
        asked = RawCallsRequest(**request)
        location = self._locate(asked.location, asked.column)
        return [str(fault) for fault in self._state.check_raw_calls(asked, location)]

    def judge_lists(self, lists: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return why the lists of suppressed people may not be used.

        Args:
            lists: of each its location, and its counts: see `ListCounts`.
        """
        counts = {
            str(item["location"]): ListCounts(
                **{name: value for name, value in item.items() if name != "location"}
            )
            for item in lists
        }
        return [str(fault) for fault in self._state.judge_lists(counts)]

    def follow_run(self, run_number: int) -> None:
        """Number the run above the last one, also where the clock was set back since."""
        self._run_number = max(self._run_number, run_number + 1)

    def withdraw(self, root: str, environment: str, keep: Collection[str]) -> Withdrawn:
        """Remove what is published of destinations that are gone or stopped."""
        place = _place(root, environment)
        temporary_copies.refuse_to_keep_in_copy(
            place[0], Path.cwd(), "The published folder", "HIPAA_MODE_PUBLISHED"
        )
        publishing.make_folder(*place)
        locking.hold_published(place[0] / environment, locking.timeout(self._environ), tell)
        publishing.give_access(*place, read_access(self._environ))
        if publishing.has_published(*place):
            self._note_place(*place)
        lines = audit.read_lines(audit.log_path(*place))
        standing = audit.last_deliveries(audit.entries(lines))
        stopped = self._plan.stopped if self._plan else {}
        kept = set(keep) - set(stopped)
        token_bridges.remove_others(*place, kept)
        done = publishing.withdraw(*place, kept, standing)
        reasons = {
            name: f"stopped: {stopped[name].reason}" if name in stopped else NO_LONGER_LISTED
            for name in done.withdrawn
        }
        return Withdrawn(**asdict(done), reasons=reasons)

    def published(self, root: str, environment: str) -> list[dict[str, Any]]:
        """Return the manifests of what is published."""
        return publishing.read_manifests(*_place(root, environment))

    # By models and tests.

    def plan(self, **configured: Any) -> Any:
        """Return the plan: the run's own, or that of the seeds that a request names.

        Args:
            configured: nothing, or see `Configured`.
        """
        return self._answered(self._plan_for(configured))

    def destination(self, destination: str, **configured: Any) -> Any:
        """Return one destination's part of the plan, or none if the environment has none."""
        plan = self._answered(self._plan_for(configured))
        return plan["destinations"].get(destination)

    def _answered(self, plan: Plan) -> Any:
        """Return a plan as macros get it: each a copy of its own, which it may change."""
        if self._plan_text is None or self._plan_text[0] is not plan:
            self._plan_text = (plan, plan.as_json())
        return json.loads(self._plan_text[1])

    def _plan_for(self, configured: Mapping[str, Any]) -> Plan:
        if configured and not self.is_compiling:
            asked = Configured(**configured)
            if self._own_plan is None or self._own_plan[0] != asked:
                _, plan = asked.read()
                if plan.faults:
                    raise ConfigurationError("\n".join(str(fault) for fault in plan.faults))
                self._own_plan = (asked, plan)
            return self._own_plan[1]
        if self._plan is None:
            raise HipaaModeError(KEEP_HOOK)
        return self._plan

    def _started_plan(self) -> Plan:
        return self._plan_for({})

    def run_number(self) -> int:
        """Return the number of the run: higher than that of every run before."""
        return self._run_number

    def threads(self) -> int:
        """Return how many threads the database has."""
        return self._files.threads

    def retired_fingerprints(self) -> list[str]:
        """Return the fingerprints of the retired keys."""
        return self.keys.retired_fingerprints()

    def raw_calls(self, location: str, column: str | None = None, **_: object) -> RawCalls:
        """Settle where the raw calls are, when first asked for."""
        found = self._locate(location, column)
        return RawCalls(found.kind, list(found.table), RAW_LINES_VIEW)

    def _locate(self, named: str, column: str | None) -> RawLocation:
        location = self.raw_lines.location
        if location is None:
            location = locate(named, Path.cwd(), column)
            self.raw_lines.location = location
        return location

    def plan_reading(self, known: Sequence[Mapping[str, Any]], last_number: int) -> FilesToRead:
        """Settle which files are read.

        Args:
            known: rows of the warehouse's table of files: see `KnownFile`.
            last_number: the highest number that a file ever had.
        """
        location = self._begin_reading()
        reading = plan_reading(location, [KnownFile(**row) for row in known], last_number)
        self.raw_lines.files = reading.files
        return FilesToRead(list(reading.removed), len(reading.files), reading.unchanged)

    def read_again(self, known: Sequence[Mapping[str, Any]]) -> list[int]:
        """Settle that what is known is read again, and nothing else; return the files' numbers."""
        location = self._begin_reading()
        as_read = {file.path: file for file in (KnownFile(**row) for row in known)}
        self.raw_lines.files = tuple(
            replace(file, size=as_read[file.path].size, number=as_read[file.path].number)
            for file in location.files
            if file.path in as_read and file.size >= as_read[file.path].size
        )
        return [file.number for file in self.raw_lines.files]

    def _begin_reading(self) -> RawLocation:
        if self.raw_lines.location is None:
            raise HipaaModeError("The raw calls were not looked for. Keep model calls_read")
        self.raw_lines.run_number = self._run_number
        self.raw_lines.line_counts.clear()
        return self.raw_lines.location

    def files_read(self) -> list[KnownFile]:
        """Return the files that were just read, for the table of files."""
        files = self.raw_lines.files or ()
        return [as_known(file, self.raw_lines.line_counts) for file in files]

    def note_run(self) -> str:
        """Write down what the environment is built from; return it for the database."""
        return self._state.note(self._run_number).as_json()

    def published_by(self, root: str, environment: str, destination: str) -> int:
        """Return the number of the run that published a destination; 0 where none is known."""
        manifest = publishing.manifest_of(*_place(root, environment), destination)
        return int((manifest or {}).get("run_number") or 0)

    def plan_partitions(self, root: str, environment: str, **built: Any) -> WritePlan:
        """Settle which files of a view are written; remember it for its tests and for the end.

        Args:
            root: the published folder.
            environment: the environment.
            built: see `BuiltView`.
        """
        view = BuiltView(**built)
        destination = self._started_plan().destinations[view.destination]
        return self._files.plan(*_place(root, environment), view, destination)

    def tested_partitions(self, view: str) -> list[Partition] | None:
        """Return the partitions of a view that are about to be published; none for all of it."""
        return self._files.tested(view)

    def note_coincidences(self, view: str, column: str, count: int) -> None:
        """Remember how many values of a column the checks took for no leak of ids."""
        if count:
            self._coincidences.setdefault(view, {})[column] = count

    def ids_of_calls(
        self, calls: str, names: list[str], minimum_length: int, spellings: dict[str, list[str]]
    ) -> str:
        """Return a query of the ids of all usable calls; see `raw_ids.count_of_calls`."""
        return raw_ids.count_of_calls(calls, names, minimum_length, spellings)

    def judged_values(
        self, shown: str, people: str, identifiers: str, spellings: list[str]
    ) -> str:
        """Return a query that judges values that some id equals; see `raw_ids.judged_values`."""
        return raw_ids.judged_values(shown, people, identifiers, spellings=spellings)

    def json_texts(self, text: str) -> str:
        """Return SQL of all texts in a JSON text; see `raw_ids.json_texts`."""
        return raw_ids.json_texts(text)

    # At the end.

    def permissions(self, **request: Any) -> Any:
        """Decide which destinations may be published; see `run.permission`."""
        return self._at_gate().decide(request, self._built_otherwise)

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

    def judge_rejections(
        self,
        read: Sequence[tuple[str, int, str | None, int]],
        accepted: Sequence[tuple[str, int, int]],
        share: float,
        accepted_number: object,
    ) -> rejections.Judgement:
        """Judge the rejected lines; see `rejections.judge`.

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

        return rejections.judge(
            rejections.lines_of(read),
            {file: (lines, rejected) for file, lines, rejected in accepted},
            float(share),
            accepted_number,
            kind_of,
        )

    def published_before(self) -> int:
        """Return the number of the run that published last; 0 where none is known."""
        record = self._state.newest
        withheld = record.withheld if record else None
        return withheld.run_number if withheld else 0

    def returning_calls(self, **counts: Any) -> list[str]:
        """Return why nothing may be published: calls that were withheld come back.

        Args:
            counts: see `ReturningCalls`.
        """
        return self._state.returning_calls(ReturningCalls(**counts))

    def stopped(self) -> dict[str, str]:
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
        reason = self.stopped().get(destination)
        if reason is not None:
            raise PublishingError(
                f"Destination `{destination}` was not published: it was stopped ({reason})"
            )

    def finish_publishing(
        self,
        root: str,
        environment: str,
        destination: str,
        calls_read: str,
        denied_rows: Mapping[str, str],
        denials: str,
        manifest: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Look at a destination's files once more, and put them in place; return the manifest."""
        place = _place(root, environment)
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
        written = publishing.finish(
            *place,
            destination,
            [name for plan in plans for name in plan.written],
            [name for plan in plans for name in plan.keep],
            {name: rows for plan in plans for name, rows in plan.rows.items()},
            whole,
            lambda: self._refuse_stopped(destination),
            read_access(self._environ),
        )
        stamp = publishing.stamp(*place, destination)
        self._delivered[destination] = Delivered(written, stamp)
        return written

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

    def note_published(
        self, raw: int, by_reason: Mapping[str, int], retain_days: int | None
    ) -> None:
        """Write down what was withheld when something was published."""
        self._state.published(raw, by_reason, retain_days, self._run_number)

    def write_token_bridge(
        self, root: str, environment: str, destination: str, query: str
    ) -> dict[str, Any]:
        """Write a destination's bridge, of the rows of a query, and put it in place."""
        place = (*_place(root, environment), destination)
        path = str(token_bridges.begin(*place)).replace("'", "''")
        options = "format parquet, compression zstd, use_tmp_file false"
        try:
            with self.connect() as cursor:
                cursor.execute(f"copy ({query}) to '{path}' ({options})").fetchall()
        except duckdb.IOException as error:
            raise PublishingError(
                f"The token bridge of `{destination}` was not published: {error}"
            ) from None
        return token_bridges.finish(*place, read_access(self._environ))

    def token_bridges(self, root: str, environment: str) -> list[str]:
        """Return the destinations that have a copy of the bridge."""
        return token_bridges.copies(*_place(root, environment))

    def remove_token_bridge(self, root: str, environment: str, destination: str) -> bool:
        """Remove a destination's copy of the bridge."""
        return token_bridges.remove(*_place(root, environment), destination)

    def coincidences(self, view: str) -> dict[str, int]:
        """Return what `note_coincidences` noted of a view, by column."""
        return dict(self._coincidences.get(view, {}))

    def discard_unpublished(self, root: str, environment: str) -> None:
        """Remove what was written aside and not put in place; forget the ids of the calls."""
        publishing.discard(*_place(root, environment))
        if self._gate is not None:
            self._gate.close()

    def describe_denials(self, counts: Mapping[str, Any]) -> str:
        """Say how many calls were denied to a destination."""
        return describe_denials(counts)

    def property_counts(self, columns: Sequence[Mapping[str, Any]]) -> str:
        """Say how many properties a view holds."""
        return count_properties(columns).text

    def allowed_events(self) -> list[str]:
        """Return the names of the events that rows allow."""
        return sorted(self._started_plan().event_rows)

    def never_matched(self, **request: Any) -> list[str]:
        """Return what a run says of the rows that no call has ever matched."""
        return never_matched(self._started_plan(), request)

    def hub_notices(self, most: int, ids: int) -> list[str]:
        """Return what a run says where one id ties many others to suppressed people."""
        return hub_notices(most, ids)

    def rewrite_database(self, file: str) -> None:
        """See that a database file is written anew when the run has ended."""
        run_end.rewrite_database(file)

    # At the start and at the end.

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
        return record(
            asked,
            _place(asked.root, asked.environment),
            self.keys.of_audit_log(),
            of_run,
            self._delivered,
            self._note_changes,
        )

    def _note_changes(self, changed: Changes) -> None:
        self._files.changed = changed

    def _note_place(self, root: Path, environment: str) -> None:
        try:
            published_places.note(self._environ, root, environment)
        except HipaaModeError as error:
            tell(str(error))


def tell(message: str) -> None:
    """Say something to who runs dbt."""
    logger.info(f"hipaa_mode: {message}")


def _new_run_number() -> int:
    """Return a number that is higher for every later run: microseconds since 1970."""
    return time.time_ns() // 1000


def _place(root: str, environment: str) -> tuple[Path, str]:
    return folders.real_root(Path(root)), environment_name(environment)


def _key_fault(error: HipaaModeError, asked: StartRequest) -> str:
    """Say what to do of a key that can't be used; where tokens are stored, only theirs will do."""
    stored = asked.stored_key
    if isinstance(error, NoKeyError) and not stored and asked.root:
        stored = publishing.key_published_under(*_place(asked.root, asked.environment))
    if isinstance(error, NoKeyError) and stored:
        return error.where_tokens_are_stored(asked.environment, stored)
    return str(error)
