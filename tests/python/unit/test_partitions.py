"""Every row of a view is in exactly one file, and only what may have changed is written."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipaa_mode.partitions import ALL, UNDATED, Partition, period, plan_partitions

DAYS = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
PERIODS = st.sampled_from(["day", "month", "year"])


@given(DAYS, PERIODS)
def test_a_day_is_within_the_bounds_of_its_partition(day: dt.date, kind: str) -> None:
    partition = Partition.of(day.isoformat(), kind)
    assert partition.first is not None
    assert partition.after is not None
    assert partition.first <= day.isoformat()
    assert day.isoformat() < partition.after or partition.after == "10000-01-01"
    assert partition.first.startswith(partition.name)


@given(DAYS, DAYS, PERIODS)
def test_two_days_share_a_partition_or_theirs_do_not_overlap(
    one: dt.date, other: dt.date, kind: str
) -> None:
    first, second = sorted(
        (Partition.of(day.isoformat(), kind) for day in (one, other)), key=lambda p: str(p.first)
    )
    if first != second:
        assert first.after is not None
        assert second.first is not None
        assert first.after <= second.first
        assert first.name != second.name


@given(DAYS, PERIODS)
def test_the_day_after_a_partition_begins_the_next(day: dt.date, kind: str) -> None:
    partition = Partition.of(day.isoformat(), kind)
    if partition.after != "10000-01-01":
        assert Partition.of(partition.after, kind).first == partition.after


def test_rows_without_a_time_and_times_that_are_not_shown_have_files_of_their_own() -> None:
    assert Partition.of(None, "day") == Partition(UNDATED)
    assert Partition.of(None, "none") == Partition.of("2026-03-01", "none") == Partition(ALL)


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        *((name, "day") for name in ("exact", "second", "minute", "hour", "day")),
        *((name, name) for name in ("month", "year", "none")),
    ],
)
def test_a_file_is_never_finer_than_the_times_in_it(precision: str, expected: str) -> None:
    assert period(precision) == expected


COUNTS = [("2026-03-01", 3), ("2026-03-02", 4), (None, 1)]
PUBLISHED = {
    "v/2026-03-01.parquet": {"rows": 3},
    "v/2026-03-02.parquet": {"rows": 4},
    "v/undated.parquet": {"rows": 1},
    "v/2026-02-27.parquet": {"rows": 9},
}


def test_everything_is_written_where_anything_may_have_changed() -> None:
    plan = plan_partitions("v", "day", COUNTS, None, PUBLISHED)
    assert plan.written == [
        *("v/2026-03-01.parquet", "v/2026-03-02.parquet", "v/undated.parquet"),
    ]
    assert (plan.keep, plan.is_whole) == ((), True)


def test_untouched_days_are_kept_and_days_that_are_gone_are_not() -> None:
    plan = plan_partitions("v", "day", COUNTS, ["2026-03-02", "2026-02-27"], PUBLISHED)
    assert plan.written == ["v/2026-03-02.parquet"]
    assert plan.keep == ("v/2026-03-01.parquet", "v/undated.parquet")
    assert sum(plan.rows.values()) == 8
    assert not plan.is_whole


def test_a_file_that_is_missing_or_has_other_rows_is_written() -> None:
    known = {"v/2026-03-01.parquet": {"rows": 2}, "v/undated.parquet": {"rows": 1}}
    plan = plan_partitions("v", "day", COUNTS, [], known)
    assert plan.written == ["v/2026-03-01.parquet", "v/2026-03-02.parquet"]
    assert plan.keep == ("v/undated.parquet",)


def test_a_view_without_rows_has_one_file() -> None:
    assert plan_partitions("v", "day", [], None, {}).written == ["v/undated.parquet"]
    assert plan_partitions("v", "none", [], None, {}).written == ["v/all.parquet"]


def test_changed_days_touch_the_month_or_year_they_are_in() -> None:
    counts = [("2026-03-01", 7), ("2026-04-01", 1)]
    known = {"v/2026-03.parquet": {"rows": 7}, "v/2026-04.parquet": {"rows": 1}}
    plan = plan_partitions("v", "month", counts, ["2026-03-17"], known)
    assert (plan.written, plan.keep) == (["v/2026-03.parquet"], ("v/2026-04.parquet",))


@pytest.mark.parametrize(
    ("days", "length", "files"), [(2_000, 10, 2_000), (2_001, 7, 66), (70_000, 4, 192)]
)
def test_days_beyond_number_share_the_file_of_a_month_or_year(
    days: int, length: int, files: int
) -> None:
    first = dt.date(1900, 1, 1)
    counts = [((first + dt.timedelta(day)).isoformat(), 1) for day in range(days)]
    plan = plan_partitions("tool__events", "day", counts, None, {})
    assert len(plan.write) == files
    assert {len(partition.name) for partition in plan.write} == {length}
    assert sum(plan.rows.values()) == days


def test_years_beyond_number_share_one_file() -> None:
    counts = [(f"{year:04}-01-01", 1) for year in range(1, 2_500)]
    plan = plan_partitions("tool__events", "day", counts, [], {})
    assert plan.rows == {"tool__events/all.parquet": 2_499}


def test_files_of_days_are_not_kept_beside_those_of_months() -> None:
    first = dt.date(2010, 1, 1)
    days = [(first + dt.timedelta(day)).isoformat() for day in range(2_001)]
    published = {f"tool__events/{day}.parquet": {"rows": 1} for day in days[:2_000]}
    plan = plan_partitions("tool__events", "day", [(day, 1) for day in days], days[-1:], published)
    assert plan.keep == ()
    assert len(plan.write) == 66
