"""Traits of an identify call that come in `traits` and in `context.traits` are one column."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from project import Project, allowed, destination, identify, token


def call(hour: int, traits: object, in_context: object) -> dict[str, Any]:
    return {
        **identify(traits, userId="u-1000", messageId=f"m{hour}"),
        "timestamp": f"2026-03-02T{hour:02}:00:00Z",
        "context": {"traits": in_context},
    }


CALLS = [
    call(1, {"plan": "a", "email": "a@x.example", "age": 41}, {}),
    call(2, {}, {"plan": "b", "email": "b@x.example", "age": 42}),
    call(3, {"plan": "c", "email": "c@x.example", "age": 43}, {"plan": "no", "age": 1}),
    call(4, {"plan": None, "email": " ", "age": "old"}, {"plan": "d", "email": "d@x.example",
                                                        "age": 44}),
    call(5, {"list": ["e"]}, {"list": ["f"], "plan": None}),
    call(6, {}, {"list": ["f", "g"]}),
]  # fmt: skip
SHOWN = {
    1: ("a", "a@x.example", 41, None),
    2: ("b", "b@x.example", 42, None),
    3: ("c", "c@x.example", 43, None),
    4: ("d", "d@x.example", 44, None),
    5: (None, None, None, ["e"]),
    6: (None, None, None, ["f", "g"]),
}


def test_of_a_call_the_first_that_can_be_read_counts_and_of_a_person_the_newest(
    new_project: Callable[..., Project],
) -> None:
    forms: dict[str, dict[str, str]] = {
        "plan": {},
        "email": {"treatment": "mask", "normalize": "email"},
        "age": {"data_type": "integer"},
    }
    properties = [
        allowed("tool", property_list, path, column_name=name, **form)
        for name, form in forms.items()
        for property_list, path in (("user", name), ("context", f"traits.{name}"))
    ]
    properties += [
        allowed("tool", "user", "list[]", column_name="list"),
        allowed("tool", "context", "traits.list[]", column_name="list"),
    ]
    project = new_project(
        "two_places",
        [destination("tool", timestamp_precision="hour")],
        [],
        properties,
        CALLS,
        {"tool": ["identifies", "users"]},
    )
    project.build()
    rows = {row["row_id"]: row for row in project.published_rows("tool__identifies")}
    for number, (plan, email, age, items) in SHOWN.items():
        row = rows[token(f"m{number}")]
        masked = None if email is None else token(email)
        assert (row["plan"], row["email"], row["age"], row["list"]) == (plan, masked, age, items)
    [latest] = project.published_rows("tool__users")
    assert (latest["plan"], latest["age"], latest["list"]) == ("d", 44, ["f", "g"])
    assert latest["email"] == token("d@x.example")
    verified = project.hipaa_mode("verify")
    assert verified.returncode == 0, verified.stdout[-3000:]
    lock = (project.folder / "receives.lock.yml").read_text("utf-8")
    assert "from: user plan or context traits.plan" in lock
