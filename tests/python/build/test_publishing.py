"""What is published is whole, tested and private to what passed, whatever happens to the build."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from project import (
    KEY,
    OTHER_KEY,
    Project,
    Run,
    allowed,
    destination,
    event,
    identify,
    sha256,
    token,
    track,
)

from hipaa_mode import audit, publishing

Files = dict[str, bytes]

DESTINATIONS = [destination("alpha"), destination("beta")]
EVENTS = [event("alpha", "Visit"), event("beta", "Visit")]
PROPERTIES = [
    allowed("alpha", "event", "plan"),
    allowed("alpha", "user", "email", "mask"),
    allowed("beta", "event", "note"),
]
WIDENED = """
{{ config(materialized='destination_view', group='restricted_zone') }}
select *, (select max(user_id) from {{ ref('stg_calls') }}) as extra
from (
{{ hipaa_mode.destination_view_sql('alpha', 'events') }}
)
"""


def calls(count: int, note: str = "plain") -> list[dict[str, object]]:
    """As many visits as identify calls, so that the two views of a build have as many rows."""
    return [
        call
        for number in range(count)
        for call in (
            track(
                "Visit",
                {"plan": f"plan {number}", "note": note},
                messageId=f"visit {number}",
                userId=f"patient-{number}",
            ),
            identify({"email": f"p{number}@example.org"}, messageId=f"identify {number}"),
        )
    ]


def of(name: str, files: Files) -> Files:
    """The published files of one destination."""
    return {path: content for path, content in files.items() if path.startswith(f"dev/{name}/")}


def destination_folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]


def manifests_match(folder: Path) -> bool:
    """Whether every published destination has exactly the files of its manifest, readable."""
    for published in destination_folders(folder):
        manifest = json.loads((published / "manifest.json").read_text("utf-8"))
        if publishing.files_in(published) != set(manifest["files"]):
            return False
        for name, facts in manifest["files"].items():
            rows = pq.ParquetFile(published / name).read().num_rows
            if sha256(published / name) != facts["sha256"] or rows != facts["rows"]:
                return False
    return True


# A reader that holds one published file open and reads it a few bytes at a time, opens another
# afresh again and again, and tells what it saw when a file called `stop` appears.
READER = """
import hashlib, json, pathlib, sys, time
import pyarrow.parquet as pq
held, polled, stop = map(pathlib.Path, sys.argv[1:])
seen, errors = set(), []
with held.open("rb") as file:
    content = file.read(8)
    print("reading", flush=True)
    while not stop.exists():
        content += file.read(8)
        try:
            seen.add(pq.ParquetFile(polled).read().num_rows)
        except Exception as error:
            errors.append(repr(error))
        time.sleep(0.02)
    content += file.read()
print(json.dumps([hashlib.sha256(content).hexdigest(), sorted(seen), errors]))
"""


def build_while_read(project: Project) -> tuple[Run, list[Any]]:
    """Build while a reader holds alpha's events and polls beta's."""
    held, polled = (project.published_file(f"{name}__events") for name in ("alpha", "beta"))
    stop = project.folder / "stop"
    arguments = [sys.executable, "-c", READER, str(held), str(polled), str(stop)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        run = project.dbt("build")
        stop.touch()
        seen = json.loads(reader.stdout.readline())
    return run, seen


@dataclass
class Story:
    """One project through good and bad builds: each run, and the files as it left them."""

    project: Project
    runs: dict[str, Run] = field(default_factory=dict)
    files: dict[str, Files] = field(default_factory=dict)
    seen_by_reader: list[Any] = field(default_factory=list)
    reconciled: dict[str, bool] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)

    def note(self, step: str, run: Run) -> None:
        self.runs[step] = run
        self.files[step] = self.project.published_bytes()
        is_clear = not self.project.incoming.exists()
        self.reconciled[step] = is_clear and manifests_match(self.project.published_folder())
        described = self.project.query("describe main_destinations.alpha__events")
        self.columns[step] = [row[0] for row in described]


@pytest.fixture(scope="module")
def story(new_project: Callable[..., Project]) -> Story:
    views = {"alpha": ["events", "identifies"], "beta": ["events", "groups"]}
    project = new_project("publishing", DESTINATIONS, EVENTS, PROPERTIES, views=views)
    story = Story(project)
    project.write_calls(calls(2))
    story.note("first", project.dbt("build"))

    project.write_calls(calls(3))
    story.note("dbt run", project.dbt("run"))

    run, story.seen_by_reader = build_while_read(project)
    story.note("read", run)

    project.write_calls(calls(4, note="patient-3"))
    story.note("failing test", project.dbt("build"))

    project.write_calls(calls(5))
    model = project.folder / "models/destination_views/alpha/alpha__events.sql"
    one_line = model.read_text()
    model.write_text(WIDENED)
    story.note("hand-edited", project.dbt("build"))

    model.write_text(one_line)
    project.write_seed("destinations", DESTINATIONS[:1])
    project.write_seed("allowed_events", EVENTS[:1])
    project.write_seed("allowed_properties", PROPERTIES[:2])
    project.remove_models("beta")
    story.note("removed", project.dbt("build"))
    return story


class TestGoodAndBadBuilds:
    """A failure costs the destination it concerns its new files, and nobody anything else."""

    def test_a_good_build_publishes_every_destination(self, story: Story) -> None:
        assert story.runs["first"].exit_code == 0, story.runs["first"].output
        assert set(story.files["first"]) == {
            *(f"dev/alpha/{name}" for name in ("alpha__events/undated.parquet", "manifest.json")),
            "dev/alpha/alpha__identifies/undated.parquet",
            *(f"dev/beta/{name}" for name in ("beta__events/undated.parquet", "manifest.json")),
            "dev/beta/beta__groups/undated.parquet",
        }

    def test_files_and_manifests_agree_after_every_run(self, story: Story) -> None:
        assert story.reconciled == dict.fromkeys(story.runs, True)

    def test_a_view_without_rows_is_a_valid_file_with_its_columns(self, story: Story) -> None:
        path = story.project.folder / "empty.parquet"
        path.write_bytes(story.files["first"]["dev/beta/beta__groups/undated.parquet"])
        table = pq.ParquetFile(path).read()
        assert table.num_rows == 0
        assert table.column_names == [
            *("row_id", "call_type", "event", "timestamp", "received_at"),
            *("user_id", "anonymous_id", "group_id"),
        ]

    def test_dbt_run_publishes_nothing_and_says_so(self, story: Story) -> None:
        run = story.runs["dbt run"]
        assert run.exit_code == 0, run.output
        assert "nothing was published: `dbt run` does not build and test" in run.output
        assert "Run: dbt build" in run.output
        assert story.files["dbt run"] == story.files["first"]

    def test_a_reader_neither_blocks_a_build_nor_sees_it(self, story: Story) -> None:
        assert story.runs["read"].exit_code == 0, story.runs["read"].output
        digest, seen, errors = story.seen_by_reader
        before = story.files["first"]["dev/alpha/alpha__events/undated.parquet"]
        assert digest == hashlib.sha256(before).hexdigest()
        assert errors == []
        assert 2 in seen
        assert set(seen) <= {2, 3}
        assert story.files["read"]["dev/alpha/alpha__events/undated.parquet"] != before

    def test_a_failing_test_keeps_the_last_good_files_of_its_destination(
        self, story: Story
    ) -> None:
        run = story.runs["failing test"]
        assert run.exit_code == 1
        assert of("beta", story.files["failing test"]) == of("beta", story.files["read"])
        assert "NOT published: `beta`, its last good files stay" in run.output
        assert "holds_only_what_is_allowed_beta__events_ failed (no_raw_identifiers" in run.output
        assert "patient-3" not in run.output

    def test_a_failing_test_of_one_destination_leaves_the_others_published(
        self, story: Story
    ) -> None:
        before, after = of("alpha", story.files["read"]), of("alpha", story.files["failing test"])
        assert set(before) == set(after)
        assert all(before[path] != after[path] for path in before)
        assert json.loads(after["dev/alpha/manifest.json"])["calls"]["staged"] == 8

    def test_a_hand_edited_model_with_another_column_is_refused(self, story: Story) -> None:
        run = story.runs["hand-edited"]
        assert run.exit_code == 1
        assert "`alpha__events` was refused and the view of the last run stays" in run.output
        assert "Not allowlisted: extra VARCHAR. Missing: none" in run.output
        assert story.columns["hand-edited"] == story.columns["failing test"]
        assert "extra" not in story.columns["hand-edited"]

    def test_a_refused_model_keeps_its_destination_and_no_other(self, story: Story) -> None:
        before, after = story.files["failing test"], story.files["hand-edited"]
        assert of("alpha", after) == of("alpha", before)
        # Its groups have no rows, before and after.
        beta = of("beta", after)
        changed = {path for path in beta if beta[path] != of("beta", before)[path]}
        assert changed == {"dev/beta/beta__events/undated.parquet", "dev/beta/manifest.json"}

    def test_a_removed_destination_is_withdrawn(self, story: Story) -> None:
        run = story.runs["removed"]
        assert run.exit_code == 0, run.output
        assert "withdrew `beta`: no longer in destinations.csv" in run.output
        folder = story.project.published_folder()
        assert [path.name for path in destination_folders(folder)] == ["alpha"]
        assert (
            json.loads(story.files["removed"]["dev/alpha/manifest.json"])["calls"]["staged"] == 10
        )


def fingerprint(key: str) -> str:
    """The name of a key in messages and tables, made anew from the standard library."""
    extracted = hmac.digest(bytes(32), bytes.fromhex(key), "sha256")
    return hmac.digest(extracted, b"hipaa-mode/fingerprint/v1/dev\x01", "sha256")[:16].hex()


@dataclass
class Keys:
    """One project under its key, no key, another key, and the other key accepted."""

    project: Project
    first: Files
    refusals: dict[str, Run] = field(default_factory=dict)
    files: dict[str, Files] = field(default_factory=dict)
    tables: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    accepted: Run | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, name: str) -> None:
        self.refusals[name] = self.project.dbt("build")
        self.files[name] = self.project.published_bytes()
        self.tables[name] = stored(self.project)


def stored(project: Project) -> list[tuple[Any, ...]]:
    """The stored tokens and the keys they were made with."""
    return project.query("from main_restricted.masked_events order by all") + project.query(
        "from main_restricted.masking_keys order by all"
    )


@pytest.fixture(scope="module")
def keys(new_project: Callable[..., Project]) -> Keys:
    project = new_project(
        "keys",
        DESTINATIONS[:1],
        EVENTS[:1],
        PROPERTIES[:2],
        calls(2),
        views={"alpha": ["events"]},
    )
    project.build()
    keys = Keys(project, project.published_bytes())
    keys.tables["first"] = stored(project)
    project.write_calls(calls(3))

    (project.folder / ".hipaa_mode/masking.key").unlink()
    keys.refuse("missing key")
    project.write_key(OTHER_KEY)
    keys.refuse("other key")

    kept = project.folder / "kept.duckdb"
    shutil.move(project.database, kept)
    keys.refusals["other key, new database"] = project.dbt("build")
    keys.files["other key, new database"] = project.published_bytes()
    shutil.move(kept, project.database)

    accept = f"{{hipaa_mode__accept_key_fingerprint: {fingerprint(OTHER_KEY)}}}"
    keys.accepted = project.dbt("build", "--vars", accept)
    keys.rows = project.published_rows("alpha__events")

    project.write_key(KEY)
    keys.refusals["first key again"] = project.dbt("build")
    return keys


class TestKeys:
    """Tokens of two keys never mix, and there is no run without a key."""

    @pytest.mark.parametrize(
        "name",
        ["missing key", "other key", "other key, new database"],
    )
    def test_nothing_published_changes_without_the_right_key(self, keys: Keys, name: str) -> None:
        assert keys.refusals[name].exit_code != 0
        assert "Traceback" not in keys.refusals[name].output
        assert keys.files[name] == keys.first

    @pytest.mark.parametrize("name", ["missing key", "other key"])
    def test_nothing_stored_changes_without_the_right_key(self, keys: Keys, name: str) -> None:
        assert len(keys.tables["first"]) == 3
        assert keys.tables[name] == keys.tables["first"]

    def test_a_missing_key_is_named_with_its_remedy(self, keys: Keys) -> None:
        output = keys.refusals["missing key"].output
        assert ".hipaa_mode/masking.key does not exist" in output
        assert f"were made with the key of fingerprint {fingerprint(KEY)}" in output
        assert "restore that one" in output
        assert "keygen" not in output

    @pytest.mark.parametrize("name", ["other key", "other key, new database"])
    def test_another_key_is_refused_with_both_fingerprints_and_the_way_out(
        self, keys: Keys, name: str
    ) -> None:
        output = keys.refusals[name].output
        assert f"its fingerprint is {fingerprint(KEY)}" in output
        assert f"the loaded one has {fingerprint(OTHER_KEY)}" in output
        assert "Restore the key" in output
        accept = f"{{hipaa_mode__accept_key_fingerprint: {fingerprint(OTHER_KEY)}}}"
        assert f"dbt build --vars '{accept}'" in output

    def test_a_key_that_is_accepted_gives_everybody_new_tokens(self, keys: Keys) -> None:
        assert keys.accepted is not None
        assert keys.accepted.exit_code == 0, keys.accepted.output
        expected = {token(f"patient-{number}", key=OTHER_KEY) for number in range(3)}
        assert {row["user_id"] for row in keys.rows} == expected

    def test_the_accepted_key_takes_the_place_of_the_first(self, keys: Keys) -> None:
        run = keys.refusals["first key again"]
        assert run.exit_code != 0
        assert f"its fingerprint is {fingerprint(OTHER_KEY)}" in run.output
        assert f"the loaded one has {fingerprint(KEY)}" in run.output


KILLS = 20
PUBLISHING_MOMENTS = (0, 0.001, 0.002, 0.003, 0.01)


@dataclass
class Kill:
    """What a build that was killed left behind."""

    moment: str
    output: str
    is_whole: bool
    rows: dict[str, int]
    expected: int


@pytest.fixture(scope="module")
def project(new_project: Callable[..., Project]) -> Project:
    project = new_project(
        "killed",
        DESTINATIONS[:1],
        EVENTS[:1],
        PROPERTIES[:2],
        calls(1),
        views={"alpha": ["events", "identifies"]},
    )
    # Those that are killed take as long.
    project.as_users_do = True
    project.build()
    return project


@pytest.fixture(scope="module")
def kills(project: Project) -> list[Kill]:
    duration = project.build().seconds
    draw = random.Random(20260301)
    moments = [duration * (part + draw.random()) / KILLS for part in range(KILLS)]
    kills: list[Kill] = []
    for count, moment in enumerate(moments, 2):
        project.write_calls(calls(count))
        kills.append(kill_build(project, count, f"{moment:.1f} s", at=moment))
    for count, wait in enumerate(PUBLISHING_MOMENTS, KILLS + 2):
        project.write_calls(calls(count))
        kills.append(kill_build(project, count, f"{wait} s into completion", after=wait))
    return kills


def kill_build(
    project: Project, count: int, moment: str, at: float = 0, after: float | None = None
) -> Kill:
    """Kill a build after some seconds, or some seconds after it began to complete its files."""
    with project.start_dbt("build", start_new_session=True) as process:
        if after is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(at)
        else:
            wait_for_completion(process, project)
            time.sleep(after)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
    rows = {
        view: len(project.published_rows(f"alpha__{view}")) for view in ("events", "identifies")
    }
    return Kill(moment, output, manifests_match(project.published_folder()), rows, count)


def wait_for_completion(process: subprocess.Popen[str], project: Project) -> None:
    """Wait until the build gives its files their final names; some milliseconds later they are
    in place."""
    completed = project.incoming / "dev/alpha/alpha__events/undated.parquet"
    published = project.published_folder() / "alpha"
    before = published.stat().st_ino
    while process.poll() is None and not completed.exists():
        # A busy machine may have missed the moment.
        if not published.exists() or published.stat().st_ino != before:
            return
        time.sleep(0.0002)


class TestKilled:
    """A build killed at any moment leaves the old files or the new ones, and no harm."""

    def test_published_files_are_whole_and_match_their_manifest(self, kills: list[Kill]) -> None:
        assert len(kills) == KILLS + len(PUBLISHING_MOMENTS)
        assert [kill.moment for kill in kills if not kill.is_whole] == []

    def test_published_files_are_all_of_one_build(self, kills: list[Kill]) -> None:
        mixed = [kill.moment for kill in kills if kill.rows["events"] != kill.rows["identifies"]]
        assert mixed == []
        published = [kill.rows["events"] for kill in kills]
        assert published == sorted(published)
        assert all(kill.rows["events"] <= kill.expected for kill in kills)

    def test_no_killed_build_harms_the_next_one(self, kills: list[Kill]) -> None:
        assert [kill.output for kill in kills if "rror" in kill.output] == []

    def test_kills_are_spread_over_the_build(self, kills: list[Kill]) -> None:
        outputs = [kill.output for kill in kills]
        assert any("START hook" not in output for output in outputs)
        assert any("START hook" in text and "Finished" not in text for text in outputs)

    def test_the_next_build_works_and_leaves_nothing_unfinished(
        self, project: Project, kills: list[Kill]
    ) -> None:
        project.write_calls(calls(len(kills) + 2))
        left_behind = project.incoming / "dev/alpha/alpha__events/undated.parquet.unfinished"
        left_behind.parent.mkdir(parents=True, exist_ok=True)
        left_behind.touch()
        project.build()
        assert not project.incoming.exists()
        folder = project.published_folder()
        assert [path.name for path in destination_folders(folder)] == ["alpha"]
        assert manifests_match(folder)
        assert len(project.published_rows("alpha__events")) == len(kills) + 2

    def test_the_audit_log_tells_every_publication_of_a_killed_build(
        self, project: Project, kills: list[Kill]
    ) -> None:
        assert project.dbt("run").exit_code == 0
        entries = [
            entry
            for entry in audit.entries(audit.read_lines(project.audit_log()))
            if entry["outcome"] == audit.PUBLISHED
        ]
        told = [entry["views"][0]["rows"] for entry in entries]
        assert {kill.rows["events"] for kill in kills} <= set(told)
        assert told == sorted(told)
        runs = [entry["dbt_invocation_id"] for entry in entries]
        assert len(set(runs)) == len(runs)
        table = project.query("select entry from main_restricted.audit_log order by sequence")
        assert project.verify_audit([line for (line,) in table]).faults == []
