"""What a call says of itself, through a build: when it happened, whose it is, its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from project import Project, allowed, destination, event, identify, token, track

RECEIVED = "2026-03-05T08:00:00Z"
ANOTHER_YEAR = {"originalTimestamp": "2027-03-05T07:00:00Z", "sentAt": "2027-03-05T08:30:00Z"}
QUEUED = {"originalTimestamp": "2026-03-04T06:00:00Z", "sentAt": "2026-03-05T07:59:00Z"}

TIMES: dict[str, tuple[dict[str, object], str | None]] = {
    "timestamp before all others": ({"timestamp": "2026-03-01T09:00Z", **QUEUED}, "03-01 09:00"),
    "a queue sent a day late": ({"sentAt": RECEIVED, "timestamp": "2026-03-04"}, "03-04 00:00"),
    "a blank sentAt": ({"sentAt": " ", "timestamp": "2026-03-04T06:00Z"}, "03-04 06:00"),
    "a blank timestamp": ({"timestamp": "", **QUEUED}, "03-04 06:01"),
    "an unreadable timestamp": ({"timestamp": "soon", **QUEUED}, "03-04 06:01"),
    "an object for a timestamp": ({"timestamp": {"$date": 1}, **QUEUED}, "03-04 06:01"),
    "a clock a year ahead": ({"timestamp": "2027-03-05T07:00:00Z", **ANOTHER_YEAR}, "03-05 06:30"),
    "a clock ahead, no timestamp": (dict(ANOTHER_YEAR), "03-05 06:30"),
    "a clock at 1970": (
        {"originalTimestamp": "1970-01-01T00:00:00Z", "sentAt": "1970-01-01T02:00:00Z"},
        "03-05 06:00",
    ),
    "a correction that can't be": (
        {"originalTimestamp": "2026-03-04T06:00:00Z", "sentAt": "1970-01-01T02:00:00Z"},
        "03-04 06:00",
    ),
    "no receipt": ({**QUEUED, "receivedAt": None}, "03-04 06:00"),
    "no sentAt": ({"originalTimestamp": "2026-03-04T06:00:00Z"}, "03-04 06:00"),
    "no original": ({"sentAt": "2026-03-04T06:00:00Z"}, "03-04 06:00"),
    "an impossible original": (
        {"originalTimestamp": "1970-01-01", "sentAt": "2026-03-04T06:00:00Z", "receivedAt": None},
        "03-04 06:00",
    ),
    "the receipt alone": ({}, "03-05 08:00"),
    "a year ahead, the receipt alone": ({"timestamp": "2027-03-05"}, "03-05 08:00"),
    "snake case": (
        {"original_timestamp": "2026-03-04T06:00:00Z", "sent_at": "2026-03-05T07:59:00Z"},
        "03-04 06:01",
    ),
    "two spellings, one unreadable": (
        {"sentAt": "soon", "sent_at": "2026-03-04T06:00:00Z"},
        "03-04 06:00",
    ),
    "receivedAt unreadable, received_at good": (
        {"receivedAt": "soon", "received_at": RECEIVED},
        "03-05 08:00",
    ),
    "no seconds": ({"timestamp": "2026-03-02T10:00Z"}, "03-02 10:00"),
    "lower-case": ({"timestamp": "2026-03-02t10:00:00z"}, "03-02 10:00"),
    "an offset without a colon": ({"timestamp": "2026-03-02 10:00:00 -0500"}, "03-02 15:00"),
    "RFC 2822": ({"timestamp": "Mon, 02 Mar 2026 10:00:00 +0000"}, "03-02 10:00"),
    "seconds with decimals": ({"timestamp": 1772445600.25}, "03-02 10:00"),
    "milliseconds": ({"timestamp": 1772445600000}, "03-02 10:00"),
    "microseconds": ({"timestamp": 1772445600000000}, "03-02 10:00"),
    "nanoseconds": ({"timestamp": "1772445600000000000"}, "03-02 10:00"),
    "no time": ({"receivedAt": None}, None),
    "only times that can't be": ({"timestamp": "1999-12-31", "receivedAt": "2199-01-01"}, None),
}
"""By what a case shows: the times of a call, and when it happened, of 2026."""


FILES = {
    "calls-10.ndjson": [
        track(
            "Late",
            {"n": 1},
            messageId="again",
            userId="u",
            timestamp="2026-03-02",
            sentAt=RECEIVED,
        ),
        track("Same Time", {"n": 10}, messageId="tie", userId="u", timestamp="2026-03-02"),
        track("Undated", messageId="undated", userId="u"),
    ],
    "calls-9.ndjson": [
        track("Later", {"n": 2}, messageId="again", userId="u", timestamp="2026-03-03"),
        track("Same Time", {"n": 9}, messageId="tie", userId="u", timestamp="2026-03-02"),
        track("Undated", messageId="undated", userId="u", timestamp="2026-03-03"),
        track("Shared", messageId="shared", userId="u1", timestamp="2026-03-03"),
        track("Shared", messageId="shared", userId="u2", timestamp="2026-03-02"),
        track("Shared", messageId="shared", userId="u1", timestamp="2026-03-04"),
        track("Shared", messageId="shared", anonymousId="u2", timestamp="2026-03-05"),
        identify({"plan": "x"}, messageId="shared", userId="u1", timestamp="2026-03-03"),
    ],
}
"""Deliveries of the same message ids."""


ENVELOPES: dict[str, tuple[bytes, dict[str, object]]] = {
    "lower-case keys": (
        b'{"TYPE":"track","Event":"Seen","messageid":"e1","userid":"u","anonymousid":"a",'
        b'"groupid":"g","timestamp":"2026-03-02"}',
        {"event": "Seen", "user_id": "u", "anonymous_id": "a", "group_id": "g"},
    ),
    "other spellings": (
        b'{"type":"track","event":"Seen","MessageID":"e2","User_Id":"u","ANONYMOUS-ID":"a",'
        b'"Properties":{"n":7},"Received At":"2026-03-02"}',
        {"user_id": "u", "anonymous_id": "a", "n": 7},
    ),
    "a blank usual key": (
        b'{"type":"track","event":"Seen","messageId":"e3","userId":" ","UserId":"u",'
        b'"properties":null,"PROPERTIES":{"n":7}}',
        {"user_id": "u", "n": 7},
    ),
    "keys that only look like it": (
        b'{"type":"track","event":"Seen","messageId":"e4","userIdentity":"x","user.id":"x"}',
        {"user_id": None},
    ),
    "keys that no path can have": (
        rb'{"type":"track","event":"Seen","MessageID":"e9","a\"b":1,"":2,"$":3,"*":4,"USERID":"u"}',
        {"user_id": "u"},
    ),
    "an id after what is none": (
        b'{"type":"track","event":"Seen","messageId":"e10","user_id":"null","userid":{"a":1},'
        b'"USERID":"u"}',
        {"user_id": "u"},
    ),
    "a blank id": (
        b'{"type":"track","event":"Seen","messageId":"e5","userId":"","user_id":"u"}',
        {"user_id": "u"},
    ),
    "a placeholder, then an id": (
        b'{"type":"track","event":"Seen","messageId":"e6","userId":"null","user_id":"u"}',
        {"user_id": "u"},
    ),
    "placeholders": (
        b'{"type":"track","event":"Seen","messageId":"e7","userId":" Undefined ","anonymousId":0,'
        b'"groupId":"00000000-0000-0000-0000-000000000000"}',
        {"user_id": None, "anonymous_id": None, "group_id": None},
    ),
    "no placeholders": (
        b'{"type":"track","event":"Seen","messageId":"e8","userId":"00","anonymousId":"unknown1"}',
        {"user_id": "00", "anonymous_id": "unknown1"},
    ),
    "a page with a name": (
        b'{"type":"page","name":"Home","event":"x","messageId":"p1","properties":{"name":"y"}}',
        {"event": "Home"},
    ),
    "a page named by its properties": (
        b'{"type":"screen","name":" ","event":"x","messageId":"p2","properties":{"name":"Home"}}',
        {"event": "Home"},
    ),
    "a page named by its event": (
        b'{"type":"page","event":"Home","messageId":"p3","properties":{"name":7}}',
        {"event": "Home"},
    ),
    "a page without a name": (b'{"type":"page","messageId":"p4"}', {"event": "page"}),
    "an array for properties": (
        b'{"type":"track","event":"Seen","messageId":"c1","properties":[],"context":[]}',
        {"n": None},
    ),
    "a text for properties": (
        b'{"type":"track","event":"Seen","messageId":"c2","properties":"","context":""}',
        {"n": None},
    ),
    "half a character in an unlisted value": (
        rb'{"type":"track","event":"Seen","messageId":"h1","properties":{"t":"B \ud83d","n":7}}',
        {"n": 7},
    ),
    "half a character in a listed value": (
        rb'{"type":"track","event":"Seen","messageId":"h2","userId":"u","properties":'
        rb'{"title":"Book \uD83D","n":7}}',
        {"title": None, "n": 7, "user_id": "u"},
    ),
    "half a character in a key": (
        rb'{"type":"track","event":"Seen","messageId":"h3","properties":{"title\udc00":"x","n":7}}',
        {"title": None, "n": 7},
    ),
    "half a character in an id": (
        rb'{"type":"track","event":"Seen","messageId":"h4","userId":"u\ud83d","anonymousId":"a"}',
        {"user_id": None, "anonymous_id": "a"},
    ),
    "whole characters, and a backslash before one": (
        rb'{"type":"track","event":"Seen","messageId":"h5","properties":'
        rb'{"x":"\udc00","title":"\ud83d\ude00 \\ud83d"}}',
        {"title": "\U0001f600 \\ud83d"},
    ),
    "half a character in the event": (
        rb'{"type":"track","event":"Seen \ud83d","messageId":"h6"}',
        {"event": None},
    ),
    "the character 0 in a listed value and in a key": (
        rb'{"type":"track","event":"Seen","messageId":"h7","properties":'
        rb'{"title":"Book\u0000","n":7,"x\u0000":"\\u0000"}}',
        {"title": None, "n": 7},
    ),
}
"""By what a case shows: a call, and columns of its row; ids as they are before masking."""

REJECTED = [
    b'{"type":"track","event":"Seen","properties":[1]}',
    b'{"type":"identify","traits":"text"}',
    rb'{"type":"track","event":"Seen","properties":{"t":"\ud83d"',
]
CUT = 6
"""Calls with a text that becomes null; a key that keeps a mark is none."""


@pytest.fixture(scope="module")
def project(new_project: Callable[..., Project]) -> Project:
    project = new_project(
        "calls",
        [destination("tool", timestamp_precision="exact")],
        [event("tool", "*")],
        [
            allowed("tool", "event", "n", data_type="integer"),
            allowed("tool", "event", "title"),
        ],
        [
            track("Timed", messageId=name, **{"receivedAt": RECEIVED, **fields})
            for name, (fields, _) in TIMES.items()
        ]
        + [call for call, _ in ENVELOPES.values()]
        + REJECTED,
        {"tool": ["events", "identifies"]},
        unsuspected=["event", "title"],
    )
    for file, calls in FILES.items():
        project.write_calls(calls, file)
    run = project.build()
    (project.folder / "output").write_text(run.output, "utf-8")
    return project


@pytest.fixture(scope="module")
def rows(project: Project) -> dict[str, dict[str, Any]]:
    return {row["row_id"]: row for row in project.published_rows("tool__events")}


@pytest.mark.parametrize("name", TIMES)
def test_a_call_happened_when_its_best_time_says(
    rows: dict[str, dict[str, Any]], name: str
) -> None:
    _, expected = TIMES[name]
    happened = rows[token(name)]["timestamp"]
    assert happened is None if expected is None else f"{happened:%m-%d %H:%M}" == expected
    assert happened is None or happened.year == 2026


def test_files_are_of_the_days_when_calls_happened(
    project: Project, rows: dict[str, dict[str, Any]]
) -> None:
    files = {path.stem for path in project.published_files("tool__events")}
    times = [row["timestamp"] for row in rows.values()]
    assert files == {time.strftime("%Y-%m-%d") if time else "undated" for time in times}


def test_calls_without_a_time_are_counted(project: Project) -> None:
    undated = [expected for _, expected in TIMES.values()].count(None)
    undated += sum(b"2026" not in call for call, _ in ENVELOPES.values())
    assert project.manifest("tool")["undated"] == undated
    output = (project.folder / "output").read_text("utf-8")
    assert f"{undated} staged calls have no time" in output


def test_of_deliveries_of_one_call_the_first_by_time_then_by_file_counts(
    rows: dict[str, dict[str, Any]],
) -> None:
    assert rows[token("again")]["event"] == "Late"
    assert rows[token("tie")]["n"] == 9
    assert rows[token("undated")]["timestamp"] is not None


def test_different_calls_with_one_message_id_all_stay(
    project: Project, rows: dict[str, dict[str, Any]]
) -> None:
    shared = [row for row in rows.values() if row["event"] == "Shared"]
    identified = project.published_rows("tool__identifies")
    assert len({row["row_id"] for row in shared + identified}) == 4
    assert rows[token("shared")]["user_id"] == token("u2")
    assert sorted(str(row["timestamp"])[8:10] for row in shared) == ["02", "03", "05"]
    assert project.manifest("tool")["namesakes"] == 3
    assert project.manifest("tool")["calls"]["duplicates"] == 4
    assert "3 calls have the message id of another call" in (project.folder / "output").read_text()


@pytest.mark.parametrize("name", ENVELOPES)
def test_the_envelope_is_read_in_any_spelling_and_what_says_nothing_gives_way(
    rows: dict[str, dict[str, Any]], name: str
) -> None:
    call, expected = ENVELOPES[name]
    found = re.search(rb'(?i)"message_?id":"(\w+)"', call)
    assert found is not None
    row = rows[token(found[1].decode())]
    ids = ("user_id", "anonymous_id", "group_id")
    assert {column: row[column] for column in expected} == {
        column: token(str(value)) if column in ids and value is not None else value
        for column, value in expected.items()
    }


def test_only_what_holds_no_call_is_rejected(project: Project) -> None:
    assert project.manifest("tool")["calls"]["rejected"] == len(REJECTED)


def test_cut_texts_are_counted(project: Project) -> None:
    assert project.manifest("tool")["cut"] == CUT
    assert f"{CUT} calls have texts that are cut" in (project.folder / "output").read_text("utf-8")
