"""An incremental build gives what a full one gives, and touches only what changed.

HIPAA_MODE_EXAMPLES says how many random histories of raw files to try.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Callable

import pytest
from histories import (
    DESTINATIONS,
    EVENTS,
    PROPERTIES,
    Course,
    History,
    Story,
    differing,
    make,
    nameless,
    published,
    visit,
    write,
)
from project import Project, allowed, token


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


@pytest.mark.parametrize("seed", range(int(os.environ.get("HIPAA_MODE_EXAMPLES", "1"))))
def test_after_any_course_of_builds_it_is_what_a_full_build_gives(
    new_project: Callable[..., Project], seed: int
) -> None:
    project = make(new_project, f"course{seed}")
    calls = {"HIPAA_MODE_RAW_CALLS": str(project.folder / "raw_calls/*.ndjson")}
    project.environment |= calls
    course = Course(project, seed)
    course.history.step(project.folder / "raw_calls")
    for _ in range(5):
        course.step()
    course.build()
    full = make(new_project, f"whole{seed}")
    full.environment |= calls
    course.seeds.write(full)
    full.build()
    assert differing(published(project), published(full)) == [], course.steps
    assert differing(nameless(project), nameless(full)) == [], course.steps


def email_visits() -> list[bytes]:
    return [
        visit(number, day, email=f"p{number}@example.org") for number, day in enumerate((1, 2))
    ]


CALL_VIEWS = ("events", "identifies", "groups")


@pytest.fixture(scope="module")
def story(new_project: Callable[..., Project]) -> Story:
    project = new_project("story", DESTINATIONS[:2], EVENTS[:1], PROPERTIES[:2])
    folder = project.folder / "raw_calls"
    write(folder / "calls.ndjson", email_visits())
    story = Story(project)
    story.build("first")
    log = project.folder / "logs/dbt.log"
    before = log.stat().st_size
    story.build("nothing new")
    (project.folder / "nothing_new.log").write_bytes(log.read_bytes()[before:])

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
    story.build("fixed")

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

    def test_nothing_new_asks_the_database_little(self, story: Story) -> None:
        log = (story.project.folder / "nothing_new.log").read_text("utf-8")
        asked: dict[str, list[str]] = {}
        for node, statement in re.findall(r"On (\S+): (.*(?:\n.*)?)", log):
            if not re.match(r"BEGIN|COMMIT|ROLLBACK|Close", statement):
                asked.setdefault(node, []).append(statement)
        views = [node for node in asked if re.fullmatch(r"model\.hipaa_mode\.\w+ly__\w+", node)]
        assert len(views) == 6
        of_views = sum(len(asked[node]) for node in views)
        # Of each its columns, the view itself and its days, and the days that changed; and once
        # what dbt-duckdb asks of the schema's constraints, whichever node comes first.
        assert of_views <= 4 * len(views) + 1
        assert max(len(asked[f"model.hipaa_mode.masked_{view}"]) for view in CALL_VIEWS) <= 6
        assert sum(map(len, asked.values())) <= 200
        # The tests look through no call for ids: no row is about to be published.
        assert "test.hipaa_mode.holds_only_what_is_allowed_daily__events" in log
        assert "identifiers as materialized" not in log

    def test_a_run_says_all_it_has_to_say_at_its_end(self, story: Story) -> None:
        lines = story.runs["nothing new"].output.splitlines()
        ours = [number for number, line in enumerate(lines) if "hipaa_mode: " in line]
        assert ours == list(range(ours[0], ours[0] + len(ours)))
        assert len(ours) <= 40
        assert re.search(r"published 2 destinations; the run took \d+ s$", lines[ours[-1]])

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
        assert story.rewritten("caught up", "fixed") == {
            "daily/daily__events/2026-03-01.parquet",
            "daily/daily__events/2026-03-02.parquet",
        }
        assert story.rows["fixed"] == story.rows["caught up"]

    def test_a_property_that_is_removed_is_gone_and_one_that_is_added_has_its_history(
        self, story: Story
    ) -> None:
        step = "a property less, one more"
        assert "note" in story.columns["fixed"]
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
        assert {row["timestamp"] for row in story.rows[step]} == {dt.datetime(2026, 3, 1)}

    def test_a_new_database_publishes_the_same(self, story: Story) -> None:
        assert story.rows["a new database"] == story.rows["coarser times"]
