"""Who is withheld, by the reviewed query on random calls, against a reading of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_mode import functions
from hipaa_mode.selftest.messages import normalized
from hipaa_mode.verify.reviewed import FORMS
from hipaa_mode.verify.staging import in_all_spellings

Call = tuple[str | None, str | None, str | None, list[str] | None]
"""User id, anonymous id, former id and merged ids."""

NAMES = ["a", "b", "c", "d", "e", "A", " b", "C\u00a0", "+1 202 555 0123", "2025550123"]
IDS = st.none() | st.sampled_from(NAMES)
CALLS = st.lists(
    st.tuples(IDS, IDS, IDS, st.none() | st.lists(st.sampled_from(NAMES), max_size=2)),
    max_size=12,
)


@cache
def connected(threads: int) -> duckdb.DuckDBPyConnection:
    """Connect to a database of its own that has the functions: they take long to make."""
    connection = duckdb.connect(config={"threads": threads})
    functions.create(connection)
    return connection


def withheld(
    calls: Sequence[Call], listed: Iterable[str], normalizations: Sequence[str], threads: int = 4
) -> list[str | None]:
    """Return the reason that each call is withheld for, by the query."""
    plan: Any = SimpleNamespace(person_normalizations=list(normalizations))
    query = in_all_spellings(FORMS["model withheld_calls"], plan).replace("{expired}", "")
    connection = connected(threads)
    connection.execute(
        "create or replace table calls_read (file_number int, line_number int, "
        "message_id varchar, rejection_reason varchar, user_id varchar, anonymous_id varchar, "
        "previous_id varchar, merged_ids varchar[])"
    )
    connection.execute("create or replace table suppressed_users (user_id varchar)")
    for name in ("call_keys", "duplicate_calls"):
        connection.execute(
            f"create or replace table {name} (file_number int, line_number int, call_key varchar)"
        )
    if calls:
        connection.executemany(
            "insert into calls_read values (1, ?, 'm', null, ?, ?, ?, ?)",
            [(place, *call) for place, call in enumerate(calls)],
        )
    connection.executemany("insert into suppressed_users values (?)", [[i] for i in listed])
    found = connection.execute(query).fetchall()
    reasons = {line: reason for _, line, _, reason in found}
    return [reasons.get(place) for place in range(len(calls))]


Ties = list[tuple[str, str]]


def reached(start: Iterable[str], *ties: Ties) -> set[str]:
    """Return some ids, and all that ties lead to from them, in either direction."""
    found = {i.strip() for i in start}
    while True:
        more = {
            other.strip()
            for pairs in ties
            for pair in pairs
            for one, other in (pair, pair[::-1])
            if one.strip() in found
        }
        if more <= found:
            return found
        found |= more


def spelled(ids: Iterable[str], normalizations: Sequence[str]) -> Ties:
    forms = [(i, normalized(i, how)) for i in ids for how in normalizations]
    return [(i, form) for i, form in forms if form]


def said(calls: Sequence[Call], of_devices: bool) -> Ties:
    """Return what alias and merge calls tie, those without a user id or those with one."""
    ties: Ties = []
    for user, anonymous, former, merged in calls:
        named = [i for i in (former, *(merged or ())) if i is not None]
        own = [i for i in (user, anonymous, *named) if i is not None][:1]
        if (user is None) == of_devices:
            ties += [(own[0], other) for other in named]
    return ties


def expected(
    calls: Sequence[Call], listed: Iterable[str], normalizations: Sequence[str]
) -> list[str | None]:
    """Return the same by going from id to id."""
    ids = {i for call in calls for i in (*call[:3], *(call[3] or ())) if i} | set(listed)
    same, devices = spelled(ids, normalizations), said(calls, of_devices=True)

    def is_of(call: Call, people: set[str], *ties: Ties) -> bool:
        user, anonymous, *_ = call
        if user is not None:
            return user.strip() in people
        seen = {a for u, a, *_ in calls if u and a and u.strip() in people}
        return anonymous is not None and anonymous.strip() in reached(people | seen, *ties)

    of_list = reached(listed, same)
    tied = reached(of_list, same, devices, said(calls, of_devices=False))
    reasons: list[str | None] = []
    for call in calls:
        is_listed = call[1] is not None and call[1].strip() in of_list
        reason = None
        if is_listed or is_of(call, of_list, same):
            reason = "suppressed"
        elif is_of(call, tied, same, devices):
            reason = "suppressed_by_alias"
        reasons.append(reason)
    return reasons


@settings(max_examples=60, deadline=None)
@given(
    calls=CALLS,
    listed=st.lists(st.sampled_from(NAMES).map(str.strip), min_size=1, max_size=2),
    normalizations=st.sampled_from([(), ("lower",), ("email", "phone(1)")]),
)
def test_the_query_withholds_whom_a_second_reading_does(
    calls: list[Call], listed: list[str], normalizations: tuple[str, ...]
) -> None:
    assert withheld(calls, listed, normalizations) == expected(calls, listed, normalizations)


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("normalizations", [(), ("email",)])
def test_no_step_of_a_long_chain_is_lost(threads: int, normalizations: Sequence[str]) -> None:
    chain = [f"Step-{n}" for n in range(300)]
    calls: list[Call] = [
        (one, None, other if n % 2 else other.lower() if normalizations else other, None)
        for n, (one, other) in enumerate(pairwise(chain))
    ]
    calls += [(None, chain[-1], None, None), (None, "somebody", None, None)]
    reasons = withheld(calls, [chain[0]], normalizations, threads)
    assert reasons[0] == "suppressed"
    assert set(reasons[1:-1]) == {"suppressed_by_alias"}
    assert reasons[-1] is None
