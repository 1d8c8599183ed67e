"""Rows that no call has ever matched are told: through two builds."""

from __future__ import annotations

import pytest
from project import Project, Run, allowed, destination, event, identify, track

PROPERTIES = "seeds/allowed_properties.csv"
SEEN, UNSEEN = "patient-0001", "patient-0002"


def told(run: Run) -> list[str]:
    """The lines of the block, without the time that dbt writes before each."""
    lines = [line.partition("hipaa_mode: ")[2] for line in run.output.splitlines()]
    start = next((i for i, line in enumerate(lines) if "no call has ever matched" in line), None)
    if start is None:
        return []
    # The block ends with how long the run took.
    after = (i for i, line in enumerate(lines) if "; the run took " in line)
    return [line for line in lines[start : next(after, None)] if line]


class TestBuilds:
    @pytest.fixture(scope="class")
    @classmethod
    def builds(cls, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
        project = Project.create(
            tmp_path_factory.mktemp("matched") / "p",
            [destination("alpha"), destination("beta")],
            [event("alpha", "Visit"), event("alpha", "Vist"), event("beta", "Visit")],
            [
                allowed("alpha", "event", "plan"),
                allowed("alpha", "event", "form.a", "mask"),
                allowed("alpha", "event", "form.b"),
                allowed("alpha", "event", "items[].sku"),
                allowed("alpha", "event", "items[].skew"),
                allowed("alpha", "context", "page.title"),
                allowed("alpha", "context", "page.titel"),
                allowed("alpha", "user", "tier"),
                allowed("alpha", "group", "tier"),
                allowed("beta", "event", "plan", event="Visit"),
            ],
            [
                track(
                    "Visit",
                    {"plan": "gold", "form": {"b": 1}, "items": [{"sku": "x"}]},
                    context={"page": {"title": "Home"}},
                    messageId="m-1",
                    userId="patient-0003",
                ),
                identify({"tier": "gold"}, messageId="m-2", userId="patient-0003"),
                track("Visit", {"plan": "gold"}, messageId="m-3", userId=f" {SEEN} "),
            ],
        )
        people = [{"environment": "*", "user_id": name} for name in (SEEN, UNSEEN)]
        project.write_seed("suppressed_users", people)
        first = project.build()
        more = [
            track("Visit", {"form": {"a": "x"}}, messageId="m-4", userId="patient-0004"),
            track("Vist", {}, messageId="m-5", userId=UNSEEN),
        ]
        project.write_calls(more, "more.ndjson")
        return [first, project.build()]

    def test_what_never_came_is_told_with_its_line(self, builds: list[Run]) -> None:
        assert told(builds[0]) == [
            "WARNING: no call has ever matched 4 paths, 1 event, 1 suppressed id. "
            "Are they misspelt?",
            f"{PROPERTIES}, line 3: event form.a",
            f"{PROPERTIES}, line 6: event items[].skew",
            f"{PROPERTIES}, line 8: context page.titel",
            f"{PROPERTIES}, line 10: group tier",
            "seeds/allowed_events.csv, line 3: event Vist",
            "seeds/suppressed_users.csv, line 3: a suppressed id",
        ]

    def test_what_came_since_is_told_no_more(self, builds: list[Run]) -> None:
        # The call of the suppressed person matches their id, and nothing else.
        assert told(builds[1]) == [
            "WARNING: no call has ever matched 3 paths, 1 event. Are they misspelt?",
            f"{PROPERTIES}, line 6: event items[].skew",
            f"{PROPERTIES}, line 8: context page.titel",
            f"{PROPERTIES}, line 10: group tier",
            "seeds/allowed_events.csv, line 3: event Vist",
        ]

    def test_no_id_is_told(self, builds: list[Run]) -> None:
        assert not any(name in run.output for run in builds for name in (SEEN, UNSEEN))
