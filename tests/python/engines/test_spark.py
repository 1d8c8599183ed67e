"""A build on Spark publishes the rows and tokens of one on DuckDB, and keeps nothing else."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import spark_session
from project import KEY, Project, subkey, token

from engines.test_postgres import EMAIL, seeds_and_calls

SECRETS = (KEY, subkey("dev", "*"), subkey("dev", "suppression-list"), EMAIL, EMAIL.upper())
FIRST_KEPT = dt.date(2026, 3, 2)
"""The first day of the calls that is kept when days are, in the course after the first build."""

GONE = "user-1"
ROOM = "canary room"
VARIABLES = {"hipaa_mode__environment": "dev"}
KEEPING = {**VARIABLES, "hipaa_mode__keep_calls": True}
BRIDGE = {**VARIABLES, "hipaa_mode__publish_token_bridge": ["tool"]}
MADE = "main_restricted.db/calls_read"
"""What is in the warehouse in the middle of a build."""


@dataclass(frozen=True)
class Built:
    """A project that was built on both engines."""

    on_duckdb: Project
    on_spark: Project
    output: str

    def dbt(self, *arguments: str, **variables: Any) -> Any:
        """Run dbt on Spark."""
        named = json.dumps({**VARIABLES, **variables})
        options = ("--target", "spark", "--vars", named)
        return self.on_spark.dbt(*arguments, *options, timeout=900)

    @property
    def warehouse(self) -> Path:
        return self.on_spark.folder / "restricted" / "spark"


@pytest.fixture(scope="module")
def built(new_project: Callable[..., Project]) -> Iterator[Built]:
    if not spark_session.can_run():
        must_run = spark_session.must_run()
        (pytest.fail if must_run else pytest.skip)(spark_session.CAN_NOT_RUN)
    on_duckdb, on_spark = (new_project(name, *seeds_and_calls()) for name in ("duckdb", "spark"))
    for project in (on_duckdb, on_spark):
        (project.folder / "raw_calls/calls.ndjson").unlink()
        for file, calls in _files().items():
            project.write_calls(calls, file)
    on_spark.as_users_do = True
    on_duckdb.build()
    both = Built(on_duckdb, on_spark, "")
    run = both.dbt("build", **KEEPING)
    assert run.exit_code == 0, run.output
    yield Built(on_duckdb, on_spark, run.output)


def _calls() -> list[Any]:
    """Return the raw calls with rooms: one that only somebody who is to be suppressed has."""
    found = []
    for call in seeds_and_calls()[3]:
        if isinstance(call, dict) and "properties" in call:
            room = ROOM if call["userId"] == GONE else "room"
            call = {**call, "properties": {**call["properties"], "room": room}}
        found.append(call)
    return found


def _files() -> dict[str, list[Any]]:
    """Return the raw calls by file, one a day; a later delivery of one call is with odd ones."""
    files: dict[str, list[Any]] = {}
    for call in _calls():
        day = call["timestamp"][:10] if isinstance(call, dict) else "odd"
        files.setdefault(f"{day}.ndjson", []).append(call)
    files["odd.ndjson"].append({**_call("m3"), "timestamp": "2026-03-05T23:00:00Z"})
    return files


def _call(message_id: str) -> dict[str, Any]:
    [call] = [c for c in _calls() if isinstance(c, dict) and c.get("messageId") == message_id]
    return dict(call)


@dataclass(frozen=True)
class Course:
    """What was found after raw files changed: after a killed build, and after the next one."""

    before: dict[str, bytes]
    after_kill: dict[str, bytes]
    left_by_kill: bool
    kept: tuple[dict[str, bytes], dict[str, bytes]]
    run: Any


@pytest.fixture(scope="module")
def course(built: Built) -> Course:
    """Change, remove and add files of raw calls; kill a build of that, and build."""
    before = built.on_spark.published_bytes()
    kept = _kept(built)
    for project in (built.on_duckdb, built.on_spark):
        late = {**_call("m0"), "messageId": "late", "timestamp": "2026-03-02T01:00:00Z"}
        refused = {"receivedAt": "2026-03-09T00:00:00Z", "integrations": {"All": False}}
        earlier = {**_call("m1"), "timestamp": "2026-03-01T00:00:00Z"}
        calls = [late, _call("m9"), {**_call("m6"), **refused}, earlier]
        project.write_calls(calls, "2026-03-06.ndjson")
        raw = project.folder / "raw_calls"
        (raw / "2026-03-04.ndjson").unlink()
        changed = raw / "2026-03-05.ndjson"
        changed.write_bytes(changed.read_bytes().replace(b"silver", b"bronze"))
    named = json.dumps(KEEPING)
    process = built.on_spark.start_dbt("build", "--target", "spark", "--vars", named)
    while process.poll() is None and not (built.warehouse / MADE).exists():
        time.sleep(0.05)
    process.kill()
    process.communicate()
    after_kill = built.on_spark.published_bytes()
    left, kept_then = (built.warehouse / MADE).exists(), _kept(built)
    built.on_duckdb.build()
    run = built.dbt("build", **KEEPING)
    assert run.exit_code == 0, run.output
    return Course(before, after_kill, left, (kept, kept_then), run)


def _kept(built: Built) -> dict[str, bytes]:
    """Return the files that are kept of calls."""
    folder = built.warehouse / "hipaa_mode/calls"
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@dataclass(frozen=True)
class Life:
    """What was found after a rotation, a deletion and a retention."""

    keys: tuple[str, str]
    codes: set[str]
    run: Any


@pytest.fixture(scope="module")
def life(built: Built, course: Course) -> Life:
    """Rotate the key, suppress somebody and keep fewer days, and build that without keeping."""
    assert course
    project = built.on_spark
    codes = _codes(built)
    key = project.folder / ".hipaa_mode/masking.key"
    first = key.read_text("utf-8").strip()
    assert project.hipaa_mode("key", "rotate").returncode == 0
    project.write_seed("suppressed_users", [{"environment": "dev", "user_id": GONE}])
    days = str((dt.datetime.now(dt.timezone.utc).date() - FIRST_KEPT).days)
    project.write_seed("environments", [{"environment": "dev", "retain_days": days}])
    run = built.dbt("build", **BRIDGE)
    assert run.exit_code == 0, run.output
    keys = (first, key.read_text("utf-8").strip())
    return Life(keys, codes, run)


def _codes(built: Built) -> set[str]:
    """Return the values that codes are kept for."""
    files = (built.warehouse / "hipaa_mode/surrogate_codes").glob("*.parquet")
    return {row["value"] for file in files for row in pq.read_table(file).to_pylist()}


def _rows(project: Project, view: str) -> dict[str, list[dict[str, Any]]]:
    files = project.published_files(f"tool__{view}")
    found = {Path(file).name: pq.read_table(file).to_pylist() for file in files}
    for row in (row for rows in found.values() for row in rows):
        # Codes are random, so they are in one of the two projects alone.
        row.pop("room", None)
    return found


def _counted(project: Project) -> tuple[Any, ...]:
    """Return the counts of a manifest."""
    folder = project.published_folder() / "tool"
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    views = {
        name: {key: view[key] for key in ("rows", "files", "files_written")}
        for name, view in manifest["views"].items()
    }
    return views, manifest["calls"], manifest["key_fingerprint"]


class TestSpark:
    """One class, so that one worker builds once for all."""

    @pytest.mark.parametrize("view", ["events", "identifies", "users"])
    def test_files_have_the_rows_of_duckdb_in_their_order(self, built: Built, view: str) -> None:
        expected = _rows(built.on_duckdb, view)
        assert sum(map(len, expected.values())) > 2
        assert _rows(built.on_spark, view) == expected

    def test_tokens_are_made_with_the_key(self, built: Built) -> None:
        rows = [row for file in _rows(built.on_spark, "events").values() for row in file]
        assert {row["email"] for row in rows} - {None} == {token(EMAIL)}

    def test_manifest_is_that_of_duckdb(self, built: Built) -> None:
        assert _counted(built.on_duckdb) == _counted(built.on_spark)

    def test_no_key_and_no_value_is_left_anywhere(self, built: Built) -> None:
        folder = built.on_spark.folder
        left = [path for path in (folder / "restricted").rglob("*") if path.is_file()]
        written = [*left, folder / "logs" / "dbt.log", *folder.glob("target/**/*.*")]
        texts = [built.output.encode(), *(path.read_bytes() for path in written if path.is_file())]
        assert any(b"system.session.hipaa_mask" in text for text in texts)
        assert not any(secret.encode() in text for secret in SECRETS for text in texts)
        kept = {str(path.parent.relative_to(built.warehouse)) for path in left}
        assert "hipaa_mode/calls/calls_read" in kept and "hipaa_mode/masking_keys" in kept
        assert not any(".db" in folder for folder in kept)

    def test_other_commands_are_refused(self, built: Built) -> None:
        run = built.dbt("run")
        assert run.exit_code != 0
        assert "`dbt run` has no tables on Spark" in run.output

    def test_a_build_that_is_killed_changes_nothing_that_is_published_or_kept(
        self, course: Course
    ) -> None:
        assert course.left_by_kill
        assert course.after_kill == course.before
        assert course.kept[0] == course.kept[1] != {}

    def test_a_build_reads_what_changed_alone(self, course: Course) -> None:
        assert "read 2 new or grown files; 4 are unchanged, 2 changed or gone" in course.run.output

    @pytest.mark.parametrize("view", ["events", "identifies", "users"])
    def test_its_result_is_that_of_duckdb(self, built: Built, course: Course, view: str) -> None:
        expected = _rows(built.on_duckdb, view)
        assert sum(map(len, expected.values())) > 2
        assert _rows(built.on_spark, view) == expected

    def test_it_writes_the_days_that_changed_alone(self, built: Built, course: Course) -> None:
        on_duckdb, on_spark = (_counted(project) for project in (built.on_duckdb, built.on_spark))
        assert on_spark == on_duckdb
        views, *_ = on_spark
        assert 0 < views["tool__events"]["files_written"] < views["tool__events"]["files"]
        assert views["tool__identifies"]["files_written"] == 0

    def test_no_value_is_kept_but_those_with_codes(self, built: Built, course: Course) -> None:
        folder = built.warehouse / "hipaa_mode/calls"
        rows = [
            row for file in folder.rglob("*.parquet") for row in pq.read_table(file).to_pylist()
        ]
        texts = repr(rows)
        assert all(text in texts for text in ("user-0", token(EMAIL), "bronze"))
        assert EMAIL not in texts

    def test_the_bridge_leads_from_old_tokens_to_new_ones(self, built: Built, life: Life) -> None:
        rows = pq.read_table(built.on_spark.published_folder() / "tool.token_bridge.parquet")
        bridge = {(row["old_token"], row["new_token"]) for row in rows.to_pylist()}
        old, new = life.keys
        for value in (EMAIL, "user-0", "device-1"):
            assert (token(value, key=old), token(value, key=new)) in bridge
        assert token(GONE, key=old) not in {pair[0] for pair in bridge}

    def test_people_and_days_that_are_not_kept_are_gone(self, built: Built, life: Life) -> None:
        files = _rows(built.on_spark, "events")
        rows = [row for file in files.values() for row in file]
        new = life.keys[1]
        assert {row["user_id"] for row in rows} <= {
            token(user, key=new) for user in ("user-0", "user-2")
        }
        assert len(rows) > 2
        assert min(row["timestamp"].date() for row in rows if row["timestamp"]) >= FIRST_KEPT
        assert life.codes == {ROOM, "room"}
        assert _codes(built) == {"room"}

    def test_without_the_setting_nothing_is_kept(self, built: Built, life: Life) -> None:
        assert life.run.exit_code == 0
        assert _kept(built) == {}

    def test_nothing_of_either_key_or_of_whom_was_deleted_is_left(
        self, built: Built, life: Life
    ) -> None:
        files = [path for path in built.on_spark.folder.rglob("*") if path.is_file()]
        kept = ("/.hipaa_mode/", "/raw_calls/")
        texts = {
            str(path): path.read_bytes()
            for path in files
            if not any(name in str(path) for name in kept)
        }
        texts["output"] = life.run.output.encode()
        subkeys = [subkey("dev", "*", key) for key in life.keys]
        secrets = (*life.keys, *subkeys, ROOM)
        leaks = [
            (name, text[:9])
            for text in secrets
            for name, content in texts.items()
            if text.encode() in content
        ]
        assert leaks == []
