"""Which columns of a view its checks read: none that could hold an id is passed over."""

from __future__ import annotations

import pytest

from hipaa_mode.run.checked_columns import (
    PATTERNS,
    RAW_IDS,
    TOKENS,
    CheckedColumns,
    Column,
    checked_columns,
)

ALL = (TOKENS, RAW_IDS, PATTERNS)


def column(name: str, treatment: str = "allow", **changes: object) -> Column:
    known: dict[str, object] = {
        "property_list": "event",
        "data_type": "text",
        "is_list": False,
        "guard": "",
    }
    return Column(name=name, treatment=treatment, **{**known, **changes})  # type: ignore[arg-type]


ROW_ID = column("row_id", "mask", property_list="envelope")
EVENT = column("event", "envelope", property_list="envelope")
CALL_TYPE = column("call_type", "envelope", property_list="envelope")
TIME = column("timestamp", "envelope", property_list="envelope", data_type="timestamp")
USER = column("user_id", "mask", property_list="envelope")
DEVICE = column("anonymous_id", "surrogate", property_list="envelope")
GROUP = column("group_id", property_list="envelope")
PLAN = column("plan")
NOTE = column("note", guard="warn")
FREE = column("free", guard="block")
OBJECT = column("object", data_type="json")
PRICE = column("price", data_type="number")
COLUMNS = [
    *(ROW_ID, EVENT, CALL_TYPE, TIME, USER, DEVICE, GROUP),
    *(PLAN, NOTE, FREE, OBJECT, PRICE),
]


def names(columns: tuple[Column, ...]) -> list[str]:
    return [item.name for item in columns]


def test_each_check_reads_what_can_break_it() -> None:
    read = checked_columns(COLUMNS, ALL, True, ())
    assert names(read.tokens) == ["row_id", "user_id", "anonymous_id"]
    assert names(read.surrogates) == ["anonymous_id"]
    assert names(read.texts) == ["anonymous_id", "plan", "note", "free"]
    assert names(read.objects) == ["object"]
    assert names(read.suspected) == ["event", "plan", "free", "object"]
    assert names(read.ids_among_tokens) == ["row_id", "user_id"]
    assert read.passing_ids == ("group_id",)


def test_each_text_is_shown_once() -> None:
    read = checked_columns(COLUMNS, ALL, True, ())
    assert names(read.shown_texts) == [
        *("anonymous_id", "plan", "note", "free", "event", "object"),
    ]


def test_without_the_check_of_tokens_they_are_looked_through_as_texts() -> None:
    read = checked_columns(COLUMNS, (RAW_IDS,), True, ())
    assert names(read.texts)[:3] == ["row_id", "user_id", "anonymous_id"]
    assert (read.tokens, read.ids_among_tokens) == ((), ())


@pytest.mark.parametrize("left_out", ["plan", "object", "user_id"])
def test_what_a_review_leaves_out_is_still_checked_to_be_tokens(left_out: str) -> None:
    read = checked_columns(COLUMNS, ALL, True, (left_out,))
    looked_at = {*names(read.texts), *names(read.objects), *names(read.suspected)}
    assert left_out not in {*looked_at, *names(read.ids_among_tokens)}
    assert names(read.tokens) == ["row_id", "user_id", "anonymous_id"]


def test_where_nothing_is_restricted_only_tokens_are_looked_at() -> None:
    read = checked_columns(COLUMNS, ALL, False, ())
    assert not read.looks_for_ids
    assert read.suspected == ()
    assert names(read.tokens) == ["row_id", "user_id", "anonymous_id"]


def test_a_whole_object_of_the_envelope_is_no_id_that_passes() -> None:
    whole = column("properties", property_list="envelope", data_type="json")
    read = checked_columns([whole], ALL, True, ())
    assert (names(read.objects), read.passing_ids) == (["properties"], ())


@pytest.mark.parametrize("check", ALL)
def test_a_check_that_does_not_run_reads_nothing(check: str) -> None:
    read = checked_columns(COLUMNS, [name for name in ALL if name != check], True, ())
    nothing = {
        TOKENS: (read.tokens, read.surrogates),
        RAW_IDS: (read.texts, read.objects, read.ids_among_tokens),
        PATTERNS: (read.suspected,),
    }[check]
    assert set(nothing) == {()}
    assert checked_columns([], ALL, True, ()) == CheckedColumns()
