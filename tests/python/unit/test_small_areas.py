"""The list of small ZIP areas: of one census, and of the newest."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
from project import REPOSITORY
from seed_files import minimal_seeds

from hipaa_mode.configuration import Configuration
from hipaa_mode.plan import make_plan
from hipaa_mode.small_areas import newest_census

TODAY = dt.date(2026, 11, 29)

# Counted by the Census of 2020 as 20,000 people or fewer: HRSA's list for UDS+, in the answer to
# https://github.com/drajer-health/uds-plus/issues/35.
COUNTED = ["036", "059", "102", "202", "203", "204", "205", "369", "556", "692", "753", "772",
           "821", "823", "878", "879", "884", "893"]  # fmt: skip
GREW = ("063", "790", "830", "831", "890")
"""Areas of the list of 2000 that have more people now."""

ISLANDS = ("008", "969")
"""The Virgin Islands and Guam, which the Census counts apart; both above 20,000."""


def shipped() -> list[dict[str, str]]:
    with (REPOSITORY / "seeds/small_zip3_areas.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_list_is_of_the_newest_census() -> None:
    areas = [row["zip3"] for row in shipped()]
    assert {row["census_year"] for row in shipped()} == {str(newest_census(TODAY))}
    assert set(COUNTED) <= set(areas)
    assert not {*GREW, *ISLANDS, "065", "100", "501", "606", "902"} & set(areas)
    assert areas == sorted(set(areas))


def test_areas_in_which_nobody_was_counted_are_on_it() -> None:
    # Unassigned, the armed forces abroad, and offices.
    assert {"000", "005", "090", "192", "569", "962"} <= {row["zip3"] for row in shipped()}


@pytest.mark.parametrize(
    ("today", "year"),
    [
        (dt.date(2022, 12, 31), 2010),
        (dt.date(2023, 1, 1), 2020),
        (dt.date(2032, 12, 31), 2020),
        (dt.date(2033, 1, 1), 2030),
    ],
)
def test_the_counts_of_a_census_are_out_three_years_later(today: dt.date, year: int) -> None:
    assert newest_census(today) == year


def warnings(tmp_path: Path, year: str, treatment: str = "zip3") -> list[str]:
    seeds = minimal_seeds()
    seeds.rows["small_zip3_areas"].clear()
    seeds.add("small_zip3_areas", zip3="036", census_year=year)
    seeds.add("small_zip3_areas", zip3="059", census_year=year)
    seeds.add("allowed_properties", property="zip", treatment=treatment)
    configuration: Configuration = seeds.read(tmp_path)
    assert not configuration.faults
    found = make_plan(configuration, "dev", TODAY).warnings
    return [str(each) for each in found if each.file == "seeds/small_zip3_areas.csv"]


@pytest.mark.parametrize(
    ("year", "problem"),
    [
        ("2000", "is of the census of 2000"),
        ("2010", "is of the census of 2010"),
        ("", "does not say of which census"),
    ],
)
def test_an_old_list_is_warned_of_once(tmp_path: Path, year: str, problem: str) -> None:
    [warning] = warnings(tmp_path, year)
    assert problem in warning
    assert "seeds/small_zip3_areas.csv, line 2" in warning
    assert "census of 2020" in warning


def test_a_new_list_and_one_that_nothing_uses_are_not_warned_of(tmp_path: Path) -> None:
    assert warnings(tmp_path, "2020") == []
    (tmp_path / "other").mkdir()
    assert warnings(tmp_path / "other", "2000", "truncate(2)") == []


def test_a_list_of_two_censuses_is_refused(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("small_zip3_areas", zip3="059", census_year="2010")
    [fault] = seeds.read(tmp_path).faults
    assert "not that of the first row" in fault.problem
