"""What one dbt run knows, whoever asks: its environment, plan, keys, files and tables."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger

from hipaa_mode import audit, folders, published_places, raw_ids
from hipaa_mode.engines import Engine, SessionEngine, running_adapter
from hipaa_mode.engines.chosen import engine_of
from hipaa_mode.errors import ConfigurationError, HipaaModeError
from hipaa_mode.names import environment_name
from hipaa_mode.plan import Plan
from hipaa_mode.quoting import identifier
from hipaa_mode.raw_calls import RawLines, RawLocation, locate
from hipaa_mode.raw_files import KnownFile
from hipaa_mode.run import found_people
from hipaa_mode.run.audit_entries import LogTable, record
from hipaa_mode.run.configured import Configured
from hipaa_mode.run.ending import Ending
from hipaa_mode.run.gate import Gate
from hipaa_mode.run.kept_calls import KeptCalls
from hipaa_mode.run.masking_keys import MaskingKeys
from hipaa_mode.run.plan_texts import PlanTexts
from hipaa_mode.run.stored import Tables
from hipaa_mode.run.view_files import ViewFiles
from hipaa_mode.run_state import RunState
from hipaa_mode.suppression import SuppressedUsers

CALLS_READ = "model.hipaa_mode.calls_read"
KEEP_HOOK = "The configuration was not read. Keep hipaa_mode's on-run-start hook"

logger = AdapterLogger("DuckDB")


class Run:
    """The state of a run, which the questions of macros read and change.

    Args:
        environment: the environment, for commands without a first hook that says so.
    """

    def __init__(self, environ: Mapping[str, str], environment: str | None = None) -> None:
        self._environ = environ
        self._environment = None if environment is None else environment_name(environment)
        self._configured: Configured | None = None
        self._plan: Plan | None = None
        self._plan_texts: tuple[Plan, PlanTexts] | None = None
        self._own_plan: tuple[Configured, Plan] | None = None
        self._place: tuple[Path, str] = (Path(), "")
        self._zone: Sequence[str] = ()
        self._of_run: dict[str, Any] = {}
        self._run_number = new_run_number()
        self._state = RunState()
        self.is_compiling = False
        """Whether models are compiled once more, as `verify` compiles them."""
        self.keys = MaskingKeys(environ, self._environment)
        self.connect: Callable[[], duckdb.DuckDBPyConnection] = duckdb.connect
        self._engine: Engine | None = None
        self.made_functions: str | None = None
        """Digest of the functions that values pass through; None without the plugin."""
        self.raw_lines = RawLines()
        self.suppressed_users = SuppressedUsers()
        self._counting = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        """Forget what an earlier run of this process found and did."""
        self._stored = Tables()
        self._used_keys: list[str] = []
        self._changed_days: dict[str, list[tuple[str | None, int]]] = {}
        self._ending: Ending | None = None
        self._gate: Gate | None = None
        self._noted: list[str] = []
        self._began = time.monotonic()
        self._log = audit.Reading()
        self._coincidences: dict[str, dict[str, int]] = {}
        self._has_counted_ids = False
        self._has_found_people = False
        self._has_many_values = False
        self._keeps_calls = False
        self._made_with = ""
        self._kept: KeptCalls | None = None
        self._kept_models: set[str] = set()
        self._kept_files: list[KnownFile] = []
        self._files_now: list[KnownFile] = []
        self._removed: list[int] = []
        self._files = ViewFiles()
        self.raw_lines.location = None
        self.raw_lines.files = None

    def tokens(self, values: pa.Array, scopes: pa.Array) -> pa.Array:
        """Mask a vector of values."""
        return self.keys.tokens(values, scopes)

    def retired_tokens(self, values: pa.Array, scopes: pa.Array, keys: pa.Array) -> pa.Array:
        """Mask a vector of values as it was masked under a retired key, given by fingerprint."""
        return self.keys.retired_tokens(values, scopes, keys)

    def note_coincidences(self, view: str, column: str, count: int) -> bool:
        """Remember how many values of a column the checks took for no leak of ids."""
        if count:
            self._coincidences.setdefault(view, {})[column] = count
        return True

    @property
    def engine(self) -> Engine:
        """The engine that runs the SQL, known from the first question that needs it."""
        if self._engine is None:
            self._engine = engine_of(lambda: self.connect())
        return self._engine

    @property
    def _session_engine(self) -> SessionEngine:
        """The engine, which is one whose macros ask for what its session does."""
        return cast(SessionEngine, self.engine)

    def leave_engine(self) -> None:
        """Give back what the engine was given for the run."""
        if self._engine is not None:
            self._engine.end()
        self._engine = None

    def _bridged_keys(self) -> list[str]:
        """Return the retired keys at hand that stored tokens were made with, by fingerprint."""
        at_hand = self.keys.retired_fingerprints()
        return [name for name in dict.fromkeys(self._used_keys) if name in at_hand]

    def _ask(self, sql: str, **parameters: object) -> list[Any]:
        """Return the rows of a query."""
        return self.engine.ask(sql, parameters)

    def _table(self, name: str) -> str:
        """Return the full name of a table that the build keeps in the restricted zone."""
        return identifier(*filter(None, self._zone), name)

    def _count_ids(self) -> str:
        """Count the ids of the calls that came since that was done last, once in a run.

        Returns:
            The table of counted ids.
        """
        counted = self._table("ids_of_calls")
        with self._counting:
            if not self._has_counted_ids:
                new = raw_ids.count_new(counted, _calls_read())
                self._ask(new, run_number=self._run_number)
                self._has_counted_ids = True
        return counted

    def _find_people(self, query: str, listed: str, may_be_known: bool) -> str:
        """Find the ids of suppressed people among those of the calls, once in a run.

        Returns:
            The table of these ids.
        """
        self._count_ids()
        found = self._table("ids_of_people")
        with self._counting:
            if not self._has_found_people:
                [(people,)] = self._ask(listed)
                functions = self.engine.hash_of_called(query)
                known_by = found_people.found_by(self._environment, query, functions, people)
                is_known = may_be_known and self._ask(
                    found_people.are_known(found, _calls_read(), known_by)
                )
                statements = (
                    found_people.keep(found, known_by, self._run_number)
                    if is_known
                    else found_people.find_again(found, query, known_by, self._run_number)
                )
                for statement in self.engine.together(statements):
                    self._ask(statement)
                self._has_found_people = True
        return found

    def _record(
        self, entries: Sequence[Mapping[str, Any]], look: bool = False, create: bool = True
    ) -> None:
        """Add entries to the audit log.

        Args:
            entries: of each its destination, outcome and reasons, and what else is known.
            look: whether to record, too, what changed among the published files without an entry.
            create: whether to begin a log where there is none.
        """
        if not (entries or look) or not (create or audit.log_path(*self._place).exists()):
            return
        fingerprint = self._plan.fingerprint if self._plan else None
        of_run = {**self._of_run, "configuration_fingerprint": fingerprint}
        table = LogTable(self._table("audit_log"), self._place[1], self._ask)
        with audit.AuditLog(*self._place, *self.keys.of_audit_log(), self._log) as log:
            messages = record(log, table, entries, of_run, self._note_changes if look else None)
        self._noted += [f"audit log: {message}" for message in messages]

    def _note_changes(self, changed: audit.Changes) -> None:
        self._files.changed = changed

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

    def _locate(self, named: str, column: str | None) -> RawLocation:
        location = self.raw_lines.location
        if location is None:
            location = locate(named, Path.cwd(), column)
            self.raw_lines.location = location
        return location

    def _stored_key(self) -> str:
        """Return the fingerprint of the key that stored tokens are made with; blank for none."""
        return self._used_keys[-1] if self._used_keys else ""

    def _last_published(self) -> int:
        """Return the number of the run that published last; 0 where none is known."""
        record = self._state.newest
        withheld = record.withheld if record else None
        return withheld.run_number if withheld else 0

    def _note_place(self) -> None:
        try:
            published_places.note(self._environ, *self._place)
        except HipaaModeError as error:
            tell(str(error))


def _calls_read() -> str:
    return str(running_adapter().get_macro_resolver().nodes[CALLS_READ].relation_name)


def message_of(error: HipaaModeError | OSError) -> str:
    """Return what a refusal says to the user."""
    if isinstance(error, OSError):
        reason = f"{error.strerror or type(error).__name__} ({error.filename})"
        return f"{reason}. Fix the cause and run dbt build again"
    return str(error)


def tell(message: str) -> None:
    """Say something to who runs dbt."""
    logger.info(f"hipaa_mode: {message}")


def new_run_number() -> int:
    """Return a number that is higher for every later run: microseconds since 1970."""
    return time.time_ns() // 1000


def place_of(root: str, environment: str) -> tuple[Path, str]:
    """Return where an environment is published, from what a macro says of it."""
    return folders.real_root(Path(root)), environment_name(environment)
