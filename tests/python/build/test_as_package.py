"""A dbt project of its own takes the package by local path, with its own destinations."""

from __future__ import annotations

import json
import shutil

import pytest
from project import (
    ALL_CHECKS,
    REPOSITORY,
    Project,
    allowed,
    destination,
    event,
    identify,
    token,
    track,
)

from hipaa_mode.run.facts import MATERIALIZED

PROJECT = """
name: clinic
version: 1.0.0
profile: clinic
flags:
  send_anonymous_usage_stats: false
  require_generic_test_arguments_property: true
  warn_error_options: {silence: [PackageNodeDependsOnRootProjectNode]}
exposures:
  hipaa_mode: {+enabled: false}
models:
  clinic:
    destination_views: {+schema: destinations, +access: public}
    marts: {+schema: marts, +materialized: table}
  hipaa_mode:
    destination_views: {+enabled: false}
seeds:
  clinic: {+schema: configuration, +full_refresh: true}
  hipaa_mode: {+enabled: false}
"""
PROFILE = """
clinic:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: "{{ env_var('HIPAA_MODE_DATABASE') }}"
      plugins: [{module: hipaa_mode.plugin, config: {environment: dev}}]
"""
CALLS = [
    track("Visit", {"plan": "gold", "note": "flu"}, userId="patient-001", messageId="m-1"),
    track("Oncology Visit", {"plan": "gold"}, userId="patient-001", messageId="m-2"),
    identify({"tier": "gold"}, userId="patient-001", messageId="m-3", sentAt="2026-03-01T10:00Z"),
    identify(
        {"tier": "silver"}, userId="patient-001", messageId="m-4", sentAt="2026-03-02T10:00Z"
    ),
]
VISITS = "select event, count(*) as calls from {{ ref('proxy__events') }} group by event\n"


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("clinic")
    for name in ("seeds", "restricted", "models/marts"):
        (folder / name).mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILE)
    (folder / "packages.yml").write_text(json.dumps({"packages": [{"local": str(REPOSITORY)}]}))
    (folder / "models/marts/visits.sql").write_text(VISITS)
    shipped = (REPOSITORY / "seeds/_seeds.yml").read_text("utf-8")
    ours = shipped.replace("[matches_reviewed_file]", "[hipaa_mode.matches_reviewed_file]")
    (folder / "seeds/_seeds.yml").write_text(ours)
    for name in MATERIALIZED:
        # A project may have models of these names: the package means its own.
        (folder / f"models/marts/{name}.sql").write_text("select 1 as number\n")
    tested = [{"name": name, "columns": [{"name": "number", "data_tests": ["unique"]}]}
              for name in ("stg_calls", "masked_events")]  # fmt: skip
    (folder / "models/marts/_marts.yml").write_text(json.dumps({"version": 2, "models": tested}))
    project = Project(folder, view_tests=(f"hipaa_mode.{ALL_CHECKS}",))
    for name in ("destination_types.csv", "small_zip3_areas.csv"):
        shutil.copy(REPOSITORY / "seeds" / name, folder / "seeds")
    project.write_seed("destinations", [destination("proxy", timestamp_precision="day")])
    project.write_seed("allowed_events", [event("proxy", "Visit")])
    project.write_seed(
        "allowed_properties", [allowed("proxy", "event", "plan"), allowed("proxy", "user", "tier")]
    )
    project.add_models("proxy", ("events", "identifies", "users"))
    project.write_key("ab" * 31 + "cd")
    project.write_calls(CALLS)
    assert project.dbt("deps").exit_code == 0
    return project


class TestBuild:
    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def built(cls, clinic: Project) -> None:
        clinic.build()

    def test_its_destination_is_published(self, clinic: Project) -> None:
        key = "ab" * 31 + "cd"
        [visit] = clinic.published_rows("proxy__events")
        assert (visit["event"], visit["plan"]) == ("Visit", "gold")
        assert visit["user_id"] == token("patient-001", key=key)
        [user] = clinic.published_rows("proxy__users")
        assert (user["row_id"], user["tier"]) == (visit["user_id"], "silver")
        assert sorted(path.name for path in clinic.published_folder().iterdir()) == [
            "audit_log.jsonl",
            "proxy",
            "run_record.json",
        ]

    def test_its_own_models_may_have_names_of_the_packages(self, clinic: Project) -> None:
        for name in MATERIALIZED:
            assert clinic.query(f"select * from main_marts.{name}") == [(1,)]
        statuses = {name: result["status"] for name, result in clinic.results().items()}
        assert {"unique_stg_calls_number", "unique_masked_events_number"} <= set(statuses)
        assert set(statuses.values()) == {"success", "pass"}

    def test_the_packages_tests_read_its_own_models(self, clinic: Project) -> None:
        manifest = json.loads((clinic.folder / "target/manifest.json").read_text())
        for name in (
            "staging_gives_every_reason_and_key",
            "withheld_calls_are_not_in_masked_events",
        ):
            read = manifest["nodes"][f"test.hipaa_mode.{name}"]["depends_on"]["nodes"]
            assert read and all(one.startswith("model.hipaa_mode.") for one in read)

    def test_they_are_proven_beside_its_own(self, clinic: Project) -> None:
        proven = clinic.hipaa_mode("verify")
        assert proven.returncode == 0, proven.stdout + proven.stderr

    def test_its_own_models_read_the_destination_views(self, clinic: Project) -> None:
        assert clinic.query("select event, calls from main_marts.visits") == [("Visit", 1)]


@pytest.mark.parametrize("model", ["masked_events", "stg_calls"])
def test_its_own_models_may_not_read_the_restricted_zone(clinic: Project, model: str) -> None:
    outside = clinic.folder / "models/marts/outside.sql"
    outside.write_text(f"select * from {{{{ ref('hipaa_mode', '{model}') }}}}\n")
    try:
        run = clinic.dbt("parse")
    finally:
        outside.unlink()
    assert run.exit_code == 2
    assert f"model.hipaa_mode.{model}, which is not allowed" in run.output
    assert "private to the 'restricted_zone' group" in run.output
