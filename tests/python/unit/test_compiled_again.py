"""What ran is compared with what a compilation in other circumstances gives."""

from __future__ import annotations

import datetime as dt
from argparse import Namespace
from typing import Any

import pytest

from hipaa_mode.run.compiled_again import is_same, other_circumstances

UTC = dt.timezone.utc
LINES = "select message from hipaa_mode_raw_lines as lines"
DOOR = object()


def context(day: dt.date = dt.date(2026, 11, 29)) -> dict[str, Any]:
    values = {"hipaa_mode__days_ahead": 1, "opened": True}
    return {
        "modules": {"datetime": dt, "hipaa_mode": DOOR},
        "flags": Namespace(WHICH="build", FULL_REFRESH=True),
        "run_started_at": dt.datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        "target": {"name": "nightly", "target_name": "nightly", "schema": "main"},
        "var": lambda name, default=None: values.get(name, default),
    }


@pytest.mark.parametrize(
    "day", [dt.date(2026, 11, 29), dt.date(2026, 1, 1), dt.date(2026, 12, 31)]
)
def test_the_day_is_another_of_the_same_year(day: dt.date) -> None:
    started = other_circumstances(context(day), "prod")["run_started_at"]
    assert started.year == day.year and started.tzinfo == UTC
    assert started.date() != day


def test_the_target_is_called_as_the_environment() -> None:
    target = other_circumstances(context(), "prod")["target"]
    assert target == {"name": "prod", "target_name": "prod", "schema": "main"}


def test_the_command_and_its_flags_are_those_of_a_compilation() -> None:
    other = other_circumstances(context(), "prod")
    assert other["modules"] == {"hipaa_mode": DOOR}
    assert vars(other["flags"]) == {"WHICH": "compile", "FULL_REFRESH": None}
    assert other["invocation_args_dict"] == {"which": "compile"}


def test_variables_of_others_are_not_set() -> None:
    var = other_circumstances(context(), "prod")["var"]
    assert var("opened", False) is False
    assert var("hipaa_mode__days_ahead") == 1


@pytest.mark.parametrize(
    "built",
    [LINES, LINES.replace("hipaa_mode_raw_lines", "(select message from main.lines)")],
    ids=["files", "a table"],
)
def test_raw_calls_may_be_lines_of_files_or_a_table(built: str) -> None:
    assert is_same(built, LINES)


@pytest.mark.parametrize(
    ("built", "again"),
    [
        (LINES + " ", LINES),
        ("select 1", "select 2"),
        ("", LINES),
        ("select message from as lines", LINES),
        ("select message from t as lines where x", LINES),
        (LINES.replace("message", "upper(message)"), LINES),
        ("from t union from t", "from hipaa_mode_raw_lines union from hipaa_mode_raw_lines"),
    ],
)
def test_any_other_difference_is_one(built: str, again: str) -> None:
    assert not is_same(built, again)
