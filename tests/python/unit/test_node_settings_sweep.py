"""A sweep over every setting that dbt knows of a model, a test and a seed, as dbt reads it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from dbt.artifacts.resources.v1.config import TestConfig
from dbt.artifacts.resources.v1.model import ModelConfig
from dbt.artifacts.resources.v1.seed import SeedConfig
from dbt_common.contracts.config.base import BaseConfig

from hipaa_mode.run.facts import MATERIALIZED, ZONE, Node
from hipaa_mode.run.node_settings import unreviewed_settings
from hipaa_mode.run.readers import readers

OWN_MODEL = {"group": ZONE, "access": "private"}
KINDS: dict[str, tuple[type[BaseConfig], dict[str, Any], Node]] = {
    name: (
        ModelConfig,
        {
            **OWN_MODEL,
            "materialized": MATERIALIZED[name],
            **(
                {"incremental_strategy": "append", "full_refresh": False}
                if name == "surrogate_codes"
                else {}
            ),
        },
        Node(f"model.hipaa_mode.{name}", "model", "hipaa_mode", name, "f.sql"),
    )
    for name in MATERIALIZED
} | {
    "ga4__events": (
        ModelConfig,
        {**OWN_MODEL, "materialized": "destination_view"},
        Node("model.clinic.ga4__events", "model", "clinic", "ga4__events", "v.sql"),
    ),
    "seed": (
        SeedConfig,
        {"full_refresh": True},
        Node("seed.clinic.destinations", "seed", "clinic", "destinations", "s.csv"),
    ),
    "test of the package": (
        TestConfig,
        {},
        Node("test.hipaa_mode.t", "test", "hipaa_mode", "t", "t.sql"),
    ),
    "test of a view": (
        TestConfig,
        {},
        Node(
            *("test.clinic.t.0123456789", "test", "clinic", "t", "t.yml"),
            macros=("macro.hipaa_mode.test_holds_only_what_is_allowed",),
        ),
    ),
}

ELSEWHERE = {
    "enabled": "a model or test that is switched off is missing from the run, which holds back",
    "alias": "where relations are is judged by outcome",
    "schema": "where relations are is judged by outcome",
    "database": "where relations are is judged by outcome",
    "quoting": "where relations are is judged by outcome",
    "tags": "selects",
    "meta": "describes",
    "docs": "describes",
    "persist_docs": "describes",
    "static_analysis": "is of another dbt",
    "grants": "DuckDB has none",
}
"""Settings that may be anything, and why."""

OF_TESTS = {"severity", "where", "limit", "fail_calc", "warn_if", "error_if"}
"""Settings that hold back the destinations of a test; see test_permission.py."""

VALUES: tuple[Any, ...] = (
    *(True, False, 0, 1, 2, "x", "warn", "select 1", "public", "protected", "merge", "day"),
    *("2026-01-01", "external", "table", "view", ";", "fail", "append_new_columns", "continue"),
    *(["x"], [{"x": "y"}], {"x": "y"}, {"enforced": True}, {"user_id": "integer"}, ["select 1"]),
    *([{"sql": "select 1"}], {"show": False}, {"build_after": {"count": 1, "period": "day"}}),
)
OTHERS = (
    *("sql_header", "location", "format", "options", "plugin", "delimiter", "partition_by"),
    *(
        "partitioned_by",
        "incremental_predicates",
        "merge_update_columns",
        "secrets",
        "tblproperties",
    ),
    *(
        "predicates",
        "unlogged",
        "python_model_timeout",
        "snapshot_meta_column_names",
        "some_new_one",
    ),
)
"""Settings that dbt hands on to adapters and macros without knowing them."""


def changes(kind: str) -> Iterator[tuple[str, Any, Node]]:
    """Give, for each setting and each value of it that dbt takes, the node that has it."""
    config, own, node = KINDS[kind]
    as_reviewed = config.from_dict(own).to_dict(omit_none=False)
    names = [field.name for field in dataclasses.fields(config) if not field.name.startswith("_")]
    for name in (*(name.replace("_hook", "-hook") for name in names), *OTHERS):
        for value in VALUES:
            try:
                config.validate({**own, name: value})
                changed = config.from_dict({**own, name: value}).to_dict(omit_none=False)
            except Exception:
                continue
            if changed != as_reviewed:
                yield name, value, dataclasses.replace(node, config=changed)


LET_THROUGH: dict[str, dict[str, list[Any]]] = {
    # Its materialization takes no contract; its columns are the allowlist's.
    "ga4__events": {"contract": [{"enforced": True}], "access": ["public", "protected"]},
    "seed": {"quote_columns": [True, False]},
    "test of the package": {"store_failures": [False]},
    "test of a view": {"store_failures": [False]},
}
"""Values of other settings that were reviewed."""


def faults(node: Node) -> list[Any]:
    """What keeps a run with the node from starting; what is no view any more is a reader."""
    return [*unreviewed_settings([node]), *readers([node])]


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_is_refused_or_harmless(kind: str) -> None:
    config, own, node = KINDS[kind]
    sound = dataclasses.replace(node, config=config.from_dict(own).to_dict(omit_none=False))
    assert faults(sound) == []
    harmless = {*ELSEWHERE, *(OF_TESTS if config is TestConfig else ())}
    let_through: dict[str, list[Any]] = {}
    for name, value, changed in changes(kind):
        if name not in harmless and not faults(changed):
            let_through.setdefault(name, []).append(value)
    assert let_through == LET_THROUGH.get(kind, {})


FIXED = {
    "surrogate_codes": {"contract"},
    "seed": {"materialized"},
    "test of the package": {"materialized"},
    "test of a view": {"materialized"},
}
"""Settings of which dbt itself takes no other value."""


@pytest.mark.parametrize("kind", KINDS)
def test_the_sweep_changes_every_setting(kind: str) -> None:
    config, _, _ = KINDS[kind]
    names = {field.name.replace("_hook", "-hook") for field in dataclasses.fields(config)}
    changed = {name for name, _, _ in changes(kind)}
    assert names - {"_extra"} - changed == FIXED.get(kind, set())
