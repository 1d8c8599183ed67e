"""Faults in the project, its database and its seeds."""

from __future__ import annotations

from fault import CHECK, CONSTRUCTION, PROOF, TESTS, Fault, fault
from sandbox import Edit

GA4_YAML = "models/destination_views/ga4/_ga4.yml"
PROJECT = "dbt_project.yml"
SEED_TESTED = Edit(
    "tests/seed_as_reviewed.sql",
    "",
    "-- depends_on: {{ ref('meddler') }}\n"
    "{{ hipaa_mode.test_matches_reviewed_file(ref('allowed_events')) }}\n",
)
REPLACED = (
    "on-run-end:\n"
    "  - \"create or replace table main.kept as select * replace ('x' as user_id) "
    'from main_destinations.ga4__events"\n'
    '  - "create or replace view main_destinations.ga4__events as from main.kept"\n'
)
MEDDLER = "models/marts/meddler.sql"
MEDDLING = Edit(MEDDLER, "", "select 1 as number from {{ ref('allowed_events') }} limit 1\n")
WIDENED_SEED = "insert into main_configuration.allowed_events values ('dev', 'ga4', '*', '')"
DEV_DATABASE = "restricted/dev.duckdb') }}\"\n"
DESTINATIONS = "    destination_views:\n      +schema: destinations\n"
TOLERANT = (
    "{% macro get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) %}"
    "select 0 as failures, false as should_warn, false as should_error{% endmacro %}\n"
)

FAULTS: tuple[Fault, ...] = (
    # Project and database
    fault(
        "models",
        PROOF,
        "a test is taken from a view",
        "test: ga4__events: it has no test only_allowed_events",
        (GA4_YAML, "      - only_allowed_events\n", ""),
    ),
    fault(
        "project",
        PROOF,
        "failing tests are warnings",
        "test: ga4__events: test only_allowed_events has severity set",
        (PROJECT, "+severity: error", "+severity: warn"),
    ),
    fault(
        "project",
        PROOF,
        "a hook replaces a view after its tests",
        r"hook: on-run-end: on-run-end of hipaa_mode runs something that can't be traced",
        (PROJECT, "on-run-end:\n", REPLACED),
    ),
    fault(
        "project",
        CONSTRUCTION,
        "the hook that checks configuration and key is gone",
        "The configuration was not read. Keep hipaa_mode's on-run-start hook",
        (PROJECT, "{{ hipaa_mode.start_run() }}", "select 1"),
    ),
    fault(
        "database",
        CONSTRUCTION,
        "a macro stands in for the masking function",
        "hipaa_mode could not register its functions: something else in this database has one",
        sql=("create macro main.hipaa_mask(a, b) as a",),
    ),
    fault(
        "database",
        CONSTRUCTION,
        "a macro stands in for a function of the engine",
        "macros that stand in for the engine's own functions.* Drop them: date_trunc",
        sql=("create macro main.date_trunc(a, b) as b",),
    ),
    fault(
        "database",
        CONSTRUCTION,
        "a schema makes the names of the functions ambiguous",
        "the database has a schema hipaa_functions, as that of the functions in memory is called",
        sql=("create schema hipaa_functions",),
    ),
    fault(
        "database",
        TESTS,
        "a function is replaced while a run goes on",
        "no_identifier_patterns_ga4__events",
        (
            MEDDLER,
            "",
            "{% if execute %}{% do run_query('create or replace macro hipaa_functions.guarded(value) "
            "as value') %}{% endif %}select 1 as number\n",
        ),
    ),
    fault(
        "project",
        CONSTRUCTION,
        "the plugin is not loaded",
        "the masking plugin is not loaded, so nothing was built",
        (
            "profiles.yml",
            "      plugins:\n        - module: hipaa_mode.plugin\n          config: {environment: dev}\n",
            "",
        ),
    ),
    fault(
        "seeds",
        TESTS,
        "a seed's table has a row that its reviewed file has not",
        "seed_as_reviewed",
        (
            MEDDLER,
            "select 1",
            f'{{{{ config(post_hook="{WIDENED_SEED}") }}}}select 1',
        ),
        around=(SEED_TESTED, MEDDLING),
    ),
    # Connection, settings of nodes, macros, and what else the project has
    fault(
        "profile",
        CONSTRUCTION,
        "a collation decides which event names are equal",
        "`default_collation` of the connection is not DuckDB's default",
        (
            "profiles.yml",
            DEV_DATABASE,
            f"{DEV_DATABASE}      settings: {{default_collation: NOCASE}}\n",
        ),
    ),
    fault(
        "profile",
        CONSTRUCTION,
        "a collation is set for the whole database when it is opened",
        "`default_collation` of the connection is not DuckDB's default",
        (
            "profiles.yml",
            "        memory_limit: \"{{ env_var('HIPAA_MODE_MEMORY_LIMIT', '3GB') }}\"\n"
            "      plugins:\n        - module: hipaa_mode.plugin\n"
            "          config: {environment: dev}\n",
            "        default_collation: NOCASE\n"
            "      plugins:\n        - module: hipaa_mode.plugin\n"
            "          config: {environment: dev}\n",
        ),
    ),
    fault(
        "Python",
        CHECK,
        "every setting of the connection may be anything",
        "unit/test_run_connection.py::test_any_other_setting_must_have_its_default",
        (
            "scripts/hipaa_mode/run/connection.py",
            "return _is_free(name) or value == default or (value in same and default in same)",
            "return True",
        ),
        check="unit/test_run_connection.py",
    ),
    fault(
        "seeds",
        CONSTRUCTION,
        "a seed makes a macro with the name of a function",
        "a post-hook runs SQL that nothing proves",
        (
            PROJECT,
            "    +schema: configuration\n",
            "    +schema: configuration\n"
            "    +post-hook: create or replace macro main.date_trunc(a, b) as b\n",
        ),
    ),
    fault(
        "project",
        CONSTRUCTION,
        "views run SQL of their own first",
        "`sql_header` runs SQL that nothing proves",
        (PROJECT, DESTINATIONS, f"{DESTINATIONS}      +sql_header: set threads = 1;\n"),
    ),
    fault(
        "project",
        CONSTRUCTION,
        "tests keep the raw rows that they find",
        "`store_failures` keeps what it finds",
        (PROJECT, "+store_failures: false", "+store_failures: true"),
    ),
    fault(
        "Python",
        CHECK,
        "every setting of a model is taken",
        "unit/test_run_node_settings.py::test_any_other_setting_of_a_model_is_refused",
        (
            "scripts/hipaa_mode/run/node_settings.py",
            "if any(value == allowed and type(value) is type(allowed) for allowed in values):",
            "if True:",
        ),
        check="unit/test_run_node_settings.py",
    ),
    fault(
        "macros",
        CONSTRUCTION,
        "a macro of the project lets every test pass",
        "macro `get_test_sql` stands in for dbt's own",
        ("macros/own.sql", "", TOLERANT),
    ),
    fault(
        "Python",
        CHECK,
        "macros that stand in for dbt's own are not looked for",
        "unit/test_run_project.py::test_a_macro_of_the_project_may_stand_in_for_no_other",
        (
            "scripts/hipaa_mode/run/overrides.py",
            "            if base in built_in:\n",
            "            if base in ():\n",
        ),
        check="unit/test_run_project.py",
    ),
    fault(
        "project",
        CONSTRUCTION,
        "a model of the project joins the group of the restricted zone",
        "model `meddler` is in the group restricted_zone",
        (
            MEDDLER,
            "",
            "{{ config(group='restricted_zone') }}select * from {{ ref('stg_calls') }}\n",
        ),
    ),
    fault(
        "project",
        PROOF,
        "a model of the project reads the raw files",
        "reader: meddler: it reads a file of the folder of raw calls",
        (MEDDLER, "", "select * from read_ndjson_objects('raw_calls/*.ndjson')\n"),
    ),
    fault(
        "project",
        CONSTRUCTION,
        "views and raw calls share a schema",
        "the schema of the restricted zone: who may read one may read the other",
        (PROJECT, DESTINATIONS, DESTINATIONS.replace(": destinations", ": restricted")),
    ),
    fault(
        "Python",
        CHECK,
        "verify takes any hook of a model of the project",
        "unit/test_verify_outsiders.py::test_hooks_change_neither_values_nor_functions",
        (
            "scripts/hipaa_mode/verify/outsiders.py",
            "    return all(HARMLESS_HOOK.fullmatch(part) for part in statements if part)\n",
            "    return True\n",
        ),
        check="unit/test_verify_outsiders.py",
    ),
    # Seeds
    fault(
        "seeds",
        CONSTRUCTION,
        "a restricted destination is client-side",
        "client-side and restricted, which is invalid",
        (
            "seeds/destinations.csv",
            "dev,ads,webhook,server_side,true",
            "dev,ads,webhook,client_side,true",
        ),
    ),
    fault(
        "seeds",
        CONSTRUCTION,
        "restriction is off without a BAA",
        "restriction is off without a BAA",
        (
            "seeds/destinations.csv",
            "dev,ads,webhook,server_side,true",
            "dev,ads,webhook,server_side,false",
        ),
    ),
    fault(
        "seeds",
        CONSTRUCTION,
        "restriction is off under a BAA that has expired",
        r"the BAA of `ads` has expired \(on 2020-01-01\)",
        (
            "seeds/destinations.csv",
            "dev,ads,webhook,server_side,true,,",
            "dev,ads,webhook,server_side,false,BAA-1,2020-01-01",
        ),
    ),
    fault(
        "seeds",
        CONSTRUCTION,
        "a treatment is misspelt",
        "`treatment` is wrong: unknown treatment",
        ("seeds/allowed_properties.csv", "phones[],mask,phone", "phones[],maks,phone"),
    ),
    fault(
        "seeds",
        CONSTRUCTION,
        "a property is listed twice, in two forms",
        "the property is listed twice for this destination, in two forms",
        (
            "seeds/allowed_properties.csv",
            "dev,ga4,event,,code,truncate(2)",
            "dev,ga4,event,,age,truncate(2)",
        ),
    ),
    fault(
        "seeds",
        CONSTRUCTION,
        "a path goes into one element of an array",
        r"`property` is not a property path: unexpected character",
        ("seeds/allowed_properties.csv", "items[].sku", "items[0].sku"),
    ),
    fault(
        "seeds",
        CONSTRUCTION,
        "a property takes the name of an envelope column",
        "column `user_id` collides with envelope column `user_id`",
        ("seeds/allowed_properties.csv", "none,star,", "none,user_id,"),
    ),
    fault(
        "seeds",
        CONSTRUCTION,
        "events are allowed to a destination that is not listed",
        "no such destination is listed for this environment",
        ("seeds/allowed_events.csv", "dev,ads,Signed In,", "dev,adds,Signed In,"),
    ),
    fault(
        "seeds",
        CONSTRUCTION,
        "another key than the stored tokens were made with",
        "the masking key is not the one that the stored tokens of environment `dev` were made with",
        (
            ".hipaa_mode/masking.key",
            "",
            "00112233445566778899aabbccddeeff" + "fedcba98765432100123456789abcdef\n",
        ),
        is_built=True,
    ),
)
