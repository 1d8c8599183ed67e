"""Which settings and extensions a connection may have."""

from __future__ import annotations

import duckdb
import pytest

from hipaa_mode.functions import SCHEMA, create
from hipaa_mode.run.connection import (
    MAY_DIFFER,
    SETTINGS,
    connection_faults,
    default_settings,
    function_fault,
)


def faults_after(*statements: str, extensions: tuple[str, ...] = ()) -> list[str]:
    with duckdb.connect(":memory:") as connection:
        for statement in statements:
            connection.execute(statement)
        rows = connection.execute(f"select name, value from {SETTINGS}").fetchall()
    return connection_faults(rows, extensions, default_settings())


def test_a_fresh_connection_is_as_reviewed() -> None:
    assert faults_after() == []


@pytest.mark.parametrize(
    "statement",
    [
        "set threads = 1",
        "set memory_limit = '300MB'",
        "set temp_directory = '/tmp/elsewhere'",
        "set max_temp_directory_size = '1GB'",
        "set enable_progress_bar = true",
        "set extension_directory = '/tmp/extensions'",
        "set enable_external_access = false",
        "set TimeZone = 'UTC'",
        "set enable_profiling = 'json'",
    ],
)
def test_what_changes_neither_values_nor_rows_may_differ(statement: str) -> None:
    assert faults_after(statement) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("default_collation", "NOCASE"),
        ("default_collation", "NOACCENT"),
        ("integer_division", "true"),
        ("default_null_order", "nulls_first"),
        ("default_order", "desc"),
        ("TimeZone", "America/New_York"),
        ("Calendar", "japanese"),
        ("ieee_floating_point_ops", "false"),
        ("old_implicit_casting", "true"),
        ("order_by_non_integer_literal", "true"),
        ("scalar_subquery_error_on_multiple_rows", "false"),
        ("disabled_optimizers", "filter_pushdown"),
        ("preserve_insertion_order", "false"),
        ("preserve_identifier_case", "false"),
        ("file_search_path", "/tmp"),
        ("search_path", "information_schema"),
        ("schema", "information_schema"),
        ("lambda_syntax", "enable_single_arrow"),
        ("errors_as_json", "true"),
        ("binary_as_string", "true"),
        ("disable_timestamptz_casts", "true"),
        ("allow_unsigned_extensions", "true"),
        ("python_scan_all_frames", "true"),
        ("custom_extension_repository", "http://localhost"),
    ],
)
def test_any_other_setting_must_have_its_default(name: str, value: str) -> None:
    config: dict[str, str | bool | int | float | list[str]] = (
        {name: value} if name == "allow_unsigned_extensions" else {}
    )
    with duckdb.connect(":memory:", config=config) as connection:
        if not config:
            connection.execute(f"set {name} = '{value}'")
        rows = connection.execute(f"select name, value from {SETTINGS}").fetchall()
    faults = connection_faults(rows, (), default_settings())
    assert faults
    assert any(f"`{name}`" in fault or "`null_order`" in fault for fault in faults)
    assert all(f"= '{value}'" not in fault for fault in faults)


def test_a_setting_that_nobody_reviewed_is_refused_whatever_its_value() -> None:
    [fault] = connection_faults([["new_semantics", "1"]], (), {})
    assert "`new_semantics`" in fault


def test_a_setting_that_can_not_be_seen_is_not_taken_for_its_default() -> None:
    defaults = {"default_collation": "", "threads": "2"}
    [fault] = connection_faults([["threads", "8"]], (), defaults)
    assert "lacks the setting `default_collation`" in fault


def test_object_storage_may_have_its_settings() -> None:
    rows = [[name, "x"] for name in ("s3_region", "s3_access_key_id", "azure_account_name")]
    assert connection_faults(rows, ("httpfs", "aws", "azure"), {}) == []


def test_an_extension_that_nobody_reviewed_is_refused() -> None:
    [fault] = faults_after(extensions=("httpfs", "collations"))
    assert "`collations`" in fault


def test_no_setting_that_decides_what_sql_means_may_differ() -> None:
    decide = ("collation", "order", "casting", "division", "search", "optimizer", "calendar")
    assert not [name for name in MAY_DIFFER for word in decide if word in name.lower()]


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("select 1", ""),
        ("create macro theirs(value) as value", ""),
        ("create macro hipaa_mask(value, scope) as value", "name of a masking function"),
        ("create temp macro Hipaa_Mask(value, scope) as value", "name of a masking function"),
        ("create macro date_trunc(part, value) as value", "engine's own functions"),
        (f"create or replace macro {SCHEMA}.guarded(value) as value", "not those that were made"),
    ],
)
def test_what_may_stand_in_for_a_function_is_found(statement: str, problem: str) -> None:
    with duckdb.connect() as connection:
        made = create(connection)
        connection.execute(statement)
        found = function_fault(made, lambda sql: connection.execute(sql).fetchall())
    assert problem in found
    assert bool(found) == bool(problem)
    assert "plugin is not loaded" in function_fault(None)
