"""Generated calls through a whole build, compared with a second, plain implementation of it."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from project import CALL_TYPES, REPOSITORY, Project, Run, allowed, destination, event
from reference import (
    FREE_TEXT,
    Property,
    Reference,
    reference,
)

# The generated calls

OWN_STRINGS = [
    *(
        "*",
        "**",
        "",
        " ",
        "$",
        "$.a",
        "a.b",
        "a[0]",
        "[]",
        "/",
        "~0",
        "#",
        "@",
        "?",
        "0",
        "-1",
        "%s",
    ),
    *(
        "'",
        '"',
        '""',
        "\\",
        "\\u0041",
        "`",
        "'; drop table calls; --",
        "{{ 1 }}",
        "{% do %}",
        "${x}",
    ),
    *("null", "NULL", "None", "true", "N/A", "NaN", "undefined", "constructor", "__proto__"),
    *("\t", "a\tb", "line\nbreak", "\u2028", "\ufeff", "\u200b", "e\u0301", "\u0301e", "é", "É"),
    *(
        "İ",
        "\u0131",
        "ß",
        "ΑΣ",
        "ς",
        "ﬁ",
        "😀",
        "👩‍👩‍👧",
        "\U0010ffff",
        "\x7f",
        "\x85",
        "\u00a0",
        "\u2003",
    ),
    *(
        "select",
        "row_id",
        "properties",
        "a",
        "A",
        "aa",
        "Aa",
        " a",
        "a ",
        "id",
        "007",
        "1.0",
        "1e3",
    ),
]
SHARED_STRINGS = REPOSITORY.parent / "shared/events/naughty_strings.json"
STRINGS = sorted(
    {
        *OWN_STRINGS,
        *(json.loads(SHARED_STRINGS.read_text("utf-8")) if SHARED_STRINGS.exists() else ()),
    }
)
# Every sixth of the odd strings is the name of a property that may be received.
NAMES = [name for name in OWN_STRINGS if name != "[]"][::2] + STRINGS[::12]
NAMES = list(dict.fromkeys(name for name in NAMES if "\x00" not in name and name != "[]"))
EVENTS = {
    name: f"Sent as {number}'\"" if number % 3 == 0 else name
    for number, name in enumerate(
        name for name in STRINGS[::9] if name.strip() and name != "*" and name.isprintable()
    )
}
FORMS = [
    {},
    {"treatment": "mask"},
    {"treatment": "mask", "normalize": "email"},
    {"treatment": "mask", "normalize": "lower"},
    {"treatment": "mask", "normalize": "phone"},
    {"treatment": "mask", "normalize": "phone(1)"},
    {"data_type": "integer"},
    {"data_type": "number"},
    {"data_type": "boolean"},
]
TIMES: dict[str | None, dt.datetime | None] = {
    None: None,
    "2026-03-01T10:20:30.123456Z": dt.datetime(2026, 3, 1, 10, 20, 30, 123456),
    "2026-03-01T10:20:30.5+02:00": dt.datetime(2026, 3, 1, 8, 20, 30, 500000),
    "2026-03-01 10:20:30": dt.datetime(2026, 3, 1, 10, 20, 30),
    "2026-03-01": dt.datetime(2026, 3, 1),
    "1772360430": dt.datetime(2026, 3, 1, 10, 20, 30),
    "1772360430123": dt.datetime(2026, 3, 1, 10, 20, 30, 123000),
    "202603011020": dt.datetime(2026, 3, 1, 10, 20),
    "2026-03-01T23:59Z": dt.datetime(2026, 3, 1, 23, 59),
    "Sun, 01 Mar 2026 10:20:30 -0500": dt.datetime(2026, 3, 1, 15, 20, 30),
    " ": None,
    "2026-13-01": None,
    "yesterday": None,
    "7": None,
}


def listed_properties() -> list[Property]:
    """Rows for every kind of path and every form, over the odd names."""
    properties: list[Property] = []

    def add(property_list: str, *steps: str, **form: Any) -> None:
        column = f"{property_list}_{len(properties)}"
        properties.append(Property(property_list, steps, column, **form))

    for number, name in enumerate(NAMES):
        form = FORMS[number % len(FORMS)]
        other = NAMES[(number * 7 + 3) % len(NAMES)]
        add(("event", "event", "user", "context")[number % 4], name, **form)
        if number % 5 == 0:
            add("event", name, other, **form)
            add("event", name, "[]", **form)
        if number % 7 == 0:
            add("event", name, "[]", other, **form)
            add("group", name, **form)
        if number % 11 == 0:
            add("event", other, "[]", name, "[]", **form)
    for name in list(EVENTS)[:5]:
        add("event", "limited " + name, event=name)
    return properties


PROPERTIES = listed_properties()


class Raw(str):
    """JSON text that stands for itself, such as a number in a certain spelling."""


class Generator:
    """Raw lines from a fixed seed: calls of every type, and some that are no calls.

    Plain random draws: Hypothesis, made to shrink one failing example, repeats itself too much
    to fill one file with.
    """

    SPELLED_NUMBERS = ("1.0", "1e0", "1.10", "1E+2", "-0", "-0.0", "1e21", "1e-7", "12" * 11)
    NO_CALLS = (b"[]", b'"track"', b"{", b"{}", b"nul", b'{"type":"track"}}', b"\xff{}", b" ")
    KINDS = ("track",) * 5 + ("page", "page", "screen", "identify", "identify", "group", "alias")
    ODD_KINDS = (" Track ", "IDENTIFY", "trackk", "", None, True, 7)
    LIMITED = tuple(item.steps[0] for item in PROPERTIES if item.event is not None)

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.made: list[tuple[tuple[str, Any], ...]] = []

    def line(self) -> bytes:
        if self.seldom():
            return self.random.choice(self.NO_CALLS)
        end = self.random.choice(("", "", " ", "\r"))
        call = self.delivered_again() if self.made and self.seldom() else self.call()
        self.made.append(call)
        return (self.dumped(call) + end).encode()

    def delivered_again(self) -> tuple[tuple[str, Any], ...]:
        """A call with other content, and with the same time or another."""
        call = [item for item in self.random.choice(self.made) if item[0].lower() != "properties"]
        if self.random.random() < 0.5:
            call.insert(0, ("timestamp", self.time()))
        return (*call, ("properties", self.properties()))

    def call(self) -> tuple[tuple[str, Any], ...]:
        """An object as pairs, so that it can repeat a key."""
        draw = self.random
        names = list(EVENTS)
        fields = [
            ("type", draw.choice(self.ODD_KINDS if self.seldom() else self.KINDS)),
            ("event", self.scalar() if self.seldom() else draw.choice(names)),
            ("name", self.scalar() if self.seldom() else draw.choice([*names, None])),
            (
                "Properties" if self.seldom() else "properties",
                self.value() if self.seldom() else self.properties(),
            ),
            ("traits", self.value() if self.seldom() else self.pairs(16)),
            ("context", self.value() if self.seldom() else self.pairs(16)),
            ("messageId", self.value() if self.seldom() else draw.randrange(400)),
            ("message_id", self.scalar()),
            (draw.choice(("userId", "userId", "USERID", "user-id")), self.value()),
            ("anonymousId", self.scalar()),
            ("Anonymous Id", self.id()),
            ("group_id", self.scalar()),
            ("timestamp", self.time()),
            ("originalTimestamp", self.time()),
            ("original_timestamp", self.time()),
            ("sentAt", self.time()),
            ("receivedAt", self.time()),
        ]
        kept = [pair for place, pair in enumerate(fields) if place < 6 or draw.random() < 0.7]
        return tuple(kept + ([draw.choice(fields)] if self.seldom() else []))

    def id(self) -> Any:
        return self.random.choice((" NULL ", "undefined", 0, False, "0" * 32, "u-1", None))

    def value_cut(self) -> Any:
        """A text with half of a character, or the character 0; whole ones, and what looks so."""
        return Raw(
            self.random.choice(
                (r'"a\ud83d"', r'"\ud83d\ude00"', r'"\\ud83d"', r'"\udc00b"', r'"a\u0000"')
            )
        )

    def time(self) -> Any:
        text = self.random.choice(list(TIMES))
        return Raw(text) if text and text.isdigit() and self.random.random() < 0.5 else text

    def properties(self) -> tuple[tuple[str, Any], ...]:
        return (*self.pairs(16), (self.random.choice(self.LIMITED), self.scalar()))

    def pairs(self, most: int) -> tuple[tuple[str, Any], ...]:
        return tuple((self.name(), self.value()) for _ in range(self.random.randrange(most)))

    def name(self) -> str:
        return self.random.choice(NAMES) if self.random.random() < 0.8 else self.text()

    def value(self, depth: int = 0) -> Any:
        kind = self.random.random()
        if kind < 0.6 or depth > 3:
            return self.scalar()
        if kind < 0.8:
            return [self.value(depth + 1) for _ in range(self.random.randrange(4))]
        return tuple(
            (self.name(), self.value(depth + 1)) for _ in range(self.random.randrange(1, 4))
        )

    def scalar(self) -> Any:
        draw = self.random
        return draw.choice(
            (
                self.text(),
                draw.choice(STRINGS),
                draw.choice(
                    ("12", " -7\u00a0", "+1.5e3", ".5", "1e999", "TRUE", " no", " A@B.c ", "0x1")
                ),
                draw.choice((None, True, False)),
                draw.randint(-(2**70), 2**70) >> draw.randrange(72),
                draw.uniform(-1, 1) * 10.0 ** draw.randint(-320, 307),
                round(draw.uniform(-1000, 1000), draw.randrange(4)),
                Raw(draw.choice(self.SPELLED_NUMBERS)),
                self.value_cut(),
            )
        )

    def text(self) -> str:
        """Characters of all of Unicode but surrogates, the lower ones more often."""
        draw = self.random
        codes = (int(0x110000 ** draw.random()) for _ in range(draw.randrange(8)))
        return "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)

    def seldom(self) -> bool:
        return self.random.random() < 0.08

    def dumped(self, value: Any) -> str:
        if isinstance(value, Raw):
            return value
        if isinstance(value, tuple):
            members = (f"{self.dumped(name)}:{self.dumped(item)}" for name, item in value)
            return "{" + ",".join(members) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.dumped, value)) + "]"
        return json.dumps(value, ensure_ascii=self.random.random() < 0.5)


# The comparison


@dataclass
class Built:
    """The one build of all generated calls."""

    project: Project
    run: Run
    files: dict[str, list[bytes]]

    def expected(self, view: str) -> Reference:
        return reference(self.files, view, PROPERTIES, EVENTS, TIMES.__getitem__)


@pytest.fixture(scope="module")
def built(new_project: Callable[..., Project]) -> Built:
    rows = [
        allowed(
            "tool",
            item.property_list,
            item.path,
            item.treatment,
            event=item.event or "",
            normalize=item.normalize,
            data_type=item.data_type,
            column_name=item.column,
            # Random texts look like anything; the guard has tests of its own.
            guard="none" if item.treatment == "allow" and item.data_type in FREE_TEXT else "",
        )
        for item in PROPERTIES
    ]
    events = [
        event("tool", name, "" if sent_as == name else sent_as) for name, sent_as in EVENTS.items()
    ]
    generator = Generator(seed=20260301)
    files = {
        name: [generator.line() for _ in range(400)]
        for name in ("calls-10.ndjson", "calls-9.ndjson")
    }
    project = new_project(
        "reference",
        [destination("tool", timestamp_precision="exact")],
        events,
        rows,
        unsuspected=["event", *(item.column for item in PROPERTIES if item.treatment == "allow")],
    )
    (project.folder / "raw_calls/calls.ndjson").unlink()
    for name, content in files.items():
        project.write_calls(content, name)
    return Built(project, project.dbt("build"), files)


def test_the_generated_calls_are_worth_the_comparison(built: Built) -> None:
    expected = {view: built.expected(view) for view in CALL_TYPES}
    rows = [row for result in expected.values() for row in result.rows.values()]
    filled = Counter(column for row in rows for column, value in row.items() if value is not None)
    assert len(expected["events"].rows) > 150
    assert len(expected["identifies"].rows) > 30
    assert len(expected["groups"].rows) > 15
    assert len([item for item in PROPERTIES if filled[item.column]]) > len(PROPERTIES) * 0.6
    assert len({reason for _, _, reason in expected["events"].rejected}) >= 9
    assert expected["events"].counts["duplicates"] > 5


def test_the_build_of_generated_calls_succeeds(built: Built) -> None:
    assert built.run.exit_code == 0, built.run.output[-5000:]


@pytest.mark.parametrize("view", CALL_TYPES)
def test_published_rows_are_those_of_the_reference(built: Built, view: str) -> None:
    published = built.project.published_rows(f"tool__{view}")
    expected = built.expected(view).rows
    found = {row["row_id"]: row for row in published}
    assert len(found) == len(published)
    assert set(found) == set(expected)
    different = {
        (row_id, column): (value, found[row_id][column])
        for row_id, row in expected.items()
        for column, value in row.items()
        if found[row_id][column] != value
    }
    assert different == {}
    assert all(list(row) == list(next(iter(expected.values()))) for row in published)


@pytest.mark.parametrize("view", CALL_TYPES)
def test_values_that_do_not_fit_are_counted_as_by_the_reference(built: Built, view: str) -> None:
    facts = built.project.manifest("tool")["views"][f"tool__{view}"]
    counted = {column["name"]: column["values_not_fitting"] for column in facts["columns"]}
    expected = built.expected(view).not_fitting
    assert {name: count for name, count in counted.items() if count} == +expected


def test_rejected_calls_are_those_of_the_reference_with_their_lines(built: Built) -> None:
    rejected = built.project.query(
        "select parse_filename(source_file), line_number, rejection_reason, message_bytes "
        "from main_restricted.rejected_calls order by 1, 2"
    )
    expected = built.expected("events")
    assert [row[:3] for row in rejected] == sorted(expected.rejected)
    for name, line_number, _, message in rejected:
        assert message == built.files[name][line_number - 1].rstrip(b"\r")
    manifest = built.project.manifest("tool")
    assert manifest["calls"] == {**expected.counts, "withheld": 0}
    assert manifest["namesakes"] == expected.namesakes > 100
