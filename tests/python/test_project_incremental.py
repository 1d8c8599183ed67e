"""An incremental build gives what a full one gives, and touches only what changed.

HIPAA_MODE_EXAMPLES says how many random histories of raw files to try.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from project import (
    Project,
    Run,
    allowed,
    as_line,
    destination,
    event,
    group,
    identify,
    token,
    track,
)

DESTINATIONS = [
    destination("daily"),
    destination("hourly", mask_scope="destination", timestamp_precision="hour"),
    destination("monthly", timestamp_precision="month"),
    destination("timeless", timestamp_precision="none"),
]
EVENTS = [
    *(event("*", name) for name in ("Visit", "Search")),
    event("hourly", "Order", "purchase"),
]
PROPERTIES = [
    *(allowed("*", "event", name) for name in ("plan", "note", "tags[]")),
    allowed("*", "event", "email", "mask", normalize="email"),
    allowed("hourly", "event", "amount", "round(5)"),
    allowed("daily", "event", "zip", "zip3", event="Visit"),
    allowed("*", "user", "email", "mask"),
    allowed("*", "user", "age", "age_cap"),
    allowed("*", "group", "name"),
]
FIRST_DAY = dt.datetime(2026, 2, 26, 6)


class History:
    """Random calls, delivered to a folder step by step."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.count = 0
        self.delivered: list[bytes] = []

    def call(self) -> bytes:
        dice = self.dice
        kind = dice.random()
        if self.delivered and kind < 0.12:
            return dice.choice(self.delivered)
        if kind < 0.16:
            return dice.choice([b"broken {", b'{"type":"pageleave"}', b'{"type":"track"', b"[]"])
        self.count += 1
        sent = FIRST_DAY + dt.timedelta(hours=dice.randrange(24 * 6))
        common: dict[str, Any] = {
            "messageId": dice.choice([f"m{self.count}", f"m{self.count}", None]),
            "userId": f"patient-{dice.randrange(9)}",
            "sentAt": dice.choice([sent.isoformat() + "Z"] * 8 + [None, "9999-12-31"]),
        }
        if common["messageId"] is None and dice.random() < 0.5:
            # The same content without message id comes again and again.
            common = {"messageId": None, "userId": "patient-1", "sentAt": "2026-03-01T10:00:00Z"}
            return as_line(track("Visit", {"plan": "twin"}, **common))
        kind = dice.random()
        if kind < 0.2:
            traits = {"email": f"p{dice.randrange(9)}@example.org", "age": dice.randrange(99)}
            return as_line(identify(traits, **common))
        if kind < 0.3:
            return as_line(group({"name": f"clinic {dice.randrange(3)}"}, **common))
        return as_line(
            track(
                dice.choice(["Visit", "Search", "Order", "Unlisted"]),
                {
                    "plan": dice.choice(["gold", "silver", {"an": "object"}, None]),
                    "note": dice.choice(["plain", "mail jane@example.org", "call 212-555-0187"]),
                    "tags": dice.choice([["a", "b"], [], ["jo@example.org"], "text"]),
                    "email": dice.choice([" Ann@Example.org", "ann@example.org", "", None]),
                    "amount": dice.choice([7.5, "12", "much"]),
                    "zip": dice.choice(["03601", "94110", "none"]),
                    f"unlisted {dice.randrange(4)}": 1,
                },
                **common,
            )
        )

    def calls(self, count: int) -> list[bytes]:
        made = [self.call() for _ in range(count)]
        self.delivered += made
        return made

    def step(self, folder: Path) -> str:
        """Change the folder of raw calls in some way; say in which."""
        dice = self.dice
        files = sorted(folder.iterdir())
        new = folder / f"{dice.choice('abz')}{len(files)}-{dice.randrange(10**6)}.ndjson"
        what = dice.choice(
            ["new", "new", "grow", "again", "change", "remove"] if files else ["new"]
        )
        if what == "new":
            write(new, self.calls(dice.randrange(5, 60)))
        elif what == "grow":
            with dice.choice(files).open("ab") as file:
                file.write(b"".join(call + b"\n" for call in self.calls(dice.randrange(1, 20))))
        elif what == "again":
            shutil.copy(dice.choice(files), new)
        elif what == "change":
            chosen = dice.choice(files)
            lines = chosen.read_bytes().splitlines()
            kept = [line for line in lines if dice.random() < 0.8]
            write(chosen, kept + self.calls(3))
        elif len(files) > 1:
            dice.choice(files).unlink()
        return what


def write(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def make(new_project: Callable[..., Project], name: str) -> Project:
    project = new_project(name, DESTINATIONS, EVENTS, PROPERTIES)
    (project.folder / "raw_calls/calls.ndjson").unlink()
    return project


STORED = {
    "main_restricted.stg_calls": "* exclude (run_number)",
    "main_restricted.duplicate_calls": "source_file, line_number, message_id, delivery",
    "main_restricted.rejected_calls": "*",
    "main_restricted.masked_events": "*",
    "main_restricted.masked_identifies": "*",
    "main_restricted.masked_groups": "*",
}


def stored(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """What the warehouse holds, without the numbers of runs and files."""
    return {
        table: sorted(project.query(f"select {columns} from {table}"), key=repr)
        for table, columns in STORED.items()
    }


def published(project: Project) -> dict[str, Any]:
    """Published Parquet files by name, and what the manifests say besides when."""
    files = project.published_bytes()
    found: dict[str, Any] = {
        name: content for name, content in files.items() if name.endswith(".parquet")
    }
    for row in DESTINATIONS:
        manifest = project.manifest(row["destination"])
        for fact in ("published_at", "dbt_invocation_id", "run_number"):
            del manifest[fact]
        for view in manifest["views"].values():
            del view["files_written"]
        found[f"{row['destination']} manifest"] = manifest
    return found


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


@pytest.mark.parametrize("seed", range(int(os.environ.get("HIPAA_MODE_EXAMPLES", "1"))))
def test_after_any_history_of_files_it_is_what_a_full_build_gives(
    new_project: Callable[..., Project], seed: int
) -> None:
    history = History(seed)
    grown = make(new_project, f"grown{seed}")
    steps = []
    for _ in range(4):
        steps += [history.step(grown.folder / "raw_calls") for _ in range(2)]
        grown.build()
    full = make(new_project, f"full{seed}")
    # File names are part of what is stored.
    full.environment["HIPAA_MODE_RAW_CALLS"] = str(grown.folder / "raw_calls/*.ndjson")
    grown.environment["HIPAA_MODE_RAW_CALLS"] = str(grown.folder / "raw_calls/*.ndjson")
    full.build()
    assert differing(published(grown), published(full)) == [], steps
    assert differing(nameless(grown), nameless(full)) == [], steps


def nameless(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """What is stored, with each file known by its name alone."""
    return {
        table: sorted(
            (
                tuple(Path(v).name if str(v).endswith(".ndjson") else v for v in row)
                for row in rows
            ),
            key=repr,
        )
        for table, rows in stored(project).items()
    }


@dataclass
class Story:
    """One project through builds in which more and more is done to it."""

    project: Project
    runs: dict[str, Run] = field(default_factory=dict)
    inodes: dict[str, dict[str, int]] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)

    def build(self, step: str, *arguments: str) -> None:
        self.runs[step] = self.project.dbt("build", *arguments)
        root = self.project.published_folder()
        self.inodes[step] = {
            str(path.relative_to(root)): path.stat().st_ino for path in root.rglob("*.parquet")
        }
        self.rows[step] = self.project.published_rows("daily__events")
        self.columns[step] = self.project.published_columns("daily__events")

    def rewritten(self, before: str, after: str) -> set[str]:
        """Files that are not the very files they were."""
        one, other = self.inodes[before], self.inodes[after]
        return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def visit(number: int, day: int, **properties: object) -> bytes:
    common = {"messageId": f"v{number}", "userId": f"patient-{number}"}
    sent = f"2026-03-{day:02d}T10:00:00Z"
    return as_line(track("Visit", {"plan": "gold", **properties}, sentAt=sent, **common))


def email_visits() -> list[bytes]:
    return [
        visit(number, day, email=f"p{number}@example.org") for number, day in enumerate((1, 2))
    ]


@pytest.fixture(scope="module")
def story(new_project: Callable[..., Project]) -> Story:
    project = new_project("story", DESTINATIONS[:2], EVENTS[:1], PROPERTIES[:2])
    folder = project.folder / "raw_calls"
    write(folder / "calls.ndjson", email_visits())
    story = Story(project)
    story.build("first")
    story.build("nothing new")

    write(folder / "later.ndjson", [visit(7, 2)])
    story.build("second day")

    # A note that a test finds is held back, with its day; the next build publishes both.
    write(folder / "bad.ndjson", [visit(8, 3, note="patient-8")])
    story.build("held back")
    write(folder / "bad.ndjson", [visit(8, 3, note="harmless")])
    write(folder / "last.ndjson", [visit(9, 1)])
    story.build("caught up")

    day = project.published_files("daily__events")[0]
    day.write_bytes(day.read_bytes()[:-1] + b"!")
    project.published_files("daily__events")[1].unlink()
    story.build("mended")

    project.write_seed("allowed_properties", [*PROPERTIES[:1], *PROPERTIES[3:4]])
    story.build("a property less, one more")

    masked = [allowed("*", "event", "plan", "mask"), *PROPERTIES[3:4]]
    project.write_seed("allowed_properties", masked)
    story.build("one masked")

    own = [{**row, "mask_scope": "destination"} for row in DESTINATIONS[:2]]
    project.write_seed("destinations", own)
    story.build("another scope")

    coarser = [{**row, "timestamp_precision": "month"} for row in own]
    project.write_seed("destinations", coarser)
    story.build("coarser times")

    shutil.rmtree(project.database.parent)
    project.database.parent.mkdir()
    story.build("a new database")
    return story


class TestStory:
    """What each build wrote, and what it left alone."""

    def test_every_build_but_the_held_back_one_succeeds(self, story: Story) -> None:
        codes = {step: run.exit_code for step, run in story.runs.items() if run.exit_code}
        assert codes == {"held back": 1}, [story.runs[step].output for step in codes]

    def test_nothing_new_writes_nothing(self, story: Story) -> None:
        assert story.rewritten("first", "nothing new") == set()
        assert "(0 of 2 files written)" in story.runs["nothing new"].output

    def test_only_touched_days_are_written(self, story: Story) -> None:
        changed = story.rewritten("nothing new", "second day")
        assert changed == {
            "daily/daily__events/2026-03-02.parquet",
            "hourly/hourly__events/2026-03-02.parquet",
        }
        assert "read 1 new or grown files; 1 are unchanged" in story.runs["second day"].output

    def test_a_destination_that_was_held_back_catches_up(self, story: Story) -> None:
        assert story.rewritten("second day", "held back") == set()
        assert "no_raw_identifiers on `note`" in story.runs["held back"].output
        assert "patient-8" not in story.runs["held back"].output
        changed = story.rewritten("held back", "caught up")
        assert {name.rpartition("/")[2] for name in changed} == {
            *("2026-03-01.parquet", "2026-03-03.parquet"),
        }
        assert len(story.rows["caught up"]) == 5

    def test_an_altered_and_a_removed_file_are_written_anew(self, story: Story) -> None:
        assert story.rewritten("caught up", "mended") == {
            "daily/daily__events/2026-03-01.parquet",
            "daily/daily__events/2026-03-02.parquet",
        }
        assert story.rows["mended"] == story.rows["caught up"]

    def test_a_property_that_is_removed_is_gone_and_one_that_is_added_has_its_history(
        self, story: Story
    ) -> None:
        step = "a property less, one more"
        assert "note" in story.columns["mended"]
        assert "note" not in story.columns[step]
        tokens = {row["email"] for row in story.rows[step]}
        assert tokens == {None, token("p0@example.org"), token("p1@example.org")}

    def test_a_property_that_is_masked_is_masked_in_all_files(self, story: Story) -> None:
        assert {row["plan"] for row in story.rows["a property less, one more"]} == {"gold"}
        assert {row["plan"] for row in story.rows["one masked"]} == {token("gold")}

    def test_another_scope_changes_every_token(self, story: Story) -> None:
        step = "another scope"
        assert {row["plan"] for row in story.rows[step]} == {token("gold", scope="daily")}
        before = {row["row_id"] for row in story.rows["one masked"]}
        assert before.isdisjoint(row["row_id"] for row in story.rows[step])

    def test_coarser_times_have_coarser_files(self, story: Story) -> None:
        step = "coarser times"
        assert {name for name in story.inodes[step] if name.startswith("daily/daily__events")} == {
            "daily/daily__events/2026-03.parquet"
        }
        assert {row["sent_at"] for row in story.rows[step]} == {dt.datetime(2026, 3, 1)}

    def test_a_new_database_publishes_the_same(self, story: Story) -> None:
        assert story.rows["a new database"] == story.rows["coarser times"]
