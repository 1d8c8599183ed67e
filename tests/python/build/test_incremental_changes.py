"""What may happen between two builds, and must not make the second differ from a full one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from histories import Story, visit, write
from project import Project, allowed, destination, event, token


def small(new_project: Callable[..., Project], name: str) -> Project:
    return new_project(
        name,
        [destination("daily")],
        [event("daily", "Visit")],
        [allowed("daily", "event", "plan"), allowed("daily", "event", "note")],
        [visit(1, 1), visit(2, 2)],
        views={"daily": ["events"]},
    )


def notes(project: Project) -> set[object]:
    return {row["note"] for row in project.published_rows("daily__events")}


def test_an_id_of_a_person_of_another_day_is_found_in_new_rows(
    new_project: Callable[..., Project],
) -> None:
    project = small(new_project, "other_day")
    project.build()
    project.write_calls([visit(3, 3, note="patient-1")], "later.ndjson")
    run = project.dbt("build")
    assert run.exit_code == 1
    assert "no_raw_identifiers on `note`" in run.output
    assert notes(project) == {None}


def test_another_message_column_reads_files_again(new_project: Callable[..., Project]) -> None:
    project = small(new_project, "column")
    shutil.rmtree(project.folder / "raw_calls")
    (project.folder / "raw_calls").mkdir()
    columns = {"one": [visit(1, 1, note="one")], "other": [visit(1, 1, note="other")]}
    pq.write_table(pa.table(columns), project.folder / "raw_calls/calls.parquet")
    project.environment["HIPAA_MODE_RAW_CALLS"] = "raw_calls/*.parquet"
    for column in columns:
        project.build("--vars", f"{{hipaa_mode__raw_message_column: {column}}}")
        assert notes(project) == {column}


def test_a_clock_that_was_set_back_hides_no_call(new_project: Callable[..., Project]) -> None:
    project = small(new_project, "clock")
    project.build()
    future = 1 << 52
    tables = ("build_state", "changed_days", "raw_files", "property_names", "masked_counts")
    project.execute(
        *(f"update main_restricted.{table} set run_number = {future}" for table in tables),
        f"update main_restricted.build_state set rebuilt_number = {future}",
        f"update main_restricted.calls_read set run_number = {future}",
    )
    project.write_calls([visit(3, 3)], "later.ndjson")
    project.build()
    assert len(project.published_rows("daily__events")) == 3


def test_a_database_from_a_backup_publishes_what_it_has(
    new_project: Callable[..., Project],
) -> None:
    project = small(new_project, "backup")
    calls = project.folder / "raw_calls/calls.ndjson"
    project.build()
    for path in (project.database, calls):
        shutil.copy2(path, project.folder / path.name)
    # Day and number of rows are the same; only what they say is not.
    project.write_calls([visit(1, 1), visit(2, 2, note="later")])
    project.build()
    assert notes(project) == {None, "later"}
    for path in (project.database, calls):
        shutil.copy2(project.folder / path.name, path)
    project.build()
    assert notes(project) == {None}


def test_a_new_file_is_not_taken_for_one_that_went_away(
    new_project: Callable[..., Project],
) -> None:
    project = small(new_project, "numbers")
    suppressed = [{"environment": "dev", "user_id": f"patient-{n}"} for n in (8, 9)]
    project.write_seed("suppressed_users", suppressed)
    project.write_calls([visit(8, 1)], "later.ndjson")
    project.build()
    (project.folder / "raw_calls/later.ndjson").unlink()
    # As a crash leaves it: what is withheld does not follow yet.
    staging = ("calls_read", "duplicate_calls", "call_keys")
    assert project.dbt("run", "--select", *staging).exit_code == 0
    project.write_calls([visit(9, 1)], "other.ndjson")
    project.build()
    assert len(project.published_rows("daily__events")) == 2
    project.write_seed("suppressed_users", [])
    project.build()
    assert len(project.published_rows("daily__events")) == 3


def test_values_of_earlier_runs_are_read_again_where_they_are_needed(
    new_project: Callable[..., Project],
) -> None:
    project = small(new_project, "again")
    calls = project.folder / "raw_calls/calls.ndjson"
    project.write_calls([visit(1, 1, note="one"), visit(2, 2, note="two")])
    project.build()
    stored = "select distinct properties__note, properties__plan from main_restricted.calls_read"
    assert project.query(stored) == [("", "")]
    # The calls are not made anew for it, and new ones come at once.
    project.write_calls([visit(3, 3, note="three")], "later.ndjson")
    tokens = [allowed("daily", "event", "plan"), allowed("daily", "event", "note", "mask")]
    project.write_seed("allowed_properties", tokens)
    assert "read 1 new or grown files; 1 are unchanged" in project.build().output
    expected = {token(text) for text in ("one", "two", "three")}
    assert notes(project) == expected
    assert project.query(stored) == [("", "")]

    # Where the lines are not what they were, nothing is made of them.
    project.write_seed("allowed_properties", [allowed("daily", "event", "note")])
    written, facts = calls.read_bytes(), calls.stat()
    calls.write_bytes(written.replace(b'"v2"', b'"v9"'))
    os.utime(calls, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    masked = ("run", "--select", "masked_events")
    changed = "raw lines that changed since they were read, and that are needed again: 1"
    assert changed in project.dbt(*masked).output
    calls.unlink()
    gone = project.dbt(*masked)
    assert gone.exit_code != 0
    assert "calls.ndjson changed or is gone since it was read" in gone.output
    assert notes(project) == expected


def test_raw_calls_from_a_table_are_read_whole_every_time(
    new_project: Callable[..., Project],
) -> None:
    project = small(new_project, "table")
    project.execute("create schema raw", "create table raw.calls (message varchar)")
    project.environment["HIPAA_MODE_RAW_CALLS"] = "raw.calls"
    for note in ("one", "other"):
        line = visit(1, 1, note=note).decode()
        project.execute(f"delete from raw.calls; insert into raw.calls values ('{line}')")
        project.build()
        assert notes(project) == {note}
    project.execute("delete from raw.calls")
    emptied = project.dbt("build")
    assert emptied.exit_code != 0
    assert "none of them was read before" in emptied.output
    assert notes(project) == {"other"}
    project.build("--vars", "{hipaa_mode__accept_raw_calls: raw.calls}")
    assert project.published_rows("daily__events") == []


DESTINATIONS = [destination("daily"), destination("hourly", timestamp_precision="hour")]
PROPERTIES = [
    allowed("*", "event", "plan"),
    allowed("daily", "event", "account", "surrogate"),
]


def member(number: int, day: int, **properties: object) -> bytes:
    """A visit whose plan tells its account, so that codes can be told apart."""
    account = f"account {number % 3}"
    return visit(number, day, plan=f"of {account}", account=account, **properties)


@pytest.fixture(scope="module")
def story(new_project: Callable[..., Project]) -> Story:
    project = new_project("between", DESTINATIONS, [event("*", "Visit")], PROPERTIES)
    folder = project.folder / "raw_calls"
    write(folder / "calls.ndjson", [member(1, 1, note="patient-2"), member(2, 2)])
    story = Story(project)
    story.build("first")

    write(folder / "b.ndjson", [member(3, 3)])
    story.runs["run"] = project.dbt("run")
    story.note("run")
    story.build("after a run")

    write(folder / "c.ndjson", [member(4, 2)])
    story.build("part", "--select", "calls_read")
    story.build("after a part")

    story.build("full refresh", "--full-refresh")

    shutil.rmtree(project.published_folder() / "daily")
    story.build("published anew")

    # What is asked for can't be published: a note quotes an id.
    project.write_seed("allowed_properties", [allowed("*", "event", "note")])
    story.build("refused by a test")
    project.write_seed("allowed_properties", [allowed("*", "event", "note", "mask")])
    story.build("fixed")
    return story


class TestBetweenBuilds:
    """What came between two builds, and what the second made of it."""

    def test_all_runs_but_the_refused_one_do_what_they_should(self, story: Story) -> None:
        codes = {step: run.exit_code for step, run in story.runs.items() if run.exit_code}
        # A part's tests are those that read nothing else: what is left out is not published.
        expected = {"refused by a test": 1}
        assert codes == expected, [story.runs[step].output for step in codes]

    def test_a_run_publishes_nothing_and_the_next_build_what_came(self, story: Story) -> None:
        assert story.rewritten("first", "run") == set()
        assert story.rewritten("run", "after a run") == {
            "daily/daily__events/2026-03-03.parquet",
            "hourly/hourly__events/2026-03-03.parquet",
        }
        assert len(story.rows["after a run"]) == 3

    def test_a_part_publishes_nothing_and_the_next_build_what_came(self, story: Story) -> None:
        assert story.rewritten("after a run", "part") == set()
        left = "not selected, so left as they are: `daily`, `hourly`"
        assert left in story.runs["part"].output
        assert len(story.rows["after a part"]) == 4

    def test_a_full_refresh_writes_the_same_bytes_anew(self, story: Story) -> None:
        everything = set(story.inodes["after a part"])
        assert everything
        assert story.rewritten("after a part", "full refresh") == everything
        assert story.bytes["after a part"] == story.bytes["full refresh"]

    def test_a_destination_whose_files_are_gone_is_written_alone(self, story: Story) -> None:
        changed = story.rewritten("full refresh", "published anew")
        assert {name.split("/")[0] for name in changed} == {"daily"}
        assert story.bytes["full refresh"] == story.bytes["published anew"]

    def test_a_change_that_a_test_refuses_changes_no_published_byte(self, story: Story) -> None:
        output = story.runs["refused by a test"].output
        assert "no_raw_identifiers on `note`" in output
        assert "patient-2" not in output
        assert story.rewritten("published anew", "refused by a test") == set()
        assert story.bytes["published anew"] == story.bytes["refused by a test"]
        assert "note" in story.columns["fixed"]
        assert "plan" not in story.columns["fixed"]

    def test_a_surrogate_code_stays_that_of_its_value(self, story: Story) -> None:
        pairs = {
            (row["plan"], row["account"])
            for step in ("first", "after a run", "after a part", "full refresh", "published anew")
            for row in story.rows[step]
        }
        assert len(pairs) == len(dict(pairs)) == len({code for _, code in pairs}) == 3


def test_one_destination_and_what_it_is_made_of_can_be_built_alone(
    new_project: Callable[..., Project],
) -> None:
    project = new_project(
        "one_destination",
        [destination("daily"), destination("other")],
        [event("daily", "Visit"), event("other", "Visit")],
        [allowed("daily", "event", "plan"), allowed("other", "event", "note")],
        [visit(1, 1), visit(2, 2)],
        views={"daily": ["events"], "other": ["events", "identifies"]},
    )
    run = project.build("--select", "+path:models/destination_views/daily")
    assert "NOT published" not in run.output
    assert "not selected, so left as they are: `other`" in run.output
    assert row_count(project, "daily__events") == 2
    assert not (project.published_folder() / "other").exists()
    # DuckDB keeps all rows in memory for a delim join, which it makes of `not exists`.
    [(_, steps)] = project.query("explain select * from main_restricted.stg_calls")
    # DuckDB 1.5 writes HASH_JOIN, DuckDB 2 Hash Join.
    steps = steps.lower().replace("_", " ")
    assert "hash join" in steps
    assert "delim" not in steps
    # What is left comes along with the next whole build, and nothing is asked for twice.
    project.build()
    assert row_count(project, "daily__events") == row_count(project, "other__events") == 2


def row_count(project: Project, view: str) -> int:
    return len(project.published_rows(view))
