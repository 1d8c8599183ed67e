"""The main job on a small project: raw calls in, masked and tested files out, in two targets."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from project import (
    KEY,
    Project,
    Run,
    allowed,
    as_line,
    destination,
    event,
    group,
    identify,
    page,
    sha256,
    subkey,
    token,
    track,
)

CONTEXT = {
    "locale": "en-GB",
    "ip": "203.0.113.9",
    "page": {"url": "https://clinic.example/?q=hiv"},
}
UNNAMED = track("Signed Up", {"plan": "bronze"}, userId="patient-003")
CALLS: list[Any] = [
    track(
        "Signed Up",
        {"plan": "gold", "email": " Ann@Example.org ", "campaign": "spring", "note": "pregnant"},
        messageId="m-1",
        userId="patient-001",
        anonymousId="anon-0001",
        context=CONTEXT,
        sentAt="2026-03-01T10:20:30.456Z",
        receivedAt="2026-03-01T12:20:31+02:00",
    ),
    track(
        "Booked Oncology Visit",
        {"plan": "silver", "campaign": "autumn", "email": "ann@example.org"},
        messageId="m-2",
        userId="patient-001",
        context=CONTEXT,
        sentAt="2026-03-31T23:59:59Z",
    ),
    track("Viewed Diagnosis", {"plan": "gold", "code": "C50"}, messageId="m-3"),
    page(None, {"title": "Chemotherapy"}, messageId="m-4", anonymousId="anon-0002"),
    identify(
        {"email": "ANN@example.org", "state": "NY", "name": "Ann Example"},
        messageId="m-5",
        userId="patient-001",
    ),
    group({"plan": "team", "name": "Ward 9"}, messageId="m-6", groupId="clinic-77"),
    {"type": "alias", "messageId": "m-7", "userId": "patient-001", "previousId": "anon-0001"},
    track(
        "Signed Up",
        {"plan": "second delivery"},
        messageId="m-1",
        userId="patient-001",
        anonymousId="anon-0001",
    ),
    UNNAMED,
    UNNAMED,
    b"{oops",
    {"type": "tracked", "messageId": "m-8"},
]
COUNTS = {"raw": 12, "staged": 9, "duplicates": 1, "rejected": 2, "withheld": 0}
DESTINATIONS = [
    destination("analytics", timestamp_precision="hour"),
    destination("ads", mask_scope="destination"),
    destination(
        "records", restrict_phi="false", baa_reference="BAA-1", baa_expires_on="2199-12-31"
    ),
    destination("analytics", environment="prod", timestamp_precision="month"),
]
EVENTS = [
    event("analytics", "Signed Up"),
    event("analytics", "Booked Oncology Visit", "Converted"),
    event("analytics", "page"),
    event("ads", "Signed Up"),
    event("analytics", "Signed Up", "Joined", environment="prod"),
]
PROPERTIES = [
    allowed("analytics", "event", "plan"),
    allowed("analytics", "event", "campaign", event="Signed Up"),
    allowed("analytics", "event", "email", "mask", normalize="email", column_name="email_token"),
    allowed("analytics", "context", "locale"),
    allowed("analytics", "user", "email", "mask", normalize="email", column_name="email_token"),
    allowed("analytics", "user", "state"),
    allowed("analytics", "group", "name", "mask"),
    allowed("ads", "event", "email", "mask", normalize="email"),
    allowed("ads", "envelope", "anonymous_id", "allow"),
    allowed("ads", "envelope", "user_id", "deny"),
    allowed("analytics", "event", "plan", "mask", environment="prod"),
]
ENVELOPE = {
    "row_id": "mask",
    "call_type": "envelope",
    "event": "envelope",
    "timestamp": "envelope",
    "received_at": "envelope",
    "user_id": "mask",
    "anonymous_id": "mask",
    "group_id": "mask",
}
UNNAMED_HASH = hashlib.sha256(as_line(UNNAMED)).hexdigest()


@dataclass
class Built:
    """The project after one build of dev, a second one, and one of prod."""

    project: Project
    first_run: Run
    first_files: dict[str, bytes]
    second_files: dict[str, bytes]
    prod: Project


@pytest.fixture(scope="module")
def built(new_project: Callable[..., Project]) -> Built:
    views = {"ads": ["events"], "records": ["events", "identifies"]}
    seeds = (DESTINATIONS, EVENTS, PROPERTIES)
    project = new_project("main_job", *seeds, CALLS, views=views)
    project.as_users_do = True
    first_run = project.build()
    first_files = project.published_bytes()
    project.build("--full-refresh")
    second_files = project.published_bytes()
    database = {"HIPAA_MODE_DATABASE": "restricted/prod.duckdb"}
    prod = Project(project.folder, {**project.environment, **database})
    prod.build("--target", "prod", "--vars", "{hipaa_mode__share_with: [dev]}")
    return Built(project, first_run, first_files, second_files, prod)


def envelope(message_id: str, kind: str, **fields: object) -> dict[str, object]:
    """The envelope of a row as analytics gets it in dev, from the values as they arrived."""
    ids = {name: fields.pop(name, None) for name in ("user_id", "anonymous_id", "group_id")}
    row: dict[str, object] = {
        "row_id": token(message_id),
        "call_type": kind,
        "event": None,
        "timestamp": None,
        "received_at": None,
    }
    row |= {name: token(str(value)) if value else None for name, value in ids.items()}
    return row | fields


def by_row_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["row_id"]: row for row in rows}


def test_every_raw_call_is_staged_a_duplicate_or_rejected(built: Built) -> None:
    counted = {
        "raw": "calls_read",
        "staged": "stg_calls",
        "duplicates": "duplicate_calls",
        "rejected": "rejected_calls",
        "withheld": "withheld_calls",
    }
    found = {
        name: built.project.query(f"select count(*) from main_restricted.{table}")[0][0]
        for name, table in counted.items()
    }
    assert found == COUNTS
    assert (
        "12 raw calls = 9 staged + 1 duplicates + 2 rejected + 0 withheld"
        in built.first_run.output
    )


def test_masked_rows_are_in_the_order_of_day_and_row_id(built: Built) -> None:
    rows = built.project.query(
        "select cast(timestamp__hour as date), row_id__for_ads from main_restricted.masked_events"
    )
    assert len(rows) == 6
    assert rows == sorted(rows, key=lambda row: (row[0] or dt.date.max, row[1]))


def test_different_values_are_found_before_calls_are_masked(built: Built) -> None:
    # Found in the same query, all calls with their values would be kept for it a second time.
    log = (built.project.folder / "logs/dbt.log").read_text("utf-8")
    for view in ("events", "identifies", "groups"):
        kept_in = f"hipaa_mode_different_values_{view}"
        masking = f"target/run/hipaa_mode/models/masked/masked_{view}.sql"
        assert f"different_values as (select * from {kept_in})" in (
            built.project.folder / masking
        ).read_text("utf-8")
        assert f"drop table if exists {kept_in}" in log


def test_tokens_are_stored_as_they_are(built: Built) -> None:
    stored = built.project.query(
        "select column_name, compression from pragma_storage_info('main_restricted.masked_events')"
        " where segment_type = 'VARCHAR'"
    )
    tokens = {"row_id__for_ads", "user_id__for_ads", "properties__email__mask__for_ads"}
    found = {item for item in stored if item[0] in tokens}
    assert found == {(name, "Uncompressed") for name in tokens}


def test_events_hold_the_allowlisted_columns_of_the_allowed_events_and_nothing_else(
    built: Built,
) -> None:
    email = token("ann@example.org")
    nothing = {"plan": None, "campaign": None, "email_token": None, "locale": None}
    expected = [
        envelope(
            "m-1",
            "track",
            event="Signed Up",
            timestamp=dt.datetime(2026, 3, 1, 10),
            received_at=dt.datetime(2026, 3, 1, 10),
            user_id="patient-001",
            anonymous_id="anon-0001",
            plan="gold",
            campaign="spring",
            email_token=email,
            locale="en-GB",
        ),
        envelope(
            "m-2",
            "track",
            event="Converted",
            timestamp=dt.datetime(2026, 3, 31, 23),
            user_id="patient-001",
            plan="silver",
            campaign=None,
            email_token=email,
            locale="en-GB",
        ),
        envelope("m-4", "page", event="page", anonymous_id="anon-0002", **nothing),
        *(
            envelope(
                f"content:{UNNAMED_HASH}:{copy}",
                "track",
                event="Signed Up",
                user_id="patient-003",
                **nothing | {"plan": "bronze"},
            )
            for copy in (1, 2)
        ),
    ]
    assert by_row_id(built.project.published_rows("analytics__events")) == by_row_id(expected)
    assert built.project.published_columns("analytics__events") == list(expected[0])


def test_identifies_and_groups_have_their_own_lists(built: Built) -> None:
    assert built.project.published_rows("analytics__identifies") == [
        envelope(
            "m-5",
            "identify",
            user_id="patient-001",
            locale=None,
            email_token=token("ann@example.org"),
            state="NY",
        )
    ]
    assert built.project.published_rows("analytics__groups") == [
        envelope("m-6", "group", group_id="clinic-77", locale=None, name=token("Ward 9"))
    ]


def test_a_destination_with_its_own_scope_has_tokens_of_its_own(built: Built) -> None:
    rows = by_row_id(built.project.published_rows("ads__events"))
    row = rows[token("m-1", scope="ads")]
    assert len(rows) == 3
    assert row["email"] == token("ann@example.org", scope="ads")
    shared = {
        value
        for row in built.project.published_rows("analytics__events")
        for value in row.values()
        if isinstance(value, str) and len(value) == 64
    }
    own = {value for row in rows.values() for value in row.values() if isinstance(value, str)}
    assert len(shared) > 5
    assert not shared & own


def test_the_envelope_can_allow_and_deny_ids(built: Built) -> None:
    rows = by_row_id(built.project.published_rows("ads__events"))
    row = rows[token("m-1", scope="ads")]
    assert row["anonymous_id"] == "anon-0001"
    assert {row["user_id"] for row in rows.values()} == {None}
    assert row["timestamp"] == dt.datetime(2026, 3, 1)
    treatments = {
        column["name"]: column["treatment"]
        for column in built.project.manifest("ads")["views"]["ads__events"]["columns"]
    }
    assert treatments == ENVELOPE | {"anonymous_id": "allow", "user_id": "deny", "email": "mask"}


def test_a_destination_without_restriction_has_raw_ids_and_whole_objects(built: Built) -> None:
    rows = by_row_id(built.project.published_rows("records__events"))
    assert len(rows) == 6
    row = rows[token("m-1")]
    assert (row["user_id"], row["anonymous_id"]) == ("patient-001", "anon-0001")
    assert row["timestamp"] == dt.datetime(2026, 3, 1, 10, 20, 30, 456000)
    assert json.loads(row["properties"]) == CALLS[0]["properties"]
    assert json.loads(row["context"]) == CONTEXT
    assert rows[token("m-3")]["event"] == "Viewed Diagnosis"
    identified = built.project.published_rows("records__identifies")[0]
    assert json.loads(identified["traits"]) == CALLS[4]["traits"]
    assert built.project.manifest("records")["hipaa_mode"] is False


def test_prod_has_its_own_allowlist_tokens_and_folder(built: Built) -> None:
    folder = built.prod.published_folder("prod")
    assert sorted(path.name for path in folder.iterdir()) == [
        "analytics",
        "audit_log.jsonl",
        "run_record.json",
    ]
    rows = by_row_id(built.prod.published_rows("analytics__events", "prod"))
    row = rows[token("m-1", "prod")]
    assert list(row) == [*ENVELOPE, "plan"]
    assert row["plan"] == token("gold", "prod")
    assert row["user_id"] == token("patient-001", "prod")
    assert row["timestamp"] == dt.datetime(2026, 3, 1)
    assert {row["event"] for row in rows.values()} == {"Joined"}
    assert len(rows) == 3
    dev = built.project.manifest("analytics")
    prod = built.prod.manifest("analytics", "prod")
    assert prod["environment"] == "prod"
    assert prod["key_fingerprint"] != dev["key_fingerprint"]
    assert prod["allowlist_fingerprint"] != dev["allowlist_fingerprint"]


def test_a_build_of_prod_leaves_the_files_of_dev(built: Built) -> None:
    now = built.prod.published_bytes()
    assert {name: now[name] for name in now if name.startswith("dev/")} == built.second_files


def test_manifests_tell_columns_treatments_rows_and_hashes(built: Built) -> None:
    manifest = built.project.manifest("analytics")
    assert manifest["calls"] == COUNTS
    assert manifest["events"] == {
        "Booked Oncology Visit": "Converted",
        "Signed Up": "Signed Up",
        "page": "page",
    }
    assert (manifest["hipaa_mode"], manifest["restrict_phi"]) == (True, True)
    assert (manifest["mask_scope"], manifest["timestamp_precision"]) == ("*", "hour")
    own = {
        "events": {"plan": "allow", "campaign": "allow", "email_token": "mask", "locale": "allow"},
        "identifies": {"locale": "allow", "email_token": "mask", "state": "allow"},
        "groups": {"locale": "allow", "name": "mask"},
    }
    rows = {"events": 5, "identifies": 1, "groups": 1}
    # Not in the lists: note, title, code of the events, ip and page of their context.
    dropped = {"events": 5, "identifies": 1, "groups": 1}
    assert set(manifest["views"]) == {f"analytics__{view}" for view in own}
    for view, treatments in own.items():
        facts = manifest["views"][f"analytics__{view}"]
        files = built.project.published_files(f"analytics__{view}")
        columns = {column["name"]: column["treatment"] for column in facts["columns"]}
        assert columns == ENVELOPE | treatments
        assert list(columns) == built.project.published_columns(f"analytics__{view}")
        assert {column["reason"] for column in facts["columns"]} == {"", "a test needs it"}
        assert facts["view"] == view
        assert facts["rows"] == rows[view]
        assert facts["properties_dropped"] == dropped[view]
        assert facts["files"] == len(files)
        for file in files:
            told = manifest["files"][f"analytics__{view}/{file.name}"]
            assert told["view"] == f"analytics__{view}"
            assert told["sha256"] == sha256(file)
            assert told["bytes"] == file.stat().st_size
            assert told["rows"] == pq.read_metadata(file).num_rows
    limited = manifest["views"]["analytics__events"]["columns"]
    events = {column["name"]: column["events"] for column in limited if column["events"]}
    assert events == {"campaign": ["Signed Up"]}


def test_published_and_restricted_files_are_private_to_their_owner(built: Built) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    root = built.project.folder / "published"
    paths = [root, *root.rglob("*")]
    assert {mode(path) for path in paths if path.is_dir()} == {0o700}
    assert {mode(path) for path in paths if path.is_file()} == {0o600}
    assert mode(built.project.database) == 0o600
    assert not built.project.incoming.exists()


def test_a_second_build_publishes_the_same_parquet_bytes(built: Built) -> None:
    def parquet(files: dict[str, bytes]) -> dict[str, bytes]:
        return {name: content for name, content in files.items() if name.endswith(".parquet")}

    assert len({name.rpartition("/")[0] for name in parquet(built.first_files)}) == 6
    assert parquet(built.second_files) == parquet(built.first_files)


def test_manifests_of_two_builds_differ_only_in_when_they_ran(built: Built) -> None:
    for name in ("analytics", "ads", "records"):
        first = json.loads(built.first_files[f"dev/{name}/manifest.json"])
        second = json.loads(built.second_files[f"dev/{name}/manifest.json"])
        differing = {field for field in first if first[field] != second[field]}
        assert differing <= {"published_at", "dbt_invocation_id", "run_number"}
        assert "dbt_invocation_id" in differing


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_makes_the_same_token(built: Built) -> None:
    command = ["openssl", "dgst", "-sha256", "-hmac", subkey("dev", "*")]
    result = subprocess.run(command, input=b"patient-001", capture_output=True, check=True)
    digest = result.stdout.decode().split()[-1]
    rows = by_row_id(built.project.published_rows("analytics__events"))
    assert rows[token("m-1")]["user_id"] == digest


def test_no_file_that_dbt_writes_holds_the_key(built: Built) -> None:
    written = built.project.written_by_dbt() | built.project.published_bytes()
    secrets = [KEY, KEY.upper(), subkey("dev", "*"), subkey("dev", "ads"), subkey("prod", "*")]
    holding_one = [
        name
        for name, content in written.items()
        if any(secret.encode() in content for secret in secrets)
    ]
    assert len(written) > 60
    assert holding_one == []
    assert not any(secret in built.first_run.output for secret in secrets)
    database = built.project.database.read_bytes()
    assert not any(secret.encode() in database for secret in secrets)
