"""Taking the inventory: one pass over the raw calls, in bounded memory, without dbt or a key."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from hipaa_mode.calls import BROKEN, LIST_OF_TYPE, ROOT_OF_LIST, day_of, judge, parse
from hipaa_mode.configuration import ENVELOPE, PROPERTY_LISTS
from hipaa_mode.display import is_printable, printable
from hipaa_mode.errors import RawCallsError
from hipaa_mode.inventory.counts import PropertyCounts
from hipaa_mode.inventory.kinds import KINDS, kinds_of_name
from hipaa_mode.inventory.values import LONGEST_NAME
from hipaa_mode.inventory.walk import MANY, Tree, leaves
from hipaa_mode.paths import PropertyPath, Step
from hipaa_mode.raw_calls import RawLocation, read_lines, read_parquet

LISTS = (*PROPERTY_LISTS, ENVELOPE)

# Half of a surrogate pair is no JSON for DuckDB, and is for Python.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True)
class Look:
    """A kind of identifier that a property may hold, and why one thinks so.

    Attributes:
        kind: name of the kind, a key of `KINDS`.
        by_name: whether properties of this name often hold it.
        share: part of the values that look like it; None where too few do.
    """

    kind: str
    by_name: bool
    share: float | None


@dataclass(frozen=True)
class Property:
    """One property that arrives.

    Attributes:
        property_list: `event`, `user`, `group`, `context`, or `envelope` for the rest of a call.
        path: its path; keys that are values or too many are one step, `<many keys>`.
        is_exact: whether the path is the property's own, and can stand in an allowlist.
        counts: what was seen of it.
        fill: part of the list's calls that have it.
        looks: what it looks like.
    """

    property_list: str
    path: PropertyPath
    is_exact: bool
    counts: PropertyCounts
    fill: float
    looks: tuple[Look, ...]

    @property
    def key(self) -> str:
        """What names the property among all of an environment: safe to show and to keep."""
        return f"{self.property_list} {self.shown}"

    @property
    def shown(self) -> str:
        """The path as it may be shown: what is hidden or too long in a name is spelled out."""
        steps = [
            step if step.is_array or is_plain(step.name) else Step(printable(step.name, 64))
            for step in self.path.steps
        ]
        return str(PropertyPath(tuple(steps))).replace(f'"{MANY.name}"', MANY.name)

    @property
    def seed_cell(self) -> str:
        """The path as the cell of a CSV file has it; blank where it can't stand in one."""
        text = str(self.path)
        if not self.is_exact:
            return ""
        quoted = '"' + text.replace('"', '""') + '"'
        return quoted if any(mark in text for mark in '",\n\r') else text

    def as_json(self) -> dict[str, Any]:
        """Return what machines read, and what is kept of an inventory."""
        counts = self.counts
        return {
            "property_list": self.property_list,
            "property": self.shown,
            "seed_cell": self.seed_cell,
            "is_exact": self.is_exact,
            "types": dict(sorted(counts.types.items())),
            "calls": counts.calls,
            "values": counts.values,
            "fill": round(self.fill, 6),
            "distinct": counts.distinct.count,
            "distinct_is_estimate": counts.distinct.is_estimate,
            "first_day": counts.first_day,
            "last_day": counts.last_day,
            "looks_like": [
                {
                    "kind": look.kind,
                    "title": KINDS[look.kind].title,
                    "by_name": look.by_name,
                    "share_of_values": None if look.share is None else round(look.share, 6),
                    "safe_harbor": KINDS[look.kind].letter or None,
                }
                for look in self.looks
            ],
            "safe_harbor": self.letters,
        }

    @property
    def letters(self) -> list[str]:
        """Letters of the Safe Harbor's identifiers that it touches."""
        return sorted({KINDS[look.kind].letter for look in self.looks} - {""})


@dataclass
class Inventory:
    """What arrived.

    Attributes:
        lines: raw calls read, usable or not.
        calls: usable calls of each property list; `context` and `envelope` are of all.
        unusable: how many calls can't be used, by reason.
        properties: what they hold, in the order of list and path.
    """

    lines: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    unusable: Counter[str] = field(default_factory=Counter)
    properties: list[Property] = field(default_factory=list)


def is_plain(name: str) -> bool:
    """Whether a key can be shown as it is."""
    return len(name) <= LONGEST_NAME and is_printable(name)


class Taker:
    """Reads calls and collects what they hold."""

    def __init__(self) -> None:
        self.inventory = Inventory()
        self._trees = {name: Tree() for name in LISTS}
        self._number = 0

    def read(self, batch: pa.RecordBatch) -> None:
        """Take in a batch of raw lines, as `hipaa_mode.raw_calls` reads them."""
        self.inventory.lines += len(batch)
        not_utf8 = len(batch) - batch.column("unreadable").null_count
        empty = batch.column("message").null_count - not_utf8
        self.inventory.unusable += Counter(not_utf8=not_utf8, empty=empty)
        refused = [
            message
            for message in batch.column("message").drop_null().to_pylist()
            if _SURROGATE.search(message) or not self._take(message)
        ]
        for text in _as_the_engine_reads(refused):
            if text is None or not self._take(text):
                self.inventory.unusable["broken_json"] += 1
        for tree in self._trees.values():
            tree.flush()

    def _take(self, message: str) -> bool:
        """Take in one message; whether it could be parsed."""
        call = parse(message)
        if call is BROKEN:
            return False
        reason, kind = judge(call) if isinstance(call, tuple) else ("not_an_object", "")
        if reason or not isinstance(call, tuple):
            self.inventory.unusable[reason] += 1
            return True
        self._number += 1
        number, day, name = self._number, day_of(call), LIST_OF_TYPE[kind]
        self.inventory.calls.update([item for item in (name, "context", ENVELOPE) if item])
        root = ROOT_OF_LIST.get(name)
        envelope: list[tuple[str, Any]] = []
        for key, value in call:
            if key == root and type(value) is tuple:
                self._trees[name].add(value, number, day)
            elif key == "context" and type(value) is tuple:
                self._trees["context"].add(value, number, day)
            elif key not in (root, "context") or value is not None:
                envelope.append((key, value))
        self._trees[ENVELOPE].add(tuple(envelope), number, day)
        return True

    def finish(self) -> Inventory:
        """Say what was found."""
        for name, tree in self._trees.items():
            tree.finish()
            calls = self.inventory.calls[name]
            for steps, counts in leaves(tree.root):
                path = PropertyPath(steps)
                # The mark stands for what is no character, so several keys have this name.
                is_exact = not any(step is MANY for step in steps) and all(
                    step.is_array or "\ufffd" not in step.name for step in steps
                )
                fill = counts.calls / calls if calls else 0.0
                looks = _looks(name, path, counts)
                self.inventory.properties.append(
                    Property(name, path, is_exact, counts, fill, looks)
                )
        return self.inventory


def _as_the_engine_reads(messages: list[str]) -> list[str | None]:
    """Return messages that DuckDB reads as JSON and Python does not, in plain JSON."""
    if not messages:
        return []
    with duckdb.connect() as connection:
        table = pa.table({"message": pa.array(messages, pa.large_string())})
        connection.register("refused", table)
        sql = "select try(cast(json(message) as varchar)) from refused"
        return [row[0] for row in connection.execute(sql).fetchall()]


def _looks(property_list: str, path: PropertyPath, counts: PropertyCounts) -> tuple[Look, ...]:
    types = {name for name in counts.types if name not in ("null", "empty object", "empty list")}
    # A flag such as `email_opt_in` holds no address, and a number no text.
    by_name = [
        kind
        for kind in kinds_of_name(property_list, path)
        if types != {"boolean"} and (not KINDS[kind].is_text or "text" in types or not types)
    ]
    looks: list[Look] = []
    for kind in KINDS.values():
        times = counts.looks[kind.name]
        share = times / counts.values if counts.values else 0.0
        by_value = times > 0 and share >= kind.threshold
        if kind.name in by_name or by_value:
            looks.append(Look(kind.name, kind.name in by_name, share if by_value else None))
    said = {look.kind for look in looks}
    if {"date_of_birth", "date"} <= said and "date" not in by_name:
        looks = [look for look in looks if look.kind != "date"]
    return tuple(looks)


Progress = Callable[[int], None]
"""Told the bytes of messages that were read, batch by batch."""


def take_inventory(location: RawLocation, progress: Progress = lambda _: None) -> Inventory:
    """Read the raw calls once and say what they hold.

    Raises:
        RawCallsError: a file can't be read.
    """
    taker = Taker()
    for batch in line_batches(location):
        taker.read(batch)
        progress(batch.column("message").nbytes)
    return taker.finish()


def line_batches(location: RawLocation) -> Iterator[pa.RecordBatch]:
    """Read the raw lines of files, a batch at a time.

    Raises:
        RawCallsError: the calls are a table, or a file can't be read.
    """
    if location.kind == "table":
        raise RawCallsError(
            "The raw calls are a table, which only a build reads. Name files of calls, such as "
            "an export of the table: --calls 'export/*.parquet'"
        )
    for file in location.files:
        is_parquet = location.kind == "parquet"
        yield from read_parquet(file, location.column) if is_parquet else read_lines(file)
