"""Traits of an identify call that come in `traits` and in `context.traits` are one column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project import Project, allowed, destination, identify, token
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


def call(hour: int, traits: object, in_context: object) -> dict[str, Any]:
    return {
        **identify(traits, userId="u-1000", messageId=f"m{hour}"),
        "timestamp": f"2026-03-02T{hour:02}:00:00Z",
        "context": {"traits": in_context},
    }


CALLS = [
    call(1, {"plan": "a", "email": "a@x.example", "age": 41}, {}),
    call(2, {}, {"plan": "b", "email": "b@x.example", "age": 42}),
    call(3, {"plan": "c", "email": "c@x.example", "age": 43}, {"plan": "no", "age": 1}),
    call(4, {"plan": None, "email": " ", "age": "old"}, {"plan": "d", "email": "d@x.example",
                                                        "age": 44}),
    call(5, {"list": ["e"]}, {"list": ["f"], "plan": None}),
    call(6, {}, {"list": ["f", "g"]}),
]  # fmt: skip
SHOWN = {
    1: ("a", "a@x.example", 41, None),
    2: ("b", "b@x.example", 42, None),
    3: ("c", "c@x.example", 43, None),
    4: ("d", "d@x.example", 44, None),
    5: (None, None, None, ["e"]),
    6: (None, None, None, ["f", "g"]),
}


def test_of_a_call_the_first_that_can_be_read_counts_and_of_a_person_the_newest(
    new_project: Callable[..., Project],
) -> None:
    forms: dict[str, dict[str, str]] = {
        "plan": {},
        "email": {"treatment": "mask", "normalize": "email"},
        "age": {"data_type": "integer"},
    }
    properties = [
        allowed("tool", property_list, path, column_name=name, **form)
        for name, form in forms.items()
        for property_list, path in (("user", name), ("context", f"traits.{name}"))
    ]
    properties += [
        allowed("tool", "user", "list[]", column_name="list"),
        allowed("tool", "context", "traits.list[]", column_name="list"),
    ]
    project = new_project(
        "two_places",
        [destination("tool", timestamp_precision="hour")],
        [],
        properties,
        CALLS,
        {"tool": ["identifies", "users"]},
    )
    project.build()
    rows = {row["row_id"]: row for row in project.published_rows("tool__identifies")}
    for number, (plan, email, age, items) in SHOWN.items():
        row = rows[token(f"m{number}")]
        masked = None if email is None else token(email)
        assert (row["plan"], row["email"], row["age"], row["list"]) == (plan, masked, age, items)
    [latest] = project.published_rows("tool__users")
    assert (latest["plan"], latest["age"], latest["list"]) == ("d", 44, ["f", "g"])
    assert latest["email"] == token("d@x.example")
    verified = project.hipaa_mode("verify")
    assert verified.returncode == 0, verified.stdout[-3000:]
    lock = (project.folder / "receives.lock.yml").read_text("utf-8")
    assert "from: user plan or context traits.plan" in lock
