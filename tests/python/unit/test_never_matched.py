"""Rows that no call has ever matched are told: by path or event, ids by their line alone."""

from __future__ import annotations

from pathlib import Path

from seed_files import minimal_seeds

from hipaa_mode.never_matched import LINES_SHOWN, never_matched

PROPERTIES = "seeds/allowed_properties.csv"


def test_a_project_without_calls_is_told_in_one_line(tmp_path: Path) -> None:
    plan = minimal_seeds().plan(tmp_path)
    assert len(never_matched(plan, 0, [], [], ["a.csv, line 2"])) == 1


def test_many_rows_are_told_in_a_few_lines(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    for number in range(100):
        seeds.add("allowed_properties", property=f"p{number}")
    lines = never_matched(seeds.plan(tmp_path), 1, [], ["Signed In"], [])
    assert len(lines) == LINES_SHOWN + 2
    assert "101 paths" in lines[0] and lines[-1] == "and 81 more"


def test_nothing_is_told_where_everything_came(tmp_path: Path) -> None:
    plan = minimal_seeds().plan(tmp_path)
    arrived = {("events", column) for column in plan.column_rows["events"]}
    assert never_matched(plan, 1, arrived, ["Signed In"], []) == []
