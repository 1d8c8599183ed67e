"""`mask_scope` of a row: within what the tokens of a property can be compared."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import pytest
from seed_files import Seeds

from hipaa_mode.plan import Plan, make_plan, scope_suffix
from hipaa_mode.received.comparison import compare
from hipaa_mode.received.description import describe

TODAY = dt.date(2026, 11, 24)


def seeds_of(*rows: dict[str, str], mask_scope: str = "*") -> Seeds:
    seeds = Seeds()
    seeds.add("destination_types")
    seeds.add("destinations", mask_scope=mask_scope)
    seeds.add("allowed_events")
    for row in rows:
        seeds.add("allowed_properties", **{"treatment": "mask", **row})
    return seeds


def plan_of(folder: Path, seeds: Seeds) -> Plan:
    return make_plan(seeds.read(folder), "dev", TODAY)


def scopes(plan: Plan, view: str = "events") -> dict[str, str | None]:
    return {column.name: column.scope for column in plan.destinations["ga4"].views[view]}


@pytest.mark.parametrize(
    ("destination", "row", "scope"),
    [
        ("*", "", "*"),
        ("*", "property", "*/event/email"),
        ("*", "destination", "ga4"),
        ("destination", "", "ga4"),
        ("destination", "property", "ga4/event/email"),
        ("destination", "destination", "ga4"),
        ("*", " Property ", "*/event/email"),
    ],
)
def test_a_row_and_its_destination_say_the_scope(
    tmp_path: Path, destination: str, row: str, scope: str
) -> None:
    plan = plan_of(
        tmp_path, seeds_of({"property": "email", "mask_scope": row}, mask_scope=destination)
    )
    assert not plan.faults
    assert scopes(plan)["email"] == scope
    [column] = plan.masked_tables["events"]
    assert column.scope == scope
    assert column.name.endswith(scope_suffix(scope))


def test_the_scope_is_that_of_list_and_path_in_canonical_form(tmp_path: Path) -> None:
    rows = [
        {"property": path, "property_list": of, "mask_scope": "property", "column_name": name}
        for path, of, name in [
            ('"email"', "event", "a"),
            ("email", "context", "b"),
            ('"a/b"."c.d"', "event", "c"),
            ("emails[]", "event", "d"),
        ]
    ]
    found = scopes(plan_of(tmp_path, seeds_of(*rows)))
    assert [found[name] for name in "abcd"] == [
        "*/event/email",
        "*/context/email",
        '*/event/a/b."c.d"',
        "*/event/emails[]",
    ]


@pytest.mark.parametrize("treatment", ["allow", "year", "deny"])
def test_only_what_is_masked_has_a_scope(tmp_path: Path, treatment: str) -> None:
    row = {"property": "email", "treatment": treatment, "mask_scope": "property"}
    [fault] = seeds_of(row).read(tmp_path).faults
    assert fault.problem == f"`mask_scope` does not go with `{treatment}`"


@pytest.mark.parametrize("text", ["*", "shared", "event", "properties", "ga4"])
def test_another_scope_is_a_fault(tmp_path: Path, text: str) -> None:
    [fault] = seeds_of({"property": "email", "mask_scope": text}).read(tmp_path).faults
    assert fault.problem == "`mask_scope` is unknown"
    assert "destination, property" in fault.remedy


def test_a_surrogate_has_the_scope_too(tmp_path: Path) -> None:
    row = {"property": "email", "treatment": "surrogate", "mask_scope": "property"}
    assert scopes(plan_of(tmp_path, seeds_of(row)))["email"] == "*/event/email"


def test_an_id_has_it_in_every_view_and_keys_the_latest_values(tmp_path: Path) -> None:
    row = {"property": "user_id", "property_list": "envelope", "mask_scope": "property"}
    plan = plan_of(tmp_path, seeds_of(row))
    of_id = "*/envelope/user_id"
    for view in ("events", "identifies", "groups"):
        found = scopes(plan, view)
        assert found["user_id"] == of_id
        assert found["anonymous_id"] == found["row_id"] == "*"
    users = plan.destinations["ga4"].latest_views["users"]
    assert {column.name: column.scope for column in users if column.scope} == {
        "row_id": of_id,
        "user_id": of_id,
    }
    assert len({column.masked_column for column in users if column.scope}) == 1
    assert plan.id_scopes == {"user_id": ["*", of_id], "anonymous_id": ["*"], "group_id": ["*"]}


def test_no_two_scopes_of_a_value_have_one_suffix() -> None:
    names = ["*", "ga4", "ga4__property", "property_shared", "for_ga4", "shared"]
    found = [f"{name}{end}" for name, end in itertools.product(names, ("", "/event/email"))]
    assert len({scope_suffix(scope) for scope in found}) == len(found)


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (("*", ""), ("*", "property"), "narrows"),
        (("*", "property"), ("*", ""), "widens"),
        (("*", ""), ("*", "destination"), "narrows"),
        (("*", "destination"), ("*", "property"), "widens"),
        (("*", "property"), ("*", "destination"), "widens"),
        (("destination", ""), ("destination", "property"), "narrows"),
        (("destination", "property"), ("destination", ""), "widens"),
    ],
)
def test_what_can_be_compared_with_more_widens(
    tmp_path: Path, before: tuple[str, str], after: tuple[str, str], effect: str
) -> None:
    described = []
    for name, (destination, row) in (("before", before), ("after", after)):
        (tmp_path / name).mkdir()
        seeds = seeds_of({"property": "email", "mask_scope": row}, mask_scope=destination)
        described.append(describe(seeds.read(tmp_path / name), ["dev"], TODAY, None))
    locked, current = described
    found = compare(locked, current)
    assert {item.effect for item in found} == {effect}
