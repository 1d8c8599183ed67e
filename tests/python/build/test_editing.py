"""What the editing commands write is what dbt builds, tests, documents and publishes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from project import Project, allowed, destination, event, identify, token, track
from typer.testing import CliRunner

from hipaa_mode.cli import app

CALLS = [
    track(
        "Visit",
        {"plan": "gold", "email": "Ann@Example.com", "diagnosis": "flu"},
        messageId="m-1",
        userId="patient-1",
    ),
    identify(
        {"email": "ann@example.com", "ssn": "078-05-1120"}, messageId="m-2", userId="patient-1"
    ),
]


def hipaa_mode(project: Project, *arguments: str) -> str:
    """Run the command in the project's folder."""
    run = CliRunner().invoke(app, [*arguments, "--yes", "--project", str(project.folder)])
    assert run.exit_code == 0, (run.output, run.exception)
    return run.output


class TestEditedAndBuilt:
    @pytest.fixture(scope="class")
    @classmethod
    def project(cls, new_project: Callable[..., Project]) -> Project:
        project = new_project(
            "editing",
            [destination("alpha")],
            [event("alpha", "Visit")],
            [allowed("alpha", "event", "plan")],
            CALLS,
        )
        # A blank line, as people leave to set rows apart.
        seed = project.folder / "seeds/allowed_properties.csv"
        seed.write_text(seed.read_text().replace("\n", "\n\n", 1))
        hipaa_mode(project, "destination", "add", "beta", "-t", "webhook", "--owner-name", "Ann")
        hipaa_mode(project, "event", "allow", "beta", "Visit", "--sent-as", "seen")
        hipaa_mode(project, "allow", "beta", "plan", "--reason", "Four {{ 1 / 0 }} tiers")
        hipaa_mode(project, "mask", "beta", "email", "--normalize", "email", "-r", "Counts people")
        hipaa_mode(project, "mask", "beta", "email", "--normalize", "email", "-r", "Same people",
                   "--list", "user")  # fmt: skip
        project.build()
        return project

    def test_the_new_destination_is_published_as_configured(self, project: Project) -> None:
        [row] = project.published_rows("beta__events")
        assert {name: row[name] for name in ("event", "plan", "email", "user_id")} == {
            "event": "seen",
            "plan": "gold",
            "email": token("ann@example.com"),
            "user_id": token("patient-1"),
        }
        [row] = project.published_rows("beta__identifies")
        assert row["email"] == token("ann@example.com")
        [row] = project.published_rows("beta__users")
        assert (row["row_id"], row["email"]) == (token("patient-1"), token("ann@example.com"))
        assert "diagnosis" not in project.published_columns("beta__events")

    def test_dbt_knows_the_documentation(self, project: Project) -> None:
        place = ("--project", str(project.folder))
        assert CliRunner().invoke(app, ["destination", "document", *place]).exit_code == 0
        manifest = json.loads((project.folder / "target/manifest.json").read_text())
        model = manifest["nodes"]["model.hipaa_mode.beta__events"]
        assert model["columns"]["email"]["description"] == "mask: Counts people"
        assert model["columns"]["plan"]["description"] == "allow: Four {{ 1 / 0 }} tiers"
        assert set(project.published_columns("beta__events")) == set(model["columns"])
        [exposure] = manifest["exposures"].values()
        assert exposure["owner"]["name"] == "Ann"
        assert sorted(exposure["depends_on"]["nodes"]) == [
            "model.hipaa_mode.beta__events",
            "model.hipaa_mode.beta__identifies",
            "model.hipaa_mode.beta__users",
        ]

    def test_views_of_latest_values_go_with_the_id(self, project: Project) -> None:
        told = hipaa_mode(project, "deny", "beta", "user_id", "--list", "envelope", "-r", "No use")
        assert "beta__users is removed" in told
        project.build()
        published = {path.name for path in (project.published_folder() / "beta").iterdir()}
        assert published == {"beta__events", "beta__identifies", "manifest.json"}
        [row] = project.published_rows("beta__identifies")
        assert row["user_id"] is None

    def test_a_removed_destination_is_withdrawn_by_the_next_build(self, project: Project) -> None:
        told = hipaa_mode(project, "destination", "remove", "beta")
        assert "withdraws the published files" in told
        assert (project.published_folder() / "beta").exists()
        run = project.build()
        assert not (project.published_folder() / "beta").exists()
        assert project.published_rows("alpha__events")
        assert "beta" in run.output
