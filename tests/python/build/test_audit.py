"""The audit log of real builds: an entry a run and destination, in a file and in a table."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from project import Project, Run, allowed, destination, event, track

from hipaa_mode import audit

DESTINATIONS = [destination("alpha"), destination("beta")]
EVENTS = [event("alpha", "Visit"), event("beta", "Visit")]
PROPERTIES = [
    allowed("alpha", "event", "plan", reason="Four tiers"),
    allowed("beta", "event", "note"),
]
TABLE = "select entry from main_restricted.audit_log order by sequence"


def visits(count: int, note: str = "plain") -> list[dict[str, object]]:
    return [
        track(
            "Visit",
            {"plan": "gold", "note": note},
            messageId=f"visit {number}",
            userId=f"canary-patient-{number}",
        )
        for number in range(count)
    ]


@dataclass
class Story:
    """One project through good and bad runs; the log and what checking it said after each."""

    project: Project
    runs: dict[str, Run] = field(default_factory=dict)
    added: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    shown: dict[str, tuple[int, str]] = field(default_factory=dict)
    published: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def note(self, step: str, run: Run) -> None:
        known = sum(len(entries) for entries in self.added.values())
        entries = audit.entries(audit.read_lines(self.project.audit_log()))
        self.runs[step] = run
        self.added[step] = entries[known:]
        self.logs[step] = self.project.audit_log().read_bytes()
        self.faults[step] = self.project.verify_audit(self.table()).faults
        self.published[step] = self.project.published_bytes()

    def table(self) -> list[str]:
        return [line for (line,) in self.project.query(TABLE)]

    def command(self, name: str, *arguments: str) -> None:
        finished = self.project.hipaa_mode("audit", *arguments, COLUMNS="160")
        self.shown[name] = (finished.returncode, finished.stdout + finished.stderr)


@pytest.fixture(scope="module")
def story(new_project: Callable[..., Project]) -> Story:
    views = {"alpha": ["events"], "beta": ["events"]}
    project = new_project("audit", DESTINATIONS, EVENTS, PROPERTIES, visits(2), views=views)
    story = Story(project)
    story.command("no log", "verify")
    story.note("good", project.dbt("build"))
    story.note("dbt run", project.dbt("run"))

    project.write_calls(visits(3, note="canary-patient-1"))
    story.note("failing test", project.dbt("build"))
    story.command("verify", "verify")
    story.command("verify json", "verify", "--json")
    story.command("show", "show", "--destination", "alpha")
    story.command("show json", "show", "--destination", "beta", "--json", "--from", "2020-01-01")
    story.command("show later", "show", "--from", "2999-01-01", "--json")
    story.command("bad day", "show", "--from", "tomorrow")

    project.write_seed("allowed_properties", [{**PROPERTIES[0], "treatment": "hash"}])
    story.note("faulty seed", project.dbt("build"))
    project.write_seed("allowed_properties", PROPERTIES)

    file = project.published_file("alpha__events")
    content = file.read_bytes()
    file.write_bytes(content + b" ")
    story.command("changed file", "verify")
    file.write_bytes(content)
    project.audit_log().write_bytes(b"".join(story.logs["good"].splitlines(keepends=True)[:1]))
    story.command("cut", "verify")
    # A run that ends between publishing and its entries, as the next one sees it.
    story.note("cut and fixed", project.dbt("run", "--full-refresh"))

    lines = story.logs["dbt run"].splitlines(keepends=True)
    before = story.logs["cut and fixed"]
    project.audit_log().write_bytes(b"".join(lines) + before[len(b"".join(lines)) :][:30])
    project.database.unlink()
    project.write_seed("destinations", DESTINATIONS[:1])
    project.write_seed("allowed_events", EVENTS[:1])
    project.write_seed("allowed_properties", PROPERTIES[:1])
    project.remove_models("beta")
    project.write_calls(visits(4))
    story.added = {"before": audit.entries(audit.read_lines(project.audit_log()))}
    story.note("torn, no table, beta removed", project.dbt("build"))
    return story


def outcomes(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(entry["destination"], entry["outcome"]) for entry in entries]


def first(story: Story) -> list[dict[str, Any]]:
    """The entries of the first build, as the log had them then."""
    return [json.loads(line) for line in story.logs["good"].splitlines()]


def after(story: Story, step: str, earlier: str) -> list[dict[str, Any]]:
    """The entries that a step added to the log of an earlier one."""
    assert story.logs[step].startswith(story.logs[earlier])
    added = story.logs[step][len(story.logs[earlier]) :]
    return [json.loads(line) for line in added.splitlines()]


class TestAudit:
    """What each run leaves in the log, and what the commands say of it."""

    def test_every_step_leaves_a_sound_log_that_its_table_agrees_with(self, story: Story) -> None:
        assert story.faults == {step: [] for step in story.runs}

    def test_a_good_build_records_what_each_destination_received(self, story: Story) -> None:
        assert story.runs["good"].exit_code == 0, story.runs["good"].output
        entries = first(story)
        assert outcomes(entries) == [("alpha", "published"), ("beta", "published")]
        [alpha, _] = audit.with_allowlists(entries)
        [view] = alpha["views"]
        assert (view["view"], view["rows"], view["files"]) == ("alpha__events", 2, 1)
        name = "alpha__events/undated.parquet"
        content = story.published["good"][f"dev/alpha/{name}"]
        listing = f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()
        assert view["sha256"] == hashlib.sha256(listing).hexdigest()
        assert view["bytes"] == len(content)
        [column] = [column for column in view["columns"] if column["name"] == "plan"]
        assert column == {
            "name": "plan",
            "property_list": "event",
            "property": "plan",
            "treatment": "allow",
            "data_type": "text",
            "events": None,
            "guard": "block",
            "reason": "Four tiers",
        }
        assert alpha["events"] == [["Visit", "Visit"]]
        assert "no_raw_identifiers_alpha__events" in alpha["checks"]
        assert not any("beta" in check for check in alpha["checks"])
        manifest = json.loads(story.published["good"]["dev/alpha/manifest.json"])
        for name in ("dbt_invocation_id", "allowlist_fingerprint", "key_fingerprint"):
            assert alpha[name] == manifest[name]
        assert len(alpha["configuration_fingerprint"]) == 64

    def test_dbt_run_holds_every_destination_back(self, story: Story) -> None:
        added = after(story, "dbt run", "good")
        assert outcomes(added) == [("alpha", "held back"), ("beta", "held back")]
        assert added[0]["reasons"] == ["`dbt run` does not build and test everything"]

    def test_a_failing_test_holds_its_destination_back_by_name(self, story: Story) -> None:
        added = after(story, "failing test", "dbt run")
        assert outcomes(added) == [("alpha", "published"), ("beta", "held back")]
        [reason] = added[1]["reasons"]
        assert reason.startswith("holds_only_what_is_allowed_beta__events_ failed (no_raw_ident")
        assert "staging_gives_every_reason_and_key" in added[1]["checks"]
        assert not any("beta" in check for check in added[1]["checks"])

    def test_a_faulty_configuration_is_a_refused_run(self, story: Story) -> None:
        assert story.runs["faulty seed"].exit_code != 0
        added = after(story, "faulty seed", "failing test")
        assert outcomes(added) == [("*", "refused")]
        assert any("`treatment` is wrong" in reason for reason in added[0]["reasons"])
        assert story.published["faulty seed"] == story.published["failing test"]

    def test_entries_cut_off_come_back_from_the_table_even_on_full_refresh(
        self, story: Story
    ) -> None:
        code, text = story.shown["cut"]
        assert code == 1
        assert "the file lacks the last 6 entries, which the table has" in text
        added = after(story, "cut and fixed", "faulty seed")
        assert outcomes(added) == [
            ("", "repaired"),
            ("alpha", "held back"),
            ("beta", "held back"),
        ]
        assert "restored from its table" in story.runs["cut and fixed"].output

    def test_a_torn_line_a_lost_table_and_an_unrecorded_publication_are_told(
        self, story: Story
    ) -> None:
        step = "torn, no table, beta removed"
        assert story.runs[step].exit_code == 0, story.runs[step].output
        lines = story.logs[step].splitlines()
        entries = [json.loads(line) for line in lines[5:]]
        assert outcomes(entries) == [
            ("", "repaired"),
            ("beta", "withdrawn"),
            ("alpha", "published"),
            ("alpha", "published"),
        ]
        assert "recorded at the start of a later run" in entries[2]["reasons"][0]
        assert [entry["views"][0]["rows"] for entry in entries[2:]] == [3, 4]

    def test_verify_says_that_the_log_is_sound(self, story: Story) -> None:
        code, text = story.shown["verify"]
        assert code == 0, text
        assert "is sound: 6 entries" in text
        answer = json.loads(story.shown["verify json"][1])
        assert (answer["faults"], answer["notes"], answer["entries"]) == ([], [], 6)

    def test_a_changed_file_and_a_missing_log_have_their_exit_codes(self, story: Story) -> None:
        code, text = story.shown["changed file"]
        assert code == 1
        assert "alpha/alpha__events are not those of the last entry (number 5)" in text
        assert story.shown["no log"][0] == 3
        assert story.shown["bad day"][0] == 2

    def test_show_tells_rows_and_allowlist(self, story: Story) -> None:
        code, text = story.shown["show"]
        assert code == 0
        assert "alpha__events: 3" in text
        assert "Four tiers" in text
        assert "beta" not in text
        shown = json.loads(story.shown["show json"][1])["entries"]
        assert outcomes(shown) == [
            ("beta", "published"),
            ("beta", "held back"),
            ("beta", "held back"),
        ]

    def test_show_begins_with_what_was_in_place(self, story: Story) -> None:
        shown = json.loads(story.shown["show later"][1])["entries"]
        assert [(e["destination"], e["views"][0]["rows"]) for e in shown] == [
            ("alpha", 3),
            ("beta", 2),
        ]
        assert all(entry["in_place_at_start"] for entry in shown)

    def test_no_raw_value_and_no_key_is_in_the_log(self, story: Story) -> None:
        key = (story.project.folder / ".hipaa_mode/masking.key").read_bytes().strip()
        assert story.logs
        for content in story.logs.values():
            assert b"canary" not in content
            assert key not in content

    @pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
    def test_the_log_is_for_its_owner_only(self, story: Story) -> None:
        assert story.project.audit_log().stat().st_mode & 0o777 == 0o600
