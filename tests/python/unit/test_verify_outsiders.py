"""What the compiled SQL of a project's own models may read, and what their hooks may run."""

from __future__ import annotations

from pathlib import Path

import pytest

from hipaa_mode.engines import DUCKDB, POSTGRES, SPARK
from hipaa_mode.run.facts import Facts, Node
from hipaa_mode.verify.outsiders import (
    is_harmless_hook,
    problems_of_outsiders,
    raw_folders,
    unprovable_hooks,
)

STAGED = Node(
    "model.hipaa_mode.stg_calls", "model", "hipaa_mode", "stg_calls",
    address=("calls", "main_restricted", "stg_calls"),
)  # fmt: skip


def problems(
    sql: str,
    kind: str = "model",
    file: str = "own.sql",
    folder: Path = Path("/srv/clinic"),
    engine: str = DUCKDB,
) -> list[str]:
    own = Node(f"{kind}.clinic.own", kind, "clinic", "own", file, sql=sql)
    facts = Facts("clinic", (STAGED, own))
    return [problem for _, problem in problems_of_outsiders(facts, raw_folders(folder), engine)]


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("select * from main_restricted.calls_read", "main_restricted.calls_read"),
        ('select * from "calls"."MAIN_RESTRICTED"."masked_events"', "of the restricted zone"),
        ("with a as (from main_restricted.audit_log) select * from a", "restricted zone"),
        ("select (select max(user_id) from main_restricted.calls_read) as m", "restricted zone"),
        ("select 1 where exists (select 1 from main_restricted.stg_calls)", "restricted zone"),
        ("select * from t join main_restricted.stg_calls using (a)", "restricted zone"),
        ("select * from a union all select * from main_restricted.b", "restricted zone"),
        ("from main_restricted.stg_calls", "restricted zone"),
        ("select * from hipaa_mode_raw_lines", "hipaa_mode_raw_lines"),
        ("select * from hipaa_mode_lines_again", "hipaa_mode_lines_again"),
        ("select * from hipaa_mode_values.main.calls", "hipaa_mode_values"),
        ("select * from Hipaa_Mode_Values.calls", "hipaa_mode_values"),
        ("select * from hipaa_mode_values_in_file.calls", "hipaa_mode_values_in_file"),
        ("select * from temp.hipaa_mode_suppressed_users", "hipaa_mode_suppressed_users"),
        ("select * from query_table('main_restricted.x')", "query_table"),
        ("select * from query('select 1')", "query"),
        ("select * from read_csv('/srv/clinic/raw_calls/a.csv')", "folder of raw calls"),
        ("select * from read_json('/srv/clinic/raw_calls/*.json')", "folder of raw calls"),
        ("select * from read_parquet(['a', '/srv/clinic/raw_calls/b'])", "folder of raw calls"),
        ("select * from read_text('/srv/clinic/**')", "folder of raw calls"),
        ("select * from read_ndjson_objects('/srv/clinic/demo/raw_calls/x')", "raw calls"),
        ("select * from '/srv/clinic/raw_calls/x.parquet'", "folder of raw calls"),
        ("select * from '/srv/clinic/../clinic/raw_calls/x.csv'", "folder of raw calls"),
        ("select * from read_csv(getvariable('f'))", "can't be traced"),
        ("select * from read_csv('/srv/' || 'clinic/raw_calls/a.csv')", "can't be traced"),
        ("select * from own_table_macro()", "can't be traced"),
        ("select * from sqlite_scan('/srv/clinic/restricted/dev.duckdb', 'x')", "raw calls"),
        ("pivot main_restricted.x on ??? (", "can't be parsed"),
    ],
)
def test_raw_values_are_shown_by_no_other_model(sql: str, problem: str) -> None:
    found = problems(sql)
    assert found and problem in found[0]
    assert problems(sql, "snapshot") == problems(sql, "analysis") == found


@pytest.mark.parametrize(
    "sql",
    [
        "select event, count(*) from calls.main_destinations.ga4__events group by 1",
        "with calls_read as (select 1 as a) select * from calls_read",
        "select * from main.stg_calls",
        "select * from other.main_restricted.stg_calls",
        "select * from range(3), unnest([1, 2]) as t(n), generate_series(1, 3)",
        "select * from read_parquet('/srv/reference/zip.parquet')",
        "select * from read_csv('s3://reference/zip.csv')",
        "select * from duckdb_tables()",
        "select 'main_restricted.stg_calls' as text -- from main_restricted.x",
        "select read from t",
        "??? not parsed ( at all",
        "",
    ],
)
def test_other_sql_is_not_found_fault_with(sql: str) -> None:
    assert problems(sql) == []


def test_a_python_model_can_not_be_traced() -> None:
    [problem] = problems("", file="own.py")
    assert "written in Python" in problem


def test_raw_calls_may_be_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    sql = "select * from read_json('/data/calls/2026/*.json')"
    assert problems(sql) == []
    monkeypatch.setenv("HIPAA_MODE_RAW_CALLS", "/data/calls/**/*.json")
    assert "folder of raw calls" in problems(sql)[0]
    monkeypatch.setenv("HIPAA_MODE_RAW_CALLS", "raw.calls")
    assert problems(sql) == []


@pytest.mark.parametrize(
    ("hook", "is_harmless"),
    [
        ("grant select on {{ this }} to reader", True),
        ("COMMENT ON TABLE {{ this }} IS 'x'", True),
        ("analyze {{ this }}; vacuum;", True),
        ("checkpoint", True),
        ("-- nothing\n", True),
        ("create or replace macro main.date_trunc(a, b) as b", False),
        ("set global default_collation = 'NOCASE'", False),
        ("grant select on x to y; create macro main.count(a) as 0", False),
        ("{{ elementary.on_run_end() }}", False),
        ("analyze {{ run_query('create macro x(a) as a') }}", False),
        ("{% do run_query('x') %}", False),
        ("/* grant */ insert into main_destinations.ga4__events select 1", False),
        ("load icu", False),
    ],
)
def test_hooks_change_neither_values_nor_functions(hook: str, is_harmless: bool) -> None:
    assert is_harmless_hook(hook) is is_harmless
    config = {"post-hook": [{"sql": hook, "transaction": True}], "pre-hook": []}
    node = Node("model.clinic.own", "model", "clinic", "own", config=config)
    assert bool(list(unprovable_hooks([node]))) is not is_harmless


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("select current_setting('hipaa_mode.subkey_a')", "calls `current_setting()`"),
        ("select query_to_xml('select * from raw.calls', true, true, '')", "query_to_xml"),
        ("select table_to_xml('raw.calls', true, true, '')", "table_to_xml"),
        ("select pg_read_file('f')", "pg_read_file"),
        ("select * from dblink('x', 'select 1') as t (a text)", "dblink"),
        ("select * from ts_stat('select * from raw.calls')", "ts_stat"),
        ("select own.function_of_ours(1)", "calls `function_of_ours()`"),
        ("select hipaa_functions.token('a', '*')", "may make tokens"),
        ("select * from main_restricted.masked_events", "of the restricted zone"),
        ("table main_restricted.masked_events", "of the restricted zone"),
        ("select * from raw.calls", "reads the table of raw calls"),
        ("select (r).message from only raw.calls as r", "reads the table of raw calls"),
        ("do $$ begin perform 1; end $$", "can't be traced"),
    ],
)
def test_raw_values_are_shown_by_no_other_model_on_postgres(
    monkeypatch: pytest.MonkeyPatch, sql: str, problem: str
) -> None:
    monkeypatch.setenv("HIPAA_MODE_RAW_CALLS", "raw.calls")
    assert any(problem in found for found in problems(sql, engine=POSTGRES))


def test_what_is_published_may_be_read_on_postgres() -> None:
    sql = """
    with days as (
        select date_trunc('day', "timestamp") as day, count(*) filter (where event = 'x') as calls,
            row_number() over (partition by plan order by count(*) desc) as place
        from main_destinations.tool__events as t
        left join lateral (select 1) as one on true
        where lower(plan) in ('a', 'b') and not exists (select 1 from other.table_of_ours)
        group by 1
    )
    select day, coalesce(sum(calls), 0), cast(avg(calls) as numeric(10, 2)) from days
    """
    assert problems(sql, engine=POSTGRES) == []


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("select * from text.`/raw/calls.json`", "a file by its path"),
        ("select * from parquet.`s3a://raw/calls`", "a file by its path"),
        ("select * from read_files('/raw')", "calls `read_files()`"),
        ("select reflect('java.lang.System', 'getenv', 'A')", "calls `reflect()`"),
        ("select java_method('java.lang.System', 'getenv', 'A')", "calls `java_method()`"),
        ("select * from identifier('raw.calls')", "calls `identifier()`"),
        ("select system.session.hipaa_mask('a', '*')", "calls `hipaa_mask()`"),
        ("select hipaa_functions.trimmed('a')", "a function of hipaa_functions"),
        ("select hipaa_functions__trimmed('a')", "calls `hipaa_functions__trimmed()`"),
        ("select * from hipaa_mode_raw_lines", "holds raw calls or ids"),
        ("select * from `HIPAA_MODE_STEP_0`", "holds raw calls or ids"),
        ('select * from "main_restricted"."masked_events"', "of the restricted zone"),
        ("select * from `main_restricted`.masked_events", "of the restricted zone"),
        ("select * from raw.calls", "reads the table of raw calls"),
    ],
)
def test_raw_values_are_shown_by_no_other_model_on_spark(
    monkeypatch: pytest.MonkeyPatch, sql: str, problem: str
) -> None:
    monkeypatch.setenv("HIPAA_MODE_RAW_CALLS", "raw.calls")
    assert any(problem in found for found in problems(sql, engine=SPARK))


def test_what_is_published_may_be_read_on_spark() -> None:
    sql = """
    with days as (
        select date_trunc('day', timestamp) as day, count(*) as calls, /* of a day */
            row_number() over (partition by plan order by count(*) desc) as place
        from main_destinations.tool__events as t
        lateral view explode(array(1)) ones as one
        where lower(plan) in ('a', "plan") and not exists (select 1 from other.table_of_ours)
        group by all
    )
    select day, coalesce(sum(calls), 0), cast(avg(calls) as decimal(10, 2)) from days
    """
    assert problems(sql, engine=SPARK) == []
