"""A setting that nobody reads, or that can't be read, stops the run before anything is built."""

from __future__ import annotations

import pytest
import yaml
from project import Project, Run, allowed, destination, event, track

SECRET = "not-to-be-shown"

PROJECT_VARIABLES = {
    "hipaa_mode__enviroment": SECRET,
    "hipaa_mode__seed_folder": "seeds",
    "hipaa_mode": {"hipaa_mode__token_bridge": "no", "published": SECRET},
    "elsewhere": {"hipaa_mode__raw_calls": SECRET},
}
COMMAND_LINE = "{hipaa_mode_published: x, hipaa_mode__count_dropped_properties: flase}"
ENVIRONMENT = {
    "HIPAA_MODE_RAW_CALL": SECRET,
    "hipaa_mode__environment": SECRET,
    "HIPAA_MODE_PUBLISHED": f"s3://{SECRET}/published",
    "HIPAA_MODE_SUPPRESSED_USERS": "",
}
FAULTS = [
    "environment variables: no environment variable is called `HIPAA_MODE_RAW_CALL`",
    "environment variables: no environment variable is called `hipaa_mode__environment`",
    "environment variables: `HIPAA_MODE_PUBLISHED` is a URL",
    "environment variables: `HIPAA_MODE_SUPPRESSED_USERS` is not",
    "profiles.yml: no setting of the plugin is called `enviroment`",
    "--vars: no dbt variable is called `hipaa_mode_published`",
    "--vars: `hipaa_mode__count_dropped_properties` is not true or false",
    "dbt_project.yml: no dbt variable is called `hipaa_mode__enviroment`",
    "dbt_project.yml: `hipaa_mode__seed_folder` is for dbt unit tests alone",
    "dbt_project.yml: `hipaa_mode__token_bridge` is not true or false",
    "dbt_project.yml: no dbt variable is called `published`",
    "dbt_project.yml: `hipaa_mode__raw_calls` stands under `elsewhere`",
]


class TestUnknownSettings:
    @pytest.fixture(scope="class")
    @classmethod
    def project(cls, tmp_path_factory: pytest.TempPathFactory) -> Project:
        project = Project.create(
            tmp_path_factory.mktemp("settings") / "p",
            [destination("alpha")],
            [event("alpha", "Visit")],
            [allowed("alpha", "event", "plan")],
            [track("Visit", {"plan": "gold"}, messageId="m-1")],
        )
        profile = yaml.safe_load((project.folder / "profiles.yml").read_text())
        plugin = profile["hipaa_mode"]["outputs"]["dev"]["plugins"][0]
        plugin["config"] = {"enviroment": "dev"}
        (project.folder / "profiles.yml").write_text(yaml.safe_dump(profile))
        settings = yaml.safe_load((project.folder / "dbt_project.yml").read_text())
        settings["vars"] |= PROJECT_VARIABLES
        (project.folder / "dbt_project.yml").write_text(yaml.safe_dump(settings))
        return project

    @pytest.fixture(scope="class", params=["build", "compile"])
    @classmethod
    def refused(cls, project: Project, request: pytest.FixtureRequest) -> Run:
        project.environment = dict(ENVIRONMENT)
        return project.dbt(request.param, "--vars", COMMAND_LINE)

    def test_the_run_is_refused_with_every_fault_and_no_value(
        self, project: Project, refused: Run
    ) -> None:
        assert refused.exit_code != 0
        told = " ".join(refused.output.split())
        for fault in FAULTS:
            assert fault in told
        assert SECRET not in refused.output
        assert not any(SECRET.encode() in text for text in project.written_by_dbt().values())
        assert not project.database.exists()
        assert not (project.folder / "published").exists()

    def test_the_commands_refuse_too(self, project: Project) -> None:
        project.environment = dict(ENVIRONMENT)
        done = project.hipaa_mode("check")
        assert done.returncode == 2
        assert "`HIPAA_MODE_RAW_CALL`" in done.stderr and SECRET not in done.stderr
        project.environment = {}
        done = project.hipaa_mode("check", "--json")
        assert done.returncode == 2
        of_files = [fault for fault in FAULTS if fault.startswith(("dbt_project", "profiles"))]
        assert len(of_files) == 6
        for fault in of_files:
            assert fault in done.stdout
