"""What a call says of itself, through a build: when it happened, whose it is, its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from project import Project, destination, event, token, track

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


@pytest.fixture(scope="module")
def project(new_project: Callable[..., Project]) -> Project:
    project = new_project(
        "calls",
        [destination("tool", timestamp_precision="exact")],
        [event("tool", "*")],
        [],
        [
            track("Timed", messageId=name, **{"receivedAt": RECEIVED, **fields})
            for name, (fields, _) in TIMES.items()
        ],
        {"tool": ["events"]},
    )
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


def test_files_are_of_the_days_when_calls_happened(project: Project) -> None:
    files = {path.stem for path in project.published_files("tool__events")}
    assert files == {f"2026-{day[:5]}" if day else "undated" for _, day in TIMES.values()}


def test_calls_without_a_time_are_counted(project: Project) -> None:
    undated = [expected for _, expected in TIMES.values()].count(None)
    assert project.manifest("tool")["undated"] == undated
    output = (project.folder / "output").read_text("utf-8")
    assert f"{undated} staged calls have no time" in output
