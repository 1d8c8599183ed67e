"""Builds that copy to an object store: over S3's protocol, with a store that fails and a stop."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from project import Project, Run, allowed, destination, event, track
from s3_server import KEY_ID, SECRET, Bucket, serving

NAMES = ("alpha", "beta")


def signed_up(number: int) -> dict[str, object]:
    fields = {"userId": f"patient-{number}", "sentAt": f"2026-03-0{number}T10:00:00Z"}
    return track("Signed Up", {"plan": "gold"}, messageId=f"m-{number}", **fields)


@dataclass
class Story:
    project: Project
    bucket: Bucket
    runs: dict[str, Run] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    said: dict[str, tuple[int, str]] = field(default_factory=dict)

    def note(self, step: str) -> None:
        self.files[step] = self.bucket.files()

    def build(self, step: str) -> None:
        self.runs[step] = self.project.dbt("build")
        self.note(step)

    def say(self, step: str, *arguments: str) -> None:
        done = self.project.hipaa_mode(*arguments)
        self.said[step] = (done.returncode, done.stdout + done.stderr)

    def copied(self, step: str, name: str) -> set[str]:
        """The files that a destination's manifest names, all of which are there."""
        files, folder = self.files[step], f"copies/dev/{name}/"
        manifest = json.loads(files[folder + "manifest.json"])
        named = {f"{folder}{manifest['folder']}/{file}" for file in manifest["files"]}
        assert named <= files.keys()
        return named


@pytest.fixture(scope="class")
def story(new_project: Callable[..., Project]) -> Iterator[Story]:
    project = new_project(
        "object_store",
        [destination(name, timestamp_precision="day") for name in NAMES],
        [event(name, "Signed Up") for name in NAMES],
        [allowed(name, "event", "plan") for name in NAMES],
        [signed_up(1)],
        views={name: ["events"] for name in NAMES},
    )
    with serving() as bucket:
        project.environment |= bucket.variables("copies")
        story = Story(project, bucket)
        story.build("first")
        project.write_calls([signed_up(2)], "more.ndjson")
        bucket.fault = lambda method, key: (
            (507, "InsufficientStorage")
            if method in ("PUT", "POST") and "alpha" in key and "parquet" in key
            else None
        )
        story.build("full")
        story.say("full", "summary")
        bucket.fault = lambda method, key: None
        story.say("stop", "stop", "beta", "--reason", "A complaint")
        story.note("stopped")
        story.build("again")
        story.say("summary", "summary")
        story.say("audit", "audit", "verify")
        yield story


class TestCopies:
    def test_are_made_by_a_build(self, story: Story) -> None:
        run = story.runs["first"]
        assert run.exit_code == 0, run.output
        assert "hipaa_mode: copied `alpha` to s3://bucket/copies/dev/alpha/" in run.output
        days = {name: story.copied("first", name) for name in NAMES}
        assert [len(found) for found in days.values()] == [1, 1]
        others = {name for name in story.files["first"] if "parquet" not in name}
        assert {name.rpartition("/")[2] for name in others} == {
            "_hipaa_mode.json",
            "_run.json",
            "manifest.json",
        }

    def test_stay_where_the_store_is_full_and_the_run_fails(self, story: Story) -> None:
        run, before = story.runs["full"], story.copied("first", "alpha")
        assert run.exit_code == 1
        assert (
            "NOT copied: `alpha`, what was there stays: s3://bucket/copies is full" in run.output
        )
        assert "copied `beta`" in run.output and "NOT published" not in run.output
        assert story.copied("full", "alpha") == before
        assert len(story.copied("full", "beta")) == 2
        assert {
            name for name in story.files["full"] if "alpha" in name and "par" in name
        } == before
        assert len(story.project.published_files("alpha__events")) == 2

    def test_are_withdrawn_by_a_stop_at_once(self, story: Story) -> None:
        code, said = story.said["stop"]
        assert code == 0, said
        assert "Withdrawn: s3://bucket/copies/dev/beta" in said
        assert [name for name in story.files["stopped"] if "beta" in name] == []
        assert [name for name in story.files["again"] if "beta" in name] == []

    def test_are_made_by_the_next_build(self, story: Story) -> None:
        run = story.runs["again"]
        assert run.exit_code == 0, run.output
        assert len(story.copied("again", "alpha")) == 2

    def test_are_told_of(self, story: Story) -> None:
        code, said = story.said["full"]
        assert code == 1 and "`alpha` was not copied to the object store" in " ".join(said.split())
        code, said = story.said["summary"]
        assert code == 0 and "`alpha` was copied to s3://bucket/copies" in " ".join(said.split())
        code, said = story.said["audit"]
        assert code == 0 and "is sound" in said
        entries = map(json.loads, story.project.audit_log().read_text().splitlines())
        outcomes = [(e["destination"], e["outcome"]) for e in entries if "cop" in e["outcome"]]
        assert outcomes == [
            *(("alpha", "copied"), ("beta", "copied")),
            *(("alpha", "not copied"), ("beta", "copied")),
            *(("beta", "copy removed"), ("alpha", "copied")),
        ]

    def test_leave_no_credentials_anywhere(self, story: Story) -> None:
        written = {**story.project.written_by_dbt(), **story.files["again"]}
        written |= {name: run.output.encode() for name, run in story.runs.items()}
        written |= {name: said.encode() for name, (_, said) in story.said.items()}
        written["audit"] = story.project.audit_log().read_bytes()
        secrets = (KEY_ID.encode(), SECRET.encode())
        leaks = [name for name, text in written.items() if any(one in text for one in secrets)]
        assert leaks == []
