"""Comparing what two builds published: cell by cell, and tokens as a one-to-one map."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hipaa_mode.selftest import latest
from hipaa_mode.selftest.allowlist import ROOTS, Allowlist, Destination, Row, find, read_path
from hipaa_mode.selftest.messages import (
    IDS,
    Call,
    content_keys,
    is_blank,
    normalized,
    scalar_text,
    subkey,
    token,
    winner,
)
from hipaa_mode.selftest.twin import Planted

MANIFEST = "manifest.json"
TOKEN = re.compile("[0-9a-f]{64}")
CODE = re.compile("[0-9a-f]{32}")

RUN_FACTS = ("published_at", "dbt_invocation_id", "run_number")
"""What the manifest says of the run; no two runs have the same."""

COUNTED_FACTS = ("properties_dropped", "values_not_fitting", "undated", "namesakes")
"""Counts for the operator: of property names that are not sent, of values made null, and of calls
without a time. They count the calls of all destinations, so unlisted data moves them; every other
fact must stay."""

FILE_FACTS = ("sha256", "bytes")
FEW_ROWS = 200


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


@dataclass
class Facts:
    """How much a comparison rests on, by destination."""

    rows: Counter[str] = field(default_factory=Counter)
    cells: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    recomputed: Counter[str] = field(default_factory=Counter)


@dataclass
class Columns:
    """The columns of a view by what the seeds say of them.

    Attributes:
        rows: the row of a column; where several feed it on different events, one of them.
        events: the events a column is shown on; None for all.
        second: the row of a trait's second place, in the context.
        ids: the treatment of each id.
        id_scopes: the scope of an id's tokens, where it is another than the destination's.
        id_normalize: how an id is brought to one spelling, where a row says so.
        unknown: columns that the seeds do not allow.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    events: dict[str, set[str | None] | None] = field(default_factory=dict)
    second: dict[str, Row] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    id_scopes: dict[str, str] = field(default_factory=dict)
    id_normalize: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, destination: Destination, described: Iterable[Mapping[str, Any]]) -> Columns:
        """Find the rows of the seeds for the columns that a manifest describes."""
        columns = cls(id_scopes=destination.id_scopes, id_normalize=destination.id_normalize)
        for column in described:
            name, property_list = column["name"], column["property_list"]
            if property_list == "envelope":
                columns.ids |= {id_: form for id_, form in destination.ids.items() if id_ == name}
                continue
            events = column["events"] or [None]
            rows = destination.rows_at(property_list, read_path(column["property"]))
            same = [row for row in rows if row.event in events]
            if not same:
                columns.unknown.append(name)
                continue
            columns.rows[name] = same[0]
            columns.events[name] = None if None in events else set(events)
            if column.get("other_property"):
                other = read_path(column["other_property"])
                columns.second[name] = destination.rows_at("context", other)[0]
        return columns

    def scope(self, column: str) -> str | None:
        """Return the scope of a column's tokens or codes; None for the destination's."""
        row = self.rows.get(column)
        return self.id_scopes.get(column) if row is None else row.form.scope

    def scopes(self) -> set[str]:
        """Return the scopes of all columns that say one."""
        found = {row.form.scope for row in self.rows.values() if row.form.is_token}
        return found | set(self.id_scopes.values())

    def shape(self, column: str) -> re.Pattern[str] | None:
        """Return what every value of a column of tokens or codes looks like, else None."""
        if column == "row_id" or self.ids.get(column) == "mask":
            return TOKEN
        row = self.rows.get(column)
        if row is None or not row.form.is_token:
            return None
        return TOKEN if row.form.treatment == "mask" else CODE


@dataclass
class Comparison:
    """Compares twins with the base they were made of."""

    allowlist: Allowlist
    base: Published
    facts: Facts = field(default_factory=Facts)

    def columns(self, view: str) -> tuple[Destination, Columns]:
        """Return the destination of a view, and what the seeds say of its columns."""
        name = view.rpartition("__")[0]
        destination = self.allowlist.destinations[name]
        described = self.base.manifests[name]["views"][view]["columns"]
        return destination, Columns.of(destination, described)

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
            self.facts.rows[name] += self.base.tables[view].num_rows
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
        self, twin: Published, planted: Sequence[Planted], row_ids: RowIds
    ) -> tuple[list[Difference], set[Planted]]:
        """Compare cells: masked values were changed too, so tokens differ, one to one.

        Args:
            twin: what was published of the changed calls.
            planted: changes that the comparison has to see.
            row_ids: the row ids that calls must have before and after.

        Returns:
            The differences, and the planted changes that were seen.
        """
        found = self._structure(twin)
        seen: set[Planted] = set()
        tokens = TokenMap()
        for view in self._both(twin):
            if latest.is_latest(view):
                # Its calls are compared; which is the latest of one time may change with row ids.
                found += self._latest(self.base, view) + self._latest(twin, view)
                continue
            destination, columns = self.columns(view)
            places = {row_ids.of(destination.scope, item.key): item for item in planted}
            before = self.base.tables[view]
            after = row_ids.aligned(destination.scope, before, twin.tables[view])
            if after is None:
                problem = "other calls are in it"
                found.append(Difference(destination.name, view, "row_id", problem))
                continue
            rows = before.column("row_id").to_pylist()
            for column in before.column_names:
                pairs = list(
                    zip(before.column(column).to_pylist(), after.column(column).to_pylist())
                )
                shape = columns.shape(column)
                if shape is not None:
                    scope = columns.scope(column) or destination.scope
                    space = "\n".join((scope, shape.pattern, _code_space(columns, column)))
                    problems = tokens.add(space, shape, pairs)
                    self.facts.tokens[destination.name] += len(pairs)
                    found += [
                        Difference(destination.name, view, column, problem, count)
                        for problem, count in problems.items()
                    ]
                    continue
                self.facts.cells[destination.name] += len(pairs)
                different = 0
                for row_id, (one, other) in zip(rows, pairs):
                    if _same(one, other):
                        continue
                    item = places.get(row_id)
                    if item is not None and _is_at(columns.rows.get(column), item.place):
                        seen.add(Planted(view, item.place, item.key))
                    else:
                        different += 1
                if different:
                    problem = "data that is masked or not allowed here changed it"
                    found.append(Difference(destination.name, view, column, problem, different))
        found += [
            Difference("", "all views", "", problem, count)
            for problem, count in tokens.problems().items()
        ]
        return found + self._manifests(twin, left_out=FILE_FACTS), seen

    def recomputed(
        self, published: Published, calls: Sequence[Call], key: str, environment: str
    ) -> list[Difference]:
        """Make every token anew from the calls, with the standard library alone.

        A random code can't be made anew, but there must be one for each value.
        """
        found: list[Difference] = []
        codes = _Codes()
        for view in self._both(published):
            destination, columns = self.columns(view)
            keys = {
                scope: subkey(key, environment, scope)
                for scope in {destination.scope, *columns.scopes()}
            }
            scope_key = keys[destination.scope]
            if latest.is_latest(view):
                of = columns.scope(latest.id_of(view)) or destination.scope
                found += self._recomputed_row_ids(published, view, calls, keys[of])
                continue
            expected = _calls_by_row_id(calls, view, destination, scope_key)
            wrong: Counter[str] = Counter()
            wrong_codes: Counter[str] = Counter()
            for row in published.tables[view].to_pylist():
                call = expected.pop(row["row_id"], None)
                if call is None:
                    wrong["row_id"] += 1
                    continue
                for column, text in _surrogate_texts(call, columns):
                    scope = columns.scope(column) or destination.scope
                    wrong_codes[column] += not codes.agree(scope, text, row[column])
                for column, text in _masked_texts(call, columns):
                    self.facts.recomputed[destination.name] += 1
                    own_key = keys[columns.scope(column) or destination.scope]
                    wrong[column] += not _is_token_of(row[column], text, own_key)
            found += [
                Difference(destination.name, view, column, "not the tokens of its values", count)
                for column, count in wrong.items()
                if count
            ]
            found += [
                Difference(
                    destination.name, view, column, "its codes are not one for each value", count
                )
                for column, count in wrong_codes.items()
                if count
            ]
            if expected:
                problem = "lacks calls that the destination may receive"
                found.append(Difference(destination.name, view, "", problem, len(expected)))
        return found

    def undetected(self, twin: Published) -> list[str]:
        """Spoil copies of what was published, and name what the comparison did not see."""
        missed = []
        for view in self._both(twin):
            if latest.is_latest(view):
                for what, spoilt in _spoilt(twin.tables[view], self.columns(view)[1]):
                    tables = {**twin.tables, view: spoilt}
                    if not self._latest(Published(twin.folder, tables), view):
                        missed.append(f"`{view}`: {what}")
                continue
            few = {view: self.base.tables[view].slice(0, FEW_ROWS)}
            alone = Comparison(
                self.allowlist, Published(self.base.folder, few, self.base.manifests)
            )
            for what, spoilt in _spoilt(few[view], self.columns(view)[1]):
                changed = Published(twin.folder, {view: spoilt}, self.base.manifests)
                if not alone.but_tokens(changed, [], RowIds([], [], "", ""))[0]:
                    missed.append(f"`{view}`: {what}")
        return missed

    def _latest(self, published: Published, view: str) -> list[Difference]:
        """Compare a view of latest values with what follows from its published calls."""
        name = view.rpartition("__")[0]
        calls = published.tables.get(latest.calls_view(view))
        if calls is None:
            return [Difference(name, view, "", "its calls are not published")]
        rows = published.tables[view].to_pylist()
        self.facts.cells[name] += published.tables[view].num_rows * len(rows[0] if rows else ())
        problem = "is not what follows from the calls"
        return [
            Difference(name, view, column, problem, count)
            for column, count in latest.differences(view, rows, calls.to_pylist()).items()
        ] + self._odd_row_ids(published, view)

    def _odd_row_ids(self, published: Published, view: str) -> list[Difference]:
        row_ids = published.tables[view].column("row_id").to_pylist()
        odd = sum(not isinstance(item, str) or not TOKEN.fullmatch(item) for item in row_ids)
        odd += len(row_ids) - len(set(row_ids))
        problem = "holds something other than tokens, each once"
        name = view.rpartition("__")[0]
        return [Difference(name, view, "row_id", problem, odd)] if odd else []

    def _recomputed_row_ids(
        self, published: Published, view: str, calls: Sequence[Call], scope_key: bytes
    ) -> list[Difference]:
        destination, columns = self.columns(view)
        row_ids = published.tables[view].column("row_id").to_pylist()
        self.facts.recomputed[destination.name] += len(row_ids)
        id_name = latest.id_of(view)
        normalize = columns.id_normalize.get(id_name, "none")
        received = [call for call in calls if destination.receives(call)]
        wrong = len(latest.row_ids(view, received, scope_key, normalize) ^ set(row_ids))
        ids = published.tables[view].column(id_name).to_pylist()
        if columns.ids.get(id_name) != "mask":
            ids = [token(text, scope_key) for text in ids]
        wrong += sum(one != other for one, other in zip(row_ids, ids))
        problem = "not the tokens of those whose values they are"
        return [Difference(destination.name, view, "row_id", problem, wrong)] if wrong else []

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
            for column in self.columns(view)[1].unknown:
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


class RowIds:
    """The row ids of calls before and after they were changed, by scope."""

    def __init__(
        self, before: Sequence[Call], after: Sequence[Call], key: str, environment: str
    ) -> None:
        """Take calls that correspond one by one."""
        self._key = key
        self._environment = environment
        self._pairs = list(zip(row_keys(before), row_keys(after)))
        self._maps: dict[str, dict[str, str]] = {}

    def of(self, scope: str, message_id: str) -> str | None:
        """Return the row id of a message id."""
        return token(message_id, subkey(self._key, self._environment, scope))

    def aligned(self, scope: str, before: pa.Table, after: pa.Table) -> pa.Table | None:
        """Put the rows after the change in the order of those before; None if some differ.

        A row id is a token like any other, so it changes, and with it the row's place.
        """
        if self._pairs and scope not in self._maps:
            scope_key = subkey(self._key, self._environment, scope)
            self._maps[scope] = {
                str(token(one, scope_key)): str(token(other, scope_key))
                for one, other in self._pairs
                if one != other
            }
        places = {row_id: place for place, row_id in enumerate(after.column("row_id").to_pylist())}
        changed = self._maps.get(scope, {})
        wanted = [
            places.get(changed.get(row_id, row_id))
            for row_id in before.column("row_id").to_pylist()
        ]
        return None if None in wanted else after.take(pa.array(wanted, pa.int64()))


class TokenMap:
    """The map from tokens to tokens, by scope: of all columns and destinations together."""

    def __init__(self) -> None:
        self._forward: dict[str, dict[str, set[str]]] = {}
        self._backward: dict[str, dict[str, set[str]]] = {}

    def add(
        self, space: str, shape: re.Pattern[str], pairs: Iterable[tuple[Any, Any]]
    ) -> Counter[str]:
        """Add the cells of a column; return what is wrong with them, and how often."""
        problems: Counter[str] = Counter()
        forward = self._forward.setdefault(space, {})
        backward = self._backward.setdefault(space, {})
        for before, after in pairs:
            ones, others = _elements(before), _elements(after)
            if ones is None or others is None or len(ones) != len(others):
                if ones is not others:
                    problems["a token came or went"] += 1
                continue
            for one, other in zip(ones, others):
                if one is None and other is None:
                    continue
                if one is None or other is None:
                    problems["a token came or went"] += 1
                elif not shape.fullmatch(one) or not shape.fullmatch(other):
                    problems["holds something other than tokens"] += 1
                else:
                    forward.setdefault(one, set()).add(other)
                    backward.setdefault(other, set()).add(one)
        return problems

    def problems(self) -> Counter[str]:
        """Return what is wrong with the map as a whole, and how often."""
        problems: Counter[str] = Counter()
        spaces = list(self._forward)
        for space in spaces:
            scope = space.split("\n")[0]
            split = sum(len(others) > 1 for others in self._forward[space].values())
            merged = sum(len(ones) > 1 for ones in self._backward[space].values())
            if split:
                problems[f"one value has several tokens, in scope `{scope}`"] += split
            if merged:
                problems[f"several values share a token, in scope `{scope}`"] += merged
        for place, space in enumerate(spaces):
            for other in spaces[place + 1 :]:
                shared = len(self._forward[space].keys() & self._forward[other].keys())
                if shared:
                    names = sorted({space.split("\n")[0], other.split("\n")[0]})
                    problems[f"scopes share tokens: {', '.join(names)}"] += shared
        return problems


def out_of_order(table: pa.Table) -> int:
    """Count the rows that come before one of a smaller row id.

    The order in which calls arrived tells finer times than a destination may have.
    """
    row_ids = table.column("row_id").to_pylist()
    return sum(one > other for one, other in itertools.pairwise(row_ids))


def _code_space(columns: Columns, column: str) -> str:
    """Codes are given by scope alone, like tokens."""
    row = columns.rows.get(column)
    return "" if row is None or row.form.treatment == "mask" else "codes"


def _elements(cell: Any) -> list[Any] | None:
    return cell if isinstance(cell, list) or cell is None else [cell]


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) or (one != one and other != other)


def _is_at(row: Row | None, place: tuple[str, ...]) -> bool:
    if row is None:
        return False
    path = (ROOTS[row.property_list], *row.steps)
    return place[: len(path)] == path


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


def _calls_by_row_id(
    calls: Sequence[Call], view: str, destination: Destination, scope_key: bytes
) -> dict[str, Call]:
    """Return the calls that a view must have, by the row id each must have."""
    return {
        str(token(key, scope_key)): call
        for call, key in zip(calls, row_keys(calls))
        if call.view == view.rpartition("__")[2] and destination.receives(call)
    }


def row_keys(calls: Sequence[Call]) -> list[str | None]:
    """Return what the row id of each call is a token of; None for one that can't be used."""
    without_id = [call for call in calls if call.kind and call.message_id is None]
    keys = iter(content_keys(call.line.decode() for call in without_id))
    return [
        None if not call.kind else call.key if call.message_id is not None else next(keys)
        for call in calls
    ]


class _Codes:
    """The random codes of values, by scope: one for each, and none for two."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], str] = {}
        self._values: dict[tuple[str, str], str] = {}

    def agree(self, scope: str, text: str | None, code: str | None) -> bool:
        """Whether a value has the code it had before, and no other value has it."""
        if text is None or is_blank(text):
            return code is None
        if code is None:
            return False
        known = self._codes.setdefault((scope, text), code)
        return known == code and self._values.setdefault((scope, code), text) == text


def _surrogate_texts(call: Call, columns: Columns) -> Iterable[tuple[str, str | None]]:
    """Yield each column of random codes of a call, and the text that its code stands for."""
    for name, row in columns.rows.items():
        if row.form.treatment == "surrogate":
            yield name, _shown_text(call, columns, name)


def _masked_texts(call: Call, columns: Columns) -> Iterable[tuple[str, Any]]:
    """Yield each masked column of a call, and the text or texts its tokens are made of."""
    assert call.tree is not None
    for name in IDS:
        if columns.ids.get(name) == "mask":
            text = scalar_text(winner(call.tree, name))
            normalize = columns.id_normalize.get(name, "none")
            yield name, None if text is None else normalized(text, normalize)
    for name, row in columns.rows.items():
        if row.form.treatment != "mask":
            continue
        yield name, _shown_text(call, columns, name)


def _shown_text(call: Call, columns: Columns, name: str) -> Any:
    """Return the text or texts that a column's tokens or codes are made of; None for none.

    None where the call's event does not show it. Of two places the first that has one counts.
    """
    assert call.tree is not None
    events, first = columns.events[name], columns.rows[name]
    if events is not None and call.event not in events:
        return None
    for row in (first, columns.second.get(name, first)):
        value = find(call.tree.first(ROOTS[row.property_list]), row.steps)
        if row.is_list and value is not None:
            return [_normalized(item, row) for item in value]
        if not row.is_list and not is_blank(text := _normalized(value, row)):
            return text
    return None


def _normalized(value: Any, row: Row) -> str | None:
    text = scalar_text(value)
    return None if text is None else normalized(text, row.form.normalize)


def _is_token_of(cell: Any, text: Any, scope_key: bytes) -> bool:
    if isinstance(text, list):
        return bool(cell == [token(item, scope_key) for item in text])
    return bool(cell == token(text, scope_key))


def _spoilt(table: pa.Table, columns: Columns) -> Iterable[tuple[str, pa.Table]]:
    """Yield copies of a table with one fault each that the comparison must see."""
    for column in table.column_names:
        cells = table.column(column).to_pylist()
        full = [place for place, cell in enumerate(cells) if cell]
        if columns.shape(column) is None and full and isinstance(cells[full[0]], str):
            other = f"{cells[full[0]]} "
            yield f"a changed value of `{column}`", _with_cell(table, column, full[0], other)
            break
    row_ids = table.column("row_id").to_pylist()
    if len(row_ids) > 1:
        yield "a row id twice", _with_cell(table, "row_id", 0, row_ids[1])
    if row_ids:
        yield "a row id that is no token", _with_cell(table, "row_id", 0, "raw")


def _with_cell(table: pa.Table, column: str, place: int, value: Any) -> pa.Table:
    cells = table.column(column).to_pylist()
    cells[place] = value
    index = table.column_names.index(column)
    field_ = table.schema.field(index)
    return table.set_column(index, field_, pa.array(cells, field_.type))
