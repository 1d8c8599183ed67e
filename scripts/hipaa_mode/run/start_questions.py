"""What the first hook of a run asks: whether it may go on, and by what it goes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hipaa_mode import (
    PACKAGE,
    audit,
    belonging,
    locking,
    publishing,
    run_end,
    temporary_copies,
    token_bridges,
)
from hipaa_mode.engines import running_adapter
from hipaa_mode.errors import HipaaModeError, NoKeyError
from hipaa_mode.names import environment_name
from hipaa_mode.plan import Plan
from hipaa_mode.published_access import access_faults, read_access
from hipaa_mode.quoting import identifier
from hipaa_mode.received.gate import Judgement, judge
from hipaa_mode.received.lock_file import read_lock
from hipaa_mode.run import store_copies
from hipaa_mode.run.configured import Configured
from hipaa_mode.run.gate import Gate, hash_seeds
from hipaa_mode.run.kept_calls import digest_of_code
from hipaa_mode.run.masking_keys import MaskingKeys
from hipaa_mode.run.start import faults_of_running_project
from hipaa_mode.run.state import (
    Run,
    new_run_number,
    place_of,
    tell,
)
from hipaa_mode.run.stored import Tables, choose_key
from hipaa_mode.run.view_files import ViewFiles
from hipaa_mode.run_settings import run_faults
from hipaa_mode.suppression import GIVE_UP_LISTS

SOURCE = "source"
"""What names the table that dbt itself knows as the source of the raw calls."""

NO_LONGER_LISTED = "no longer in destinations.csv"

SUPPRESSION_LIST = "suppression-list"
"""Scope of the fingerprint of the lists of suppressed people; see macro `run_counts`."""


def all_scopes(plan: Plan) -> list[str]:
    """Return every scope of which the SQL of a run makes tokens."""
    scopes = [*plan.scopes, SUPPRESSION_LIST]
    for own in (*plan.id_scopes.values(), *(id_.scopes for id_ in plan.normalized_ids.values())):
        scopes += own
    for columns in plan.masked_tables.values():
        masked = (column.scope for column in columns if column.treatment == "mask")
        scopes += filter(None, masked)
    return list(dict.fromkeys(scopes))


@dataclass(frozen=True)
class StartRequest(Configured):
    """What a run's first hook says of it, besides where its configuration is.

    Attributes:
        needs_key: whether the command masks something.
        needs_lock: whether it may send more than the lock says.
        bridges_tokens: whether it makes tokens of retired keys.
        keeps_calls: whether it is to keep calls for the next build.
        zone: database and schema of the tables that builds keep.
        accepted: values of the variables that accept something, by name; None where the command
            is not compared with earlier runs.
    """

    needs_key: bool = False
    needs_lock: bool = False
    bridges_tokens: bool = False
    keeps_calls: bool = False
    threads: int = 1
    root: str = "published"
    zone: Sequence[str] = ()
    accepted: Mapping[str, Any] | None = None
    dbt_invocation_id: str = ""
    command: str = ""


@dataclass
class Started:
    """What a run starts with.

    Attributes:
        refusals: why it must not go on, before anything of the configuration is judged.
        notices: what to warn of, before that.
        faults: what is wrong with the configuration, the lock, the key or the settings.
    """

    refusals: list[str]
    notices: list[str]
    faults: list[str]
    warnings: list[str]


@dataclass(frozen=True)
class Withdrawn:
    """What withdrawing came to: what to warn of, and why the run must not go on."""

    warnings: list[str]
    problems: list[str]


class StartQuestions(Run):
    """Each method is a question: its arguments are what a macro sends, its answer what it gets."""

    def check_functions(self) -> None:
        """Refuse a database in which something may stand in for a function."""
        if self.engine.masks_itself:
            # It has its functions from the start of the run on.
            return
        if fault := self.engine.function_fault(self.made_functions):
            raise HipaaModeError(fault)

    def start(self, **request: Any) -> Started:
        """Pin the configuration and the environment for the run; forget an earlier run's key."""
        asked = StartRequest(**request)
        run_end.watch()
        self._forget()
        self._environment = environment_name(asked.environment)
        self._place = place_of(asked.root, asked.environment)
        self._zone = asked.zone
        self.keys = MaskingKeys(self._environ, self._environment)
        refusals: list[str] = []
        notices: list[str] = []
        if asked.accepted is not None:
            day, notices, refusals = self._compare_with_earlier(asked, asked.accepted)
            asked = replace(asked, today=day)
        seeds = hash_seeds(asked.files())
        given_up = (asked.accepted or {}).get(GIVE_UP_LISTS)
        configuration, plan = asked.read(self.suppressed_users, given_up)
        self._configured, self._plan, self._own_plan = asked, plan, None
        self._gate = Gate(plan, seeds, lambda: hash_seeds(asked.files()), lambda: asked.read()[1])
        judgement = Judgement()
        if asked.needs_lock and not plan.faults:
            read = partial(read_lock, Path.cwd())
            judgement = judge(read, configuration, plan, asked.day, asked.models)
        git = None
        if asked.needs_key and "destinations" in asked.seed_files:
            git = audit.git_state(asked.named_files()["destinations"].parent)
        self._of_run = {
            "dbt_invocation_id": asked.dbt_invocation_id,
            "command": asked.command,
            "git": git,
        }
        self._run_number = max(new_run_number(), self._run_number + 1)
        self._files = ViewFiles(asked.threads, len(asked.models or ()))
        faults = [*run_faults(self._environ), *plan.faults, *judgement.faults]
        refusals += self.engine.command_faults(asked.command)
        if asked.needs_key:
            faults += access_faults(self._environ, self._place[0])
            faults += store_copies.store_faults(self._environ, self.engine.publishes_files)
        said = [*map(str, faults), *(self._key_faults() if asked.needs_key else ())]
        if asked.needs_key and not (said or refusals):
            subkeys = self._subkeys(plan, asked.bridges_tokens)
            of_key = (self._place[1], self.keys.fingerprint())
            self.made_functions = self.engine.start(subkeys, *of_key) or self.made_functions
            if self.engine.may_keep_calls:
                self._begin_keeping(asked)
        return Started(
            refusals=refusals,
            notices=notices,
            faults=said,
            warnings=[str(item) for item in (*plan.warnings, *judgement.notices)],
        )

    def _begin_keeping(self, asked: StartRequest) -> None:
        """Find what the last build kept of calls; forget it where it can't be used."""
        engine = self._session_engine
        self._keeps_calls = asked.keeps_calls
        if not asked.keeps_calls:
            engine.forget_calls()
            return
        resolver = running_adapter().get_macro_resolver()
        texts = [macro.macro_sql for _, macro in sorted(resolver.macros.items())]
        texts += [node.raw_code for _, node in sorted(resolver.nodes.items()) if _is_own(node)]
        self._made_with = digest_of_code([self._started_plan().fingerprint, *texts])
        kept = engine.kept_calls()
        if not isinstance(kept, str) and kept.made_with != self._made_with:
            kept = "the configuration, the project's macros or the package changed"
        if not isinstance(kept, str) and asked.bridges_tokens and self._bridged_keys():
            kept = "tokens of a retired key are bridged, which takes the values of all calls"
        if isinstance(kept, str):
            engine.forget_calls()
            self._noted.append(f"all raw calls are read: {kept}")
            return
        self._kept = kept

    def _subkeys(self, plan: Plan, is_bridged: bool) -> dict[str, str]:
        """Return the subkeys of all scopes, for an engine that masks by itself.

        Those of a retired key have its fingerprint before the scope.

        Args:
            is_bridged: whether tokens of retired keys are made, too.
        """
        if not self.engine.masks_itself:
            return {}
        subkeys = {scope: self.keys.subkey(scope) for scope in all_scopes(plan)}
        stored = {*self._used_keys, publishing.key_published_under(*self._place)}
        for key in self.keys.retired_fingerprints() if is_bridged else ():
            if key in stored:
                subkeys |= {
                    f"{key} {scope}": self.keys.retired_subkey(key, scope)
                    for scope in all_scopes(plan)
                }
        return {name: subkey.reveal() for name, subkey in subkeys.items()}

    def _compare_with_earlier(
        self, asked: StartRequest, accepted: Mapping[str, Any]
    ) -> tuple[str, list[str], list[str]]:
        """Return the day that the run goes by, notices, and why it must not go on."""
        keys = self._rows_of(
            "masking_keys", "environment, fingerprint", f"first_used_at, {self.engine.row_order}"
        )
        self._used_keys = [key for environment, key in keys if environment == asked.environment]
        records = self._rows_of("run_records", "environment, record", "run_number")
        own = [record for environment, record in records if environment == asked.environment]
        day, notices, faults = self._state.begin(
            *self._place,
            own[-1] if own else None,
            list(dict.fromkeys(environment for environment, _ in keys)),
            accepted,
            asked.day,
        )
        return day.isoformat(), notices, [str(fault) for fault in faults]

    def _rows_of(self, table: str, columns: str, order: str) -> list[Any]:
        """Return the rows of a table that the build keeps; none before the first one."""
        database, schema = self._zone
        if not self.engine.has_table(database, schema, table):
            return []
        return self._ask(f"select {columns} from {self._table(table)} order by {order}")

    def _key_faults(self) -> list[str]:
        """Say what to do of a key that can't be used; where tokens are stored, only theirs do."""
        try:
            self.keys.fingerprint()
            self.keys.retired_fingerprints()
        except NoKeyError as error:
            stored = self._stored_key() or publishing.key_published_under(*self._place)
            return [
                error.where_tokens_are_stored(self._place[1], stored) if stored else str(error)
            ]
        except HipaaModeError as error:
            return [str(error)]
        return []

    def surroundings(self) -> list[str]:
        """Say what of the connection and of the project that dbt runs is not as reviewed."""
        return [*self.engine.connection_faults(), *faults_of_running_project()]

    def record_refusal(self, faults: Sequence[str]) -> None:
        """Record in the audit log, where there is one, that the run was refused."""
        entry = {"destination": "*", "outcome": "refused", "reasons": faults}
        self._record([entry], create=False)

    def check_raw_calls(
        self, database: str, location: str, is_default: bool, column: str | None = None
    ) -> list[str]:
        """Return why the run may not read its raw calls.

        Args:
            database: where a table is that names none.
            location: what names the raw calls.
        """
        found = self._locate(location, column)
        file = ""
        is_empty = False
        if found.kind == "table" and location != SOURCE:
            file = self.engine.database_of(found.table, database)
            # Of a table that is not there, the model that reads it says so.
            with contextlib.suppress(HipaaModeError):
                is_empty = not self._ask(f"select 1 from {identifier(*found.table)} limit 1")
        marks = () if is_empty else belonging.marks_of(found, file)
        faults = self._state.check_raw_calls(location, is_default, found, marks)
        return [str(fault) for fault in faults]

    def choose_key(self, accepted: object, today: str) -> str:
        """Judge the run's key by those of what is stored and published; note a new one.

        Args:
            accepted: the fingerprint that a variable accepts.

        Returns:
            Why the key is another one than that of the stored tokens; blank where it is not.
        """
        fingerprint = self.keys.fingerprint()
        choice = choose_key(
            fingerprint,
            self._used_keys,
            [
                str(manifest.get("key_fingerprint"))
                for manifest in publishing.read_manifests(*self._place)
            ],
            self.keys.retired_fingerprints(),
            accepted,
            self._of_run["command"],
            self._place[1],
        )
        if choice.problem:
            raise HipaaModeError(choice.problem)
        if choice.reason:
            # Before the table: a crash between them writes the entry twice, and never not at all.
            entry = {
                "destination": "*",
                "outcome": "rotated",
                "reasons": [f"the masking key was {choice.reason}"],
                "previous_key_fingerprint": choice.previous,
                "key_fingerprint": fingerprint,
            }
            self._record([entry])
        for key in choice.note:
            self._ask(
                f"insert into {self._table('masking_keys')} values ($environment, $key, "
                "cast($today as timestamp))",
                environment=self._place[1],
                key=key,
                today=today,
            )
        self._used_keys += choice.note
        return choice.reason

    def read_tables(self) -> None:
        """Read how the tables were built, and number the run above the last one.

        Of each table its last build, and those of the runs that something is published of. Also
        where the clock was set back since.
        """
        manifests = publishing.read_manifests(*self._place)
        runs = {int(manifest.get("run_number") or 0) for manifest in manifests}
        numbers = ", ".join(map(str, {*runs, self._last_published()}))
        states = self._table("build_state")
        rows = self._ask(
            f"select relation, fingerprint, run_number, rebuilt_number from {states} "
            f"where run_number in ({numbers}) or (relation, run_number) in "
            f"(select relation, max(run_number) from {states} group by relation)"
        )
        kept = self._kept.rows_of_builds() if self._kept else []
        self._stored = Tables([*rows, *kept])
        if self._kept:
            self._ask(
                f"delete from {self._table('changed_days')} where run_number <= $run_number",
                run_number=self._kept.run_numbers[0],
            )
        self._run_number = max(self._run_number, self._stored.last_run + 1)

    def withdraw(self) -> Withdrawn:
        """Remove what is published of destinations that are gone or stopped, and record it.

        What else changed among the published files since the last entry is recorded, too.
        """
        root, environment = self._place
        temporary_copies.refuse_to_keep_in_copy(
            root, Path.cwd(), "The published folder", "HIPAA_MODE_PUBLISHED"
        )
        publishing.make_folder(*self._place)
        locking.hold_published(root / environment, locking.timeout(self._environ), tell)
        publishing.give_access(*self._place, read_access(self._environ))
        publishing.finish_killed(*self._place, self.engine.published_by(environment))
        if publishing.has_published(*self._place):
            self._note_place()
        lines = self._log.lines_of(audit.log_path(*self._place))
        standing = audit.last_deliveries(audit.entries(lines))
        plan = self._started_plan()
        kept = plan.destinations.keys() - plan.stopped.keys()
        token_bridges.remove_others(*self._place, kept)
        self.engine.withdraw(environment, kept)
        done = publishing.withdraw(*self._place, kept, standing)
        entries = []
        for name in done.withdrawn:
            stop = plan.stopped.get(name)
            reason = f"stopped: {stop.reason}" if stop else NO_LONGER_LISTED
            self._noted.append(f"withdrew `{name}`: {reason}")
            entries.append({"destination": name, "outcome": "withdrawn", "reasons": [reason]})
        reasons = {name: f"stopped: {stop.reason}" for name, stop in plan.stopped.items()}
        copies = store_copies.withdraw_at_start(self._environ, self._place, kept, reasons)
        self._noted += copies.lines
        self._record([*entries, *copies.entries], look=True)
        # A long log is not held while the models are built.
        self._log = audit.Reading()
        left = "was left in a folder that was withdrawn: no build made it"
        warnings = [*(f"{path} {left}" for path in done.left), *copies.problems]
        return Withdrawn(warnings, done.problems)


def _is_own(node: Any) -> bool:
    """Tell whether a node is a model of the package that others are made of."""
    return bool(
        node.resource_type == "model"
        and node.package_name == PACKAGE
        and node.config.materialized != "destination_view"
    )
