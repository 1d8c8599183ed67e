"""Running calls through the project's own models, in a copy that leaves no trace.

What a preview shows is what dbt built: the very models of the project run on nothing but the
calls at hand, in a private folder with a database of its own. Only then is it told apart, in
`explain.py`, why each value is what it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pyarrow as pa

from hipaa_mode.calls import VIEW_OF_TYPE
from hipaa_mode.engines import DUCKDB, POSTGRES
from hipaa_mode.errors import ConfigurationError, HipaaModeError
from hipaa_mode.keys import DEFAULT_KEY_FILE, KEY_FILE_VARIABLE, KEY_VARIABLE, key_file
from hipaa_mode.keys import load_master_key as load_key
from hipaa_mode.masking import make_tokens
from hipaa_mode.plan import Plan, scope_suffix
from hipaa_mode.quoting import identifier
from hipaa_mode.received.environments import lock_project
from hipaa_mode.selftest.builds import Copies
from hipaa_mode.selftest.private_folder import private_folder
from hipaa_mode.selftest.warehouses import Ask

if sys.platform != "win32":
    import fcntl

OUTPUT_LINES_SHOWN = 20
CALLS = "calls.ndjson"

PARSED = "partial_parse.msgpack"
"""What dbt keeps of a project it has parsed, and checks before it uses it again."""


Tokens = Callable[[Sequence[str], str], list[str | None]]
"""Makes the tokens of texts in a scope."""


@dataclass
class Built:
    """What a build made of one call.

    Attributes:
        line: number of the call among those built, from 1.
        rejection: why the call can't be used; blank where it can.
        is_duplicate: whether an earlier call has the same message id.
        withheld: why the call reaches nobody though it can be used; blank where it may.
        view: the kind of view it belongs to; blank for an alias, which is sent to nobody.
        event: name of its event, if it has one.
        denial: why the call is denied to the destination; blank where it is not.
        row: the destination's row by column; None where it gets none.
        guarded: how many values of a column look like identifiers, by masked column.
    """

    line: int
    rejection: str = ""
    is_duplicate: bool = False
    withheld: str = ""
    view: str = ""
    event: str | None = None
    denial: str = ""
    row: dict[str, Any] | None = None
    guarded: dict[str, int] = field(default_factory=dict)


class Previewer:
    """A copy of a project that builds calls. Use it as a context: the copy is removed after."""

    def __init__(self, project: Path, plan: Plan, target: str | None = None) -> None:
        """Say what to copy."""
        self.project = project.absolute()
        self.plan = plan
        self.target = target or plan.environment
        default = self.project / DEFAULT_KEY_FILE
        is_named = any(map(os.environ.get, (KEY_VARIABLE, KEY_FILE_VARIABLE)))
        self.has_own_key = is_named or default.exists()
        self.key = load_key(os.environ, default) if self.has_own_key else None
        self._folder = _Folder(self.project / "restricted" / f"preview_{plan.environment}")
        self._copies = Copies(
            self.project, self._folder.path, self.target, plan.environment, ["suppressed_users"]
        )
        self._copy: Path | None = None

    def __enter__(self) -> Previewer:
        """Give the previewer; nothing is copied before it is needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the copy, with the calls and the database in it."""
        try:
            self._copies.remove_databases()
        finally:
            self._folder.clear()

    def build(
        self,
        destination: str,
        models: Sequence[str],
        calls: Sequence[str],
        changed: Mapping[PurePosixPath, bytes | None] | None = None,
    ) -> list[Built]:
        """Build calls for a destination.

        Args:
            models: its views that there are, such as `ga4__events`.
            calls: the messages, each on one line.
            changed: what files of the project hold in place of what they do, by their paths in it;
                None for those that are not to be there.

        Returns:
            What became of each call, in their order.

        Raises:
            HipaaModeError: the build failed.
        """
        lines = [call.encode("utf-8", "surrogatepass") for call in calls]
        copy = self._prepared(lines, changed or {})
        self._run(copy, models)
        self._folder.keep_parsed(copy)
        warehouse = self._copies.warehouse
        with warehouse.reading(copy) as ask:
            database = _Database(ask, copy, self.plan, destination)
            return database.read(warehouse.numbered_calls, len(calls), models, self._tokens)

    def _prepared(
        self, lines: Sequence[bytes], changed: Mapping[PurePosixPath, bytes | None]
    ) -> Path:
        if self._copy is None:
            if not self._copies.warehouse.keeps_tables:
                raise ConfigurationError(
                    f"The tables of target {self.target} are gone when dbt has ended, and a "
                    f"preview reads them. Name a target of type {DUCKDB} or {POSTGRES}, with "
                    "--target"
                )
            self._copy = self._copies.create("project", {CALLS: lines}, None)
            self._folder.give_parsed(self._copy)
            if self.key is None:
                self.key = load_key({KEY_FILE_VARIABLE: str(self._copy / DEFAULT_KEY_FILE)})
        else:
            self._copies.warehouse.empty(self._copy)
            self._copies.warehouse.give_calls(self._copy, {CALLS: lines})
        for path, content in changed.items():
            file = self._copy / path
            if content is None:
                file.unlink(missing_ok=True)
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        if changed:
            lock_project(self._copy, [self.plan.environment])
        return self._copy

    def _tokens(self, texts: Sequence[str], scope: str) -> list[str | None]:
        """Make tokens as the masking function does, to find the row of a call by its id."""
        key = self.key
        assert key is not None
        values = pa.array(texts, pa.large_string())
        scopes = pa.array([scope] * len(texts), pa.large_string())
        tokens = make_tokens(values, scopes, lambda name: key.subkey(self.plan.environment, name))
        found: list[str | None] = tokens.to_pylist()
        return found

    def _run(self, copy: Path, models: Sequence[str]) -> None:
        select = ("rejected_calls", "duplicate_calls", *(f"+{name}" for name in models))
        done = self._copies.run(
            copy, "--quiet", "run", "--select", *select, key=self._named_key(copy)
        )
        if done.returncode:
            output = done.stdout.decode("utf-8", "backslashreplace").splitlines()
            shown = "\n".join(output[-OUTPUT_LINES_SHOWN:])
            raise HipaaModeError(f"dbt could not build the calls:\n{shown}")

    def _named_key(self, copy: Path) -> dict[str, str]:
        """Return the variables that name the key: the project's own, or the copy's."""
        default = (self.project if self.has_own_key else copy) / DEFAULT_KEY_FILE
        file = key_file(os.environ if self.has_own_key else {}, default)
        if file is None:
            return {KEY_VARIABLE: os.environ[KEY_VARIABLE]}
        return {KEY_FILE_VARIABLE: str(file.absolute())}


class _Folder:
    """The private folder of a preview, in the restricted zone.

    It is at the same place each time, since what dbt keeps of a parsed project holds for one place
    only, and saves 3 seconds. Where another preview runs, or the place can't be written, a
    temporary folder does.
    """

    def __init__(self, wanted: Path) -> None:
        self._lock = _locked(wanted)
        self._temporary = contextlib.ExitStack()
        self.path = (
            wanted
            if self._lock
            else self._temporary.enter_context(private_folder("hipaa_mode_preview_", None))
        )
        # What a preview that was killed left.
        self._remove_copies()

    def give_parsed(self, copy: Path) -> None:
        """Give a copy what dbt kept of the last one."""
        if (self.path / PARSED).is_file():
            (copy / "target").mkdir()
            shutil.copy(self.path / PARSED, copy / "target" / PARSED)

    def keep_parsed(self, copy: Path) -> None:
        """Keep what dbt parsed of a copy: the project's definitions, nothing of the calls."""
        shutil.copy(copy / "target" / PARSED, self.path / PARSED)

    def clear(self) -> None:
        """Remove everything else."""
        self._remove_copies()
        self._temporary.close()
        if self._lock is not None:
            self._lock.close()

    def _remove_copies(self) -> None:
        for path in self.path.iterdir():
            if path.is_dir():
                shutil.rmtree(path)


def _locked(folder: Path) -> IO[bytes] | None:
    """Make a folder and lock it; None where another has it, or it can't be written."""
    if sys.platform == "win32":
        return None
    try:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="ascii")
        lock = (folder / ".lock").open("ab")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None
    return lock


_WHAT_BECAME = """
    select
        numbers.line,
        coalesce(rejected.rejection_reason, '') as rejection,
        duplicates.line_number is not null as is_duplicate,
        coalesce(withheld.reason, '') as withheld,
        coalesce(staged.call_type, '') as view,
        staged.event,
        coalesce(denied.reasons[array_position(denied.denied_to, $destination)], '') as denial,
        staged.call_key
    from ({numbered_calls}) as numbers
    left join (select distinct line_number, rejection_reason from {rejected_calls}) as rejected
        on numbers.line_number = rejected.line_number
    left join {duplicate_calls} as duplicates
        on numbers.file_number = duplicates.file_number
        and numbers.line_number = duplicates.line_number
    left join {withheld_calls} as withheld
        on numbers.file_number = withheld.file_number
        and numbers.line_number = withheld.line_number
    left join {stg_calls} as staged
        on numbers.line_number = staged.line_number
        and duplicates.line_number is null
    left join {denied_calls} as denied on denied.call_key = staged.call_key
    order by line
"""


class _Database:
    """Reads what a build left, by the names that dbt gave its relations."""

    def __init__(self, ask: Ask, copy: Path, plan: Plan, destination: str) -> None:
        text = (copy / "target/manifest.json").read_text("utf-8")
        self._relations = {
            node["name"]: identifier(node["schema"], node["alias"])
            for node in json.loads(text)["nodes"].values()
            if node["resource_type"] == "model"
        }
        self._plan = plan
        self._destination = plan.destinations[destination]
        self._ask = ask

    def read(
        self, numbered: str, count: int, models: Sequence[str], tokens: Tokens
    ) -> list[Built]:
        parameters = {"destination": self._destination.name, "count": count}
        sql = _WHAT_BECAME.format_map({**self._relations, "numbered_calls": numbered})
        found = self._ask(sql, parameters)
        keys = [row.pop("call_key") or "" for row in found]
        built = [Built(**row) for row in found]
        for call, row_id in zip(built, tokens(keys, self._destination.scope)):
            call.view = VIEW_OF_TYPE.get(call.view, "")
            if f"{self._destination.name}__{call.view}" in models:
                self._add_row(call, row_id)
        return built

    def _add_row(self, call: Built, row_id: str | None) -> None:
        view = self._relations[f"{self._destination.name}__{call.view}"]
        for row in self._ask(f"select * from {view} where row_id = $row_id", {"row_id": row_id}):
            call.row = row
        columns = self._destination.views[call.view]
        shown = {name for c in columns for name in (c.masked_column, c.other_masked_column)}
        counts = {
            column.name: column.guard_column
            for column in self._plan.masked_tables[call.view]
            if column.name in shown and column.guard_column
        }
        if call.row is None or not counts:
            return
        key = identifier(f"row_id{scope_suffix(self._destination.scope)}")
        names = ", ".join(map(identifier, counts.values()))
        table = self._relations[f"masked_{call.view}"]
        for row in self._ask(
            f"select {names} from {table} where {key} = $row_id", {"row_id": row_id}
        ):
            call.guarded = {name: row[column] or 0 for name, column in counts.items()}
