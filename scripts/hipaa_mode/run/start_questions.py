"""What the first hook of a run asks: whether it may go on, and by what it goes."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from hipaa_mode import (
    audit,
    locking,
    publishing,
    run_end,
    temporary_copies,
    token_bridges,
)
from hipaa_mode.errors import HipaaModeError, NoKeyError
from hipaa_mode.names import environment_name
from hipaa_mode.published_access import access_faults, read_access
from hipaa_mode.received.gate import Judgement, judge
from hipaa_mode.received.lock_file import read_lock
from hipaa_mode.run.configured import Configured
from hipaa_mode.run.gate import Gate, hash_seeds
from hipaa_mode.run.masking_keys import MaskingKeys
from hipaa_mode.run.start import faults_of_running_project
from hipaa_mode.run.state import (
    SUPPRESSED_USERS_VIEW,
    Run,
    new_run_number,
    place_of,
    tell,
)
from hipaa_mode.run.stored import KeyChoice, Tables, choose_key
from hipaa_mode.run.view_files import ViewFiles
from hipaa_mode.run_settings import run_faults
from hipaa_mode.run_state import Earlier, RawCallsRequest
from hipaa_mode.suppression import GIVE_UP_LISTS, ListCounts

NO_LONGER_LISTED = "no longer in destinations.csv"


@dataclass(frozen=True)
class StartRequest(Configured):
    """What a run's first hook says of it, besides where its configuration is.

    Attributes:
        needs_key: whether the command masks something.
        needs_lock: whether it may send more than the lock says.
        threads: threads of the database.
        root: the published folder; blank where the command does not ask for it.
        used_keys: fingerprints of the keys that stored tokens were made with, the latest last.
        belonging: what is known of earlier runs; None where the command compares nothing.
    """

    needs_key: bool = False
    needs_lock: bool = False
    threads: int = 1
    root: str = ""
    used_keys: Sequence[str] = ()
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
class Withdrawn:
    """What withdrawing came to, and why; see `publishing.Withdrawal`."""

    withdrawn: list[str]
    left: list[str]
    problems: list[str]
    reasons: dict[str, str]


class StartQuestions(Run):
    """Each method is a question: its arguments are what a macro sends, its answer what it gets."""

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
            read = partial(read_lock, Path.cwd())
            judgement = judge(read, configuration, plan, asked.day, asked.models)
        self._git_state = None
        if asked.needs_key and "destinations" in asked.seed_files:
            self._git_state = audit.git_state(asked.named_files()["destinations"].parent)
        self._stored, self._used_keys = Tables(), list(asked.used_keys)
        self._changed_days.clear()
        self._audit_sequence = self._ending = self._counted = None
        self._noted.clear()
        self._began = time.monotonic()
        self._delivered.clear()
        self._coincidences.clear()
        self._denials = None
        self._run_number = max(new_run_number(), self._run_number + 1)
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
                unusable = access_faults(self._environ, place_of(asked.root, asked.environment)[0])
                started.faults += [str(fault) for fault in unusable]
            try:
                started.key_fingerprint = self.keys.fingerprint()
                started.retired_fingerprints = self.keys.retired_fingerprints()
            except HipaaModeError as error:
                started.faults.append(_key_fault(error, asked))
        return started

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

    def choose_key(self, root: str, environment: str, accepted: object, command: str) -> KeyChoice:
        """Judge the run's key by those of what is stored and published; see `choose_key`."""
        manifests = publishing.read_manifests(*place_of(root, environment))
        choice = choose_key(
            self.keys.fingerprint(),
            self._used_keys,
            [str(manifest.get("key_fingerprint")) for manifest in manifests],
            self.keys.retired_fingerprints(),
            accepted,
            command,
            environment,
        )
        self._used_keys += choice.note
        return choice

    def runs_of_published(self, root: str, environment: str) -> list[int]:
        """Return the numbers of the runs that something is published of."""
        manifests = publishing.read_manifests(*place_of(root, environment))
        numbers = {int(manifest.get("run_number") or 0) for manifest in manifests}
        return sorted({*numbers, self._last_published()})

    def know_tables(self, rows: Sequence[tuple[str, str, int, int]]) -> None:
        """Take what the database says of its tables; number the run above the last one.

        Also where the clock was set back since.

        Args:
            rows: see `stored.Tables`.
        """
        self._stored = Tables(rows)
        self._run_number = max(self._run_number, self._stored.last_run + 1)

    def withdraw(self, root: str, environment: str, keep: Collection[str]) -> Withdrawn:
        """Remove what is published of destinations that are gone or stopped."""
        place = place_of(root, environment)
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


def _key_fault(error: HipaaModeError, asked: StartRequest) -> str:
    """Say what to do of a key that can't be used; where tokens are stored, only theirs will do."""
    stored = asked.used_keys[-1] if asked.used_keys else ""
    if isinstance(error, NoKeyError) and not stored and asked.root:
        stored = publishing.key_published_under(*place_of(asked.root, asked.environment))
    if isinstance(error, NoKeyError) and stored:
        return error.where_tokens_are_stored(asked.environment, stored)
    return str(error)
