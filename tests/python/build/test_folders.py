"""A build touches what builds made, and nothing else; what others changed of it is recorded."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from project import Project, Run, destination, event, track

from hipaa_mode import audit

CALLS = [
    track(
        "Signed Up", messageId=f"m-{number}", userId=f"patient-{number}", sentAt=f"{day}T01:00:00Z"
    )
    for number, day in enumerate(("2026-03-01", "2026-03-02"))
]
VIEWS = {name: ["events"] for name in ("alpha", "beta", "gamma")}
DESTINATIONS = [destination(name, environment="*") for name in VIEWS]
EVENTS = [event(name, "Signed Up", environment="*") for name in VIEWS]
OF_OTHERS = (
    "dev/otherteam/backup.tar",
    "dev/.snapshots/1/manifest.json",
    "dev/README.txt",
    "dev/beta/notes.txt",
    "dev/alpha/alpha__events/notes.txt",
    "prod/alpha/data.parquet",
)


def tree(folder: Path, *without: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not name.startswith(without):
            facts = path.lstat()
            content = path.read_bytes() if path.is_file() else None
            found[name] = (stat.S_IMODE(facts.st_mode), facts.st_ino, content)
    return found


@dataclass
class Story:
    """A project after runs, each with what the folder held before and after."""

    project: Project
    runs: dict[str, Run] = field(default_factory=dict)
    trees: dict[str, dict[str, object]] = field(default_factory=dict)

    def run(self, name: str, *arguments: str) -> None:
        self.runs[name] = self.project.dbt("build", *arguments)
        self.trees[name] = tree(self.project.folder / "published")

    def entries(self) -> list[audit.Entry]:
        return audit.entries(audit.read_lines(self.project.audit_log()))


@pytest.fixture(scope="module")
def story(new_project: Callable[..., Project]) -> Story:
    project = new_project("folders", DESTINATIONS, EVENTS, [], CALLS, views=VIEWS)
    published = project.folder / "published"
    (published / "dev").mkdir(parents=True)
    for folder in (published, published / "dev"):
        folder.chmod(0o755)
    story = Story(project)
    story.run("first")

    before = tree(project.folder, "target", "logs", "restricted", "published/dev/audit_log")
    project.locks = False
    story.runs["parent"] = project.dbt("build", "--vars", '{"hipaa_mode__environment": ".."}')
    project.locks = True
    after = tree(project.folder, "target", "logs", "restricted", "published/dev/audit_log")
    story.trees["parent, before"], story.trees["parent"] = before, after

    for name in OF_OTHERS:
        path = published / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"of others")
    file = published / "dev/alpha/alpha__events/2026-03-01.parquet"
    times, content = file.stat(), bytearray(file.read_bytes())
    content[-6] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    story.trees["others"] = tree(published)
    (published / "dev/gamma").rename(project.folder / "elsewhere")
    (published / "dev/gamma").symlink_to(project.folder / "elsewhere")
    story.trees["elsewhere, before"] = tree(project.folder / "elsewhere")
    project.write_seed(
        "destinations", [row for row in DESTINATIONS if row["destination"] != "beta"]
    )
    project.write_seed("allowed_events", [row for row in EVENTS if row["destination"] != "beta"])
    project.remove_models("beta")
    story.run("one less")
    story.trees["elsewhere"] = tree(project.folder / "elsewhere")
    return story


class TestFolders:
    def test_an_environment_that_is_no_name_is_refused_and_touches_nothing(
        self, story: Story
    ) -> None:
        assert story.runs["parent"].exit_code != 0
        assert "`..` can't be the name of an environment" in story.runs["parent"].output
        assert story.trees["parent"] == story.trees["parent, before"]

    def test_what_others_put_beside_and_into_destinations_is_left(self, story: Story) -> None:
        for name in OF_OTHERS:
            assert story.trees["one less"][name] == story.trees["others"][name], name

    def test_a_removed_destination_is_withdrawn_all_the_same(self, story: Story) -> None:
        left = {name for name in story.trees["one less"] if name.startswith("dev/beta/")}
        assert left == {"dev/beta/notes.txt"}
        withdrawn = [e["destination"] for e in story.entries() if e["outcome"] == "withdrawn"]
        assert withdrawn == ["beta"]
        assert "dev/beta/notes.txt was left in a folder that was withdrawn" in (
            story.runs["one less"].output
        )

    def test_a_destination_that_is_a_link_is_refused_and_the_others_published(
        self, story: Story
    ) -> None:
        run = story.runs["one less"]
        assert run.exit_code != 0
        assert "published/dev/gamma is a symbolic link" in run.output
        assert story.trees["elsewhere"] == story.trees["elsewhere, before"]
        outcomes = {e["destination"]: e["outcome"] for e in story.entries()}
        assert (outcomes["alpha"], outcomes["gamma"]) == ("published", "held back")

    def test_a_changed_file_is_recorded_before_it_is_written_anew(self, story: Story) -> None:
        found = [e["outcome"] for e in story.entries() if e["destination"] == "alpha"]
        assert found == ["published", "altered", "published"]
        [entry] = [
            e
            for e in story.entries()
            if e["outcome"] == "altered" and "changed" in e and e["destination"] == "alpha"
        ]
        assert [name for name, _ in entry["changed"]] == [
            "alpha__events/2026-03-01.parquet",
            "alpha__events/notes.txt",
        ]
        name = "dev/alpha/alpha__events/2026-03-01.parquet"
        assert story.trees["one less"][name][2] == story.trees["first"][name][2]  # type: ignore[index]

    def test_folders_that_were_there_keep_their_modes(self, story: Story) -> None:
        root = story.project.folder / "published"
        assert [stat.S_IMODE(p.stat().st_mode) for p in (root, root / "dev")] == [0o755, 0o755]
        assert stat.S_IMODE((root / "dev/alpha").stat().st_mode) == 0o700
