"""Comparing what two builds published: cell by cell, and each token with one that is made anew.

Each is the token of its value by the standard library alone, so that they map one to one.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hipaa_mode.selftest import latest
from hipaa_mode.selftest.allowlist import (
    ROOTS,
    Allowlist,
    Destination,
    Form,
    Row,
    find,
    read_path,
)
from hipaa_mode.selftest.messages import Call, is_blank, normalized, scalar_text, subkey, token
from hipaa_mode.selftest.twin import Planted

MANIFEST = "manifest.json"
CODE = re.compile("[0-9a-f]{32}")

RUN_FACTS = ("published_at", "dbt_invocation_id", "run_number")
"""What the manifest says of the run; no two runs have the same."""

COUNTED_FACTS = ("properties_dropped", "values_not_fitting", "undated", "namesakes")
"""Counts for the operator: of property names that are not sent, of values made null, and of calls
without a time. They count the calls of all destinations, so unlisted data moves them; every other
fact must stay."""

FILE_FACTS = ("sha256", "bytes")

CHANGED = "data that is masked or not allowed here changed it"
NOT_THEIRS = "not the tokens of its values"


@dataclass(frozen=True)
class Difference:
    """Something that changed where nothing may. Never tells a value.

    Attributes:
        destination: whose files differ.
        view: the view, or the file where it is none.
        column: the column, if it is one.
        problem: what is wrong.
        rows: in how many rows.
    """

    destination: str
    view: str
    column: str
    problem: str
    rows: int = 0

    def __str__(self) -> str:
        """Write the difference as a line of a report."""
        column = f", column `{self.column}`" if self.column else ""
        rows = f" ({self.rows} rows)" if self.rows else ""
        return f"`{self.view}`{column}: {self.problem}{rows}"


@dataclass
class Published:
    """What one build published in an environment."""

    folder: Path
    tables: dict[str, pa.Table] = field(default_factory=dict)
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, list[pa.Table]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Published:
        """Read all views and manifests of an environment's folder."""
        published = cls(folder)
        for view in sorted(path for path in folder.glob("*/*") if path.is_dir()):
            files = sorted(view.glob("*.parquet"))
            published.files[view.name] = [pq.ParquetFile(file).read() for file in files]
            published.tables[view.name] = pa.concat_tables(published.files[view.name])
        for path in sorted(folder.glob(f"*/{MANIFEST}")):
            published.manifests[path.parent.name] = json.loads(path.read_text("utf-8"))
        return published

    def bytes_of(self, view: str) -> dict[str, bytes]:
        """Return a view's files as they are, by name."""
        folder = self.folder / view.rpartition("__")[0] / view
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@dataclass(frozen=True)
class Column:
    """A column of a view of calls, by what the seeds say of it.

    Attributes:
        form: how it is received; None for what is no token and no property.
        rows: of a property, the rows of its places: of a trait there may be two. Where several
            rows feed a place on different events, one of them.
        events: the events it is shown on; None for all.
    """

    name: str
    form: Form | None = None
    rows: tuple[Row, ...] = ()
    events: frozenset[str] | None = None

    @classmethod
    def of(cls, destination: Destination, described: Mapping[str, Any]) -> Column | None:
        """Find what the seeds say of a column that a manifest describes; None if nothing."""
        name, property_list = described["name"], described["property_list"]
        if property_list == "envelope":
            return cls(name, destination.ids.get(name))
        events = described["events"] or [None]
        rows = destination.rows_at(property_list, read_path(described["property"]))
        found = [row for row in rows if row.event in events][:1]
        if not found:
            return None
        if described.get("other_property"):
            other = read_path(described["other_property"])
            found.append(destination.rows_at("context", other)[0])
        shown_on = None if None in events else frozenset(events)
        return cls(name, found[0].form, tuple(found), shown_on)

    @property
    def is_token(self) -> bool:
        """Whether it holds tokens or codes."""
        return self.form is not None and self.form.is_token

    def text(self, call: Call) -> Any:
        """Return the text or texts that its tokens or codes of a call are made of.

        None where the call's event does not show it. Of two places the first that has one counts.
        """
        if not self.rows:
            return self._normalized(call.ids[self.name])
        if self.events is not None and call.event not in self.events:
            return None
        assert call.tree is not None
        for row in self.rows:
            value = find(call.tree.first(ROOTS[row.property_list]), row.steps)
            if row.is_list and value is not None:
                return [self._normalized(scalar_text(item)) for item in value]
            text = None if row.is_list else self._normalized(scalar_text(value))
            if not is_blank(text):
                return text
        return None

    def _normalized(self, text: str | None) -> str | None:
        assert self.form is not None
        return None if text is None else normalized(text, self.form.normalize)

    def is_at(self, place: tuple[str, ...]) -> bool:
        """Whether it shows something of a place of the message."""
        path = (ROOTS[self.rows[0].property_list], *self.rows[0].steps) if self.rows else None
        return path is not None and place[: len(path)] == path


@dataclass
class Comparison:
    """Compares twins with the base they were made of.

    Attributes:
        key: the masking key of all builds.
        environment: that of the builds.
        counts: how much it rests on: `rows`, `cells`, `tokens` and those `recomputed`, by
            destination.
    """

    allowlist: Allowlist
    base: Published
    key: str
    environment: str
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Begin with no code known, and derive the key of a scope once."""
        self._codes: tuple[dict[Any, Any], dict[Any, Any]] = ({}, {})
        self._scope_key = functools.cache(functools.partial(subkey, self.key, self.environment))

    @property
    def views(self) -> list[str]:
        """The restricted views that the base published."""
        names = self.allowlist.destinations
        return [view for view in self.base.tables if view.rpartition("__")[0] in names]

    def exact(self, twin: Published) -> list[Difference]:
        """Compare bytes: only data that no destination may see was changed."""
        found = self._structure(twin)
        for view in self._both(twin):
            name = view.rpartition("__")[0]
            self.counts["rows", name] += self.base.tables[view].num_rows
            misplaced = sum(out_of_order(file) for file in self.base.files[view])
            if misplaced:
                problem = "rows are in another order than that of their row ids, which may tell"
                found.append(Difference(name, view, "row_id", problem, misplaced))
            if self.base.bytes_of(view) == twin.bytes_of(view):
                continue
            differences = [
                Difference(name, view, column, "unlisted data changed it", rows)
                for column, rows in _different_rows(self.base.tables[view], twin.tables[view])
            ]
            nothing = Difference(name, view, "", "unlisted data changed the file's bytes")
            found += differences or [nothing]
        return found + self._manifests(twin, left_out=())

    def but_tokens(
        self,
        twin: Published,
        calls: Sequence[Call],
        changed: Sequence[Call],
        planted: Sequence[Planted],
    ) -> tuple[list[Difference], set[Planted]]:
        """Compare cells: masked values were changed too, and each has the token of its value.

        A random code can't be made anew, but there must be one for each value.

        Args:
            twin: what was published of the changed calls.
            calls: those that the base was built of.
            changed: the same calls, as they were changed.
            planted: changes that the comparison has to see.

        Returns:
            The differences, and the planted changes that were seen.
        """
        found = self._structure(twin)
        seen: set[Planted] = set()
        for view in self._both(twin):
            if latest.is_latest(view):
                # Its calls are compared; which is the latest of one time may change with row ids.
                found += self._latest(self.base, view, calls) + self._latest(twin, view, changed)
            else:
                pairs = list(zip(calls, changed))
                found += self._calls(twin, view, pairs, {item.key: item for item in planted}, seen)
        return found + self._manifests(twin, left_out=FILE_FACTS), seen

    def _calls(
        self,
        twin: Published,
        view: str,
        pairs: Iterable[tuple[Call, Call]],
        planted: Mapping[str, Planted],
        seen: set[Planted],
    ) -> list[Difference]:
        """Compare a view of calls; what is seen of planted changes is added to `seen`."""
        name, _, kind = view.rpartition("__")
        destination = self.allowlist.destinations[name]
        row_key = self._scope_key(destination.scope)
        columns = [column or Column(row) for row, column in self._described(view)]
        befores, afters = (_by_row_id(item.tables[view]) for item in (self.base, twin))
        wrong: Counter[tuple[str, str]] = Counter()
        wrong["row_id", NOT_THEIRS] += 2 * self.base.tables[view].num_rows
        wrong["row_id", NOT_THEIRS] -= len(befores) + len(afters)
        for one, other in pairs:
            if one.view != kind or not destination.receives(one):
                continue
            before = befores.pop(token(one.key, row_key), None)
            after = afters.pop(token(other.key, row_key), None)
            if before is None or after is None:
                wrong["", "lacks calls that the destination may receive"] += 1
                continue
            self.counts["tokens", name] += 1
            for column in columns:
                cells = before[column.name], after[column.name]
                if column.is_token:
                    self.counts["tokens", name] += 1
                    problem = self._token_problem(column, (one, other), cells, name)
                else:
                    self.counts["cells", name] += 1
                    problem = "" if _same(*cells) else CHANGED
                item = planted.get(str(one.key))
                if problem == CHANGED and item is not None and column.is_at(item.place):
                    seen.add(Planted(view, item.place, item.key))
                elif problem:
                    wrong[column.name, problem] += 1
        wrong["row_id", NOT_THEIRS] += len(befores) + len(afters)
        return [Difference(name, view, *what, count) for what, count in wrong.items() if count]

    def _token_problem(
        self, column: Column, calls: Iterable[Call], cells: Iterable[Any], name: str
    ) -> str:
        """Say what is wrong with tokens or codes of a call before and after; blank if nothing."""
        form = column.form
        assert form is not None
        for call, cell in zip(calls, cells):
            text = column.text(call)
            if form.treatment == "surrogate":
                if not self._is_code_of(cell, text, form.scope):
                    return "its codes are not one for each value"
                continue
            self.counts["recomputed", name] += 1
            scope_key = self._scope_key(form.scope)
            is_list = isinstance(text, list)
            wanted = [token(t, scope_key) for t in text] if is_list else token(text, scope_key)
            if cell != wanted:
                return NOT_THEIRS
        return ""

    def _is_code_of(self, code: str | None, text: str | None, scope: str) -> bool:
        """Whether a value has the code it had before, and no other value has it."""
        if is_blank(text) or code is None:
            return is_blank(text) and code is None
        codes, values = self._codes
        return (
            CODE.fullmatch(code) is not None
            and codes.setdefault((scope, text), code) == code
            and values.setdefault((scope, code), text) == text
        )

    def _latest(self, published: Published, view: str, calls: Sequence[Call]) -> list[Difference]:
        """Compare a view of latest values with what follows from its published calls."""
        name = view.rpartition("__")[0]
        of = published.tables.get(latest.calls_view(view))
        if of is None:
            return [Difference(name, view, "", "its calls are not published")]
        rows = published.tables[view].to_pylist()
        self.counts["cells", name] += len(rows) * published.tables[view].num_columns
        self.counts["recomputed", name] += len(rows)
        found = [
            Difference(name, view, column, "is not what follows from the calls", count)
            for column, count in latest.differences(view, rows, of.to_pylist()).items()
        ]
        destination = self.allowlist.destinations[name]
        form = destination.ids[latest.id_of(view)]
        scope_key = self._scope_key(form.scope)
        received = [call for call in calls if destination.receives(call)]
        wrong = latest.wrong_row_ids(view, rows, received, form, scope_key)
        problem = "not the tokens of those whose values they are"
        return found + [Difference(name, view, "row_id", problem, wrong)] * bool(wrong)

    def _described(self, view: str) -> Iterator[tuple[str, Column | None]]:
        """Give each column of a view but the row id, with what the seeds say of it."""
        name = view.rpartition("__")[0]
        for described in self.base.manifests[name]["views"][view]["columns"]:
            if described["name"] != "row_id":
                column = Column.of(self.allowlist.destinations[name], described)
                yield described["name"], column

    def _both(self, twin: Published) -> list[str]:
        return [
            view
            for view in self.views
            if view in twin.tables
            and twin.tables[view].schema.equals(self.base.tables[view].schema)
            and twin.tables[view].num_rows == self.base.tables[view].num_rows
        ]

    def _structure(self, twin: Published) -> list[Difference]:
        found = []
        for view in self.views:
            name = view.rpartition("__")[0]
            before, after = self.base.tables[view], twin.tables.get(view)
            for column, allowed in self._described(view):
                if allowed is None:
                    found.append(Difference(name, view, column, "is not allowed by the seeds"))
            if after is None:
                found.append(Difference(name, view, "", "was not published with changed data"))
            elif not before.schema.equals(after.schema, check_metadata=True):
                found.append(Difference(name, view, "", "its columns changed"))
            elif before.num_rows != after.num_rows:
                count = abs(before.num_rows - after.num_rows)
                found.append(Difference(name, view, "", "the number of rows changed", count))
        for view in sorted(set(twin.tables) - set(self.base.tables)):
            name = view.rpartition("__")[0]
            found.append(Difference(name, view, "", "was published with changed data only"))
        return found

    def _manifests(self, twin: Published, left_out: Iterable[str]) -> list[Difference]:
        ignored = {*RUN_FACTS, *COUNTED_FACTS, *left_out}
        return [
            Difference(name, f"{name}/{MANIFEST}", path, "is not what it was")
            for name, manifest in self.base.manifests.items()
            if name in self.allowlist.destinations and name in twin.manifests
            for path in _different_facts(manifest, twin.manifests[name], ignored)
        ]


def out_of_order(table: pa.Table) -> int:
    """Count the rows that come before one of a smaller row id.

    The order in which calls arrived tells finer times than a destination may have.
    """
    row_ids = table.column("row_id").to_pylist()
    return sum(one > other for one, other in itertools.pairwise(row_ids))


def _by_row_id(table: pa.Table) -> dict[str | None, dict[str, Any]]:
    return {row["row_id"]: row for row in table.to_pylist()}


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) or (one != one and other != other)


def _different_rows(before: pa.Table, after: pa.Table) -> list[tuple[str, int]]:
    counts = []
    for column in before.column_names:
        pairs = zip(before.column(column).to_pylist(), after.column(column).to_pylist())
        count = sum(not _same(one, other) for one, other in pairs)
        if count:
            counts.append((column, count))
    return counts


def _different_facts(before: Any, after: Any, ignored: set[str], path: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            different
            for key in sorted({*before, *after} - ignored)
            for different in _different_facts(
                before.get(key), after.get(key), ignored, f"{path}.{key}" if path else key
            )
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            different
            for place, (one, other) in enumerate(zip(before, after))
            for different in _different_facts(one, other, ignored, f"{path}[{place}]")
        ]
    return [] if before == after else [path]
