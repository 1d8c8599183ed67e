"""Every text in the tables of docs/values.md, through a build, becomes what its row says."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from project import REPOSITORY, Project, allowed, destination, event, token, track

FORMS = {
    "timestamp": {"data_type": "timestamp"},
    "date": {"data_type": "date"},
    "year": {"treatment": "year"},
    "month": {"treatment": "month"},
    "integer": {"data_type": "integer"},
    "number": {"data_type": "number"},
    "boolean": {"data_type": "boolean"},
    "zip3": {"treatment": "zip3"},
    "age_cap": {"treatment": "age_cap"},
    "ip_prefix": {"treatment": "ip_prefix"},
    "email": {"treatment": "mask", "normalize": "email"},
    "phone": {"treatment": "mask", "normalize": "phone"},
    "phone(1)": {"treatment": "mask", "normalize": "phone(1)"},
}
MASKED = ("email", "phone", "phone(1)")
"""Of these the page has the text that the token is made of."""


def characters(written: str) -> str:
    """Put in the characters that the page writes by their numbers."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), written).replace("\\t", "\t")


def numbers() -> dict[str, str]:
    """The numbers of the page, as they are written in JSON, and their texts."""
    page = (REPOSITORY / "docs/values.md").read_text("utf-8")
    [table] = re.findall(r"\| number \| text \|\n.*\n((?:\|.*\n)+)", page)
    return dict(re.findall(r"\| `(.*?)` \| (.*?) ?\|", table))


def with_number(written: str) -> bytes:
    """A call with a number, as a value and as an id, that Python would write otherwise."""
    call = track(
        "E",
        {"number": "here"},
        messageId=f"number {written}",
        timestamp=RECEIVED,
        userId="here",
    )
    return json.dumps(call).replace('"here"', written).encode()


def tables() -> list[tuple[str, dict[str, str]]]:
    """Each text of the page and what it becomes, by form; of those without a reading, nothing."""
    found: list[tuple[str, dict[str, str]]] = []
    names: list[str] = []
    for line in (REPOSITORY / "docs/values.md").read_text("utf-8").splitlines():
        cells = re.split(r" ?\| ?", line.strip())[1:-1] if line.startswith("|") else []
        if not cells:
            names = []
        if not cells or set(cells[0]) == {"-"} or (not names and cells[0] != "text"):
            continue
        if cells[0] in ("text", "number"):
            names = [cell.strip("`") for cell in cells[1:]]
        else:
            match = re.fullmatch(r"`(.*)`", line.split("|")[1].strip(" ")) or pytest.fail(line)
            cells, text = list(map(characters, cells)), characters(match[1])
            if names == ["why"]:
                found.append((text, dict.fromkeys(("timestamp", "date", "year", "month"), "")))
            else:
                found.append((text, dict(zip(names, cells[1:], strict=True))))
    return found


RECEIVED = "2026-03-02T10:00:00Z"
TIMES = {
    "2026-03-02T09:00:00Z": dt.datetime(2026, 3, 2, 9),
    "2026-03-03T09:59:00Z": dt.datetime(2026, 3, 3, 9, 59),
    "2000-01-01T00:00:00Z": dt.datetime(2000, 1, 1),
    "1999-12-31T23:59:59Z": None,
    "2026-03-03T10:01:00Z": None,
    "2199-01-01T00:00:00Z": None,
    "0": None,
}
"""`timestamp` of a call received at `RECEIVED`, and what is published of it: None, the latter."""


@dataclass
class Built:
    """The one build: what it said, its rows by the message id's token, and its manifest."""

    output: str
    rows: dict[str, dict[str, Any]]
    manifest: dict[str, Any]


@pytest.fixture(scope="module")
def built(new_project: Callable[..., Project]) -> Built:
    project = new_project(
        "values",
        [destination("tool", timestamp_precision="exact")],
        [event("tool", "E")],
        [
            allowed("tool", "event", f"of_{name}", **{"column_name": f"as_{name}", **form})
            for name, form in FORMS.items()
        ]
        + [allowed("tool", "event", "number")],
        [
            *(
                track(
                    "E",
                    {f"of_{name}": text for name in becomes},
                    messageId=f"m{number}",
                    timestamp=RECEIVED,
                )
                for number, (text, becomes) in enumerate(tables())
            ),
            *(
                track("E", messageId=f"at {text}", timestamp=text, receivedAt=RECEIVED)
                for text in TIMES
            ),
            *map(with_number, numbers()),
            track("E", messageId="far", timestamp="2199-01-01", receivedAt="2199-01-01"),
        ],
        {"tool": ["events"]},
        unsuspected=[*(f"as_{name}" for name in FORMS), "number"],
    )
    run = project.build()
    rows = {row["row_id"]: row for row in project.published_rows("tool__events")}
    return Built(run.output, rows, project.manifest("tool"))


def shown(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_the_page_has_enough_to_look_at() -> None:
    texts = [text for text, _ in tables()]
    assert len(texts) > 80
    assert {name for _, becomes in tables() for name in becomes} == set(FORMS)


@pytest.mark.parametrize("number", range(len(tables())))
def test_a_text_becomes_what_the_page_says(built: Built, number: int) -> None:
    _, becomes = tables()[number]
    row = built.rows[token(f"m{number}")]
    expected = {
        name: token(text) if name in MASKED and text else text for name, text in becomes.items()
    }
    assert {name: shown(row[f"as_{name}"]) for name in becomes} == expected


@pytest.mark.parametrize("written", numbers())
def test_a_number_has_the_text_that_the_page_says(built: Built, written: str) -> None:
    row = built.rows[token(f"number {written}")]
    text = numbers()[written]
    assert shown(row["number"]) == text
    if text != "0":  # Which is no id.
        assert row["user_id"] == (token(text) if text else None)


def test_numbers_without_a_text_are_counted(built: Built) -> None:
    [column] = [
        column
        for column in built.manifest["views"]["tool__events"]["columns"]
        if column["name"] == "number"
    ]
    assert column["values_not_fitting"] == list(numbers().values()).count("") > 4


@pytest.mark.parametrize("text", TIMES)
def test_a_time_that_can_not_be_gives_way_to_the_receipt(built: Built, text: str) -> None:
    row = built.rows[token(f"at {text}")]
    assert row["timestamp"] == (TIMES[text] or dt.datetime(2026, 3, 2, 10))
    assert row["received_at"] == dt.datetime(2026, 3, 2, 10)


def test_times_long_after_the_run_are_none_and_calls_without_one_are_counted(built: Built) -> None:
    row = built.rows[token("far")]
    assert (row["timestamp"], row["received_at"]) == (None, None)
    assert built.manifest["undated"] == 1
    assert "1 staged calls have no time, or one that can not be" in built.output
