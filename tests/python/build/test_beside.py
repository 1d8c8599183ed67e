"""What a project has beside the package: refused where it could open something."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from project import Project, Run, allowed, destination, event, track

SCHEMAS = "    destination_views:\n      +schema: destinations\n"
TARGET = "      threads: 2\n"
CALLS = [
    track("Visit", {"plan": "gold"}, userId="patient-001", messageId="m-1"),
    track("visit", {"plan": "gold"}, userId="patient-002", messageId="m-2"),
]


def create(new_project: Callable[..., Project], name: str) -> Project:
    """One destination with an event, and one that has none yet."""
    return new_project(
        name,
        [destination("ga4"), destination("quiet")],
        [event("ga4", "Visit")],
        [allowed("ga4", "event", "plan", guard="none"), allowed("quiet", "user", "tier")],
        CALLS,
        views={"ga4": ("events",), "quiet": ("events", "identifies")},
    )


def change(project: Project, file: str, old: str, new: str) -> None:
    path = project.folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def add(project: Project, file: str, text: str) -> None:
    path = project.folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def verdicts(project: Project) -> list[dict[str, Any]]:
    shown = project.hipaa_mode("verify", "--json")
    assert shown.returncode in (0, 1), shown.stderr
    [proof] = json.loads(shown.stdout)
    return [item for item in proof["verdicts"] if item["outcome"] == "violation"]


class TestWhatCouldOpenSomething:
    @pytest.fixture(scope="class")
    @classmethod
    def project(cls, new_project: Callable[..., Project]) -> Project:
        project = create(new_project, "opened")
        settings = TARGET + "      settings: {default_collation: NOCASE}\n"
        change(project, "profiles.yml", TARGET, settings)
        header = "      +sql_header: set default_collation = 'NOCASE';\n"
        change(project, "dbt_project.yml", SCHEMAS, SCHEMAS + header)
        hook = "    +post-hook: create or replace macro main.date_trunc(a, b) as b\n"
        seeds = "seeds:\n  hipaa_mode:\n"
        change(project, "dbt_project.yml", seeds, seeds + hook)
        change(project, "dbt_project.yml", "+store_failures: false", "+store_failures: true")
        own = (
            "{% macro get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) %}"
            "select 0 as failures, false as should_warn, false as should_error{% endmacro %}\n"
            "{% macro duckdb__run_query(sql) %}{% endmacro %}\n"
        )
        add(project, "macros/own.sql", own)
        group = "{{ config(group='restricted_zone') }}select * from {{ ref('calls_read') }}\n"
        add(project, "models/marts/of_the_group.sql", group)
        add(project, "models/marts/by_schema.sql", "select * from main_restricted.calls_read\n")
        add(project, "models/marts/of_lines.sql", "select * from hipaa_mode_raw_lines\n")
        files = "select * from read_ndjson_objects('raw_calls/*.ndjson')\n"
        add(project, "models/marts/of_files.sql", files)
        joined = "select * from {{ ['main_restr', 'icted'] | join }}.calls_read\n"
        add(project, "models/marts/by_joined_name.sql", joined)
        add(project, "models/marts/hooked.sql", "{{ config(post_hook='load x') }}select 1 as n\n")
        return project

    @pytest.fixture(scope="class")
    @classmethod
    def refused(cls, project: Project) -> Run:
        return project.dbt("build")

    def test_nothing_is_built(self, project: Project, refused: Run) -> None:
        assert refused.exit_code == 2
        assert "Nothing was built or published" in refused.output
        assert not project.published_folder().exists()
        assert not project.query("select * from duckdb_tables() where table_name = 'calls_read'")

    @pytest.mark.parametrize(
        "told",
        [
            "`default_collation` of the connection is not DuckDB's default",
            "`sql_header` runs SQL that nothing proves",
            "a post-hook runs SQL that nothing proves",
            "`store_failures` keeps what it finds, which would be a copy of raw data",
            "macros/own.sql: macro `get_test_sql` stands in for dbt's own",
            "macros/own.sql: macro `duckdb__run_query` stands in for dbt's own",
            "model `of_the_group` is in the group restricted_zone",
            "model `by_schema` names `main_restricted`, which is restricted",
            "model `of_lines` names `hipaa_mode_raw_lines`, which is restricted",
        ],
    )
    def test_each_is_named_with_the_remedy(self, refused: Run, told: str) -> None:
        [line] = [line for line in refused.output.splitlines() if told in line]
        assert line.count(". ") >= 1 and "NOCASE" not in line

    @pytest.fixture(scope="class")
    @classmethod
    def found(cls, project: Project) -> set[tuple[str, str]]:
        return {(item["rule"], item["view"]) for item in verdicts(project)}

    @pytest.mark.parametrize(
        "violation",
        [
            ("setting", "ga4__events"),
            ("setting", "allowed_events"),
            ("setting", "raw_calls_are_all_accounted_for"),
            ("macro", "get_test_sql"),
            ("macro", "duckdb__run_query"),
            ("reader", "of_the_group"),
            ("reader", "by_schema"),
            ("reader", "by_joined_name"),
            ("reader", "of_lines"),
            ("reader", "of_files"),
            ("hook", "hooked"),
        ],
    )
    def test_verify_judges_every_node(
        self, found: set[tuple[str, str]], violation: tuple[str, str]
    ) -> None:
        assert violation in found


class TestWhatChangesTheDatabaseDuringARun:
    @pytest.fixture(scope="class")
    @classmethod
    def run(cls, new_project: Callable[..., Project]) -> tuple[Project, Run]:
        project = create(new_project, "meddled")
        hooks = (
            "{{ config(post_hook=['create or replace macro main.date_trunc(a, b) as b', "
            '"set global integer_division = true"]) }}select 1 as n\n'
        )
        add(project, "models/marts/meddler.sql", hooks)
        return project, project.dbt("build")

    def test_nothing_is_published(self, run: tuple[Project, Run]) -> None:
        project, built = run
        assert built.exit_code != 0
        assert not (project.published_folder() / "ga4").exists()

    def test_the_message_names_what_was_changed(self, run: tuple[Project, Run]) -> None:
        _, built = run
        assert "NOT published: `ga4`" in built.output
        assert "Drop them: date_trunc" in built.output
        assert "`integer_division` of the connection is not DuckDB's default" in built.output


class TestWhatHarmsNothing:
    @pytest.fixture(scope="class")
    @classmethod
    def project(cls, new_project: Callable[..., Project]) -> Project:
        project = create(new_project, "harmless")
        everywhere = (
            "models:\n  +persist_docs: {relation: true, columns: true}\n  +tags: [nightly]\n"
            "  +meta: {team: data}\n  +grants: {}\n  hipaa_mode:\n"
            "    marts: {+post-hook: [\"comment on view {{ this }} is 'x'\"]}\n"
        )
        change(project, "dbt_project.yml", "models:\n  hipaa_mode:\n", everywhere)
        macros = (
            "{% macro generate_schema_name(custom_schema_name, node) %}"
            "{{ custom_schema_name or target.schema }}{% endmacro %}\n"
            "{% macro generate_alias_name(custom_alias_name=none, node=none) %}"
            "{{ (custom_alias_name or node.name) ~ '_v1' }}{% endmacro %}\n"
            "{% macro duckdb__cents_to_dollars(cents) %}{{ cents }} / 100{% endmacro %}\n"
        )
        add(project, "macros/own.sql", macros)
        own = "select event, count(*) as n from {{ ref('ga4__events') }} group by all\n"
        add(project, "models/marts/visits.sql", own)
        add(project, "models/marts/own.md", "{% docs visits %}Visits.{% enddocs %}\n")
        described = {
            "version": 2,
            "models": [
                {
                    "name": "visits",
                    "description": "{{ doc('visits') }}",
                    "columns": [{"name": "event", "data_tests": ["not_null"]}],
                }
            ],
            "exposures": [
                {
                    "name": "dashboard",
                    "type": "dashboard",
                    "owner": {"name": "x", "email": "x@y.example"},
                    "depends_on": ["ref('visits')", "ref('ga4__events')"],
                }
            ],
        }
        add(project, "models/marts/_own.yml", json.dumps(described))
        add(project, "analyses/own.sql", "select * from {{ ref('visits') }}\n")
        snapshot = (
            "{% snapshot seen %}{{ config(unique_key='event', strategy='check', "
            "check_cols=['n'], schema='snapshots') }}"
            "select * from {{ ref('visits') }}{% endsnapshot %}\n"
        )
        add(project, "snapshots/seen.sql", snapshot)
        # A column's collation would decide what is equal, as far as values are handed on.
        rows = ", ".join(f"('{json.dumps(call)}')" for call in CALLS)
        project.execute(
            "create table raw_table (message varchar collate nocase)",
            f"insert into raw_table values {rows}",
        )
        project.environment["HIPAA_MODE_RAW_CALLS"] = "raw_table"
        return project

    @pytest.fixture(scope="class")
    @classmethod
    def built(cls, project: Project) -> Run:
        return project.build("--vars", '{"noise": 1}')

    def test_it_is_published(self, project: Project, built: Run) -> None:
        [row] = project.published_rows("ga4__events")
        assert (row["event"], row["plan"]) == ("Visit", "gold")
        assert project.published_rows("quiet__events") == []
        assert project.query("select event, n from main.visits_v1") == [("Visit", 1)]

    def test_the_packages_own_tables_are_beside_its_models(
        self, project: Project, built: Run
    ) -> None:
        tables = project.query(
            "select table_schema, count(*) from information_schema.tables where table_name in "
            "('suppressed_users', 'audit_log', 'masking_keys', 'stg_calls_v1') group by 1"
        )
        assert tables == [("restricted", 4)]

    def test_no_column_has_the_collation_of_the_raw_table(
        self, project: Project, built: Run
    ) -> None:
        collated = project.query(
            "select table_name from duckdb_tables() where sql ilike '%collate%'"
        )
        assert collated == [("raw_table",)]

    def test_it_is_proven(self, project: Project) -> None:
        assert verdicts(project) == []
