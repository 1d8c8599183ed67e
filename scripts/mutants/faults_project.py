"""Faults in the project, its database and its seeds."""

from __future__ import annotations

from fault import CONSTRUCTION, PROOF, TESTS, Fault, fault
from sandbox import Edit

GA4_YAML = "models/destinations/ga4/_ga4.yml"
PROJECT = "dbt_project.yml"
SEED_TESTED = Edit(
    "tests/seed_as_reviewed.sql",
    "",
    "{{ hipaa_mode.test_matches_reviewed_file(ref('allowed_events')) }}\n",
)
REPLACED = (
    "on-run-end:\n"
    "  - \"create or replace table main.kept as select * replace ('x' as user_id) "
    'from main_destinations.ga4__events"\n'
    '  - "create or replace view main_destinations.ga4__events as from main.kept"\n'
)
WIDENED_SEED = (
    "{% if this.identifier == 'allowed_events' %}insert into {{ this }} values "
    "('dev', 'ga4', '*', ''){% else %}select 1{% endif %}"
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
            PROJECT,
            "    +schema: configuration\n",
            f'    +schema: configuration\n    +post-hook: "{WIDENED_SEED}"\n',
        ),
        around=(SEED_TESTED,),
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
