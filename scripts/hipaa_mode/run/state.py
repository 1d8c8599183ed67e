"""What one dbt run knows, whoever asks: its environment, plan, keys, files and tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger

from hipaa_mode import folders, published_places
from hipaa_mode.errors import ConfigurationError, HipaaModeError
from hipaa_mode.names import environment_name
from hipaa_mode.plan import Plan
from hipaa_mode.raw_calls import RawLines, RawLocation, locate
from hipaa_mode.run.audit_entries import Delivered
from hipaa_mode.run.configured import Configured
from hipaa_mode.run.counted import Counted
from hipaa_mode.run.ending import Ending
from hipaa_mode.run.gate import Gate
from hipaa_mode.run.masking_keys import MaskingKeys
from hipaa_mode.run.stored import Tables
from hipaa_mode.run.view_files import ViewFiles
from hipaa_mode.run_state import RunState
from hipaa_mode.suppression import SuppressedUsers

RAW_LINES_VIEW = "hipaa_mode_raw_lines"
SUPPRESSED_USERS_VIEW = "hipaa_mode_suppressed_users"
KEEP_HOOK = "The configuration was not read. Keep hipaa_mode's on-run-start hook"

logger = AdapterLogger("DuckDB")


class Run:
    """The state of a run, which the questions of macros read and change.

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
        self._stored = Tables()
        self._used_keys: list[str] = []
        self._changed_days: dict[str, list[tuple[str | None, int]]] = {}
        self._audit_sequence: int | None = None
        self._ending: Ending | None = None
        self._counted: Counted | None = None
        self._noted: list[str] = []
        self._began = time.monotonic()
        self._delivered: dict[str, Delivered] = {}
        self._coincidences: dict[str, dict[str, int]] = {}
        self._denials: list[tuple[Any, ...]] | None = None
        self._run_number = new_run_number()
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

    def _at_end(self) -> Ending:
        if self._ending is None:
            raise HipaaModeError(KEEP_HOOK)
        return self._ending

    def _stored_key(self) -> str:
        """Return the fingerprint of the key that stored tokens are made with; blank for none."""
        return self._used_keys[-1] if self._used_keys else ""

    def _last_published(self) -> int:
        """Return the number of the run that published last; 0 where none is known."""
        record = self._state.newest
        withheld = record.withheld if record else None
        return withheld.run_number if withheld else 0

    def _note_place(self, root: Path, environment: str) -> None:
        try:
            published_places.note(self._environ, root, environment)
        except HipaaModeError as error:
            tell(str(error))


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
