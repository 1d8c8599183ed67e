"""Traits of an identify call that come in `traits` and in `context.traits` are one column."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from seed_files import Seeds, minimal_seeds

from hipaa_mode.plan import Plan, make_plan


def plan_of(tmp_path: Path, *rows: dict[str, str]) -> Plan:
    seeds: Seeds = minimal_seeds()
    for row in rows:
        seeds.add("allowed_properties", **row)
    configuration = seeds.read(tmp_path)
    assert configuration.faults == []
    return make_plan(configuration, "dev", dt.date(2026, 11, 29))


def user(**cells: str) -> dict[str, str]:
    return {"property_list": "user", "property": "plan", "column_name": "tier"} | cells


def context(**cells: str) -> dict[str, str]:
    return {"property_list": "context", "property": "traits.plan", "column_name": "tier"} | cells


def test_rows_of_one_form_and_name_are_one_column_of_two_places(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, user(), context())
    assert plan.faults == []
    [column] = [c for c in plan.destinations["ga4"].views["identifies"] if c.name == "tier"]
    assert column.places == [("user", "plan"), ("context", "traits.plan")]
    [column] = [c for c in plan.destinations["ga4"].views["events"] if c.name == "tier"]
    assert column.places == [("context", "traits.plan")]
    [column] = [c for c in plan.destinations["ga4"].latest_views["users"] if c.name == "tier"]
    assert column.other_path == "traits.plan"


@pytest.mark.parametrize(
    "row",
    [
        context(treatment="mask"),
        context(data_type="integer"),
        context(guard="none"),
        context(property="traits.other"),
        context(property="plan"),
        context(event="Signed In"),
    ],
    ids=["another treatment", "another type", "another guard", "another trait", "elsewhere",
         "on one event"],
)  # fmt: skip
def test_rows_of_another_form_or_trait_collide(tmp_path: Path, row: dict[str, str]) -> None:
    faults = plan_of(tmp_path, user(), row).faults
    assert [fault for fault in faults if "`tier` of `ga4__identifies` collides" in fault.problem]


def test_tokens_within_the_property_are_of_two_properties(tmp_path: Path) -> None:
    scoped = {"treatment": "mask", "mask_scope": "property"}
    faults = plan_of(tmp_path, user(**scoped), context(**scoped)).faults
    assert [fault for fault in faults if "collides" in fault.problem]
