"""A run publishes nothing of which a check is missing, weakened or did not pass."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from seed_files import minimal_seeds

from hipaa_mode.plan import DestinationPlan
from hipaa_mode.run.facts import VIEW as DESTINATION_VIEW
from hipaa_mode.run.facts import Node
from hipaa_mode.run.permission import (
    Permission,
    RunOutcome,
    end_of_run,
    permissions,
    read_outcome,
)
from hipaa_mode.run.required_checks import (
    SEED_CHECKS,
    STAGING_CHECKS,
    UNCHANGED,
    VIEW_CHECKS,
    Exceptions,
    RequiredCheck,
    masked_checks,
    weakened,
)

REPOSITORY = Path(__file__).resolve().parents[3]
SETTINGS = {name: values[0] for name, values in UNCHANGED.items()}
STAGING = ("calls_read", "rejected_calls", "withheld_calls", "stg_calls")
VIEW = "model.clinic.ga4__events"


def model(name: str, *parents: str, package: str = "hipaa_mode", **fields: Any) -> Node:
    return Node(f"model.{package}.{name}", "model", package, name, parents=parents, **fields)


def generic(
    check: RequiredCheck, on: str, package: str = "hipaa_mode", *parents: str, **fields: Any
) -> Node:
    name = f"{check.test}_{on.split('.')[-1]}_"
    given: dict[str, Any] = {
        "test": check.test,
        "attached": on,
        "arguments": {"model": "{{ get_where_subquery(ref('x')) }}"},
        "macros": (f"macro.hipaa_mode.test_{check.test}", "macro.dbt.get_where_subquery"),
        "config": SETTINGS,
        **fields,
    }
    unique_id = f"test.{package}.{name}.abc"
    return Node(unique_id, "test", package, name, parents=(on, *parents), **given)


def singular(check: RequiredCheck, *parents: Node) -> Node:
    unique_id = f"test.hipaa_mode.{check.test}"
    read = tuple(node.unique_id for node in parents)
    return Node(unique_id, "test", "hipaa_mode", check.test, parents=read, config=SETTINGS)


def project() -> dict[str, Node]:
    """The nodes of a sound project with one view, by their names."""
    seeds = [Node(f"seed.clinic.{c.seed}", "seed", "clinic", c.seed) for c in SEED_CHECKS]
    staging = [model(name, *(seed.unique_id for seed in seeds)) for name in STAGING]
    masked = model("masked_events", *(node.unique_id for node in staging))
    view = model(
        "ga4__events",
        masked.unique_id,
        package="clinic",
        config={"materialized": DESTINATION_VIEW},
        code="-- ours\n{{ hipaa_mode.destination_events('ga4') }}\n",
        file="models/destination_views/ga4/ga4__events.sql",
    )
    tests = [generic(c, f"seed.clinic.{c.seed}", "clinic") for c in SEED_CHECKS]
    tests.append(generic(RequiredCheck("holds_only_what_is_allowed"), VIEW, "clinic"))
    tests += [singular(check, *staging) for check in STAGING_CHECKS]
    tests += [singular(check, masked) for check in masked_checks(["events"])]
    nodes = [*seeds, *staging, masked, view, *tests]
    return {node.name: node for node in nodes}


VIEW_TEST = "holds_only_what_is_allowed_ga4__events_"
RECONCILIATION = "raw_calls_are_all_accounted_for"
SEED_TEST = "matches_reviewed_file_destinations_"
MASKED_TEST = "withheld_calls_are_not_in_masked_events"


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DestinationPlan]:
    return minimal_seeds().plan(tmp_path_factory.mktemp("seeds")).destinations


def outcome(nodes: Iterable[Node], **statuses: str) -> RunOutcome:
    """What ran: all of it, and each passed but those that are named."""
    all_of_it = {node.unique_id: statuses.get(node.name, "pass") for node in nodes}
    ran = {unique_id: status for unique_id, status in all_of_it.items() if status != "left out"}
    return RunOutcome(ran, frozenset(ran))


def decide(
    plans: dict[str, DestinationPlan], nodes: dict[str, Node], **statuses: str
) -> Permission:
    found = permissions(outcome(nodes.values(), **statuses), nodes.values(), plans)
    return found["ga4"]


def test_a_sound_run_may_publish(plans: dict[str, DestinationPlan]) -> None:
    permission = decide(plans, project())
    assert permission.reasons == []
    assert permission.is_selected
    assert "no_raw_identifiers_ga4__events" in permission.checks
    assert MASKED_TEST in permission.checks


REQUIRED = [*SEED_CHECKS, *STAGING_CHECKS, *masked_checks(["events"])]


def named(check: RequiredCheck) -> str:
    return f"{check.test}_{check.seed}_" if check.seed else check.test


@pytest.mark.parametrize("check", REQUIRED, ids=[check.label for check in REQUIRED])
def test_a_required_check_that_is_switched_off_is_named(
    plans: dict[str, DestinationPlan], check: RequiredCheck
) -> None:
    nodes = project()
    del nodes[named(check)]
    permission = decide(plans, nodes)
    assert permission.reasons == [f"required check {check.label} is missing or switched off"]


WEAK = {
    "severity": "warn",
    "where": "1 = 0",
    "limit": 0,
    "fail_calc": "0",
    "warn_if": ">100",
    "error_if": ">100",
    "store_failures": True,
    "store_failures_as": "view",
}


@pytest.mark.parametrize(("name", "value"), WEAK.items())
@pytest.mark.parametrize("test", [VIEW_TEST, MASKED_TEST, RECONCILIATION])
def test_a_check_that_is_weakened_is_as_good_as_none(
    plans: dict[str, DestinationPlan], test: str, name: str, value: object
) -> None:
    nodes = project()
    nodes[test] = dataclasses.replace(nodes[test], config={**SETTINGS, name: value})
    [reason] = decide(plans, nodes).reasons
    assert name in reason


@pytest.mark.parametrize("test", [*(named(check) for check in REQUIRED), VIEW_TEST])
@pytest.mark.parametrize("status", ["warn", "fail", "error", "skipped", "left out"])
def test_a_check_that_did_not_pass_holds_back(
    plans: dict[str, DestinationPlan], test: str, status: str
) -> None:
    assert any(test in reason for reason in decide(plans, project(), **{test: status}).reasons)


@pytest.mark.parametrize("node", [*STAGING, "masked_events", "ga4__events", "destinations"])
@pytest.mark.parametrize("status", ["error", "skipped", "left out"])
def test_a_node_that_was_not_built_holds_back(
    plans: dict[str, DestinationPlan], node: str, status: str
) -> None:
    assert any(r.startswith(node) for r in decide(plans, project(), **{node: status}).reasons)


def test_a_macro_of_the_projects_own_is_no_check_of_ours(
    plans: dict[str, DestinationPlan],
) -> None:
    nodes = project()
    nodes[VIEW_TEST] = dataclasses.replace(
        nodes[VIEW_TEST], macros=("macro.clinic.test_holds_only_what_is_allowed",)
    )
    nodes[SEED_TEST] = dataclasses.replace(
        nodes[SEED_TEST], macros=("macro.clinic.test_matches_reviewed_file",)
    )
    reasons = decide(plans, nodes).reasons
    assert any("is a macro of the project's own" in reason for reason in reasons)
    assert any("matches_reviewed_file of destinations is missing" in r for r in reasons)


def test_a_singular_test_of_the_projects_own_is_no_check_of_ours(
    plans: dict[str, DestinationPlan],
) -> None:
    nodes = project()
    nodes[MASKED_TEST] = dataclasses.replace(
        nodes[MASKED_TEST], unique_id=f"test.clinic.{MASKED_TEST}", package="clinic"
    )
    [reason] = decide(plans, nodes).reasons
    assert reason == f"required check {MASKED_TEST} is missing or switched off"


@pytest.mark.parametrize(
    "code",
    [
        "{% if flags.WHICH == 'build' %}select 1{% else %}"
        "{{ hipaa_mode.destination_events('ga4') }}{% endif %}",
        "{{ hipaa_mode.destination_events('ga4') }}{{ '' if flags.WHICH == 'compile' else ' ' }}",
        "{{ hipaa_mode.destination_events('ga4' if flags.WHICH == 'compile' else 'ads') }}",
        "{{ hipaa_mode.destination_events('ads') }}",
        "{{ hipaa_mode.destination_identifies('ga4') }}",
        "{{ destination_events('ga4') }}",
        "{{ hipaa_mode.destination_events('ga4') }} union all select 1",
        "select 1",
        "-- {{ 1 }}\n{{ hipaa_mode.destination_events('ga4') }}",
        "",
    ],
)
def test_a_destination_model_is_one_line(plans: dict[str, DestinationPlan], code: str) -> None:
    nodes = project()
    nodes["ga4__events"] = dataclasses.replace(nodes["ga4__events"], code=code)
    [reason] = decide(plans, nodes).reasons
    assert reason.startswith("ga4__events is not the one line")


@pytest.mark.parametrize(
    "code",
    [
        '{{ hipaa_mode.destination_events("ga4") }}',
        "{{- hipaa_mode.destination_events( 'ga4' ) -}}\n",
        "{# what ga4 gets #}\n-- all of it\n{{ hipaa_mode.destination_events('ga4') }}",
    ],
)
def test_comments_and_blanks_do_no_harm(plans: dict[str, DestinationPlan], code: str) -> None:
    nodes = project()
    nodes["ga4__events"] = dataclasses.replace(nodes["ga4__events"], code=code)
    assert decide(plans, nodes).reasons == []


def test_a_model_of_the_package_that_could_differ_by_command_is_held_back(
    plans: dict[str, DestinationPlan],
) -> None:
    nodes = project()
    code = "{% if flags.WHICH == 'build' %}select 1{% endif %}"
    nodes["masked_events"] = dataclasses.replace(nodes["masked_events"], code=code)
    [reason] = decide(plans, nodes).reasons
    assert reason.startswith("masked_events does more than call the package's macros")


def test_what_was_built_otherwise_holds_back_what_is_made_of_it(
    plans: dict[str, DestinationPlan],
) -> None:
    nodes = project()
    asked: list[Collection[str]] = []

    def otherwise(unique_ids: Collection[str]) -> dict[str, str]:
        asked.append(unique_ids)
        return {"model.hipaa_mode.masked_events": "it differs", "model.clinic.own": "it differs"}

    found = permissions(outcome(nodes.values()), nodes.values(), plans, otherwise)["ga4"]
    assert found.reasons == ["it differs"]
    [unique_ids] = asked
    assert {"model.hipaa_mode.calls_read", nodes["ga4__events"].unique_id} <= set(unique_ids)
    assert all(one.startswith("model.") for one in unique_ids)


def test_what_is_not_published_anyway_is_not_compiled_again(
    plans: dict[str, DestinationPlan],
) -> None:
    nodes = project()
    asked: list[Collection[str]] = []

    def otherwise(unique_ids: Collection[str]) -> dict[str, str]:
        asked.append(unique_ids)
        return {}

    permissions(outcome(nodes.values(), ga4__events="error"), nodes.values(), plans, otherwise)
    assert asked == [[]]


def test_a_view_of_another_table_is_held_back(plans: dict[str, DestinationPlan]) -> None:
    nodes = project()
    nodes["ga4__events"] = dataclasses.replace(
        nodes["ga4__events"], parents=("model.hipaa_mode.stg_calls",)
    )
    assert "ga4__events is not made of masked_events" in decide(plans, nodes).reasons


def test_what_the_command_left_out_is_said_with_what_to_run(
    plans: dict[str, DestinationPlan],
) -> None:
    permission = decide(plans, project(), **{VIEW_TEST: "left out"})
    assert permission.summary() == (
        f"{VIEW_TEST} did not run. The command left out a part of it. Run: dbt build, or "
        "dbt build --select +path:models/destination_views/ga4"
    )


def test_a_destination_that_was_not_to_be_built_is_not_held_back(
    plans: dict[str, DestinationPlan],
) -> None:
    nodes = project()
    left_out = {"ga4__events": "left out", VIEW_TEST: "left out"}
    assert not decide(plans, nodes, **left_out).is_selected


def test_a_test_on_another_table_that_reads_one_of_ours_is_not_waited_for(
    plans: dict[str, DestinationPlan],
) -> None:
    nodes = project()
    other = model("masked_groups", "model.hipaa_mode.stg_calls")
    [check] = masked_checks(["groups"])
    test = singular(check, other)
    nodes |= {other.name: other, test.name: test}
    left_out = {other.name: "left out", test.name: "left out"}
    assert decide(plans, nodes, **left_out).reasons == []


def test_a_unit_test_that_failed_holds_back(plans: dict[str, DestinationPlan]) -> None:
    nodes = project()
    sound = outcome(nodes.values())
    failed = dataclasses.replace(
        sound, unit_tests=[("a day is a day", ["model.hipaa_mode.stg_calls"])]
    )
    [reason] = permissions(failed, nodes.values(), plans)["ga4"].reasons
    assert reason == "unit test a day is a day failed"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"minimum_length": 1000}, "minimum_length of more than 8"),
        ({"minimum_length": "8"}, "minimum_length of more than 8"),
        ({"minimum_length": True}, "minimum_length of more than 8"),
        ({"except_columns": "plan"}, "no list"),
        ({"tolerance": 5}, "does not take (tolerance)"),
    ],
)
def test_arguments_that_weaken_a_check_are_bounded(
    plans: dict[str, DestinationPlan], arguments: dict[str, Any], problem: str
) -> None:
    assert problem in weakened(arguments, ["user_id"], Exceptions())
    nodes = project()
    nodes[VIEW_TEST] = dataclasses.replace(nodes[VIEW_TEST], arguments=arguments)
    [reason] = decide(plans, nodes).reasons
    assert problem in reason


def test_arguments_within_bounds_are_reported(plans: dict[str, DestinationPlan]) -> None:
    nodes = project()
    arguments = {"minimum_length": 6, "except_columns": ["plan", "of_another_view", "USER_ID"]}
    nodes[VIEW_TEST] = dataclasses.replace(nodes[VIEW_TEST], arguments=arguments)
    assert decide(plans, nodes).exceptions["ga4__events"].describe() == [
        "identifiers are not looked for in of_another_view, plan",
        "ids of fewer than 6 characters are not looked for",
    ]


def ran(node: Node, status: str, message: str = "") -> Any:
    """A result of dbt's."""
    of_dbt = SimpleNamespace(
        unique_id=node.unique_id,
        name=node.name,
        resource_type=node.kind,
        compiled_code="select 1",
        test_metadata=SimpleNamespace(name=node.test) if node.test else None,
        depends_on=SimpleNamespace(nodes=node.parents, macros=node.macros),
    )
    return SimpleNamespace(node=of_dbt, status=status, message=message)


def outcome_of(*results: Any, **changes: Any) -> RunOutcome:
    asked: dict[str, Any] = {
        "selected": [],
        "command": "build",
        "invoked": "dbt build",
        "is_part": False,
        "failures": lambda sql: [(sql, "plan", "a problem", 3)],
        **changes,
    }
    return read_outcome(results, **asked)


A_MODEL = Node("a", "model", "clinic", "a")


@pytest.mark.parametrize(
    ("status", "changes", "notice", "reason"),
    [
        ("", {}, "nothing ran", ""),
        (
            *("pass", {"command": "run"}, "Run: dbt build"),
            "`dbt run` does not build and test everything",
        ),
        ("pass", {"command": "test"}, "Run: dbt build", ""),
        (
            *("pass", {"is_part": True}, "only a part of the calls"),
            "the run read only a part of the calls",
        ),
    ],
)
def test_runs_that_are_not_to_publish_say_so(
    status: str, changes: dict[str, Any], notice: str, reason: str
) -> None:
    outcome = outcome_of(*([ran(A_MODEL, status)] if status else []), **changes)
    ended = end_of_run(outcome, lambda: [], {})
    assert notice in ended.notice
    assert ended.reason == reason


@pytest.mark.parametrize("told", ["by its name", "by its selection"])
def test_a_retry_is_told_what_to_run_instead(plans: dict[str, DestinationPlan], told: str) -> None:
    nodes = project()
    by_name = told == "by its name"
    retried = outcome_of(
        ran(nodes[VIEW_TEST], "pass"),
        invoked="dbt --quiet retry" if by_name else "dbt",
        selected=[nodes[VIEW_TEST].unique_id] if by_name else [],
    )
    permission = permissions(retried, nodes.values(), plans)["ga4"]
    assert permission.is_selected
    assert permission.summary().endswith("Run: dbt build")
    assert "dbt retry runs only what failed before" in permission.summary()


def test_errors_are_quoted_only_where_they_hold_no_value() -> None:
    errors = {
        "a": "Runtime Error\n  IO Error: Could not write file: No space left on device",
        "b": "Compilation Error\n  hipaa_mode: `x` was refused",
        "c": "Conversion Error: Could not convert string 'John Smith'",
    }
    results = [
        ran(dataclasses.replace(A_MODEL, unique_id=name), "error", text)
        for name, text in errors.items()
    ]
    assert outcome_of(*results).errors == {
        "a": "IO Error: Could not write file: No space left on device",
        "b": "`x` was refused",
    }


def test_rows_are_read_of_the_packages_checks_and_of_no_other_test() -> None:
    nodes = project()
    theirs = dataclasses.replace(nodes[VIEW_TEST], unique_id="theirs", macros=())
    results = [ran(node, "fail") for node in (nodes[VIEW_TEST], nodes[MASKED_TEST], theirs)]
    outcome = outcome_of(*results)
    assert outcome.failures == {nodes[VIEW_TEST].unique_id: [("select 1", "plan", "a problem", 3)]}
    assert set(outcome.statuses.values()) == {"fail"}


def described(folder: str, kind: str) -> set[tuple[str, str, str, str]]:
    """The generic tests of the package's YAML, each with its arguments."""
    found: set[tuple[str, str, str, str]] = set()
    for path in (REPOSITORY / folder).glob("_*.yml"):
        for item in yaml.safe_load(path.read_text("utf-8")).get(kind, []):
            for column in ({"name": "", **{k: v for k, v in item.items() if k != "name"}},
                           *item.get("columns", [])):  # fmt: skip
                for test in column.get("data_tests", []):
                    name, given = (test, {}) if isinstance(test, str) else next(iter(test.items()))
                    arguments = str((given or {}).get("arguments", {}))
                    found.add((item["name"], name, column["name"], arguments))
    return found


def test_the_list_has_every_test_of_the_packages_models_and_seeds() -> None:
    seeds = {(check.seed, check.test, "", "{}") for check in SEED_CHECKS}
    assert seeds == described("seeds", "seeds")
    singular = [*STAGING_CHECKS, *masked_checks(["events", "users", "groups"])]
    tests = (REPOSITORY / "tests").glob("*/*.sql")
    assert {check.test for check in singular} == {
        path.stem for path in tests if path.parent.name not in ("generic", "python")
    }


def test_no_test_in_yaml_names_a_model_of_the_package() -> None:
    # dbt would take a project's model of that name for it.
    assert not described("models/staging", "models") | described("models/masked", "models")


def test_the_checks_of_a_view_are_those_of_the_macros() -> None:
    macro = (REPOSITORY / "macros/destinations/checks.sql").read_text("utf-8")
    listed = macro.partition("macro check_names")[2].partition("] -%}")[0]
    assert tuple(re.findall("'([a-z_]+)',", listed.partition("names = [")[2])) == VIEW_CHECKS
