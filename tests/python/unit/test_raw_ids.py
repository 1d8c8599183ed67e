"""The rule on raw ids: leaks are found, and few calls of an outsider are in nobody's way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_mode import functions, raw_ids
from hipaa_mode.run.finished_files import normalized_sql

CONNECTION = duckdb.connect(config={"threads": 1})
functions.create(CONNECTION)
PLANS = ("basic", "plus", "premium", "family", "senior")


def judge(
    rows: Iterable[tuple[str | None, str | None]],
    ids: Sequence[str],
    minimum_length: int = 4,
    normalize: str = "none",
) -> tuple[int, int]:
    """Judge one column: rows of value and person, and the user id of each call.

    `normalize` is how a destination has the ids. Returns how many values are leaks, and how many
    coincidences.
    """
    texts, people = zip(*rows, strict=True)
    rows_of_column = pa.table(
        {
            "column_number": [1] * len(texts),
            "shown_text": pa.array(texts, pa.string()),
            "person": pa.array(people, pa.string()),
        }
    )
    calls = pa.table({"user_id": list(ids), "rejection_reason": pa.nulls(len(ids), pa.string())})
    of_ids, of_values = (
        [] if normalize == "none" else [normalized_sql(normalize, text)]
        for text in ("id", "shown_text")
    )
    identifiers = raw_ids.count_of_calls("calls", ["user_id"], minimum_length, {"user_id": of_ids})
    different = "(select distinct column_number, shown_text from rows_of_column)"
    query = raw_ids.judged_values(
        different, "rows_of_column", f"({identifiers})", spellings=of_values
    )
    CONNECTION.register("rows_of_column", rows_of_column)
    CONNECTION.register("calls", calls)
    found = CONNECTION.execute(query).fetchall()
    return (found[0][1], found[0][2]) if found else (0, 0)


def sound_rows(people: int) -> list[tuple[str | None, str | None]]:
    return [(PLANS[n % len(PLANS)], f"token {n}") for n in range(people)]


def user_ids(people: int) -> list[str]:
    return [f"patient-{n}" for n in range(people)]


class TestCoincidences:
    @settings(max_examples=30)
    @given(
        people=st.integers(60, 300),
        names=st.lists(st.sampled_from(PLANS), min_size=1, max_size=3, unique=True),
        spelled=st.sampled_from([str.upper, str.title, lambda text: f" {text} "]),
    )
    def test_an_outsider_of_a_few_calls_stops_nothing(
        self, people: int, names: list[str], spelled: Callable[[str], str]
    ) -> None:
        ids = user_ids(people) + [spelled(name) for name in names]
        rows = [*sound_rows(people), *((name, f"token of {name}") for name in names)]
        assert judge(rows, ids) == (0, len(names))

    @settings(max_examples=30)
    @given(people=st.integers(20, 300), calls=st.integers(1, 40))
    def test_more_than_ten_people_are_needed_for_each_call_of_the_id(
        self, people: int, calls: int
    ) -> None:
        rows = [("premium", f"token {n}") for n in range(people)]
        ids = user_ids(people) + ["premium"] * calls
        expected = (0, 1) if people > 10 * calls else (1, 0)
        assert judge(rows, ids) == expected

    @settings(max_examples=30)
    @given(rows_of_one=st.integers(1, 500))
    def test_many_rows_of_one_person_or_of_nobody_known_are_no_people(
        self, rows_of_one: int
    ) -> None:
        for person in ("token", None):
            assert judge([("premium", person)] * rows_of_one, ["premium"]) == (1, 0)


class TestLeaks:
    @settings(max_examples=30)
    @given(people=st.integers(100, 300), leaked=st.integers(1, 30))
    def test_a_sender_who_puts_ids_into_some_calls_is_found(
        self, people: int, leaked: int
    ) -> None:
        rows = sound_rows(people)
        rows[:leaked] = [(f"Patient-{n} ", f"token {n}") for n in range(leaked)]
        assert judge(rows, user_ids(people)) == (leaked, 0)

    @settings(max_examples=30)
    @given(people=st.integers(100, 300), leaked=st.integers(1, 10))
    def test_an_outsider_hides_no_leak(self, people: int, leaked: int) -> None:
        rows = sound_rows(people)
        rows[:leaked] = [(f"patient-{n}", f"token {n}") for n in range(leaked)]
        assert judge(rows, [*user_ids(people), "premium"]) == (leaked, 1)

    def test_a_column_of_shared_ids_is_a_leak(self) -> None:
        ids = [f"provider-{n}" for n in range(4)]
        rows = [(ids[n % 4], f"token {n}") for n in range(400)]
        assert judge(rows, user_ids(400) + ids) == (4, 0)

    def test_an_id_under_which_many_calls_are_made_is_a_leak(self) -> None:
        rows = [("clinic-1", f"token {n}") for n in range(400)]
        assert judge(rows, ["clinic-1"] * 400) == (1, 0)

    @pytest.mark.parametrize(
        ("normalize", "user_id", "value"),
        [
            ("phone(1)", "+1 (202) 555-0123", "202.555.0123"),
            ("phone(1)", "2025550123", "tel:+1-202-555-0123;ext=12"),
            ("email", "ann@example.com", "an\u200bn@example.com"),
            ("email", "an\u200bn@example.com", "ANN@example.com"),
        ],
    )
    def test_an_id_in_another_spelling_is_a_leak_where_it_is_the_same_person(
        self, normalize: str, user_id: str, value: str
    ) -> None:
        assert judge([(value, "token")], [user_id]) == (0, 0)
        assert judge([(value, "token")], [user_id], normalize=normalize) == (1, 0)

    def test_a_call_is_counted_once_in_all_its_spellings(self) -> None:
        rows = [("premium", f"token {n}") for n in range(11)]
        assert judge(rows, ["Premium"], normalize="lower") == (0, 1)

    def test_ids_of_fewer_characters_than_asked_for_are_none(self) -> None:
        assert judge([("123", "token")], ["123"]) == (0, 0)
        assert judge([("123", "token")], ["123"], minimum_length=3) == (1, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patient-1", "patient-1"),
        (" \u00a0Patient-1\u200b\t", "patient-1"),
        ("patient%2D1", "patient-1"),
        ("%20Patient-1%0A", "patient-1"),
        ("JOSE\u0301", "jos\u00e9"),
        ("100%", "100%"),
        ("", ""),
        (None, None),
    ],
)
def test_one_spelling_stands_for_all(text: str | None, expected: str | None) -> None:
    query = f"select {raw_ids.spelling('text')} from (select ?::varchar as text)"
    assert CONNECTION.execute(query, [text]).fetchall() == [(expected,)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": [{"Ann": "Bob"}, 7]}', {"a", "Ann", "Bob", "7"}),
        ('"Ann"', {"Ann"}),
        ('[["Ann"]]', {"Ann"}),
        ('"\\u0041nn"', {"Ann"}),
        ("no JSON", {"no JSON"}),
        (None, set()),
    ],
)
def test_scalars_and_keys_of_json_are_texts(text: str | None, expected: set[str]) -> None:
    query = f"select {raw_ids.json_texts('text')} from (select ?::varchar as text)"
    [(found,)] = CONNECTION.execute(query, [text]).fetchall()
    assert {item for item in found or [] if item is not None and item[0] not in "{["} == expected


def test_ids_that_are_counted_run_by_run_are_those_of_all_calls() -> None:
    names = ["user_id", "anonymous_id", "group_id"]
    with duckdb.connect() as connection:
        functions.create(connection)
        connection.execute(
            "create table calls (run_number bigint, user_id varchar, anonymous_id varchar, "
            "group_id varchar, rejection_reason varchar); create table counted "
            "(run_number bigint, kind varchar, id varchar, calls bigint)"
        )
        for run_number, new in (
            (1, "(1, 'Anna', 'device', null, null), (1, 'lost', 'lost', 'lost', 'no_type')"),
            (2, "(2, ' ANNA ', null, 'clinic', null), (2, 'Anna', 'other', null, null)"),
            (3, ""),
        ):
            if new:
                connection.execute(f"insert into calls values {new}")
            statement = raw_ids.count_new("counted", "calls")
            connection.execute(statement, {"run_number": run_number})
            counted = raw_ids.count_of_calls("counted", names, 1, is_counted=True)
            found, expected = (
                dict(connection.execute(sql).fetchall())
                for sql in (counted, raw_ids.count_of_calls("calls", names, 1))
            )
            assert found == expected
            for other in (1, 2, 3, 4):
                is_up_to = raw_ids.is_counted_up_to("counted", other)
                [(answer,)] = connection.execute(f"select {is_up_to}").fetchall()
                assert answer == (other <= run_number)
        assert found == {"anna": 3, "device": 1, "other": 1, "clinic": 1}
