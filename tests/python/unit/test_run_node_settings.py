"""Which settings models, views, tests and seeds may have."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_mode.run.facts import MATERIALIZED, Node
from hipaa_mode.run.node_settings import setting_faults, unreviewed_settings

DEFAULTS: dict[str, Any] = {
    "enabled": True,
    "alias": None,
    "schema": None,
    "database": None,
    "tags": [],
    "meta": {},
    "group": "restricted_zone",
    "static_analysis": None,
    "materialized": "table",
    "incremental_strategy": None,
    "batch_size": None,
    "lookback": 1,
    "begin": None,
    "persist_docs": {},
    "post-hook": [],
    "pre-hook": [],
    "quoting": {},
    "column_types": {},
    "full_refresh": None,
    "unique_key": None,
    "on_schema_change": "ignore",
    "on_configuration_change": "apply",
    "grants": {},
    "packages": [],
    "docs": {"show": True, "node_color": None},
    "contract": {"enforced": False, "alias_types": True},
    "event_time": None,
    "concurrent_batches": None,
    "access": "private",
    "freshness": None,
}
TEST_DEFAULTS: dict[str, Any] = {
    "enabled": True,
    "group": None,
    "materialized": "test",
    "severity": "error",
    "store_failures": False,
    "store_failures_as": "ephemeral",
    "where": None,
    "limit": None,
    "fail_calc": "count(*)",
    "warn_if": "!= 0",
    "error_if": "!= 0",
}


def restricted(name: str = "masked_events", **config: Any) -> Node:
    own = {**DEFAULTS, "materialized": MATERIALIZED[name]}
    if name == "surrogate_codes":
        own |= {"incremental_strategy": "append", "full_refresh": False}
    return Node(
        f"model.hipaa_mode.{name}", "model", "hipaa_mode", name, "f.sql", {**own, **config}
    )


def view(**config: Any) -> Node:
    own = {**DEFAULTS, "materialized": "destination_view", "access": "public"}
    return Node(
        "model.clinic.ga4__events", "model", "clinic", "ga4__events", "v.sql", own | config
    )


def seed(**config: Any) -> Node:
    own = {**DEFAULTS, "group": None, "materialized": "seed", "delimiter": ",", "access": None}
    own |= {"quote_columns": None, "full_refresh": True, "column_types": {"event": "varchar"}}
    del own["access"]
    return Node(
        "seed.clinic.destinations", "seed", "clinic", "destinations", "s.csv", own | config
    )


def check(**config: Any) -> Node:
    macros = ("macro.hipaa_mode.test_holds_only_what_is_allowed",)
    return Node(
        "test.clinic.t", "test", "clinic", "t", "t.yml", TEST_DEFAULTS | config, macros=macros
    )


def settings(*nodes: Node) -> list[str]:
    return [item.setting for item in unreviewed_settings(nodes)]


def test_what_the_package_says_itself_is_reviewed() -> None:
    nodes = [*(restricted(name) for name in MATERIALIZED), view(), seed(), check()]
    assert settings(*nodes) == []


UNREVIEWED = {
    "sql_header": "set default_collation = 'NOCASE';",
    "pre-hook": [{"sql": "select 1", "transaction": True, "index": None}],
    "post-hook": [{"sql": "select 1", "transaction": True, "index": None}],
    "materialized": "external",
    "on_schema_change": "append_new_columns",
    "on_configuration_change": "continue",
    "unique_key": "user_id",
    "incremental_strategy": "merge",
    "batch_size": "day",
    "begin": "2026-01-01",
    "event_time": "timestamp",
    "lookback": 2,
    "concurrent_batches": True,
    "full_refresh": True,
    "location": "/tmp/out.parquet",
    "plugin": "excel",
    "indexes": [{"columns": ["a"]}],
    "transient": True,
    "incremental_predicates": ["true"],
    "where": "1 = 0",
    "group": None,
}


@pytest.mark.parametrize("setting", UNREVIEWED)
@pytest.mark.parametrize("node", [restricted, view], ids=["package model", "destination view"])
def test_any_other_setting_of_a_model_is_refused(node: Any, setting: str) -> None:
    if node is view and setting == "materialized":
        # Built in another way it is no destination view, and reads what it may not.
        setting = "sql_header"
    assert settings(node(**{setting: UNREVIEWED[setting]})) == [setting]


@pytest.mark.parametrize("access", ["public", "protected", None])
def test_the_packages_models_stay_private(access: str | None) -> None:
    assert settings(restricted(access=access)) == ["access"]
    assert settings(view(access="protected")) == []


def test_a_contract_may_not_change_how_a_package_model_is_built() -> None:
    enforced = {"contract": {"enforced": True, "alias_types": True}}
    assert settings(restricted("surrogate_codes", **enforced)) == ["contract"]
    assert settings(view(**enforced)) == []


def test_a_crosswalk_is_never_rebuilt() -> None:
    assert settings(restricted("surrogate_codes", full_refresh=None)) == ["full_refresh"]
    assert settings(restricted("surrogate_codes", incremental_strategy="merge")) == [
        "incremental_strategy"
    ]


@pytest.mark.parametrize("name", [*MATERIALIZED])
def test_each_package_model_has_its_own_materialization(name: str) -> None:
    other = "table" if MATERIALIZED[name] != "table" else "view"
    assert settings(restricted(name, materialized=other)) == ["materialized"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("post-hook", [{"sql": "create macro main.date_trunc(a, b) as b"}]),
        ("column_types", {"event": "varchar collate nocase"}),
        ("column_types", {"event": "integer"}),
        ("delimiter", ";"),
        ("materialized", "table"),
        ("sql_header", "select 1"),
    ],
)
def test_a_seed_is_loaded_as_it_is(setting: str, value: Any) -> None:
    assert settings(seed(**{setting: value})) == [setting]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("store_failures", True),
        ("store_failures_as", "table"),
        ("store_failures_as", "view"),
        ("materialized", "table"),
        ("sql_header", "set default_collation = 'NOCASE';"),
        ("pre-hook", ["select 1"]),
    ],
)
def test_a_check_keeps_nothing_and_runs_nothing_else(setting: str, value: Any) -> None:
    assert settings(check(**{setting: value})) == [setting]


def test_a_projects_own_test_of_restricted_models_keeps_nothing() -> None:
    def own(**config: Any) -> Node:
        parents = ("model.hipaa_mode.masked_events",)
        return Node("test.clinic.own", "test", "clinic", "own", "o.sql", config, parents=parents)

    assert settings(restricted(), own(store_failures=True)) == ["store_failures"]
    assert settings(restricted(), own(severity="warn", where="a = 1")) == []


def test_documentation_and_names_are_free() -> None:
    free: dict[str, Any] = {
        "tags": ["nightly"],
        "meta": {"owner": "x"},
        "persist_docs": {"relation": True, "columns": True},
        "docs": {"show": False},
        "grants": {"select": ["reader"]},
        "quoting": {"identifier": True},
        "alias": "other",
        "schema": "else",
        "database": "attached",
    }
    assert settings(restricted(**free), view(**free), seed(**free)) == []


def test_models_of_the_project_are_not_judged_by_this_list() -> None:
    own = Node("model.clinic.own", "model", "clinic", "own", "o.sql", {"sql_header": "select 1"})
    namesake = Node("model.clinic.stg_calls", "model", "clinic", "stg_calls", "s.sql", {})
    assert settings(own, namesake) == []


def test_one_setting_of_many_models_is_one_fault_with_its_remedy() -> None:
    nodes = [restricted(name, sql_header="x") for name in MATERIALIZED]
    [fault] = setting_faults(unreviewed_settings(nodes))
    assert "`calls_read`" in fault and "and 9 more" in fault
    assert "Take the setting out" in fault
