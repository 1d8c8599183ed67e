"""The dbt-duckdb plugin: gives a connection the masking function and the raw calls.

Named in profiles.yml as `plugins: [{module: hipaa_mode.plugin}]`. Its one setting,
`config: {environment: dev}`, names the environment for commands that run no hooks, such as
`dbt show`; a run's own environment comes from its on-run-start hook. It registers

- `system.main.hipaa_mask(value, scope)`: the token of a value;
- `system.main.hipaa_mask_retired(value, scope, key)`: the one it had under a retired key, which is
  named by its fingerprint; for the bridge from old tokens to new ones and nothing else;
- `system.main.hipaa_mode_random_code(value)`: a random 128-bit code for every row;
- `system.main.hipaa_mode_command(action, request)`: what macros ask of Python, in JSON;
- the temporary view `hipaa_mode_raw_lines`: the lines of the raw files;
- the temporary view `hipaa_mode_suppressed_users`: the ids of people whose calls are withheld.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError
from duckdb.func import FunctionNullHandling, PythonUDFType

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
from hipaa_mode.configuration import ANY, Configuration, read_configuration
from hipaa_mode.consent import count_denials, describe_denials
from hipaa_mode.errors import (
    ConfigurationError,
    HipaaModeError,
    NoKeyError,
    PublishingError,
)
from hipaa_mode.folders import UNFINISHED
from hipaa_mode.keys import MasterKey, Subkey, load_master_key, load_retired_keys
from hipaa_mode.masking import make_tokens
from hipaa_mode.names import environment_name
from hipaa_mode.never_matched import never_matched
from hipaa_mode.partitions import ENDING, FORMAT, PartitionPlan, period, plan_partitions
from hipaa_mode.plan import Plan, make_plan
from hipaa_mode.property_counts import count_properties
from hipaa_mode.published_access import access_faults, read_access
from hipaa_mode.raw_calls import RawLines, RawLocation, first_bytes, locate
from hipaa_mode.raw_files import as_known, known_file, plan_reading
from hipaa_mode.raw_formats import SNIFFED_BYTES, likely_kind
from hipaa_mode.received.gate import Judgement, judge
from hipaa_mode.run.compiled_again import built_otherwise
from hipaa_mode.run.connection import connection_faults, default_settings
from hipaa_mode.run.finished_files import CALL_TYPES
from hipaa_mode.run.gate import Gate, hash_seeds
from hipaa_mode.run.start import faults_of_running_project
from hipaa_mode.run_settings import run_faults, run_targets
from hipaa_mode.run_state import RunState
from hipaa_mode.seeds import Fault, add_optional_seeds
from hipaa_mode.settings import plugin_faults
from hipaa_mode.stops import read_stops, stopped_in
from hipaa_mode.suppression import (
    GIVE_UP_LISTS,
    ListCounts,
    SuppressedUsers,
    hub_notices,
    locations_of,
)

NO_LONGER_LISTED = "no longer in destinations.csv"
logger = AdapterLogger("DuckDB")

RAW_LINES_VIEW = "hipaa_mode_raw_lines"
SUPPRESSED_USERS_VIEW = "hipaa_mode_suppressed_users"
SURROGATE_BYTES = 16
ROWS_FOR_ALL_THREADS = 1_000_000
"""A view that writes so many rows keeps all threads at work; see macros/engine/threads.sql."""

KEEP_HOOK = "The configuration was not read. Keep hipaa_mode's on-run-start hook"

Request = Mapping[str, Any]


class Session:
    """What one dbt run knows: its environment, plan, key and raw calls."""

    def __init__(self, environ: Mapping[str, str], environment: str | None = None) -> None:
        self._environ = environ
        self._environment = None if environment is None else environment_name(environment)
        self._plan: Plan | None = None
        self._own_plan: tuple[Request, Plan] | None = None
        self._answered_plan: tuple[Plan, Any] | None = None
        self._master_key: MasterKey | None = None
        self._subkeys: dict[str, Subkey] = {}
        self._retired_keys: dict[str, MasterKey] | None = None
        self._git_state: dict[str, Any] | None = None
        self._manifests: dict[str, dict[str, Any]] = {}
        self._stamps: dict[str, str] = {}
        self._changed: audit.Changes = {}
        self._seeds: tuple[dict[str, Path], dict[str, str]] | None = None
        self._partitions: dict[str, PartitionPlan] = {}
        self._queries: dict[str, str] = {}
        self._coincidences: dict[str, dict[str, int]] = {}
        self._run_number = _new_run_number()
        self._threads = 1
        self._views = 1
        self._state = RunState()
        self._gate: Gate | None = None
        self._denials: list[tuple[Any, ...]] | None = None
        self._is_compiling = False
        self.connect: Callable[[], duckdb.DuckDBPyConnection] = duckdb.connect
        self.raw_lines = RawLines()
        self.suppressed_users = SuppressedUsers()
        self._actions: dict[str, Callable[[Request], Any]] = {
            "start": self._start,
            "connection_faults": lambda request: connection_faults(
                request["settings"] or (), request["extensions"] or (), default_settings()
            ),
            "project_faults": lambda request: faults_of_running_project(),
            "plan": self._current_plan,
            "destination": self._destination,
            "raw_calls": self._raw_calls,
            "check_raw_calls": self._check_raw_calls,
            "judge_lists": self._judge_lists,
            "note_run": self._note_run,
            "note_published": lambda request: self._state.published(request, self._run_number),
            "judge_rejections": self._judge_rejections,
            "returning_calls": self._returning_calls,
            "published_before": self._published_before,
            "plan_reading": self._plan_reading,
            "files_read": self._files_read,
            "retired_fingerprints": lambda request: sorted(self._retired()),
            "run_number": lambda request: self._run_number,
            "follow_run": self._follow_run,
            "threads": lambda request: self._threads,
            "withdraw": self._withdraw,
            "published_by": self._published_by,
            "plan_partitions": self._plan_partitions,
            "tested_partitions": self._tested_partitions,
            "permissions": self._permissions,
            "finish_publishing": self._finish_publishing,
            "write_token_bridge": self._write_token_bridge,
            "remove_token_bridge": self._remove_token_bridge,
            "token_bridges": self._token_bridges,
            "ids_of_calls": lambda request: raw_ids.count_of_calls(**request),
            "judged_values": lambda request: raw_ids.judged_values(**request),
            "json_texts": lambda request: raw_ids.json_texts(**request),
            "note_coincidences": self._note_coincidences,
            "describe_denials": describe_denials,
            "coincidences": lambda request: self._coincidences.get(request["view"], {}),
            "stopped": self._stopped,
            "discard_unpublished": self._discard_unpublished,
            "published": self._published,
            "allowed_events": lambda request: sorted(self._plan_for(request).event_rows),
            "never_matched": lambda request: never_matched(self._plan_for(request), request),
            "rewrite_database": lambda request: run_end.rewrite_database(request["file"]),
            "hub_notices": lambda request: hub_notices(**request),
            "audit": self._audit,
            "property_counts": lambda request: count_properties(request["columns"]).text,
        }

    def command(self, action: str, request: str) -> str:
        """Carry out what a macro asks for and answer in JSON.

        The answer is `{"result": …}`, or `{"error": …}` with a message for the user: an
        exception would reach dbt wrapped in a traceback.
        """
        if action not in self._actions:
            message = f"The hipaa_mode package installed for Python does not know `{action}`. "
            return json.dumps({"error": message + "Install the version of the dbt package"})
        try:
            result = self._actions[action](json.loads(request))
        except HipaaModeError as error:
            return json.dumps({"error": str(error)})
        except OSError as error:
            reason = f"{error.strerror or type(error).__name__} ({error.filename})"
            return json.dumps({"error": f"{reason}. Fix the cause and run dbt build again"})
        return json.dumps({"result": result}, ensure_ascii=False)

    def tokens(self, values: pa.Array, scopes: pa.Array) -> pa.Array:
        """Mask a vector of values; see `hipaa_mode.masking.make_tokens`."""
        return make_tokens(values, scopes, self._subkey)

    def retired_tokens(self, values: pa.Array, scopes: pa.Array, keys: pa.Array) -> pa.Array:
        """Mask a vector of values as it was masked under a retired key, given by fingerprint."""
        named = keys.unique().to_pylist()
        if len(named) != 1:
            raise HipaaModeError("hipaa_mask_retired takes one key at a time")
        key = self._retired().get(str(named[0]))
        environment = self._environment
        if key is None or environment is None:
            raise HipaaModeError("hipaa_mask_retired was called for a key that is not at hand")
        return make_tokens(values, scopes, lambda scope: key.subkey(environment, scope))

    def _subkey(self, scope: str) -> Subkey:
        if scope not in self._subkeys:
            if self._environment is None:
                raise HipaaModeError(
                    "hipaa_mask was called before the run settled its environment. "
                    "Keep hipaa_mode's on-run-start hook"
                )
            self._subkeys[scope] = self._key().subkey(self._environment, scope)
        return self._subkeys[scope]

    def _key(self) -> MasterKey:
        if self._master_key is None:
            self._master_key = load_master_key(self._environ)
        return self._master_key

    def _retired(self) -> dict[str, MasterKey]:
        """Return the retired keys by their fingerprints in the run's environment."""
        if self._retired_keys is None:
            environment = str(self._environment)
            self._retired_keys = {
                retired.key.fingerprint(environment): retired.key
                for retired in load_retired_keys(self._environ)
            }
        return self._retired_keys

    def _start(self, request: Request) -> dict[str, Any]:
        """Pin the configuration and the environment for the run; forget an earlier run's key."""
        run_end.watch()
        self._environment = environment_name(request["environment"])
        self._subkeys.clear()
        self._master_key = None
        self._retired_keys = None
        request, refusals, notices = self._begin(request)
        seeds = hash_seeds(_seed_files(request))
        configuration, self._plan = _read_plan(request, self.suppressed_users)
        self._denials = None
        self._gate = Gate(
            self._plan,
            seeds,
            lambda: hash_seeds(_seed_files(request)),
            lambda: _read_plan(request)[1],
        )
        judgement = Judgement()
        if request.get("needs_lock", request["needs_key"]) and not self._plan.faults:
            day, models = _today(request), request.get("models")
            judgement = judge(Path.cwd(), configuration, self._plan, day, models)
        self._own_plan = None
        files = {seed: Path(path) for seed, path in request["seed_files"].items()}
        self._seeds = files, dict(request["seed_labels"])
        self._git_state = None
        if request["needs_key"] and "destinations" in request["seed_files"]:
            self._git_state = audit.git_state(Path(request["seed_files"]["destinations"]).parent)
        self._manifests.clear()
        self._changed = {}
        self._partitions.clear()
        self._coincidences.clear()
        self._run_number = max(_new_run_number(), self._run_number + 1)
        self._threads = int(request.get("threads") or 1)
        self._views = len(request.get("models") or ())
        self.raw_lines.location = None
        self.raw_lines.files = None
        answer: dict[str, Any] = {
            "refusals": refusals,
            "notices": notices,
            "faults": [
                str(fault)
                for fault in (
                    *run_faults(self._environ),
                    *self._plan.faults,
                    *judgement.faults,
                )
            ],
            "warnings": [str(item) for item in (*self._plan.warnings, *judgement.notices)],
            "destinations": sorted(self._plan.destinations),
            "suppressed_users_view": SUPPRESSED_USERS_VIEW,
            "suppression_lists": self.suppressed_users.locations,
            "suppression_tables": {
                location: list(parts) for location, parts in self.suppressed_users.tables.items()
            },
            "environments": self.suppressed_users.environments,
            "key_fingerprint": "",
            "retired_fingerprints": [],
        }
        if request["needs_key"]:
            if "root" in request:
                faults = access_faults(self._environ, _published(request)[0])
                answer["faults"] += [str(fault) for fault in faults]
            try:
                answer["key_fingerprint"] = self._key().fingerprint(self._environment)
                answer["retired_fingerprints"] = sorted(self._retired())
            except HipaaModeError as error:
                answer["faults"].append(_key_fault(error, request))
        return answer

    def _begin(self, request: Request) -> tuple[Request, list[str], list[str]]:
        """Compare the run with those before it; the day is never before theirs."""
        if "belonging" not in request:
            return request, [], []
        clock = dt.date.fromisoformat(request["today"])
        belonging = {**request["belonging"], "environment": request["environment"]}
        day, notices, faults = self._state.begin(belonging, clock)
        return {**request, "today": day.isoformat()}, [str(fault) for fault in faults], notices

    def _check_raw_calls(self, request: Request) -> list[str]:
        """Return why the run may not read its raw calls."""
        location = self._locate(request)
        return [str(fault) for fault in self._state.check_raw_calls(request, location)]

    def _judge_lists(self, request: Request) -> list[str]:
        """Return why the lists of suppressed people may not be used, given their counts."""
        counts = {
            str(item["location"]): ListCounts(
                **{name: value for name, value in item.items() if name != "location"}
            )
            for item in request["lists"]
        }
        return [str(fault) for fault in self._state.judge_lists(counts)]

    def _note_run(self, request: Request) -> str:
        """Write down what the environment is built from; return it for the database."""
        return self._state.note(self._run_number).as_json()

    def _judge_rejections(self, request: Request) -> dict[str, Any]:
        """Judge the rejected lines; see `rejections.judge`."""
        files = {file.path: file for file in (self.raw_lines.location or RawLocation("")).files}

        def kind_of(path: str) -> tuple[str, str] | None:
            file = files.get(path)
            return likely_kind(first_bytes(file, SNIFFED_BYTES)) if file else None

        judgement = rejections.judge(
            rejections.lines_of(tuple(row) for row in request["read"]),
            {file: (int(lines), int(rejected)) for file, lines, rejected in request["accepted"]},
            float(request["share"]),
            request["accepted_number"],
            kind_of,
        )
        return asdict(judgement)

    def _published_before(self, request: Request) -> int:
        """Return the number of the run that published last; 0 where none is known."""
        record = self._state.newest
        withheld = record.withheld if record else None
        return withheld.run_number if withheld else 0

    def _returning_calls(self, request: Request) -> list[str]:
        return self._state.returning_calls(request)

    def _follow_run(self, request: Request) -> None:
        """Number the run above the last one, also where the clock was set back since."""
        self._run_number = max(self._run_number, int(request["run_number"]) + 1)

    def _current_plan(self, request: Request) -> Any:
        return self._plan_answer(self._plan_for(request))

    def _destination(self, request: Request) -> Any:
        """Return one destination's part of the plan, or null if the environment has none."""
        plan = self._plan_answer(self._plan_for(request))
        return plan["destinations"].get(request["destination"])

    def _plan_answer(self, plan: Plan) -> Any:
        """Return a plan as macros get it; made once, for there is a request from every model."""
        if self._answered_plan is None or self._answered_plan[0] is not plan:
            self._answered_plan = (plan, json.loads(plan.as_json()))
        return self._answered_plan[1]

    def _plan_for(self, request: Request) -> Plan:
        if "seed_files" in request and not self._is_compiling:
            asked = {name: value for name, value in request.items() if name != "destination"}
            if self._own_plan is None or self._own_plan[0] != asked:
                _, plan = _read_plan(request)
                if plan.faults:
                    raise ConfigurationError("\n".join(str(fault) for fault in plan.faults))
                self._own_plan = (asked, plan)
            return self._own_plan[1]
        if self._plan is None:
            raise HipaaModeError(KEEP_HOOK)
        return self._plan

    def _locate(self, request: Request) -> RawLocation:
        location = self.raw_lines.location
        if location is None:
            location = locate(str(request["location"]), Path.cwd(), request.get("column"))
            self.raw_lines.location = location
        return location

    def _raw_calls(self, request: Request) -> dict[str, Any]:
        location = self._locate(request)
        return {
            "kind": location.kind,
            "table": list(location.table),
            "view": RAW_LINES_VIEW,
        }

    def _plan_reading(self, request: Request) -> dict[str, Any]:
        """Settle which files are read, given the rows of the warehouse's table of files.

        With `again`, what is known is read again, and nothing else: a test counts it.
        """
        location = self.raw_lines.location
        if location is None:
            raise HipaaModeError("The raw calls were not looked for. Keep model calls_read")
        known = [known_file(row) for row in request["known"]]
        lines = self.raw_lines
        lines.run_number = self._run_number
        lines.line_counts.clear()
        if request.get("again"):
            as_read = {file.path: file for file in known}
            lines.files = tuple(
                replace(file, size=as_read[file.path].size, number=as_read[file.path].number)
                for file in location.files
                if file.path in as_read and file.size >= as_read[file.path].size
            )
            return {"read": [file.number for file in lines.files]}
        reading = plan_reading(location, known, int(request["last_number"]))
        lines.files = reading.files
        return {
            "removed": list(reading.removed),
            "read": len(reading.files),
            "unchanged": reading.unchanged,
        }

    def _files_read(self, request: Request) -> list[dict[str, Any]]:
        """Return the rows of the files that were just read, for the table of files."""
        files = self.raw_lines.files or ()
        return [asdict(as_known(file, self.raw_lines.line_counts)) for file in files]

    def _withdraw(self, request: Request) -> dict[str, Any]:
        root, environment = _published(request)
        temporary_copies.refuse_to_keep_in_copy(
            root, Path.cwd(), "The published folder", "HIPAA_MODE_PUBLISHED"
        )
        publishing.make_folder(root, environment)
        locking.hold_published(root / environment, locking.timeout(self._environ), tell)
        publishing.give_access(root, environment, read_access(self._environ))
        if publishing.has_published(root, environment):
            self._note_place(root, environment)
        lines = audit.read_lines(audit.log_path(root, environment))
        standing = audit.last_deliveries(audit.entries(lines))
        stopped = self._plan.stopped if self._plan else {}
        keep = set(request["keep"]) - set(stopped)
        token_bridges.remove_others(root, environment, keep)
        done = publishing.withdraw(root, environment, keep, standing)
        reasons = {
            name: f"stopped: {stopped[name].reason}" if name in stopped else NO_LONGER_LISTED
            for name in done.withdrawn
        }
        return {**asdict(done), "reasons": reasons}

    def _note_place(self, root: Path, environment: str) -> None:
        try:
            published_places.note(self._environ, root, environment)
        except HipaaModeError as error:
            tell(str(error))

    def _stopped(self, request: Request) -> dict[str, str]:
        """Return the destinations that are stopped as the seed is now, each with the reason.

        Raises:
            ConfigurationError: the seed can't be read, so nothing says what is not stopped.
        """
        if self._plan is None or self._seeds is None:
            return {}
        stops, faults = read_stops(*self._seeds)
        if faults:
            raise ConfigurationError("\n".join(str(fault) for fault in faults))
        found = stopped_in(stops, self._plan.environment, self._plan.destinations)
        return {name: stop.reason for name, stop in found.items()}

    def _refuse_stopped(self, destination: str) -> None:
        """Refuse to put files in place that were stopped while the run was at work."""
        reason = self._stopped({}).get(destination)
        if reason is not None:
            raise PublishingError(
                f"Destination `{destination}` was not published: it was stopped ({reason})"
            )

    def _published_by(self, request: Request) -> int:
        """Return the number of the run that published a destination; 0 where none is known."""
        manifest = publishing.manifest_of(*_published(request), request["destination"])
        return int((manifest or {}).get("run_number") or 0)

    def _plan_partitions(self, request: Request) -> dict[str, Any]:
        """Settle which files of a view are written; remember it for its tests and for the end.

        Files are kept only where nothing but their rows can have changed since they were
        published: `unchanged_since` is the run that last made the masked table anew, and
        `is_of_this_warehouse` whether the warehouse knows the run that published them.
        """
        root, environment = _published(request)
        view, destination = str(request["view"]), str(request["destination"])
        plan = self._plan_for(request).destinations[destination]
        # A view of latest values is one file: its rows are of no day.
        precision = "none" if request.get("is_whole") else period(plan.timestamp_precision)
        changed: list[str | None] | None = None
        kept: dict[str, dict[str, Any]] = {}
        manifest = publishing.manifest_of(root, environment, destination)
        told = manifest or {}
        is_same = (
            told.get("format") == FORMAT
            and told.get("allowlist_fingerprint") == plan.fingerprint
            and told.get("key_fingerprint") == request["key_fingerprint"]
            and request["is_of_this_warehouse"]
            and int(told.get("run_number") or 0) >= int(request["unchanged_since"])
            and told.get("views", {}).get(view, {}).get("query") == request["query"]
        )
        if is_same:
            since = int(told["run_number"])
            changed = [day for day, number in request["changed_days"] if int(number) > since]
            changed_files = self._changed.get(destination, {})
            kept = publishing.keepable_files(root, environment, destination, changed_files)
        partitions = plan_partitions(view, precision, request["counts"], changed, kept)
        self._partitions[view] = partitions
        self._queries[view] = str(request["query"])
        folder = publishing.begin(root, environment, destination, view)
        return {
            "write": [
                {**asdict(item), "path": str(folder / f"{item.name}{ENDING}{UNFINISHED}")}
                for item in partitions.write
            ],
            "kept": len(partitions.keep),
            "threads": self._threads_for(partitions, int(request["models_at_once"])),
        }

    def _threads_for(self, partitions: PartitionPlan, models_at_once: int) -> int:
        """Return how many of the database's threads write a view, others being written too."""
        if sum(partitions.rows[name] for name in partitions.written) >= ROWS_FOR_ALL_THREADS:
            return self._threads
        return max(1, self._threads // max(1, min(models_at_once, self._views)))

    def _tested_partitions(self, request: Request) -> list[dict[str, Any]] | None:
        """Return the partitions of a view that are about to be published; None for all of it."""
        partitions = self._partitions.get(str(request["view"]))
        if partitions is None or partitions.is_whole:
            return None
        return [asdict(item) for item in partitions.write]

    def _permissions(self, request: Request) -> dict[str, Any]:
        return self._at_gate().decide(request, self._built_otherwise)

    def _built_otherwise(self, unique_ids: Collection[str]) -> Mapping[str, str]:
        return built_otherwise(unique_ids, str(self._environment), self._compiling)

    @contextlib.contextmanager
    def _compiling(self) -> Iterator[None]:
        """Give models that are compiled once more the run's own plan; seeds may have changed."""
        self._is_compiling = True
        try:
            yield
        finally:
            self._is_compiling = False

    def _at_gate(self) -> Gate:
        if self._gate is None:
            raise HipaaModeError(KEEP_HOOK)
        return self._gate

    def _finish_publishing(self, request: Request) -> dict[str, Any]:
        root, environment = _published(request)
        plans = [self._partitions[view] for view in request["manifest"]["views"]]
        name, calls_read = str(request["destination"]), str(request["calls_read"])
        folder = folders.incoming_folder(root, environment) / name
        published = folders.destination_folder(root, environment, name)
        self._at_gate().check(
            name, plans, folder, self.connect, calls_read, request["denied_rows"], published
        )
        views = {
            plan.view: {
                **request["manifest"]["views"][plan.view],
                "query": self._queries[plan.view],
                "rows": sum(plan.rows.values()),
                "files": len(plan.rows),
                "files_written": len(plan.write),
            }
            for plan in plans
        }
        manifest = {
            **request["manifest"],
            "views": views,
            "consent": self._consent(request),
            "format": FORMAT,
            "run_number": self._run_number,
            "published_at": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        }
        # Not where the run only might publish: a preview's folder is gone after it.
        self._note_place(root, environment)
        written = publishing.finish(
            root,
            environment,
            request["destination"],
            [name for plan in plans for name in plan.written],
            [name for plan in plans for name in plan.keep],
            {name: rows for plan in plans for name, rows in plan.rows.items()},
            manifest,
            lambda: self._refuse_stopped(request["destination"]),
            read_access(self._environ),
        )
        self._manifests[written["destination"]] = written
        self._stamps[written["destination"]] = publishing.stamp(
            root, environment, written["destination"]
        )
        return written

    def _consent(self, request: Request) -> dict[str, Any]:
        """Count the calls that were denied to a destination, none of which the gate found."""
        plan = self._plan_for({}).destinations[request["destination"]]
        names = {view["view"] for view in request["manifest"]["views"].values()}
        types = {kind for view in names & CALL_TYPES.keys() for kind in CALL_TYPES[view]}
        every = plan.events is None or ANY in plan.events
        if self._denials is None:
            # The names of events come by this connection and not in SQL, which dbt logs.
            with self.connect() as cursor:
                self._denials = cursor.execute(str(request["denials"])).fetchall()
        counts = count_denials(self._denials, plan.name, types, None if every else plan.events)
        return {**counts, "published": 0}

    def _write_token_bridge(self, request: Request) -> dict[str, Any]:
        """Write a destination's bridge, of the rows of a query, and put it in place."""
        place = (*_published(request), str(request["destination"]))
        path = str(token_bridges.begin(*place)).replace("'", "''")
        options = "format parquet, compression zstd, use_tmp_file false"
        try:
            with self.connect() as cursor:
                cursor.execute(f"copy ({request['query']}) to '{path}' ({options})").fetchall()
        except duckdb.IOException as error:
            raise PublishingError(
                f"The token bridge of `{place[2]}` was not published: {error}"
            ) from None
        return token_bridges.finish(*place, read_access(self._environ))

    def _token_bridges(self, request: Request) -> list[str]:
        return token_bridges.copies(*_published(request))

    def _remove_token_bridge(self, request: Request) -> bool:
        return token_bridges.remove(*_published(request), request["destination"])

    def _note_coincidences(self, request: Request) -> None:
        """Remember how many values of a column the checks took for no leak of ids."""
        if request["count"]:
            columns = self._coincidences.setdefault(request["view"], {})
            columns[request["column"]] = int(request["count"])

    def _discard_unpublished(self, request: Request) -> None:
        root, environment = _published(request)
        publishing.discard(root, environment)
        if self._gate is not None:
            self._gate.close()

    def _published(self, request: Request) -> list[dict[str, Any]]:
        root, environment = _published(request)
        return publishing.read_manifests(root, environment)

    def _audit(self, request: Request) -> dict[str, Any]:
        """Add entries to the audit log; tell which lines the table lacks, or the file.

        The answer is `{"restore_after": …}` where the file lost entries that the table has: the
        macro then asks again with their lines in `restore`.
        """
        root, environment = _published(request)
        if not request["create"] and not audit.log_path(root, environment).exists():
            return {"restore_after": None, "add": [], "messages": []}
        key, fingerprint = self._audit_key()
        known = int(request["table_sequence"] or 0)
        messages: list[str] = []
        with audit.AuditLog(root, environment, key, fingerprint) as log:
            last = log.last["sequence"] if log.last else 0
            if last < known and "restore" not in request:
                return {"restore_after": last, "add": [], "messages": []}
            if log.restore(request.get("restore", [])):
                messages.append("the audit log lost entries, which were restored from its table")
            elif last < known:
                messages.append("the audit log and its table differ: run hipaa-mode audit verify")
            log.append([self._audit_entry(request, entry) for entry in request["entries"]])
            if request["look"]:
                changed = audit.changes(log)
                self._changed = changed
                found = audit.unrecorded(log, changed)
                run = {"recorded_by": self._audit_run(request)}
                log.append([{**run, **entry} for entry in found])
                messages += [f"`{e['destination']}`: {'; '.join(e['reasons'])}" for e in found]
            lines = [entry for entry in log.entries if entry["sequence"] > known]
        return {
            "restore_after": None,
            "add": [{**_told(entry), "entry": audit.canonical(entry)} for entry in lines],
            "messages": messages,
        }

    def _audit_key(self) -> tuple[bytes | None, str | None]:
        if self._environment is None:
            return None, None
        try:
            subkey = self._key().subkey(self._environment, audit.KEY_SCOPE)
            return subkey.reveal().encode("ascii"), self._key().fingerprint(self._environment)
        except HipaaModeError:
            return None, None

    def _audit_entry(self, request: Request, entry: Mapping[str, Any]) -> dict[str, Any]:
        content = {**self._audit_run(request), **entry}
        if entry["outcome"] == audit.PUBLISHED:
            manifest = self._manifests[entry["destination"]]
            content |= audit.delivery(manifest)
            if publishing.manifest_of(*_published(request), entry["destination"]) != manifest:
                content["outcome"] = audit.WITHDRAWN
                content["reasons"] = ["withdrawn by a stop just after it was published"]
            content["manifest_stamp"] = self._stamps[entry["destination"]]
        return content

    def _audit_run(self, request: Request) -> dict[str, Any]:
        """Return what every entry says of the run."""
        return {
            "dbt_invocation_id": request["dbt_invocation_id"],
            "command": request["command"],
            "git": self._git_state,
            "configuration_fingerprint": self._plan.fingerprint if self._plan else None,
        }


def tell(message: str) -> None:
    """Say something to who runs dbt."""
    logger.info(f"hipaa_mode: {message}")


def _make_folder(database: Path) -> None:
    """Make the folder of a database file that is not there yet, its owner's alone."""
    folder = database.absolute().parent
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise HipaaModeError(
            f"The folder of the database can't be made: {error.strerror} ({folder}). Make it, or "
            "correct the path in profiles.yml"
        ) from None


def _new_run_number() -> int:
    """Return a number that is higher for every later run: microseconds since 1970."""
    return time.time_ns() // 1000


def _told(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("sequence", "time", "destination", "outcome", "hash")}


def _published(request: Request) -> tuple[Path, str]:
    return folders.real_root(Path(request["root"])), environment_name(request["environment"])


def _key_fault(error: HipaaModeError, request: Request) -> str:
    """Say what to do of a key that can't be used; where tokens are stored, only theirs will do."""
    stored = str(request.get("stored_key") or "")
    if isinstance(error, NoKeyError) and not stored and "root" in request:
        stored = publishing.key_published_under(*_published(request))
    if isinstance(error, NoKeyError) and stored:
        return error.where_tokens_are_stored(str(request["environment"]), stored)
    return str(error)


def _read_plan(
    request: Request, suppressed_users: SuppressedUsers | None = None
) -> tuple[Configuration, Plan]:
    """Read the seeds that a request names, and who is suppressed where that is wanted."""
    files = {seed: Path(path) for seed, path in request["seed_files"].items()}
    labels = dict(request["seed_labels"])
    environment = environment_name(request["environment"])
    faults = add_optional_seeds(files, labels)
    configuration = read_configuration(files, labels, {environment, *run_targets()})
    configuration.faults += faults
    if suppressed_users is not None:
        accepted = request.get("belonging", {}).get("accepted", {})
        configuration.faults += suppressed_users.read(
            configuration,
            environment,
            files,
            labels,
            locations_of(*request.get("suppressed_users", ())),
            Path.cwd(),
            locations_of(accepted.get(GIVE_UP_LISTS)),
            request.get("placeholder_ids", ()),
        )
        for seed in request.get("loaded_by_dbt", ()):
            problem = "dbt would load the ids into a table that anyone may read"
            remedy = "Say `config: {enabled: false}` of the seed in its YAML"
            configuration.faults.append(Fault(seed, None, problem, remedy))
    plan = make_plan(configuration, environment, _today(request), request.get("models"))
    return configuration, plan


def _today(request: Request) -> dt.date:
    return dt.date.fromisoformat(request["today"])


def _seed_files(request: Request) -> dict[str, Path]:
    """Return the seeds that a request names, and those that may lie beside them, by name."""
    files = {seed: Path(path) for seed, path in request["seed_files"].items()}
    add_optional_seeds(files, dict(request["seed_labels"]))
    return files


def random_codes(values: pa.Array) -> pa.Array:
    """Make a random 128-bit code of 32 hexadecimal digits for every value; null for a null."""
    count = len(values)
    digits = secrets.token_hex(SURROGATE_BYTES * count)
    width = 2 * SURROGATE_BYTES
    codes = [digits[start : start + width] for start in range(0, width * count, width)]
    return pc.if_else(values.is_valid(), pa.array(codes, pa.string()), None)


class Plugin(BasePlugin):
    """Registers the functions on every database connection; see the module's docstring."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Make what this process creates (database, logs, temporary files) private to its user."""
        run_end.begin()
        database_settings = self.creds.settings or {} if self.creds else {}
        faults = [*run_faults(os.environ), *plugin_faults(plugin_config, database_settings)]
        if faults:
            listed = "\n- ".join(str(fault) for fault in faults)
            raise DbtRuntimeError(f"hipaa_mode: a setting is wrong. Nothing was run.\n- {listed}")
        try:
            self.session = Session(os.environ, plugin_config.get("environment"))
        except HipaaModeError as error:
            raise DbtRuntimeError(f"hipaa_mode: {error}") from None

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Wait for, or refuse, a database that another process has open; see `locking`."""
        super().update_connection_config(creds, config)
        if creds.is_motherduck or re.match(r":|[A-Za-z_]{2,}:", creds.path):
            # In memory, or at a service: no file that another process could have open.
            return
        try:
            temporary_copies.refuse_to_keep_in_copy(
                Path(creds.path), Path.cwd(), "The database", "HIPAA_MODE_DATABASE"
            )
            _make_folder(Path(creds.path))
            seconds = locking.timeout(os.environ)
            locking.hold_database(Path(creds.path), seconds, tell, config)
        except HipaaModeError as error:
            raise DbtRuntimeError(f"hipaa_mode: {error}") from None

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Register the functions, unless an earlier try to connect already did."""
        self.session.connect = conn.cursor
        rows = conn.execute(
            "select function_name from duckdb_functions() "
            "where database_name = 'system' and function_type = 'scalar'"
        ).fetchall()
        registered = {name for (name,) in rows}
        text = "VARCHAR"
        vectorised = PythonUDFType.ARROW
        special = FunctionNullHandling.SPECIAL
        create = conn.create_function
        functions: dict[str, Callable[[str], object]] = {
            "hipaa_mask": lambda name: create(
                name,
                self.session.tokens,
                [text, text],
                text,
                type=vectorised,
                null_handling=special,
            ),
            "hipaa_mask_retired": lambda name: create(
                name,
                self.session.retired_tokens,
                [text, text, text],
                text,
                type=vectorised,
                null_handling=special,
            ),
            "hipaa_mode_random_code": lambda name: create(
                name,
                random_codes,
                [text],
                text,
                type=vectorised,
                null_handling=special,
                side_effects=True,
            ),
            "hipaa_mode_command": lambda name: create(
                name, self.session.command, [text, text], text, side_effects=True
            ),
        }
        for name, register in functions.items():
            if name in registered:
                continue
            try:
                register(name)
            except duckdb.Error as error:
                raise DbtRuntimeError(
                    "hipaa_mode could not register its functions: something else in this "
                    f"database has one of their names ({type(error).__name__}). Drop it and run "
                    "again"
                ) from None

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Give the cursor the temporary views; a registered view belongs to one cursor."""
        cursor.register(RAW_LINES_VIEW, self.session.raw_lines)
        cursor.register(SUPPRESSED_USERS_VIEW, self.session.suppressed_users)
