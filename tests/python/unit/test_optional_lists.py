"""What the configuration and the lock know of the lists that a project need not have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from seed_files import TODAY, minimal_seeds

from hipaa_mode.configuration import read_configuration
from hipaa_mode.optional_lists import OptionalLists, mark, read_optional_lists
from hipaa_mode.received.comparison import compare
from hipaa_mode.received.description import describe

HEADER = "environment,user_id,requested_on,reference\n"


def lists(folder: Path, rows: str) -> OptionalLists:
    path = folder / "suppressed_users.csv"
    path.write_text(HEADER + rows)
    return read_optional_lists({"suppressed_users": path}, {"suppressed_users": path.name})


def test_people_are_marked_by_environment(tmp_path: Path) -> None:
    found = lists(tmp_path, "*,u-1,,\nprod, u-2 ,,\nprod,u-1,,\n")
    assert found.suppressed_in("prod") == tuple(sorted([mark("u-1"), mark("u-2")]))
    assert found.suppressed_in("dev") == (mark("u-1"),)
    assert found.names == ("suppressed_users.csv",)


def test_a_mark_tells_nobody_s_id() -> None:
    marks = {mark(f"user-{number}") for number in range(1000)}
    assert all(re.fullmatch("[0-9a-f]{4}", text) for text in marks)
    assert len(marks) > 950


@pytest.mark.parametrize(
    ("before", "after", "effects"),
    [
        ("*,u-1,,\n*,u-2,,\n", "*,u-2,,\n*,u-1,,\n", []),
        ("*,u-1,,\n", "*,u-1,,\n*,u-2,,\n", ["narrows"]),
        ("*,u-1,,\n", "*,u1,,\n", ["widens"]),
        ("*,u-1,,\n", "*,U-1,,\n*,u-2,,\n", ["widens"]),
        ("*,u-1,,\n*,u-2,,\n", "*,u-1,,\n", ["widens"]),
    ],
)
def test_a_person_who_is_no_longer_listed_widens(
    tmp_path: Path, before: str, after: str, effects: list[str]
) -> None:
    files = minimal_seeds().write(tmp_path)
    labels = {seed: path.name for seed, path in files.items()}
    files["suppressed_users"] = tmp_path / "suppressed_users.csv"
    labels["suppressed_users"] = "suppressed_users.csv"
    sides = []
    for rows in (before, after):
        files["suppressed_users"].write_text(HEADER + rows)
        sides.append(describe(read_configuration(files, labels), ["dev"], TODAY, None))
    found = compare(sides[0], sides[1])
    assert [difference.effect for difference in found] == effects
    assert {difference.place for difference in found} <= {"suppressed_users"}
    # Nobody is named.
    assert "u-1" not in str(found)
