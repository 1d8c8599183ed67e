"""A run's start compares it with the runs before it, before the configuration is judged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from plugin_requests import WITH_KEY, configuration, result
from seed_files import minimal_seeds

from hipaa_mode.belonging import RunRecord, write_record
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.raw_calls import locate
from hipaa_mode.run.session import Session

RECORD = RunRecord("dev", 5, "2027-03-01", "calls/*.ndjson", lists={})


def started(
    folder: Path,
    session: Session | None = None,
    stored: RunRecord | None = None,
    used_by: tuple[str, ...] = (),
    **accepted: Any,
) -> dict[str, Any]:
    """Start a run in a database in which an earlier one left a record, and others their keys."""
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property="tier", expires_on="2027-01-31")
    session = session or Session(WITH_KEY)
    database = duckdb.connect()
    database.execute("create table run_records (run_number int, environment text, record text)")
    database.execute(
        "create table masking_keys (environment text, fingerprint text, first_used_at timestamp)"
    )
    for environment in used_by:
        database.execute("insert into masking_keys values (?, 'f', null)", [environment])
    if stored is not None:
        database.execute("insert into run_records values (5, 'dev', ?)", [stored.as_json()])
    session.connect = database.cursor
    answer: dict[str, Any] = result(
        session,
        "start",
        **configuration(folder, seeds) | {"today": "2026-11-29"},
        root=str(folder / "published"),
        zone=["memory", "main"],
        accepted=accepted,
        needs_key=True,
    )
    return answer


@pytest.mark.parametrize("is_beside", [False, True])
def test_a_clock_that_is_behind_the_last_run_brings_nothing_back(
    is_beside: bool, tmp_path: Path
) -> None:
    if is_beside:
        write_record(tmp_path / "published", RECORD)
    session = Session(WITH_KEY)
    answer = started(tmp_path, session, None if is_beside else RECORD)
    assert "the clock says 2026-11-29" in answer["notices"][0]
    assert '"tier"' not in json.dumps(result(session, "plan")["destinations"])

    sound = Session(WITH_KEY)
    new = tmp_path / "new"
    new.mkdir()
    assert started(new, sound)["notices"] == []
    assert '"tier"' in json.dumps(result(sound, "plan")["destinations"])


def test_another_environments_database_is_refused(tmp_path: Path) -> None:
    [refusal] = started(tmp_path, used_by=("prod",))["refusals"]
    assert refusal.startswith("The database: it belongs to environment `prod`")
    answer = started(tmp_path, used_by=("prod",), hipaa_mode__share_with=["prod"])
    assert answer["refusals"] == []


def test_calls_that_were_not_compared_are_not_noted(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    started(tmp_path, session)
    with pytest.raises(HipaaModeError, match="were not compared with those of earlier runs"):
        session.note_run()


def test_what_was_read_is_noted_beside_what_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    calls = tmp_path / "calls"
    calls.mkdir()
    (calls / "a.ndjson").write_text("{}\n")
    request = {"location": "calls/*.ndjson", "database": "memory"}
    session = Session(WITH_KEY)
    started(tmp_path, session)
    assert result(session, "check_raw_calls", **request, is_default=False) == []
    record = json.loads(result(session, "note_run"))
    assert record["location"] == "calls/*.ndjson"
    assert (tmp_path / "published/dev/run_record.json").exists()

    (calls / "a.ndjson").rename(calls / "b.ndjson")
    (calls / "b.ndjson").write_text("{} \n")
    assert len(locate("calls/*.ndjson", tmp_path).files) == 1
    later = Session(WITH_KEY)
    started(tmp_path, later)
    [refusal] = result(later, "check_raw_calls", **request, is_default=True)
    assert "they are the demo's" in refusal


def test_calls_of_another_environment_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.ndjson").write_text("{}\n")
    request = {"location": "*.ndjson", "database": "memory", "is_default": False}
    first = Session(WITH_KEY)
    started(tmp_path, first)
    result(first, "check_raw_calls", **request)
    noted = json.loads(result(first, "note_run"))
    theirs = replace(RECORD, environment="prod", files=tuple(noted["files"]))
    (tmp_path / "published/dev/run_record.json").unlink()
    write_record(tmp_path / "published", theirs)
    second = Session(WITH_KEY)
    started(tmp_path, second)
    [refusal] = result(second, "check_raw_calls", **request)
    assert "environment `prod` was built from them first" in refusal
