"""Every text in the tables of docs/values.md, through a build, becomes what its row says."""

from __future__ import annotations

import re
from collections.abc import Callable
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
}


def tables() -> list[tuple[str, dict[str, str]]]:
    """Each text of the page and what it becomes, by form; of those without a reading, nothing."""
    found: list[tuple[str, dict[str, str]]] = []
    names: list[str] = []
    for line in (REPOSITORY / "docs/values.md").read_text("utf-8").splitlines():
        cells = re.split(r" ?\| ?", line.strip())[1:-1] if line.startswith("|") else []
        if not cells or set(cells[0]) == {"-"}:
            continue
        if cells[0] == "text":
            names = [cell.strip("`") for cell in cells[1:]]
        else:
            text = re.fullmatch(r"`(.*)`", line.split("|")[1].strip(" ")) or pytest.fail(line)
            if names == ["why"]:
                found.append((text[1], dict.fromkeys(("timestamp", "date", "year", "month"), "")))
            else:
                found.append((text[1], dict(zip(names, cells[1:], strict=True))))
    return found


@pytest.fixture(scope="module")
def built(new_project: Callable[..., Project]) -> dict[str, dict[str, Any]]:
    project = new_project(
        "values",
        [destination("tool")],
        [event("tool", "E")],
        [
            allowed("tool", "event", f"of_{name}", **{"column_name": name, **form})
            for name, form in FORMS.items()
        ],
        [
            track("E", {f"of_{name}": text for name in becomes}, messageId=f"m{number}")
            for number, (text, becomes) in enumerate(tables())
        ],
        {"tool": ["events"]},
        unsuspected=list(FORMS),
    )
    project.build()
    return {row["row_id"]: row for row in project.published_rows("tool__events")}


def shown(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_the_page_has_enough_to_look_at() -> None:
    texts = [text for text, _ in tables()]
    assert len(texts) > 80
    assert {name for _, becomes in tables() for name in becomes} == set(FORMS)


@pytest.mark.parametrize("number", range(len(tables())))
def test_a_text_becomes_what_the_page_says(built: dict[str, dict[str, Any]], number: int) -> None:
    _, becomes = tables()[number]
    row = built[token(f"m{number}")]
    assert {name: shown(row[name]) for name in becomes} == becomes
