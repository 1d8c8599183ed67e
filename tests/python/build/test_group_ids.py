"""A group id with `normalize` has one token, and one row of latest values, in every spelling."""

from __future__ import annotations

from collections.abc import Callable

from project import Project, allowed, destination, event, token, track

CALLS = [
    *(
        track("Visit", {"seat": number}, messageId=f"visit {number}", groupId=text)
        for number, text in enumerate(("+1 (202) 555-0123 x4", "2025550123", "202-555-CARE"))
    ),
    *(
        {
            "type": "group",
            "messageId": f"group {number}",
            "groupId": text,
            "timestamp": f"2026-03-02T{number + 1:02}:00:00Z",
            "traits": {"size": number},
        }
        for number, text in enumerate(("2025550123", "+1 202 555 0123"))
    ),
]


def test_every_spelling_is_one_group_for_the_destination_that_says_so(
    new_project: Callable[..., Project],
) -> None:
    project = new_project(
        "group_ids",
        [destination("tool", timestamp_precision="hour"), destination("other")],
        [event("*", "Visit")],
        [
            *(allowed(name, "event", "seat", data_type="integer") for name in ("tool", "other")),
            *(allowed(name, "group", "size", data_type="integer") for name in ("tool", "other")),
            allowed("tool", "envelope", "group_id", "mask", normalize="phone(1)"),
        ],
        CALLS,
        {name: ["events", "groups", "groups_latest"] for name in ("tool", "other")},
    )
    project.build()
    rows = {row["row_id"]: row for row in project.published_rows("tool__events")}
    one = token("12025550123")
    assert [rows[token(f"visit {n}")]["group_id"] for n in range(3)] == [one, one, None]
    [latest] = project.published_rows("tool__groups_latest")
    assert (latest["row_id"], latest["group_id"], latest["size"]) == (one, one, 1)
    assert len(project.published_rows("other__groups_latest")) == 2
    verified = project.hipaa_mode("verify")
    assert verified.returncode == 0, verified.stdout[-3000:]
