"""By which ids calls are withheld is known after a build, until new calls tell more of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rendered_macros import Macros

from hipaa_mode import functions

Call = tuple[str | None, str | None, str | None, list[str] | None]
"""User id, anonymous id, former id and merged ids."""

NAMES = ["a", "b", "c", "d", "A", " b", "C\u00a0", "phone-1", "phone-2"]
IDS = st.none() | st.sampled_from(NAMES)
FORMER = st.none() | st.none() | st.none() | st.sampled_from(NAMES)
MERGED = st.none() | st.none() | st.none() | st.lists(st.sampled_from(NAMES), max_size=2)
CALLS = st.lists(st.tuples(IDS, IDS, FORMER, MERGED), max_size=8)
COLUMNS = (
    "file_number int, line_number int, run_number int, message_id varchar, content_hash varchar, "
    "rejection_reason varchar, timestamp timestamp, user_id varchar, anonymous_id varchar, "
    "previous_id varchar, merged_ids varchar[]"
)


class Withholding:
    """The macros, over tables of a database of their own."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        functions.create(self.connection)
        self._rendered: dict[Any, str] = {}
        self.plan: Any = SimpleNamespace(person_normalizations=[], retained_from=None)
        self.macros = Macros(
            self._rows,
            plan=lambda: self.plan,
            build_table=lambda name: name,
            package_relation=lambda name: name,
        )

    def _rows(self, sql: str) -> Any:
        return SimpleNamespace(rows=self.connection.execute(sql).fetchall())

    def begin(self, normalizations: Sequence[str], listed: Sequence[str]) -> None:
        self.plan.person_normalizations = list(normalizations)
        for name, columns in (
            ("calls_read", COLUMNS),
            ("suppressed_users", "user_id varchar"),
            ("withheld_ids", "kind varchar, id varchar"),
            ("call_keys", "file_number int, line_number int, call_key varchar"),
            ("duplicate_calls", "file_number int, line_number int"),
        ):
            self.connection.execute(f"create or replace table {name} ({columns})")
        self.connection.executemany(
            "insert into suppressed_users values (?)", [[i] for i in listed]
        )

    def read(self, run_number: int, calls: Sequence[Call]) -> None:
        if calls:
            self.connection.executemany(
                "insert into calls_read values (?, ?, ?, 'm', null, null, null, ?, ?, ?, ?)",
                [(run_number, line, run_number, *call) for line, call in enumerate(calls)],
            )

    def find_ids(self) -> None:
        ids = self._sql("withheld_ids", calls_read="calls_read")
        self.connection.execute(f"insert into withheld_ids {ids}")

    def reasons(self, **chosen: Any) -> set[tuple[int, int, str]]:
        found = self.connection.execute(self._sql("withheld_calls", **chosen)).fetchall()
        return {(file, line, reason) for file, line, _, reason in found}

    def _sql(self, macro: str, **chosen: Any) -> str:
        """Render a macro, which takes longer than to run its query."""
        key = (macro, *self.plan.person_normalizations, *sorted(chosen.items()))
        if key not in self._rendered:
            self._rendered[key] = self.macros[macro](**chosen)
        return self._rendered[key]

    def new_calls_tell_more(self) -> bool:
        return bool(self.macros["_new_calls_tell_more"](1))


@cache
def withholding() -> Withholding:
    return Withholding()


@settings(max_examples=40, deadline=None)
@given(
    old=CALLS,
    new=CALLS,
    listed=st.lists(st.sampled_from(["a", "b", "C"]), min_size=1, max_size=2),
    normalizations=st.sampled_from([(), ("lower",)]),
)
@example([(None, "phone-1", None, None)], [("a", "phone-1", None, None)], ["a"], ())
@example([("B", None, None, None)], [(None, None, "a", ["B"])], ["a"], ())
@example([("a", None, None, None)], [("A", None, None, None)], ["a"], ("lower",))
def test_old_calls_are_judged_again_where_new_ones_tell_more_of_them(
    old: list[Call], new: list[Call], listed: list[str], normalizations: tuple[str, ...]
) -> None:
    build = withholding()
    build.begin(normalizations, listed)
    build.read(1, old)
    build.find_ids()
    before = build.reasons()
    assert build.reasons(ids_are_known=True) == before
    build.read(2, new)
    if not build.new_calls_tell_more():
        news = "(select * from calls_read where run_number > 1) as news"
        judged = build.reasons(calls=news, ids_are_known=True)
        assert before | judged == build.reasons()


@pytest.mark.parametrize(
    "new",
    [
        ("somebody", "phone-9", None, None),
        ("somebody", None, "somebody else", ["another"]),
        # Of theirs, but nothing that was not known.
        ("a", "phone-1", None, None),
        ("a", None, None, None),
        (None, "phone-1", None, None),
    ],
)
def test_calls_that_tell_nothing_of_them_are_judged_alone(new: Call) -> None:
    build = withholding()
    build.begin((), ["a"])
    build.read(1, [("a", "phone-1", None, None)])
    build.find_ids()
    build.read(2, [new])
    assert not build.new_calls_tell_more()
