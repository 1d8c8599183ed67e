"""The plugin without dbt: the commands a macro gives, and the functions a connection gets."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt_common.exceptions import DbtRuntimeError
from plugin_requests import KEY, WITH_KEY, configuration, result
from seed_files import TODAY, Seeds, minimal_seeds

from hipaa_mode import published_places, publishing, run_end
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.keys import (
    KEY_FILE_VARIABLE,
    KEY_VARIABLE,
    MasterKey,
    write_key_file,
)
from hipaa_mode.masking import random_codes
from hipaa_mode.plugin import Plugin
from hipaa_mode.published_places import Place
from hipaa_mode.run.counted import Counted
from hipaa_mode.run.end_questions import PublishRequest, ToPublish
from hipaa_mode.run.ending import Ending
from hipaa_mode.run.gate import Gate
from hipaa_mode.run.permission import EndOfRun, Permission
from hipaa_mode.run.readers import RAW_LINES_VIEW
from hipaa_mode.run.session import Session
from hipaa_mode.run.stored import Tables
from hipaa_mode.run.view_files import ROWS_FOR_ALL_THREADS

FUNCTIONS = {
    *("hipaa_mask", "hipaa_mask_retired", "hipaa_mode_is_hexadecimal"),
    *("hipaa_mode_random_code", "hipaa_mode_note_coincidences"),
}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run where there is no key file, and give the process back what a run takes of it."""
    monkeypatch.chdir(tmp_path)
    previous = os.umask(0o022)
    yield
    run_end.end()
    os.umask(previous)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Plugin:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    return Plugin(name="hipaa_mode", plugin_config={})


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def error(session: Session, action: str, **request: Any) -> str:
    with pytest.raises(HipaaModeError) as caught:
        getattr(session, action)(**request)
    return str(caught.value)


def start(
    session: Session, folder: Path, seeds: Seeds | None = None, key: bool = True, **request: Any
) -> Any:
    return result(session, "start", **configuration(folder, seeds), needs_key=key, **request)


def token(value: str, scope: str, environment: str = "dev") -> str:
    subkey = MasterKey(bytes.fromhex(KEY)).subkey(environment, scope).reveal()
    return hmac.new(subkey.encode(), value.encode(), hashlib.sha256).hexdigest()


# Starting a run.


def test_a_sound_start_has_nothing_to_say(tmp_path: Path) -> None:
    started = start(Session(WITH_KEY), tmp_path)
    assert started == {
        "refusals": [],
        "notices": [],
        "faults": [],
        "warnings": [],
    }


def test_a_start_lists_all_faults_and_warnings(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="a", connection_mode="cloud")
    seeds.add("allowed_properties", property="b..c")
    seeds.add("allowed_events", event="*")
    started = start(Session(WITH_KEY), tmp_path, seeds)
    assert len(started["faults"]) == 2
    assert any("seeds/destinations.csv, line 3: " in fault for fault in started["faults"])
    assert any("seeds/allowed_properties.csv, line 3: " in fault for fault in started["faults"])
    assert ["every event name" in warning for warning in started["warnings"]] == [True]


def test_a_missing_key_is_one_fault_among_the_others(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="a", connection_mode="cloud")
    started = start(Session({}), tmp_path, seeds)
    assert len(started["faults"]) == 2
    assert "There is no masking key" in started["faults"][-1]
    assert "hipaa-mode keygen" in started["faults"][-1]


@pytest.mark.parametrize("environ", [{}, {KEY_VARIABLE: "not a key"}, {KEY_VARIABLE: "ab" * 32}])
@pytest.mark.parametrize("place", ["database", "manifest"])
def test_where_tokens_are_stored_their_key_is_asked_for_and_no_new_one(
    tmp_path: Path, environ: dict[str, str], place: str
) -> None:
    session = Session(environ)
    request: dict[str, Any] = {"zone": ["memory", "main"], "accepted": {}}
    if place == "database":
        database = duckdb.connect()
        database.execute(
            "create table masking_keys as select 'dev' as environment, "
            "repeat('f', 32) as fingerprint, current_date as first_used_at"
        )
        session.connect = database.cursor
    else:
        folder = tmp_path / "published/dev/ga4"
        (folder / "ga4__events").mkdir(parents=True)
        manifest = {"destination": "ga4", "files": {}, "views": {}, "key_fingerprint": "f" * 32}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    [fault] = start(session, tmp_path, **request)["faults"]
    assert "of environment `dev` were made with the key of fingerprint " + "f" * 32 in fault
    assert "restore that one" in fault
    assert "keygen" not in fault
    [fault] = start(Session(environ), tmp_path, root=str(tmp_path / "elsewhere"))["faults"]
    assert "keygen" in fault


def test_a_bad_key_is_a_fault_that_does_not_show_it(tmp_path: Path) -> None:
    started = start(Session({KEY_VARIABLE: KEY[:-1]}), tmp_path)
    assert len(started["faults"]) == 1
    assert "64 hexadecimal digits" in started["faults"][0]
    assert KEY[:16] not in json.dumps(started)


def test_a_run_that_masks_nothing_needs_no_key(tmp_path: Path) -> None:
    started = start(Session({}), tmp_path, key=False)
    assert started["faults"] == []


def test_a_second_start_forgets_the_key_and_raw_calls_of_the_first(tmp_path: Path) -> None:
    environ = dict(WITH_KEY)
    session = Session(environ)
    start(session, tmp_path)
    (tmp_path / "a.ndjson").write_text("{}\n")
    result(session, "raw_calls", location="*.ndjson")
    before = session.tokens(pa.array(["jane"]), pa.array(["*"])).to_pylist()
    environ[KEY_VARIABLE] = KEY[::-1]
    start(session, tmp_path)
    assert session.raw_lines.location is None
    assert session.tokens(pa.array(["jane"]), pa.array(["*"])).to_pylist() != before


# Other commands.


def test_the_plan_and_its_destinations_are_given_as_settled_at_the_start(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    start(session, tmp_path)
    (tmp_path / "allowed_properties.csv").unlink()
    plan = result(session, "plan")
    destination = result(session, "destination", destination="ga4")
    assert plan["environment"] == "dev"
    assert plan["destinations"] == {"ga4": destination}
    assert destination["views"]["events"][-1]["name"] == "plan"


def test_a_destination_that_the_environment_does_not_have_is_null(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    start(session, tmp_path)
    assert result(session, "destination", destination="mailchimp") is None


def test_a_request_that_names_seeds_is_answered_from_those(tmp_path: Path) -> None:
    session = Session({})
    request = configuration(tmp_path)
    assert result(session, "destination", destination="ga4", **request)["name"] == "ga4"
    assert error(session, "destination", destination="ga4")


def test_a_request_that_names_faulty_seeds_is_an_error_answer(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property="b..c")
    message = error(Session({}), "plan", **configuration(tmp_path, seeds))
    assert "seeds/allowed_properties.csv, line 3: " in message


@pytest.mark.parametrize("action", ["plan", "destination"])
def test_a_command_before_the_start_says_what_is_missing(action: str) -> None:
    named = {"destination": {"destination": "ga4"}}.get(action, {})
    message = error(Session(WITH_KEY), action, **named)
    assert "on-run-start" in message


def test_names_of_any_script_come_through_as_they_are(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("allowed_properties", property='"größe 😀"', reason='says "nothing"')
    session = Session(WITH_KEY)
    start(session, tmp_path, seeds)
    columns = result(session, "destination", destination="ga4")["views"]["events"]
    assert (columns[-1]["top_name"], columns[-1]["reason"]) == ("größe 😀", 'says "nothing"')


def test_the_location_of_raw_calls_is_settled_once(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    (tmp_path / "a.ndjson").write_text("{}\n")
    settled = result(session, "raw_calls", location="*.ndjson")
    assert settled == {
        "kind": "lines",
        "table": [],
        "view": RAW_LINES_VIEW,
    }
    (tmp_path / "b.ndjson").write_text("{}\n")
    assert result(session, "raw_calls", location="*.ndjson") == settled


def test_the_column_of_parquet_files_is_settled_with_their_location(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    pq.write_table(pa.table({"message": ["a"], "payload": ["b"]}), tmp_path / "a.parquet")
    settled = result(session, "raw_calls", location="*.parquet", column="payload")
    assert settled["kind"] == "parquet"
    assert session.raw_lines.location is not None
    assert session.raw_lines.location.column == "payload"


def test_raw_calls_may_be_a_table() -> None:
    settled = result(Session(WITH_KEY), "raw_calls", location='raw."my calls"')
    assert (settled["kind"], settled["table"]) == ("table", ["raw", "my calls"])


def test_raw_calls_that_are_not_there_are_an_error_answer() -> None:
    message = error(Session(WITH_KEY), "raw_calls", location="absent/*.ndjson")
    assert "No file matches absent/*.ndjson" in message


PLACE = {"root": "published", "environment": "dev"}
ASKED = PublishRequest(
    destinations={},
    queries={},
    calls_read="calls_read",
    rejected_share=0.1,
    accepted_lines=None,
    earliest_day="2000-01-01",
    days_ahead=1,
)
VIEW = {
    **PLACE,
    "destination": "ga4",
    "view": "ga4__events",
    "calls_view": "events",
    "query": "the query",
    "models_at_once": 2,
}
COUNTED = Counted(
    dict.fromkeys(("suppressed", "suppressed_by_alias", "expired", "undated"), 0),
    noted=(),
    property_names=None,
    denials=(),
    raw=3,
    staged=3,
    duplicates=0,
    rejected=0,
    undated=0,
    namesakes=0,
    cut=0,
    suppressed_people=0,
    suppressed_people_hmac=None,
)


@pytest.fixture
def gate_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of no call go through: test_gate.py has what is looked at."""
    monkeypatch.setattr(Gate, "check", lambda *_: None)


def write_view(
    session: Session,
    rows: int = 3,
    key: str = "the key",
    rebuilt: int = 0,
    is_known: bool = True,
    changed_days: Iterable[Any] = (),
    **changes: Any,
) -> dict[str, Any]:
    """Write what a view's model writes, of a warehouse whose tables stand so."""
    number = int(manifest().get("run_number") or 1) if is_known else 1
    session._stored = Tables([("masked_events", "fingerprint", number, rebuilt)])
    session._used_keys = [key]
    session.know_changed_days("events", list(changed_days))
    request = {**VIEW, "counts": [["2026-03-01", rows]], **changes}
    planned: dict[str, Any] = result(session, "plan_partitions", **request)
    for partition in planned["write"]:
        pq.write_table(pa.table({"row_id": ["x"] * rows}), partition["path"])
    return planned


def manifest() -> dict[str, Any]:
    return publishing.manifest_of(Path("published").absolute(), "dev", "ga4") or {}


def publish_view(session: Session) -> bool:
    """Publish it as a run does, but for the entry in the audit log."""
    session._ending = ending = Ending(EndOfRun({"ga4": Permission(is_selected=True)}), ["ga4"])
    session._state.begin(*session._place, None, [], {}, TODAY)
    session._record_at_end = lambda entries: None  # type: ignore[method-assign]
    session._publish("ga4", ToPublish({"ga4__events": "events"}, {}), ASKED, COUNTED)
    return bool(ending.published)


def withdraw(session: Session, folder: Path, seeds: Seeds | None = None) -> Any:
    """Withdraw what a run that begins with such seeds does, with its entry in the audit log."""
    start(session, folder, seeds, zone=["memory", "main"])
    database = duckdb.connect()
    database.execute(
        "create table audit_log (environment text, sequence bigint, time text, destination text, "
        "outcome text, hash text, entry text)"
    )
    session.connect = database.cursor
    done = result(session, "withdraw")
    session.connect = duckdb.connect
    return done, database.execute("select destination, outcome from audit_log").fetchall()


@pytest.mark.usefixtures("gate_is_open")
def test_a_destination_is_published_and_withdrawn_by_commands(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    start(session, tmp_path, minimal_seeds())
    [partition] = write_view(session)["write"]
    assert Path(partition["path"]).is_relative_to(tmp_path)
    assert (partition["first"], partition["after"]) == ("2026-03-01", "2026-03-02")
    assert result(session, "tested_partitions", view="ga4__events") is None
    assert publish_view(session)
    published = manifest()
    facts = published["views"]["ga4__events"]
    assert (facts["rows"], facts["files"], facts["files_written"]) == (3, 1, 1)
    assert published["files"]["ga4__events/2026-03-01.parquet"]["rows"] == 3
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", published["published_at"])
    nothing: dict[str, list[str]] = {"warnings": [], "problems": []}
    done, entries = withdraw(session, tmp_path)
    assert (done, entries) == (nothing, [("ga4", "published")])
    without = minimal_seeds()
    for rows in without.rows.values():
        rows[:] = [row for row in rows if row.get("destination") != "ga4"]
    done, entries = withdraw(session, tmp_path, without)
    assert (done, entries[-1]) == (nothing, ("ga4", "withdrawn"))
    assert "withdrew `ga4`: no longer in destinations.csv" in session._noted
    assert manifest() == {}


@pytest.mark.usefixtures("gate_is_open")
def test_a_place_is_noted_when_something_is_published_there(tmp_path: Path) -> None:
    key = tmp_path / "masking.key"
    write_key_file(key, KEY)
    environ = {KEY_FILE_VARIABLE: str(key)}
    session = Session(environ)
    start(session, tmp_path, minimal_seeds())
    # A preview comes as far as this, in a folder that is gone after it.
    withdraw(session, tmp_path)
    assert published_places.known(environ) == []
    write_view(session)
    publish_view(session)
    [place] = published_places.known(environ)
    assert place == Place(tmp_path / "published", "dev")
    key.with_name("masking.key.published").unlink()
    withdraw(session, tmp_path)
    assert published_places.known(environ) == [place]


@pytest.mark.parametrize(
    ("threads", "models_at_once", "views", "share"),
    [
        (2, 2, ["events", "groups"], 1),
        (8, 2, ["events", "groups"], 4),
        (8, 4, ["events"], 8),
        (8, 3, ["events", "groups", "identifies"], 2),
        (1, 4, ["events", "groups"], 1),
    ],
)
def test_views_that_are_written_at_once_share_the_threads(
    tmp_path: Path, threads: int, models_at_once: int, views: list[str], share: int
) -> None:
    session = Session(WITH_KEY)
    models = [f"ga4__{view}" for view in views]
    request = {**configuration(tmp_path), "models": models, "threads": threads}
    assert result(session, "start", **request, needs_key=True)["faults"] == []
    assert write_view(session, models_at_once=models_at_once)["threads"] == share
    many = {"counts": [["2026-03-01", ROWS_FOR_ALL_THREADS]]}
    request = {**VIEW, **many, "models_at_once": models_at_once}
    assert result(session, "plan_partitions", **request)["threads"] == threads
    upkeep = {"name": "call_keys", "sql": "", "meta": {}, "is_part": False, "is_anew": False}
    told = [result(session, "upkeep", **upkeep)["threads"] for _ in range(2)]
    assert told == [0, 0]


@pytest.mark.usefixtures("gate_is_open")
@pytest.mark.parametrize(
    ("changes", "written"),
    [
        ({}, []),
        ({"changed_days": [["2026-03-01", 1]]}, []),
        ({"changed_days": [["2026-03-01", 1 << 60]]}, ["2026-03-01"]),
        ({"counts": [["2026-03-01", 4]]}, ["2026-03-01"]),
        ({"counts": [["2026-03-01", 3], [None, 1]]}, ["undated"]),
        ({"query": "another query"}, ["2026-03-01"]),
        ({"key": "another key"}, ["2026-03-01"]),
        ({"rebuilt": 1 << 60}, ["2026-03-01"]),
        ({"is_known": False}, ["2026-03-01"]),
    ],
)
def test_only_what_may_have_changed_is_written(
    tmp_path: Path, changes: dict[str, Any], written: list[str]
) -> None:
    session = Session(WITH_KEY)
    start(session, tmp_path, minimal_seeds())
    write_view(session)
    publish_view(session)
    planned = write_view(session, **changes)
    assert [partition["name"] for partition in planned["write"]] == written


@pytest.mark.usefixtures("gate_is_open")
def test_a_build_tests_what_it_is_about_to_publish(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    start(session, tmp_path, minimal_seeds())
    write_view(session)
    publish_view(session)
    write_view(session, changed_days=[["2026-03-01", 1 << 60]])
    [tested] = result(session, "tested_partitions", view="ga4__events")
    assert (tested["name"], tested["after"]) == ("2026-03-01", "2026-03-02")
    [file] = result(session, "tested_files", view="ga4__events")
    assert Path(file).name == "2026-03-01.parquet.unfinished"
    start(session, tmp_path, minimal_seeds())
    for question in ("tested_partitions", "tested_files"):
        assert result(session, question, view="ga4__events") is None


def test_what_was_written_aside_is_discarded(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    start(session, tmp_path, minimal_seeds())
    [partition] = write_view(session)["write"]
    assert Path(partition["path"]).exists()
    session._discard_unpublished()
    assert not Path(partition["path"]).exists()


@pytest.mark.usefixtures("gate_is_open")
def test_a_file_that_was_not_written_is_an_error_answer(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    start(session, tmp_path, minimal_seeds())
    [partition] = write_view(session)["write"]
    Path(partition["path"]).unlink()
    assert not publish_view(session)
    [problem] = session._at_end().problems
    assert problem.startswith("NOT published: `ga4`, its last good files stay: ")
    assert "`ga4` was not published" in problem


def test_a_root_that_is_no_folder_is_an_error_answer(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    start(session, tmp_path, minimal_seeds())
    (tmp_path / "published").write_text("")
    assert "was not published" in error(session, "plan_partitions", **VIEW, counts=[])


def test_every_run_has_a_higher_number(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    numbers = []
    for _ in range(3):
        start(session, tmp_path, minimal_seeds())
        numbers.append(result(session, "run_number"))
    assert numbers == sorted(set(numbers))


def test_a_run_follows_the_last_one_also_where_the_clock_was_set_back(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    start(session, tmp_path, minimal_seeds())
    number = result(session, "run_number")
    session._zone = ("memory", "main")
    for last, follows in ((number - 5, number), (1 << 60, (1 << 60) + 1)):
        database = duckdb.connect()
        database.execute(
            f"create table build_state as select 'calls_read' as relation, 'f' as fingerprint, "
            f"{last} as run_number, 1 as rebuilt_number"
        )
        session.connect = database.cursor
        session.read_tables()
        assert result(session, "run_number") == follows


def test_what_was_stored_while_functions_were_replaced_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(WITH_KEY)
    start(session, tmp_path, zone=["memory", "main"])
    database = duckdb.connect()
    database.execute(
        "create table build_state as select * from (values ('call_keys', 'f', 1, 1), "
        f"('masked_events', 'f', {session.run_number()}, 1)) "
        "as states (relation, fingerprint, run_number, rebuilt_number)"
    )
    session.connect = database.cursor
    monkeypatch.setattr(session.engine, "function_fault", lambda made: "a function was replaced")
    ran = {"selected": [], "command": "run", "invoked": "dbt run", "is_part": False}
    assert not session.decide([], **ran)
    assert session._at_end().reasons == ["a function was replaced"]
    session.read_tables()
    assert session._stored.must_rebuild("masked_events", "f", [], [])
    assert not session._stored.must_rebuild("call_keys", "f", [], [])


def test_files_are_read_once_and_then_from_where_they_grew(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    file = tmp_path / "a.ndjson"
    file.write_text("{}\n{}\n")

    def read(
        known: list[dict[str, Any]],
    ) -> tuple[dict[str, Any], list[object], list[dict[str, Any]]]:
        start(session, tmp_path, minimal_seeds())
        result(session, "raw_calls", location="*.ndjson")
        reading = result(session, "plan_reading", known=known, last_number=len(known))
        batches = pa.RecordBatchReader.from_stream(session.raw_lines).read_all()
        lines = batches.column("line_number").to_pylist()
        rows = result(session, "files_read")
        return reading, lines, rows

    reading, lines, rows = read([])
    assert (reading, lines) == (
        {"removed": [], "read": 1, "unchanged": 0, "is_kept": False},
        [1, 2],
    )
    reading, lines, _ = read(rows)
    assert (reading, lines) == ({"removed": [], "read": 0, "unchanged": 1, "is_kept": False}, [])
    with file.open("a") as stream:
        stream.write("{}\n")
    reading, lines, _ = read(rows)
    assert (reading, lines) == ({"removed": [], "read": 1, "unchanged": 0, "is_kept": False}, [3])
    file.unlink()
    (tmp_path / "b.ndjson").write_text("{}")
    reading, lines, _ = read(rows)
    assert (reading, lines) == ({"removed": [1], "read": 1, "unchanged": 0, "is_kept": False}, [1])


def test_a_broken_manifest_is_an_error_answer(tmp_path: Path) -> None:
    (tmp_path / "published" / "dev" / "ga4").mkdir(parents=True)
    (tmp_path / "published" / "dev" / "ga4" / "manifest.json").write_text("{")
    session = Session(WITH_KEY)
    start(session, tmp_path)
    assert "is not a manifest" in error(session, "read_tables")


# The database.


def test_the_folder_of_a_database_is_made_its_owners_alone(plugin: Plugin, tmp_path: Path) -> None:
    path = tmp_path / "restricted" / "dev.duckdb"
    plugin.update_connection_config(DuckDBCredentials(path=str(path), schema="main"), {})
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_a_killed_build_had_of_values_is_removed(plugin: Plugin, tmp_path: Path) -> None:
    path = tmp_path / "restricted" / "dev.duckdb"
    spilled = path.with_name(f"{path.name}.tmp")
    spilled.mkdir(parents=True)
    (spilled / "duckdb_temp_1_0_storage_DEFAULT-0.tmp").write_bytes(b"patient-1")
    plugin.update_connection_config(DuckDBCredentials(path=str(path), schema="main"), {})
    assert not spilled.exists()


def test_a_folder_that_can_not_be_made_is_told_plainly(plugin: Plugin, tmp_path: Path) -> None:
    path = tmp_path / "no such folder" / "restricted" / "dev.duckdb"
    with pytest.raises(
        DbtRuntimeError, match="The folder of the database can't be made"
    ) as caught:
        plugin.update_connection_config(DuckDBCredentials(path=str(path), schema="main"), {})
    assert "correct the path in profiles.yml" in str(caught.value)
    assert not path.parent.parent.exists()


VALUES_PATHS = """
    select path
    from duckdb_databases()
    where starts_with(database_name, 'hipaa_mode_values')
    order by database_name
"""


@pytest.mark.parametrize("name", ["HIPAA_mode_values", "hipaa_mode_values_in_file"])
def test_values_are_in_no_database_that_somebody_made(
    name: str, plugin: Plugin, tmp_path: Path
) -> None:
    with (
        duckdb.connect(str(tmp_path / f"{name}.duckdb")) as connection,
        pytest.raises(DbtRuntimeError, match=f"the database is called {name.lower()}, as one is"),
    ):
        plugin.configure_connection(connection)


def test_values_beside_a_database_in_memory_are_in_memory(
    plugin: Plugin, connection: duckdb.DuckDBPyConnection
) -> None:
    plugin.configure_connection(connection)
    assert connection.execute(VALUES_PATHS).fetchall() == [(None,), (None,)]


def test_values_are_in_a_file_that_has_lost_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    path = tmp_path / "calls.duckdb"
    others = path.with_name(f"{path.name}.values")
    others.write_bytes(b"mine")
    credentials = DuckDBCredentials(path=str(path), schema="main")
    plugin = Plugin(name="hipaa_mode", plugin_config={}, credentials=credentials)
    with duckdb.connect(str(path)) as connection:
        for _ in range(2):
            plugin.configure_connection(connection)
        paths = connection.execute(VALUES_PATHS).fetchall()
        [(in_memory,), (in_file,)] = paths
        assert in_memory is None
        assert re.fullmatch(re.escape(f"{path.resolve()}.values-") + "[0-9a-f]{16}", in_file)
        calls = "hipaa_mode_values_in_file.main.calls"
        connection.execute(f"create table {calls} as select 'patient-1' as id")
        assert connection.cursor().execute(f"from {calls}").fetchall() == [("patient-1",)]
        written = [item for item in tmp_path.iterdir() if b"patient-1" in item.read_bytes()]
        assert not written
    assert {item.name for item in tmp_path.iterdir()} == {path.name, others.name}


def test_values_are_forgotten_when_all_is_made_of_them(tmp_path: Path) -> None:
    session = Session(WITH_KEY)
    start(session, tmp_path, minimal_seeds())
    names = ["calls_read", "masked_groups", "token_bridge", "masked_identifies", "masked_events"]
    known = {"fingerprint": "f", "rebuilt_number": 1}
    answers = [result(session, "note_table", name=name, **known) for name in (*names, "call_keys")]
    assert answers == [False, False, False, False, True, False]


# The functions.


def registered(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    return connection.execute(
        """
        select function_name, schema_name, function_type
        from duckdb_functions()
        where starts_with(function_name, 'hipaa') and database_name = 'system'
        order by all
        """
    ).fetchall()


def test_a_connection_gets_the_functions_once(
    plugin: Plugin, connection: duckdb.DuckDBPyConnection
) -> None:
    plugin.configure_connection(connection)
    first = registered(connection)
    assert first == [(name, "main", "scalar") for name in sorted(FUNCTIONS)]
    plugin.configure_connection(connection)
    assert registered(connection) == first


def test_every_new_connection_gets_the_functions(plugin: Plugin) -> None:
    for _ in range(2):
        with duckdb.connect() as connection:
            plugin.configure_connection(connection)
            assert len(registered(connection)) == len(FUNCTIONS)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@pytest.mark.parametrize("place", ["macro", "temp macro"])
def test_a_macro_of_a_functions_name_is_refused_however_often_it_is_tried(
    name: str, place: str, plugin: Plugin, connection: duckdb.DuckDBPyConnection
) -> None:
    connection.execute(f"create {place} {name}(first, second) as first")
    for _ in range(2):
        with pytest.raises(DbtRuntimeError) as caught:
            plugin.configure_connection(connection)
        assert "something else in this database has one of their names" in str(caught.value)
        assert "Drop it" in str(caught.value)
    connection.execute(f"drop macro {name}")
    plugin.configure_connection(connection)
    assert len(registered(connection)) == len(FUNCTIONS)


def test_the_full_name_is_the_function_whatever_macro_comes_later(
    plugin: Plugin, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    plugin.configure_connection(connection)
    start(plugin.session, tmp_path)
    connection.execute("create schema other")
    connection.execute("create macro other.hipaa_mask(value, scope) as value")
    connection.execute("set search_path = 'other'")
    rows = connection.execute("select system.main.hipaa_mask('jane', '*')").fetchall()
    assert rows == [(token("jane", "*"),)]


def test_sql_masks_under_the_subkeys_of_the_environment(
    plugin: Plugin, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    plugin.configure_connection(connection)
    start(plugin.session, tmp_path)
    rows = connection.execute(
        """
        select value, scope, system.main.hipaa_mask(value, scope)
        from (values ('jane', '*'), ('jane', 'ga4'), (null, '*'), (' ', 'ga4')) as v (value, scope)
        """
    ).fetchall()
    assert rows == [
        ("jane", "*", token("jane", "*")),
        ("jane", "ga4", token("jane", "ga4")),
        (None, "*", None),
        (" ", "ga4", None),
    ]


def test_a_profile_may_name_the_environment_for_commands_without_hooks(
    monkeypatch: pytest.MonkeyPatch, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    plugin = Plugin(name="hipaa_mode", plugin_config={"environment": "prod"})
    plugin.configure_connection(connection)
    query = "select system.main.hipaa_mask('jane', '*')"
    assert connection.execute(query).fetchall() == [(token("jane", "*", "prod"),)]
    start(plugin.session, tmp_path)
    assert connection.execute(query).fetchall() == [(token("jane", "*", "dev"),)]


def test_masking_before_the_start_is_refused_and_quotes_no_value(
    plugin: Plugin, connection: duckdb.DuckDBPyConnection
) -> None:
    plugin.configure_connection(connection)
    with pytest.raises(duckdb.Error, match="on-run-start") as caught:
        connection.execute("select system.main.hipaa_mask('jane@example.com', '*')").fetchall()
    assert "jane" not in str(caught.value)


def test_masking_without_a_scope_is_refused_and_quotes_no_value(
    plugin: Plugin, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    plugin.configure_connection(connection)
    start(plugin.session, tmp_path)
    with pytest.raises(duckdb.Error, match="without a scope") as caught:
        connection.execute("select system.main.hipaa_mask('jane@example.com', null)").fetchall()
    assert "jane" not in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_cursor_sees_the_raw_lines_of_the_session(
    plugin: Plugin, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "a.ndjson").write_text("one\n\ntwo\n")
    plugin.configure_connection(connection)
    result(plugin.session, "raw_calls", location="*.ndjson")
    query = f"select line_number, message from {RAW_LINES_VIEW} order by all"
    for _ in range(2):
        cursor = connection.cursor()
        plugin.configure_cursor(cursor)
        assert cursor.execute(query).fetchall() == [(1, "one"), (3, "two")]


def test_what_the_process_makes_is_private(plugin: Plugin, tmp_path: Path) -> None:
    (tmp_path / "made").write_text("")
    assert (tmp_path / "made").stat().st_mode & 0o077 == 0


def test_random_codes_are_32_digits_and_distinct() -> None:
    codes = random_codes(pa.array(["same"] * 1000)).to_pylist()
    assert len(codes) == len(set(codes)) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", code) for code in codes)
    assert not set(codes) & set(random_codes(pa.array(["same"] * 1000)).to_pylist())


def test_sql_makes_a_random_code_for_every_row(
    plugin: Plugin, connection: duckdb.DuckDBPyConnection
) -> None:
    plugin.configure_connection(connection)
    rows = connection.execute(
        "select system.main.hipaa_mode_random_code('same') from range(5000)"
    ).fetchall()
    assert len({code for (code,) in rows}) == 5000


def test_sql_makes_no_random_code_of_null_even_where_all_are(
    plugin: Plugin, connection: duckdb.DuckDBPyConnection
) -> None:
    plugin.configure_connection(connection)
    connection.execute("create table texts (text varchar)")
    connection.execute("insert into texts values (null), (null), ('jane')")
    query = "select system.main.hipaa_mode_random_code(text) is null from texts where {}"
    assert connection.execute(query.format("true")).fetchall() == [(True,), (True,), (False,)]
    assert connection.execute(query.format("text is null")).fetchall() == [(True,), (True,)]


# Who is suppressed.


def test_a_list_of_suppressed_users_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    request = configuration(tmp_path) | {"suppressed_users": ["gone.csv"], "needs_key": True}
    [fault] = result(Session(WITH_KEY), "start", **request)["faults"]
    assert fault.startswith("gone.csv: the list of suppressed users is not there.")


def test_a_list_of_suppressed_users_that_dbt_would_load_is_a_fault(tmp_path: Path) -> None:
    loaded = ["seeds/suppressed_users.csv"]
    request = configuration(tmp_path) | {"loaded_by_dbt": loaded, "needs_key": True}
    [fault] = result(Session(WITH_KEY), "start", **request)["faults"]
    assert "enabled: false" in fault


def test_a_group_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    environ = {**WITH_KEY, "HIPAA_MODE_PUBLISHED_GROUP": "no such group"}
    [fault] = start(Session(environ), tmp_path)["faults"]
    assert "`HIPAA_MODE_PUBLISHED_GROUP` names no group" in fault


def test_suppressed_users_are_no_part_of_what_macros_are_told(tmp_path: Path) -> None:
    (tmp_path / "suppressed_users.csv").write_text(
        "environment,user_id,requested_on\n*,patient-10482,2026-03-01\n"
    )
    session = Session(WITH_KEY)
    told = [start(session, tmp_path), dict(result(session, "plan"))]
    assert told[0]["faults"] == []
    assert len(session.suppressed_users) == 1
    assert "patient-10482" not in json.dumps(told) + repr(vars(session))
