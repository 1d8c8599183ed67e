"""`hipaa-mode verify` proves every form of the allowlist, and a model it can't trace never.

The project is compiled once, without raw calls, key or database. What must be refused in the
SQL itself is in test_verify_negative.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from project import Project, allowed, destination, event

from hipaa_mode.plan import Plan
from hipaa_mode.project import read_plan
from hipaa_mode.verify.manifest import Manifest, read_manifest
from hipaa_mode.verify.proof import Proof, prove

HIPAA_MODE = Path(sys.executable).with_name("hipaa-mode")

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


def edited(manifest: Manifest, edited_name: str, **changes: str) -> Manifest:
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
    changes: list[dict[str, str]] = [
        {"language": "python"},
        {"sql": ""},
        {"materialized": "view"},
    ]
    for change in changes:
        assert rules_of(prove(plan, edited(manifest, VIEW, **change)), "alpha") == {"model"}
    models = {
        unique_id: dataclasses.replace(model, has_hooks=model.name == "masked_events")
        for unique_id, model in manifest.models.items()
    }
    hooked = dataclasses.replace(manifest, models=models)
    assert rules_of(prove(plan, hooked), "alpha") == {"model"}


def test_a_view_that_is_missing_or_too_many(plan: Plan, manifest: Manifest) -> None:
    models = {k: v for k, v in manifest.models.items() if v.name != VIEW}
    without = prove(plan, dataclasses.replace(manifest, models=models))
    assert rules_of(without, "alpha") == {"model"}
    added = edited(manifest, "beta__groups", name="unknown__groups")
    assert rules_of(prove(plan, added), "unknown") == {"model"}


def test_a_destination_of_another_environment_has_no_rows(plan: Plan, manifest: Manifest) -> None:
    assert rules_of(prove(plan, manifest), "delta") == set()
    shown = with_sql(manifest, "delta__events", "where false", "")
    assert rules_of(prove(plan, shown), "delta") == {"missing-filter"}


def run(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(HIPAA_MODE), "verify", *arguments],
        cwd=project.folder,
        env=project.variables(),
        capture_output=True,
        text=True,
        check=False,
    )


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
    assert sarif["version"] == "2.1.0"
    assert result["ruleId"] in {rule["id"] for rule in sarif["runs"][0]["tool"]["driver"]["rules"]}
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place == "models/destinations/alpha/alpha__events.sql"

    missing = run(project, "--manifest", str(tmp_path / "none.json"))
    assert missing.returncode == 3
    assert "dbt compile" in missing.stderr
