"""`hipaa-mode verify` proves every form of the allowlist, and a model it can't trace never.

The project is compiled once, without raw calls, key or database. What must be refused in the
SQL itself is in test_verify_negative.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from project import GENERIC_TESTS, Project, allowed, destination, event

from hipaa_mode.plan import Plan
from hipaa_mode.project import read_plan
from hipaa_mode.run.facts import Macro, Node
from hipaa_mode.run.required_checks import VIEW_CHECKS
from hipaa_mode.verify.manifest import Manifest, ViewTest, read_manifest
from hipaa_mode.verify.proof import RULES, Proof, prove
from hipaa_mode.verify.sarif import as_sarif

TREATMENTS = (
    "allow", "mask", "surrogate", "year", "birth_year", "month", "zip3", "age_cap", "domain",
    "url_path", "url_origin", "ip_prefix", "round:0.5", "truncate:4",
)  # fmt: skip
DATA_TYPES = ("text", "integer", "number", "boolean", "timestamp", "date", "json")


def wide_allowlist() -> list[dict[str, str]]:
    """Every treatment, data type, normalisation, guard and kind of path."""
    rows = [
        allowed("alpha", "event", "plan"),
        allowed("alpha", "event", "email", "mask", normalize="email"),
    ]
    for treatment in TREATMENTS:
        name = treatment.partition(":")[0]
        written = treatment.replace(":", "(") + ")" if ":" in treatment else treatment
        rows += [
            allowed("beta", "event", f"t_{name}", written),
            allowed("beta", "user", f"deep.{name}", written),
            allowed("beta", "event", f"once_{name}", written, event="Signed In"),
        ]
        if name != "surrogate":
            rows.append(allowed("beta", "event", f"list_{name}[].value", written))
    for data_type in DATA_TYPES:
        rows += [
            allowed("beta", "event", f"d_{data_type}", data_type=data_type),
            allowed("beta", "group", f"d_{data_type}[]", data_type=data_type),
        ]
    for normalize in ("email", "phone", "lower"):
        rows.append(allowed("beta", "context", f"n_{normalize}", "mask", normalize=normalize))
    for guard in ("none", "warn", "block"):
        rows.append(allowed("beta", "event", f"g_{guard}", guard=guard))
        rows.append(allowed("beta", "event", f"gl_{guard}[]", guard=guard))
    for number, path in enumerate(
        ('"*"', '"a.b"', '"it\'s"', '"$x"', "items[].tags[].name", '"select 1; --"', '"a".""')
    ):
        rows.append(allowed("beta", "event", path, column_name=f"odd_{number}"))
    return rows


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(
        tmp_path_factory.mktemp("verify"),
        [
            destination("alpha"),
            destination("beta", mask_scope="destination", timestamp_precision="hour"),
            destination("gamma", restrict_phi="false", baa_reference="BAA-1"),
            destination("delta", environment="prod"),
        ],
        [
            event("alpha", "Signed In"),
            event("alpha", "Bill Paid", "paid"),
            event("beta", "Signed In"),
            event("beta", "Site Searched"),
            event("delta", "*", environment="prod"),
        ],
        wide_allowlist(),
        view_tests=GENERIC_TESTS,
    )
    # A pull request has neither.
    (project.folder / "raw_calls/calls.ndjson").unlink()
    (project.folder / ".hipaa_mode/masking.key").unlink()
    run = project.dbt("compile")
    assert run.exit_code == 0, run.output
    return project


@pytest.fixture(scope="module")
def plan(project: Project) -> Plan:
    plan = read_plan(project.folder, "dev")
    assert not plan.faults
    return plan


@pytest.fixture(scope="module")
def manifest(project: Project) -> Manifest:
    return read_manifest(project.folder / "target/manifest.json")


def edited(manifest: Manifest, edited_name: str, **changes: Any) -> Manifest:
    models = {
        unique_id: dataclasses.replace(model, **changes) if model.name == edited_name else model
        for unique_id, model in manifest.models.items()
    }
    return dataclasses.replace(manifest, models=models)


def with_sql(manifest: Manifest, name: str, old: str, new: str) -> Manifest:
    [model] = [model for model in manifest.models.values() if model.name == name]
    assert old in model.sql, f"the text to edit is not in {name}"
    return edited(manifest, name, sql=model.sql.replace(old, new, 1))


def rules_of(proof: Proof, destination: str) -> set[str]:
    return {item.rule for item in proof.violations if item.destination == destination}


def test_every_form_of_the_allowlist_is_proven(plan: Plan, manifest: Manifest) -> None:
    proof = prove(plan, manifest)
    assert [(v.view, v.column, v.rule, v.problem) for v in proof.violations] == []
    views = {view: plan.destinations[view].views for view in ("alpha", "beta", "gamma")}
    expected = sum(len(columns) for view in views.values() for columns in view.values())
    assert sum(1 for verdict in proof.verdicts if verdict.column) == expected > 150


def test_a_proof_names_the_paths_that_a_column_reads(plan: Plan, manifest: Manifest) -> None:
    verdicts = {
        (verdict.view, verdict.column): verdict for verdict in prove(plan, manifest).verdicts
    }
    email = verdicts["alpha__events", "email"]
    assert (email.outcome, email.reads) == ("mask", ('$."properties"."email"',))
    assert verdicts["beta__events", "odd_0"].reads == ('$."properties"',) or (
        "/*" in str(verdicts["beta__events", "odd_0"])
    )


VIEW = "alpha__events"
PLAN = 'masked."properties__plan__allow"'


def test_models_that_can_not_be_traced(plan: Plan, manifest: Manifest) -> None:
    changes: list[dict[str, object]] = [
        {"file": "models/alpha__events.py"},
        {"sql": ""},
        {"config": {"materialized": "view"}},
    ]
    for change in changes:
        assert rules_of(prove(plan, edited(manifest, VIEW, **change)), "alpha") == {"model"}
    hook = {"pre-hook": [{"sql": "select 1"}]}
    hooked = edited(manifest, "masked_events", config=hook)
    assert rules_of(prove(plan, hooked), "alpha") == {"model"}


def test_a_view_that_is_missing_or_too_many(plan: Plan, manifest: Manifest) -> None:
    models = {k: v for k, v in manifest.models.items() if not v.name.startswith("alpha__")}
    without = prove(plan, dataclasses.replace(manifest, models=models))
    assert rules_of(without, "alpha") == {"model"}
    # A destination need not have every view.
    models = {k: v for k, v in manifest.models.items() if v.name != VIEW}
    assert prove(plan, dataclasses.replace(manifest, models=models)).violations == []
    added = edited(manifest, "beta__groups", name="unknown__groups")
    assert rules_of(prove(plan, added), "unknown") == {"model"}


def test_a_destination_of_another_environment_has_no_rows(plan: Plan, manifest: Manifest) -> None:
    assert rules_of(prove(plan, manifest), "delta") == set()
    shown = with_sql(manifest, "delta__events", "where false", "")
    assert rules_of(prove(plan, shown), "delta") == {"missing-filter"}


def test_only_the_packages_own_hooks_run_beside_the_models(plan: Plan, manifest: Manifest) -> None:
    assert {hook.name for hook in manifest.hooks} == {
        "hipaa_mode-on-run-start-0",
        "hipaa_mode-on-run-end-0",
    }
    own = Node(
        *("operation.mine", "operation", "mine", "mine-on-run-end-0"),
        code="create or replace view v as select 1 as ssn",
    )
    added = prove(plan, dataclasses.replace(manifest, hooks=(*manifest.hooks, own)))
    [violation] = added.violations
    assert (violation.rule, violation.destination) == ("hook", "*")
    assert "on-run-end of mine" in violation.problem
    assert violation.trace[0].expression == own.code
    for number, hook in enumerate(manifest.hooks):
        others = manifest.hooks[:number] + manifest.hooks[number + 1 :]
        [violation] = prove(plan, dataclasses.replace(manifest, hooks=others)).violations
        assert violation.problem.endswith(f"lacks {hook.code}")
        again = (*manifest.hooks, hook)
        assert prove(plan, dataclasses.replace(manifest, hooks=again)).violations


def test_another_packages_materialization_is_refused(plan: Plan, manifest: Manifest) -> None:
    own = Macro("mine", "materialization_destination_view_duckdb")
    facts = dataclasses.replace(manifest.facts, macros=(*manifest.facts.macros, own))
    [violation] = prove(plan, dataclasses.replace(manifest, facts=facts)).violations
    assert (violation.rule, violation.view) == ("macro", own.name)


@pytest.mark.parametrize("test", VIEW_CHECKS)
def test_a_view_that_lacks_a_test_is_refused(plan: Plan, manifest: Manifest, test: str) -> None:
    [model] = [item.unique_id for item in manifest.models.values() if item.name == VIEW]
    own = [item for item in manifest.tests if item.model == model]
    assert {item.name for item in own} == set(VIEW_CHECKS) == set(GENERIC_TESTS)
    for changed, problem in (
        ([], f"it has no test {test}"),
        ([ViewTest(test, model, ("severity", "where"))], "has severity and where set"),
    ):
        others = [item for item in manifest.tests if (item.model, item.name) != (model, test)]
        tests = tuple(others + changed)
        [violation] = prove(plan, dataclasses.replace(manifest, tests=tests)).violations
        assert (violation.rule, violation.view) == ("test", VIEW)
        assert problem in violation.problem


def test_what_weakens_a_test_is_read_from_the_manifest(
    project: Project, tmp_path: Path, plan: Plan
) -> None:
    content = json.loads((project.folder / "target/manifest.json").read_text())
    node = content["nodes"][next(n for n in content["nodes"] if "rows_match_calls_alpha__ev" in n)]
    harmful = {
        "severity": "warn",
        "where": "false",
        "limit": 1,
        "error_if": "> 9",
        "fail_calc": "0",
    }
    for name, value in harmful.items():
        node["config"] = {**node["config"], name: value}
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(content))
    weakened = [test for test in read_manifest(file).tests if test.weakened_by]
    assert [(test.name, set(test.weakened_by)) for test in weakened] == [
        ("rows_match_calls", set(harmful))
    ]
    # A test of that name that another package made is none of ours.
    node["depends_on"]["macros"] = ["macro.mine.test_rows_match_calls"]
    file.write_text(json.dumps(content))
    assert rules_of(prove(plan, read_manifest(file)), "alpha") == {"test"}


def test_a_violation_has_its_whole_trace(plan: Plan, manifest: Manifest) -> None:
    path = """'$."properties"."plan"'"""
    read = manifest.models["model.hipaa_mode.calls_read"].sql
    other = read.replace(path, path.replace("plan", "ssn"))
    proof = prove(plan, edited(manifest, "calls_read", sql=other))
    [violation] = [item for item in proof.violations if item.view == VIEW]
    assert (violation.rule, violation.reads) == ("unlisted-property", ('$."properties"."ssn"',))
    models = list(dict.fromkeys(step.model for step in violation.trace))
    assert models == [VIEW, "masked_events", "stg_calls", "calls_read"]
    assert violation.trace[0].expression == f'{PLAN} AS "plan"'
    assert all(step.line and step.file.endswith(".sql") for step in violation.trace)
    assert "message" in [step.expression for step in violation.trace]
    masked = manifest.models["model.hipaa_mode.masked_events"].sql.splitlines()
    shown = next(step for step in violation.trace if step.model == "masked_events")
    assert "properties__plan__allow" in masked[int(shown.line or 0) - 1]

    rows = with_sql(manifest, VIEW, "where", f"where {PLAN} <> 'x' and")
    [violation] = prove(plan, rows).violations
    assert violation.rule == "predicate"
    assert violation.trace[0].expression.startswith(f"WHERE {PLAN} <> 'x'")


def test_sarif_points_at_the_line_where_a_model_is_written_by_hand(
    plan: Plan, manifest: Manifest
) -> None:
    sql = manifest.models[f"model.hipaa_mode.{VIEW}"].sql
    by_hand = sql.replace(PLAN, "getvariable('k')")
    wrong = edited(manifest, VIEW, sql=by_hand, code=by_hand)
    proofs = [prove(plan, wrong)]
    [violation] = proofs[0].violations
    assert violation.line == 1 + sql[: sql.index(PLAN)].count("\n")
    log = as_sarif(proofs)
    jsonschema.validate(log, SARIF)
    [result] = log["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == violation.line
    jsonschema.validate(as_sarif([prove(plan, manifest)]), SARIF)
    moved = with_sql(manifest, "calls_read", '\'$."properties"."plan"\'', "'$.\"x\"'")
    jsonschema.validate(as_sarif([prove(plan, moved)]), SARIF)


def objects(required: str, **properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def lists(items: object) -> dict[str, object]:
    return {"type": "array", "items": items, "minItems": 1}


TEXT: dict[str, object] = {"type": "string", "minLength": 1}
MESSAGE = objects("text", text=TEXT)
LOCATION = objects(
    "physicalLocation",
    physicalLocation=objects(
        "artifactLocation region",
        artifactLocation=objects("uri", uri={**TEXT, "pattern": "^[!-~]+$"}),
        region=objects("startLine", startLine={"type": "integer", "minimum": 1}),
    ),
    logicalLocations=lists(objects("fullyQualifiedName", fullyQualifiedName=TEXT)),
    message=MESSAGE,
)
FLOW = objects("threadFlows", threadFlows=lists(objects("locations", locations=lists(
    objects("location", location=LOCATION)))))  # fmt: skip
# The part of SARIF 2.1.0 that is used: sections 3.13 to 3.38 of the standard.
SARIF = objects(
    "version runs",
    **{"$schema": TEXT},
    version={"const": "2.1.0"},
    runs=lists(
        objects(
            "tool results",
            tool=objects(
                "driver",
                driver=objects(
                    "name",
                    name=TEXT,
                    version=TEXT,
                    rules=lists(objects("id", id=TEXT, shortDescription=MESSAGE)),
                ),
            ),
            results={
                "type": "array",
                "items": objects(
                    "message ruleId locations",
                    ruleId={"enum": list(RULES)},
                    level={"enum": ["error"]},
                    message=MESSAGE,
                    locations=lists(LOCATION),
                    codeFlows=lists(FLOW),
                ),
            },
        )
    ),
)


def run(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return project.hipaa_mode("verify", *arguments)


def test_the_command(project: Project, tmp_path: Path) -> None:
    proven = run(project, "--json")
    assert proven.returncode == 0, proven.stderr
    [answer] = json.loads(proven.stdout)
    assert (answer["proven"], answer["violations"]) == (True, 0)

    manifest = json.loads((project.folder / "target/manifest.json").read_text())
    node = manifest["nodes"]["model.hipaa_mode.alpha__events"]
    node["compiled_code"] = node["compiled_code"].replace(PLAN, "masked.user_id__raw")
    edited_file = tmp_path / "manifest.json"
    edited_file.write_text(json.dumps(manifest))
    sarif_file = tmp_path / "verify.sarif"
    refused = run(project, "--manifest", str(edited_file), "--sarif", str(sarif_file))
    assert refused.returncode == 1
    assert "plan" in refused.stdout
    sarif = json.loads(sarif_file.read_text())
    [result] = sarif["runs"][0]["results"]
    jsonschema.validate(sarif, SARIF)
    assert result["ruleId"] in {rule["id"] for rule in sarif["runs"][0]["tool"]["driver"]["rules"]}
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place == "models/destination_views/alpha/alpha__events.sql"

    missing = run(project, "--manifest", str(tmp_path / "none.json"))
    assert missing.returncode == 3
    assert "dbt compile" in missing.stderr
