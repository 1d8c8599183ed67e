"""Each generic test fails on the fault it is for, and fails where there is nothing to test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from project import (
    ALL_CHECKS,
    GENERIC_TESTS,
    VIEWS,
    Project,
    Run,
    allowed,
    destination,
    event,
    group,
    identify,
    token,
    track,
)

PATIENTS = ("canary-patient-1", "canary-patient-2", "canary-patient-3")
TEXTS = ("first", "second", "third", "fourth")
DESTINATIONS = ("sound", "faulty", "hollow")
PROPERTIES = [
    allowed(name, property_list, path, treatment)
    for name in DESTINATIONS
    for property_list in ("event", "user", "group")
    for path, treatment in [
        *((text, "allow") for text in TEXTS),
        ("tags[]", "allow"),
        ("email", "mask"),
        ("emails[]", "mask"),
    ]
]
VALUES = {
    **dict.fromkeys(TEXTS, "plain"),
    "tags": ["one", "two"],
    "email": "canary@example.org",
    "emails": ["canary@example.org", "other-canary@example.org"],
}
CALLS = [
    call
    for patient in PATIENTS
    for call in (
        track("Visit", VALUES, messageId=f"event of {patient}", userId=patient),
        identify(VALUES, messageId=f"identify of {patient}", userId=patient),
        group(VALUES, messageId=f"group of {patient}", userId=patient, groupId="canary-clinic"),
    )
]

# What replaces each view: the rows of the sound one with something seeded into them.
FAULTS = {
    "faulty__events": """
        select * replace (
            'write to jane.canary@example.org, please' as first,
            'call (212) 555-0187 canary' as second,
            'canary 078-05-1120' as third,
            'canary 4111 1111 1111 1111' as fourth,
            ['one', 'canary@example.org'] as tags,
            'Canary Diagnosis' as event
        ), 'canary' as widened
        from sound where row_id <> (select max(row_id) from sound)
    """,
    "faulty__identifies": f"""
        select * replace (
            'canary@example.org' as email,
            [emails[1], 'canary@example.org'] as emails,
            '{token("the same for all")}' as row_id
        )
        from sound
    """,
    "faulty__groups": f"""
        select * replace (
            '{PATIENTS[0]}' as user_id,
            '{PATIENTS[1]}' as first,
            ['one', 'canary-clinic'] as tags,
            case when row_id <> (select max(row_id) from sound) then row_id end as row_id
        )
        from sound
    """,
    "hollow__events": """
        select * exclude (fourth) replace (cast(null as varchar) as event) from sound
        union all
        select * exclude (fourth) replace ('no row of a call' as row_id) from sound
    """,
}
A_TEST_STARTS = "START test "
PASS = ("pass", 0)
ERROR = ("error", None)
EXPECTED: dict[str, dict[str, tuple[str, int | None]]] = {
    "faulty__events": {
        "only_allowlisted_columns": ("fail", 1),
        "no_identifier_patterns": ("fail", 5),
        "only_allowed_events": ("fail", 1),
        "rows_match_calls": ("fail", 1),
    },
    "faulty__identifies": {
        "masked_columns_are_tokens": ("fail", 2),
        "row_id_is_primary_key": ("fail", 1),
    },
    "faulty__groups": {
        "masked_columns_are_tokens": ("fail", 1),
        "no_raw_identifiers": ("fail", 3),
        "row_id_is_primary_key": ("fail", 1),
    },
    "hollow__events": {
        "only_allowlisted_columns": ("fail", 1),
        "masked_columns_are_tokens": ("fail", 1),
        "no_raw_identifiers": ERROR,
        "no_identifier_patterns": ERROR,
        "only_allowed_events": ("fail", 1),
        "row_id_is_primary_key": ("fail", 1),
        "rows_match_calls": ("fail", 1),
    },
    "hollow__identifies": dict.fromkeys(GENERIC_TESTS, ERROR),
    "hollow__groups": dict.fromkeys(GENERIC_TESTS, ERROR),
}

# A raw id in the place of a token: in one query it is no token, and is not looked for as an id.
FOUND_TWICE = {"faulty__groups": 1}


@dataclass
class Outcome:
    """What the tests said of the views as built, as tampered with, and without the plugin."""

    project: Project
    build: Run
    built: dict[str, dict[str, Any]]
    tampered_run: Run
    tampered: dict[str, dict[str, Any]]
    written: dict[str, bytes]
    no_plugin: Run
    no_hook: Run
    no_hook_results: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def tested(new_project: Callable[..., Project]) -> Outcome:
    project = new_project(
        "generic_tests",
        [destination(name) for name in DESTINATIONS],
        [event("*", "Visit")],
        PROPERTIES,
        CALLS,
        view_tests=(*GENERIC_TESTS, ALL_CHECKS),
    )
    build = project.dbt("build")
    built = project.results()
    tamper(project)
    tampered_run = project.dbt("test", "--select", "models/destination_views", "allowed_events")
    tampered = project.results()
    written = project.written_by_dbt()

    profile = project.folder / "profiles.yml"
    content = yaml.safe_load(profile.read_text())
    for output in content["hipaa_mode"]["outputs"].values():
        output.pop("plugins", None)
    profile.write_text(yaml.safe_dump(content))
    no_plugin = project.dbt("test", "--select", "models/destination_views")

    settings = project.folder / "dbt_project.yml"
    content = yaml.safe_load(settings.read_text())
    del content["on-run-start"], content["on-run-end"]
    settings.write_text(yaml.safe_dump(content))
    no_hook = project.dbt("test", "--select", "models/destination_views/sound")
    no_hook_results = project.results()
    return Outcome(
        project,
        build,
        built,
        tampered_run,
        tampered,
        written,
        no_plugin,
        no_hook,
        no_hook_results,
    )


def tamper(project: Project) -> None:
    """Put faults into the built views, where the next run of the tests finds them."""
    statements = ["create schema tampered"]
    for name, query in FAULTS.items():
        sound = f"main_destinations.sound__{name.rsplit('__', 1)[1]}"
        statements += [
            f"create table tampered.{name} as with sound as (from {sound}) {query}",
            f"create or replace view main_destinations.{name} as from tampered.{name}",
        ]
    project.execute(
        *statements,
        "drop view main_destinations.hollow__identifies",
        "create table tampered.gone as select 1 as row_id",
        "create or replace view main_destinations.hollow__groups as from tampered.gone",
        "drop table tampered.gone",
        "insert into main_configuration.allowed_events values ('prod', 'sound', 'Home', null)",
    )


def name_of(test: str, view: str) -> str:
    return f"{test}_{view}_"


def outcome(result: dict[str, Any]) -> tuple[str, int | None]:
    failures = None if result["status"] == "error" else result["failures"]
    return (result["status"], failures)


def test_every_test_ran_and_passed_on_what_was_built(tested: Outcome) -> None:
    assert tested.build.exit_code == 0, tested.build.output
    ran = {
        name_of(test, f"{name}__{view}")
        for name in DESTINATIONS
        for view in VIEWS
        for test in (*GENERIC_TESTS, ALL_CHECKS)
    }
    assert ran <= set(tested.built)
    assert {tested.built[name]["status"] for name in ran} == {"pass"}


@pytest.mark.parametrize("test", GENERIC_TESTS)
@pytest.mark.parametrize("view", [f"{name}__{view}" for name in DESTINATIONS for view in VIEWS])
def test_each_test_fails_on_its_fault_and_passes_elsewhere(
    tested: Outcome, view: str, test: str
) -> None:
    expected = EXPECTED.get(view, {}).get(test, PASS)
    assert outcome(tested.tampered[name_of(test, view)]) == expected


@pytest.mark.parametrize("view", [f"{name}__{view}" for name in DESTINATIONS for view in VIEWS])
def test_all_checks_in_one_query_find_what_each_finds(tested: Outcome, view: str) -> None:
    expected = [EXPECTED.get(view, {}).get(test, PASS) for test in GENERIC_TESTS]
    if ERROR in expected:
        assert outcome(tested.tampered[name_of(ALL_CHECKS, view)]) == ERROR
        return
    status, found = outcome(tested.tampered[name_of(ALL_CHECKS, view)])
    if set(expected) == {PASS}:
        assert (status, found) == PASS
        return
    counts = [count or 0 for _, count in expected]
    assert (status, found) == ("fail", sum(counts) - FOUND_TWICE.get(view, 0))


def test_a_run_with_failing_tests_exits_with_an_error(tested: Outcome) -> None:
    assert tested.tampered_run.exit_code == 1


def test_a_missing_view_and_one_without_columns_are_named(tested: Outcome) -> None:
    output = tested.tampered_run.output
    assert "hollow__identifies does not exist, so it can not be tested. Run: dbt build" in output
    assert "hollow__groups has no columns, so it can not be tested. Run: dbt build" in output


def test_a_seed_table_that_is_not_the_reviewed_file_fails(tested: Outcome) -> None:
    assert outcome(tested.tampered["matches_reviewed_file_allowed_events_"]) == ("fail", 1)


def test_no_raw_value_is_in_results_or_logs(tested: Outcome) -> None:
    shown = tested.written | {"terminal": tested.tampered_run.output.encode()}
    assert "target/run_results.json" in shown
    assert "logs/dbt.log" in shown
    assert [name for name, content in shown.items() if b"canary" in content.lower()] == []
    numbers = (b"555-0187", b"078-05-1120", b"4111 1111")
    assert not any(number in content for content in shown.values() for number in numbers)


def test_a_profile_without_the_plugin_stops_before_any_test(tested: Outcome) -> None:
    assert tested.no_plugin.exit_code != 0
    assert "the masking plugin is not loaded" in tested.no_plugin.output
    assert "- module: hipaa_mode.plugin" in tested.no_plugin.output
    assert A_TEST_STARTS in tested.tampered_run.output
    assert A_TEST_STARTS not in tested.no_plugin.output


def test_without_plugin_and_hooks_every_test_still_fails(tested: Outcome) -> None:
    assert tested.no_hook.exit_code != 0
    statuses = {name: result["status"] for name, result in tested.no_hook_results.items()}
    assert len(statuses) == len(VIEWS) * len((*GENERIC_TESTS, ALL_CHECKS))
    assert set(statuses.values()) == {"error"}
