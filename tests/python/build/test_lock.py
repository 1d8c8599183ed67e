"""A build lets nothing through that the lock does not say, and goes on with what is less."""

from __future__ import annotations

import pytest
from project import Project, allowed, destination, event, identify, track

DESTINATIONS = [destination("alpha", mask_scope="destination")]
EVENTS = [event("alpha", "Visit"), event("alpha", "Oncology Visit", "visit_2")]
PROPERTIES = [
    allowed("alpha", "event", "plan", guard="block"),
    allowed("alpha", "event", "note", event="Visit"),
    allowed("alpha", "event", "coupon", "deny"),
    allowed("alpha", "event", "email", "mask"),
]
CALLS = [
    track("Visit", {"plan": "gold", "coupon": "x1"}, userId="patient-001", messageId="m-1"),
    track("Oncology Visit", {"plan": "gold"}, userId="patient-001", messageId="m-2"),
    identify({"tier": "gold"}, userId="patient-001", messageId="m-3"),
]
REMEDY = "Review it, then run: hipaa-mode lock"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose lock was written once, for the seeds as above."""
    folder = tmp_path_factory.mktemp("locked")
    made = Project.create(folder, DESTINATIONS, EVENTS, PROPERTIES, CALLS)
    made.locks = False
    return made


class TestBuild:
    def test_without_a_lock_nothing_is_built(self, project: Project) -> None:
        run = project.dbt("build")
        assert run.exit_code != 0
        assert "receives.lock.yml: the file is missing" in run.output
        assert REMEDY in run.output
        assert not project.published_folder().exists()

    def test_what_is_agreed_to_is_published(self, project: Project) -> None:
        done = project.hipaa_mode("lock", "--yes")
        assert done.returncode == 0, done.stderr
        project.build()
        [_, visit] = sorted(project.published_rows("alpha__events"), key=lambda row: row["event"])
        assert visit["event"] == "visit_2"

    def test_more_than_that_is_refused_before_anything_is_touched(self, project: Project) -> None:
        before = project.published_bytes()
        project.write_seed("allowed_events", [EVENTS[0], event("alpha", "Oncology Visit")])
        project.write_seed(
            "allowed_properties",
            [
                allowed("alpha", "event", "plan", guard="none"),
                allowed("alpha", "event", "note"),
                allowed("alpha", "event", "email", "mask"),
            ],
        )
        run = project.dbt("build")
        assert run.exit_code != 0
        told = " ".join(run.output.split())
        for line in (
            "dev, `alpha`: event Oncology Visit: sent as visit_2 -> sent (widens)",
            "dev, `alpha`: denied event coupon: denied -> not denied (widens)",
            "column alpha__events.plan (event plan): allow, text, guard block -> allow, text",
            "column alpha__events.note (event note): allow, text, guard block, on Visit -> allow",
        ):
            assert line in told, run.output
        assert REMEDY in told
        assert {**project.published_bytes(), "dev/audit_log.jsonl": b""} == {
            **before,
            "dev/audit_log.jsonl": b"",
        }
        assert project.audit_log().read_text().count('"refused"') == 1

    def test_what_is_less_goes_on_with_a_notice(self, project: Project) -> None:
        project.write_seed("allowed_events", EVENTS[:1])
        project.write_seed("allowed_properties", PROPERTIES[1:])
        run = project.build()
        told = " ".join(run.output.split())
        assert "event Oncology Visit: sent as visit_2 -> not sent (narrows)" in told
        assert "alpha__events.plan (event plan): allow, text, guard block -> not sent" in told
        assert "plan" not in project.published_columns("alpha__events")

    def test_a_lock_that_says_nothing_clear_is_refused(self, project: Project) -> None:
        path = project.folder / "receives.lock.yml"
        sound = path.read_text()
        path.write_text(sound.replace("guard: block", "gaurd: block"))
        run = project.dbt("run", "--select", "alpha__events")
        assert run.exit_code != 0
        assert "`gaurd` is unknown" in " ".join(run.output.split())
        path.write_text(sound)
