"""Which macros, readers and relations a project may have beside the package."""

from __future__ import annotations

from typing import Any

import pytest

from hipaa_mode.run.facts import Facts, Macro, Node, base_name, read_dispatch
from hipaa_mode.run.overrides import dispatch_faults, names_of_dbts_context, overriding_macros
from hipaa_mode.run.readers import readers
from hipaa_mode.run.relations import relation_faults
from hipaa_mode.run.start import project_faults

DBT_MACROS = (
    Macro("dbt", "statement"),
    Macro("dbt", "run_query"),
    Macro("dbt", "get_test_sql"),
    Macro("dbt", "default__get_test_sql"),
    Macro("dbt", "test_not_null"),
    Macro("dbt", "default__test_not_null"),
    Macro("dbt", "materialization_view_default"),
    Macro("dbt", "materialization_test_default"),
    Macro("dbt", "generate_schema_name"),
    Macro("dbt", "default__generate_alias_name"),
    Macro("dbt_duckdb", "duckdb__get_columns_in_relation"),
)
OURS = (
    Macro("hipaa_mode", "write_rows"),
    Macro("hipaa_mode", "duckdb__write_rows"),
    Macro("hipaa_mode", "test_rows_match_calls"),
    Macro("hipaa_mode", "materialization_destination_view_duckdb"),
    Macro("hipaa_mode", "environment"),
)


def overrides(*own: Macro, context: tuple[str, ...] = ("ref", "var"), **facts: Any) -> list[str]:
    project = Facts("clinic", (), (*DBT_MACROS, *OURS, *own), **facts)
    return [macro.name for macro, _ in overriding_macros(project, lambda: context)]


@pytest.mark.parametrize(
    "name",
    [
        "statement",
        "run_query",
        "get_test_sql",
        "duckdb__get_test_sql",
        "default__get_test_sql",
        "get_columns_in_relation",
        "test_not_null",
        "duckdb__test_not_null",
        "materialization_view_duckdb",
        "materialization_view_default",
        "materialization_test_duckdb",
        "ref",
        "var",
        "hipaa_mode",
        "dbt",
        "duckdb__write_rows",
        "default__write_rows",
        "test_rows_match_calls",
        "materialization_destination_view_default",
    ],
)
def test_a_macro_of_the_project_may_stand_in_for_no_other(name: str) -> None:
    assert overrides(Macro("clinic", name)) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "generate_schema_name",
        "default__generate_schema_name",
        "generate_alias_name",
        "duckdb__generate_alias_name",
        "generate_database_name",
        # The package calls its own by its name.
        "environment",
        "write_rows",
        "cents_to_dollars",
        "duckdb__cents_to_dollars",
        "materialization_own_duckdb",
        "test_is_even",
    ],
)
def test_a_project_may_have_macros_of_its_own(name: str) -> None:
    assert overrides(Macro("clinic", name)) == []


def test_packages_are_judged_where_dispatch_puts_them_in_front() -> None:
    macros = [Macro("other", "default__get_test_sql"), Macro("other", "duckdb__write_rows")]
    assert overrides(*macros) == []
    assert overrides(*macros, dispatch={"dbt": ("other", "dbt")}) == ["default__get_test_sql"]
    assert overrides(*macros, dispatch={"hipaa_mode": ("other",)}) == ["duckdb__write_rows"]
    assert overrides(*macros, dispatch={"dbt_utils": ("other", "dbt_utils")}) == []


def test_no_package_may_have_a_materialization_of_ours() -> None:
    assert overrides(Macro("other", "materialization_destination_view_duckdb")) == [
        "materialization_destination_view_duckdb"
    ]
    builtin = Macro("other", "materialization_test_default")
    assert overrides(builtin) == []
    assert overrides(builtin, packages_override=True) == ["materialization_test_default"]


def test_a_macro_among_the_packages_own_is_judged_too() -> None:
    project = Facts("hipaa_mode", (), (*DBT_MACROS, *OURS, Macro("hipaa_mode", "run_query", "f")))
    [found] = overriding_macros(project, lambda: ())
    assert (found[0].name, found[0].file) == ("run_query", "f")
    assert found[1] == "stands in for dbt's own"


def test_the_names_of_dbts_context_come_from_dbt() -> None:
    assert {"ref", "source", "var", "env_var", "config", "this", "graph", "adapter"} <= (
        names_of_dbts_context()
    )


def test_dispatch_may_put_nothing_before_the_package() -> None:
    order = read_dispatch(
        [
            {"macro_namespace": "hipaa_mode", "search_order": ["mine", "hipaa_mode"]},
            {"macro_namespace": "dbt_utils", "search_order": ["mine", "dbt_utils"]},
            "no entry",
        ]
    )
    [fault] = dispatch_faults(Facts("clinic", dispatch=order))
    assert "`dispatch` puts mine, hipaa_mode" in fault
    assert dispatch_faults(Facts("clinic", dispatch={"dbt_utils": ("mine",)})) == []


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("duckdb__run_query", "run_query"),
        ("default__run_query", "run_query"),
        ("materialization_view_duckdb", "materialization_view"),
        ("materialization_own_view_default", "materialization_own_view"),
        ("spark__run_query", "run_query"),
        ("snowflake__run_query", "snowflake__run_query"),
        ("run_query", "run_query"),
    ],
)
def test_a_macro_is_looked_for_by_its_name_without_the_adapter(name: str, base: str) -> None:
    assert base_name(name) == base


STAGED = Node(
    "model.hipaa_mode.stg_calls", "model", "hipaa_mode", "stg_calls",
    config={"materialized": "view", "group": "restricted_zone"},
    address=("calls", "main_restricted", "stg_calls"),
)  # fmt: skip
VIEW = Node(
    "model.clinic.ga4__events", "model", "clinic", "ga4__events",
    config={"materialized": "destination_view", "group": "restricted_zone"},
    parents=(STAGED.unique_id,), address=("calls", "main_destinations", "ga4__events"),
)  # fmt: skip


def outsider(kind: str = "model", name: str = "own", **fields: Any) -> Node:
    return Node(f"{kind}.clinic.{name}", kind, "clinic", name, f"{name}.sql", **fields)


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        (outsider(config={"group": "restricted_zone"}), "is in the group restricted_zone"),
        (outsider(parents=(STAGED.unique_id,)), "reads stg_calls"),
        (outsider(parents=("source.hipaa_mode.raw.calls",)), "reads the raw calls"),
        (outsider("snapshot", parents=(STAGED.unique_id,)), "reads stg_calls"),
        (outsider("analysis", parents=(STAGED.unique_id,)), "reads stg_calls"),
        (outsider("exposure", parents=(STAGED.unique_id,)), "reads stg_calls"),
        (outsider("saved_query", parents=(STAGED.unique_id,)), "reads stg_calls"),
        (outsider("semantic_model", parents=(STAGED.unique_id,)), "reads stg_calls"),
        (outsider("function", parents=(STAGED.unique_id,)), "reads stg_calls"),
        (outsider(name="stg_calls", parents=(STAGED.unique_id,)), "reads stg_calls"),
        (outsider(code="select * from main_restricted.calls_read"), "names `main_restricted`"),
        (outsider(code='select * from "MAIN_RESTRICTED" . "x"'), "names `MAIN_RESTRICTED`"),
        (outsider(code="from calls.main_restricted.audit_log"), "names `main_restricted`"),
        (outsider(code="from hipaa_mode_raw_lines"), "names `hipaa_mode_raw_lines`"),
        (outsider(code="from system.temp.hipaa_mode_suppressed_users"), "hipaa_mode_suppressed"),
    ],
)
def test_nothing_beside_the_views_reads_the_restricted_zone(node: Node, problem: str) -> None:
    [(reader, found)] = readers([STAGED, VIEW, node])
    assert reader is node
    assert problem in found


@pytest.mark.parametrize(
    "node",
    [
        outsider(parents=(VIEW.unique_id,), code="select * from {{ ref('ga4__events') }}"),
        outsider(code="-- from main_restricted.calls_read\nselect 1"),
        outsider(code="{# main_restricted.x #} select main_restricted from t"),
        outsider("test", parents=(STAGED.unique_id,), config={"group": "restricted_zone"}),
        outsider("exposure", parents=(VIEW.unique_id,)),
    ],
)
def test_what_reads_the_views_is_no_reader_of_the_zone(node: Node) -> None:
    assert readers([STAGED, VIEW, node]) == []


def test_the_restricted_zone_has_a_schema_to_itself() -> None:
    other = ("calls", "main", "own")
    assert relation_faults([STAGED, VIEW, outsider(address=other)]) == []
    beside = Node(**{**vars(VIEW), "address": ("calls", "main_restricted", "ga4__events")})
    [fault] = relation_faults([STAGED, beside])
    assert "`ga4__events` would be in `calls.main_restricted`" in fault
    table = outsider(address=("calls", "main_restricted", "suppressed_users"))
    assert len(relation_faults([STAGED, table])) == 1
    elsewhere = Node(**{**vars(VIEW), "address": ("other", "main_restricted", "ga4__events")})
    assert relation_faults([STAGED, elsewhere]) == []


def test_the_packages_models_share_one_schema() -> None:
    fields = {**vars(STAGED), "unique_id": "model.hipaa_mode.calls_read", "name": "calls_read"}
    moved = Node(**{**fields, "address": ("calls", "other", "calls_read")})
    [fault] = relation_faults([STAGED, moved])
    assert "they need one schema" in fault


def test_every_kind_of_fault_keeps_a_run_from_starting() -> None:
    header = Node(**{**vars(VIEW), "config": {**VIEW.config, "sql_header": "select 1"}})
    facts = Facts(
        "clinic",
        (STAGED, header, outsider(code="from hipaa_mode_raw_lines")),
        (*DBT_MACROS, *OURS, Macro("clinic", "statement", "own.sql")),
        {"hipaa_mode": ("clinic",)},
    )
    told = "\n".join(project_faults(facts))
    for word in ("sql_header", "`statement`", "hipaa_mode_raw_lines", "`dispatch`"):
        assert word in told
