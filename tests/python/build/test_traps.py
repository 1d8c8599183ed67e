"""What feeds really hold: odd names, odd values and broken lines, through one whole build."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow.parquet as pq
import pytest
from project import (
    CALL_TYPES,
    REPOSITORY,
    Project,
    Run,
    allowed,
    as_line,
    destination,
    event,
    page,
    token,
    track,
)
from reference import Property, reference

SQL_NAME = "'; drop table main_restricted.calls_read; --"
JINJA_NAME = "{{ env_var('HOME') }}"
ODD_EVENT = 'O\'Brien said "$1 %s" {{ 7 * 7 }}; --'
SHARED_EVENTS = REPOSITORY.parent / "shared/events"
LONG = "long é 😀 " * 25_000
HASH = hashlib.sha256(b"canary").hexdigest()

PROPERTIES = [
    allowed("tool", "event", "*"),
    allowed("tool", "event", "**", column_name="two_stars"),
    allowed("tool", "event", "*.inner"),
    allowed("tool", "event", "deep.*", column_name="deep_star"),
    allowed("tool", "event", "things[].*", column_name="thing_stars"),
    allowed("tool", "event", "case", column_name="case_lower"),
    allowed("tool", "event", "Case", column_name="case_title"),
    allowed("tool", "event", "CASE", "mask", column_name="case_upper"),
    allowed("tool", "event", '"order.id"', column_name="dotted"),
    allowed("tool", "event", "order.id"),
    allowed("tool", "event", "$amount"),
    allowed("tool", "event", '"say ""hi"""'),
    allowed("tool", "event", "first name"),
    allowed("tool", "event", f'"{SQL_NAME}"', column_name="sql_name"),
    allowed("tool", "event", f'"{JINJA_NAME}"', column_name="jinja_name"),
    allowed("tool", "event", "back\\slash"),
    allowed("tool", "event", "😀", column_name="emoji"),
    allowed("tool", "event", '""', column_name="no_name"),
    allowed("tool", "event", "a/b"),
    allowed("tool", "event", "a~1b", column_name="tilde"),
    allowed("tool", "event", "select"),
    allowed("tool", "event", "row_id", column_name="clinic_row"),
    allowed("tool", "event", "event", column_name="event_property"),
    allowed("tool", "event", "items.0", column_name="item_zero"),
    allowed("tool", "event", "value"),
    allowed("tool", "event", "secret", "mask"),
    allowed("tool", "event", "size", "truncate(20)", column_name="size"),
    allowed("tool", "event", "tags[]"),
    allowed("tool", "event", "scores[]", data_type="integer"),
    allowed("tool", "event", "emails[]", "mask", normalize="email"),
    allowed("tool", "event", "products[].sku"),
    allowed("tool", "event", "products[].tags[]"),
    allowed("tool", "event", "grid[][]"),
    allowed("tool", "event", "scalar"),
    allowed("tool", "event", "meta", data_type="json"),
    allowed("tool", "event", "whole", data_type="integer"),
    allowed("tool", "event", "real", data_type="number"),
    allowed("tool", "event", "flag", data_type="boolean"),
    allowed("tool", "event", "at", data_type="timestamp"),
    allowed("tool", "event", "day", data_type="date"),
    allowed("tool", "user", "email", "mask", normalize="email"),
]
COLUMNS = [
    *("u002a", "two_stars", "u002a_inner", "deep_star", "thing_stars"),
    *("case_lower", "case_title", "case_upper", "dotted", "order_id", "amount", "say_hi"),
    *("first_name", "sql_name", "jinja_name", "back_slash", "emoji", "no_name", "a_b", "tilde"),
    *("select", "clinic_row", "event_property", "item_zero", "value", "secret", "size"),
    *("tags", "scores", "emails", "products_sku", "products_tags", "grid", "scalar", "meta"),
    *("whole", "real", "flag", "at", "day"),
]
ENVELOPE = (
    *("row_id", "call_type", "event", "timestamp", "received_at"),
    *("user_id", "anonymous_id", "group_id"),
)
NOT_FITTING = {
    "u002a": 1,
    "secret": 2,
    "tags": 2,
    "scores": 2,
    "emails": 2,
    "scalar": 5,
    "whole": 3,
    "real": 2,
    "flag": 2,
    "at": 2,
    "day": 2,
}
FEED = [
    Property("event", ("total",), "total"),
    Property("event", ("currency",), "currency"),
    Property("event", ("products", "[]", "sku"), "skus"),
    Property("event", ("products", "[]", "price"), "prices", data_type="number"),
    Property("event", ("email",), "email", "mask", "email"),
    Property("user", ("email",), "email", "mask", "email"),
    Property("user", ("address", "city"), "city", "mask"),
    Property("user", ("age",), "age", data_type="integer"),
    Property("group", ("employees",), "employees", data_type="integer"),
    Property("group", ("name",), "name", "mask"),
    Property("context", ("ip",), "ip", "mask"),
    Property("context", ("library", "name"), "library"),
    Property("context", ("campaign", "source"), "source"),
]


@dataclass(frozen=True)
class Trap:
    """A line of the raw file and what must become of it.

    `row` is what differs from a row of nulls; None where nothing is published. `canary`, in
    any case of letters, is in every text that must never be seen.
    """

    line: bytes
    row: dict[str, object] | None = None
    rejected: str | None = None
    row_id: str = ""
    view: str = "events"


@dataclass
class Traps:
    """The lines of the raw file, collected one after another."""

    all: list[Trap] = field(default_factory=list)

    def properties(self, properties: object, /, **row: object) -> None:
        """A track call whose properties give these columns."""
        self.track({"properties": properties}, **row)

    def track(self, fields: dict[str, object], /, **row: object) -> None:
        call = {"type": "track", "event": "Trap", "messageId": self.next_id(), **fields}
        self.raw(as_line(call), **row)

    def raw(self, line: bytes, /, **row: object) -> None:
        """A line as it is; ID stands for its message id."""
        self.all.append(Trap(line.replace(b"ID", self.next_id().encode()), row, None, self.key()))

    def other(self, fields: dict[str, object], /, key: str = "", **row: object) -> None:
        """A call whose message id is not our own."""
        call = {"type": "track", "event": "Trap", **fields}
        line = as_line(call)
        key = key or f"content:{hashlib.sha256(line).hexdigest()}:1"
        self.all.append(Trap(line, row, None, token(key)))

    def not_sent(self, line: bytes) -> None:
        self.all.append(Trap(line))

    def rejected(self, reason: str, line: bytes) -> None:
        self.all.append(Trap(line, rejected=reason))

    def identify(self, fields: dict[str, object], /, **row: object) -> None:
        call = {"type": "identify", "messageId": self.next_id(), **fields}
        self.all.append(Trap(as_line(call), row, None, self.key(), "identifies"))

    def next_id(self) -> str:
        return f"canary-message-{len(self.all)}"

    def key(self) -> str:
        return token(self.next_id())


def traps() -> list[Trap]:
    lines = Traps()
    _names(lines)
    _copies(lines)
    _ids(lines)
    _values(lines)
    _lists(lines)
    _events(lines)
    _rejected(lines)
    return lines.all


def _names(lines: Traps) -> None:
    lines.properties({"*": "star", "canary name": "canary", "other": ["canary"]}, u002a="star")
    lines.properties({"any": "canary", "more": {"inner": "canary"}})
    lines.properties({"**": "stars", "x": "canary"}, two_stars="stars")
    lines.properties({"a": {"b": "canary"}, "*": {"inner": "in", "x": "canary"}}, u002a_inner="in")
    lines.properties({"deep": {"*": "kept", "x": "canary"}}, deep_star="kept")
    lines.properties({"deep": {"x": "canary"}, "things": [{"x": "canary"}]}, thing_stars=[None])
    lines.properties(
        {"things": [{"*": "a", "x": "canary"}, {"*": 2}, "canary"]}, thing_stars=["a", "2", None]
    )
    lines.properties(
        {"CASE": "canary", "case": "low", "Case": "Title", "cASE": "canary"},
        case_lower="low",
        case_title="Title",
        case_upper=token("canary"),
    )
    lines.properties({"cAsE": "canary", "CaSe": "canary"})
    lines.properties(
        {"order.id": "flat", "order": {"id": "nested", "x": "canary"}},
        dotted="flat",
        order_id="nested",
    )
    lines.properties({"$amount": "12.50", "amount": "canary"}, amount="12.50")
    lines.properties({'say "hi"': "hello", "say hi": "canary"}, say_hi="hello")
    lines.properties(
        {"first name": "blank within", "first_name": "canary"}, first_name="blank within"
    )
    lines.properties({SQL_NAME: "not run"}, sql_name="not run")
    lines.properties({JINJA_NAME: "not rendered"}, jinja_name="not rendered")
    lines.properties({"back\\slash": "one", "backslash": "canary"}, back_slash="one")
    lines.properties({"😀": "smile", "😁": "canary"}, emoji="smile")
    lines.properties({"": "no name", " ": "canary"}, no_name="no name")
    lines.properties({"a/b": "slash", "a": {"b": "canary"}}, a_b="slash")
    lines.properties({"a~1b": "tilde", "a/b": "slash"}, tilde="tilde", a_b="slash")
    lines.properties({"select": "a keyword"}, select="a keyword")
    lines.properties({"row_id": "17", "event": "inner"}, clinic_row="17", event_property="inner")
    lines.properties({"items": ["canary", "canary"]})
    lines.properties({"items": {"0": "by name", "1": "canary"}}, item_zero="by name")


def _copies(lines: Traps) -> None:
    """The second copy of a key is nowhere."""
    head = b'{"type":"track","event":"Trap","messageId":"ID",'
    lines.raw(head + b'"properties":{"value":"first","value":"canary"}}', value="first")
    lines.raw(head + b'"properties":{"*":"first","*":"canary"}}', u002a="first")
    lines.raw(head + b'"properties":{"v":1},"properties":{"value":"canary"}}')
    lines.raw(
        head
        + b'"properties":{"order":{"x":1},"order":{"id":"canary"},"secret":"a","secret":"b"}}',
        secret=token("a"),
    )
    lines.raw(head + b'"properties":{"tags":["one"],"tags":["canary"]}}', tags=["one"])
    lines.raw(
        b'{"type":"track","type":"alias","event":"Trap","event":"canary","messageId":"ID",'
        b'"messageId":"canary","userId":"canary 1","userId":"canary 2"}',
        user_id=token("canary 1"),
    )


def _ids(lines: Traps) -> None:
    lines.track({"userId": 1234567}, user_id=token("1234567"))
    lines.track({"userId": 12.50, "anonymousId": False}, user_id=token("12.5"))
    lines.track({"userId": 9007199254740995}, user_id=token("9007199254740995"))
    lines.track({"userId": "", "anonymousId": " \t\n", "groupId": "\u00a0\u2003"})
    lines.track({"userId": " canary "}, user_id=token(" canary "))
    lines.track({"user_id": "canary_snake"}, user_id=token("canary_snake"))
    lines.track({"userId": None, "user_id": "canary_b"}, user_id=token("canary_b"))
    lines.track({"userId": {"id": "canary"}, "anonymousId": ["canary"]})
    lines.track({"userId": "a\u0000canary"})
    lines.track({"userId": HASH}, user_id=token(HASH))
    lines.other({"messageId": 990017, "userId": "canary-n"}, "990017", user_id=token("canary-n"))
    lines.other({"messageId": "  ", "userId": "canary-blank"}, user_id=token("canary-blank"))
    lines.other({"messageId": {"a": "canary"}, "userId": 0})
    lines.raw(b'{"type":"track","event":"Trap","messageId":"ID","userId":"\\ud800 canary"}')
    lines.other({"userId": "canary-none"}, user_id=token("canary-none"))


def _values(lines: Traps) -> None:
    head = b'{"type":"track","event":"Trap","messageId":"ID","properties":'
    lines.properties({"secret": HASH, "value": "kept"}, secret=token(HASH), value="kept")
    for text, canonical in {
        "1": "1",
        "1.0": "1",
        "1e0": "1",
        "1.10": "1.1",
        "1e2": "100",
        "-0.0": "0",
        "-0": "0",
        "0.000001": "0.000001",
        "1e-7": "1e-7",
        "1e21": "1e+21",
        "1e20": "100000000000000000000",
        "1.5E300": "1.5e+300",
        "9007199254740993": "9007199254740993",
        "-9223372036854775809": "-9223372036854775809",
        "123456789012345678901234567890": "123456789012345678901234567890",
        "0.1": "0.1",
        "5e-324": "5e-324",
        "true": "true",
    }.items():
        given = text.encode()
        lines.raw(
            head + b'{"value":' + given + b',"secret":' + given + b"}}",
            value=canonical,
            secret=token(canonical),
        )
    lines.properties({"value": None, "secret": None, "tags": None})
    lines.properties(
        {"secret": "  ", "emails": ["", "canary@b.example"]},
        emails=[None, token("canary@b.example")],
    )
    lines.properties({"size": LONG, "secret": LONG}, size=LONG[:20], secret=token(LONG))
    lines.raw(head + b'{"value":"a\\u0000b","secret":"a\\u0000b"}}')
    lines.raw(head + b'{"value":"\\ud83d\\ude00 \\u00e9 \\/ \\n"}}', value="😀 é / \n")
    lines.raw(head + b'{"value":"crlf"}}\r', value="crlf")
    lines.raw(b" \t" + head + b'{"value":"blanks before"}}  ', value="blanks before")
    for odd in ({"x": "canary"}, ["canary"], [["canary"]], {}):
        lines.properties({"scalar": odd})
    lines.raw(head + b'{"scalar":' + b"[" * 20_000 + b'"canary"' + b"]" * 20_000 + b"}}")
    lines.properties({"secret": {"x": "canary"}})
    lines.raw(
        head + b'{"meta":{"a": 1, "b":[true, null, "x y"]}}}', meta='{"a":1,"b":[true,null,"x y"]}'
    )
    lines.properties({"meta": "text"}, meta='"text"')
    lines.properties({"meta": None})
    lines.properties(
        {"whole": "12", "real": "1e3", "flag": "TRUE", "at": "2026-03-01T10:20:30+02:00"},
        whole=12,
        real=1000.0,
        flag=True,
        at=dt.datetime(2026, 3, 1, 8, 20, 30),
    )
    lines.properties(
        {"whole": 7.0, "real": 7, "flag": False, "at": 1772360430, "day": "2026-03-01"},
        whole=7,
        real=7.0,
        flag=False,
        at=dt.datetime(2026, 3, 1, 10, 20, 30),
        day=dt.date(2026, 3, 1),
    )
    lines.properties({"flag": 1}, flag=True)
    lines.properties({"flag": "no"}, flag=False)
    text = "canary"
    lines.properties({"whole": text, "real": text, "flag": text, "at": text, "day": text})
    lines.properties({"whole": 7.5, "real": "1e999", "flag": 2, "at": "2026-02-30", "day": []})
    lines.properties({"whole": 9223372036854775808})


def _lists(lines: Traps) -> None:
    lines.properties(
        {"tags": ["a", 1, True, None, {"x": "canary"}, ["canary"]]},
        tags=["a", "1", "true", None, None, None],
    )
    lines.properties({"tags": []}, tags=[])
    lines.properties({"tags": "canary"})
    lines.properties({"tags": {"0": "canary"}})
    lines.properties({"scores": [1, "2", "canary", 3.5]}, scores=[1, 2, None, None])
    lines.properties(
        {"emails": [" Canary@A.example ", "canary@a.example", 5, None, {"x": "canary"}]},
        emails=[token("canary@a.example"), token("canary@a.example"), token("5"), None, None],
    )
    lines.properties(
        {"products": [{"sku": "S1", "tags": ["t1", "t2"], "name": "canary"}, {"tags": ["t3"]}, 5]},
        products_sku=["S1", None, None],
        products_tags=["t1", "t2", "t3"],
    )
    lines.properties({"products": {"sku": "canary", "tags": ["canary"]}})
    lines.properties({"grid": [["a", "b"], [], ["c"], "canary"]}, grid=["a", "b", "c"])


def _events(lines: Traps) -> None:
    lines.track({"event": ODD_EVENT, "type": " TRACK "}, event=ODD_EVENT)
    lines.track({"event": "Oncology"}, event="Visit")
    lines.track({"type": "page", "name": "Trap"}, call_type="page")
    lines.track({"type": "Screen", "name": "Trap", "traits": "canary"}, call_type="screen")
    lines.identify(
        {"traits": {"email": "Canary@B.example", "x": "canary"}}, email=token("canary@b.example")
    )
    lines.identify({"traits": None, "properties": "canary"})
    for name in ("trap", "Trap ", "Traps", "Visit", "*", "%", "Tra_", "", None):
        lines.not_sent(as_line(track(name, {"value": "canary"}, messageId=lines.next_id())))
    lines.not_sent(as_line(page(None, {"value": "canary"}, messageId=lines.next_id())))
    lines.not_sent(as_line({"type": "alias", "userId": "canary", "properties": "canary"}))


def _rejected(lines: Traps) -> None:
    lines.rejected(
        "broken_json", b'{"type":"track","event":"Trap","properties":{"value":"canary"}'
    )
    lines.rejected("broken_json", b"canary")
    lines.rejected("broken_json", b'{"type":"track","event":"Trap","userId":"raw \x00 canary"}')
    lines.rejected("broken_json", b'{"type":"track","event":"Trap"} {"userId":"canary"}')
    lines.rejected("not_utf8", b'{"type":"track","event":"Trap","userId":"\xff canary"}')
    lines.rejected("not_utf8", b'{"type":"track","event":"Trap","userId":"\xed\xa0\x80 canary"}')
    lines.rejected("not_an_object", b'["canary"]')
    lines.rejected("not_an_object", b'"canary"')
    lines.rejected("not_an_object", b"null")
    lines.rejected("missing_type", b'{"event":"Trap","userId":"canary"}')
    lines.rejected("missing_type", b'{"type":null,"userId":"canary"}')
    lines.rejected("type_not_text", b'{"type":{"canary":"track"}}')
    lines.rejected("unknown_type", b'{"type":"canary"}')
    lines.rejected("event_not_text", b'{"type":"track","event":{"diagnosis":"canary"}}')
    lines.rejected("event_not_text", b'{"type":"track","event":["Trap","canary"]}')
    lines.rejected("event_not_text", b'{"type":"track","event":42,"userId":"canary"}')
    lines.rejected("name_not_text", b'{"type":"page","name":{"first":"canary"}}')
    for odd in (b'"canary"', b'["canary"]', b"1", b"false"):
        lines.rejected(
            "properties_not_an_object",
            b'{"type":"track","event":"Trap","properties":' + odd + b"}",
        )
        lines.rejected("traits_not_an_object", b'{"type":"identify","traits":' + odd + b"}")


TRAPS = traps()
# A blank line is no call, but it counts where lines are numbered.
BLANK_AFTER = 10


@dataclass
class Built:
    """The one build of all traps, and of the shared events where they are."""

    project: Project
    run: Run
    shared: dict[str, list[bytes]]


@pytest.fixture(scope="module")
def built(new_project: Callable[..., Project]) -> Built:
    shared = {
        path.name: path.read_bytes().splitlines()
        for path in sorted(SHARED_EVENTS.glob("*.ndjson"))
    }
    feed = [
        allowed(
            "feed",
            item.property_list,
            item.path,
            item.treatment,
            normalize=item.normalize,
            data_type=item.data_type,
            column_name=item.column,
        )
        for item in FEED
    ]
    project = new_project(
        "traps",
        [
            destination("tool"),
            # Some of the shared calls say no, which the reference knows nothing of.
            destination("feed", timestamp_precision="none", honor_opt_outs="false"),
        ],
        [
            event("tool", "Trap"),
            event("tool", ODD_EVENT),
            event("tool", "Oncology", "Visit"),
            event("feed", "*"),
        ],
        [*PROPERTIES, *feed],
        views={"tool": ["events", "identifies"]},
    )
    lines = [trap.line for trap in TRAPS]
    project.write_calls([*lines[:BLANK_AFTER], b"", *lines[BLANK_AFTER:]])
    for name, content in shared.items():
        project.write_calls(content, name)
    return Built(project, project.dbt("build"), shared)


def expected_rows(view: str) -> dict[str, dict[str, object]]:
    columns = COLUMNS if view == "events" else ["email"]
    nothing = dict.fromkeys((*ENVELOPE, *columns))
    kind = {"events": "track", "identifies": "identify"}[view]
    name = "Trap" if view == "events" else None
    return {
        trap.row_id: {
            **nothing,
            "row_id": trap.row_id,
            "call_type": kind,
            "event": name,
            **trap.row,
        }
        for trap in TRAPS
        if trap.row is not None and trap.view == view
    }


def test_the_build_of_all_traps_succeeds(built: Built) -> None:
    assert built.run.exit_code == 0, built.run.output[-5000:]


@pytest.mark.parametrize("view", ["events", "identifies"])
def test_each_trap_gives_exactly_its_row(built: Built, view: str) -> None:
    published = built.project.published_rows(f"tool__{view}")
    expected = expected_rows(view)
    found = {row["row_id"]: row for row in published}
    shared = set(found) - set(expected) if view == "identifies" else set()
    different = {
        (trap.line[:200], column): (value, found[row_id].get(column))
        for row_id, row in expected.items()
        for column, value in row.items()
        for trap in TRAPS
        if trap.row_id == row_id and found[row_id].get(column) != value
    }
    assert different == {}
    assert len(published) == len(expected) + len(shared)
    assert set(found) - shared == set(expected)
    assert built.project.published_columns(f"tool__{view}") == list(next(iter(expected.values())))


def test_rejected_calls_are_kept_with_reason_file_and_line(built: Built) -> None:
    rejected = built.project.query(
        "select line_number, rejection_reason, message_bytes from main_restricted.rejected_calls "
        "where source_file like '%/calls.ndjson' order by 1"
    )
    assert rejected == [
        (place + (place > BLANK_AFTER), trap.rejected, trap.line)
        for place, trap in enumerate(TRAPS, 1)
        if trap.rejected
    ]


def test_values_that_do_not_fit_are_counted(built: Built) -> None:
    facts = built.project.manifest("tool")["views"]["tool__events"]
    counted = {column["name"]: column["values_not_fitting"] for column in facts["columns"]}
    assert {name: count for name, count in counted.items() if count} == NOT_FITTING


def test_every_line_is_counted_once(built: Built) -> None:
    calls = built.project.manifest("tool")["calls"]
    lines = [
        *(trap.line for trap in TRAPS),
        *(line for part in built.shared.values() for line in part),
    ]
    assert calls["raw"] == len(lines)
    assert calls["raw"] == calls["staged"] + calls["duplicates"] + calls["rejected"]


def _read_time(text: str | None) -> dt.datetime | None:
    try:
        time = dt.datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return time.astimezone(dt.timezone.utc).replace(tzinfo=None) if time.tzinfo else time


@pytest.mark.parametrize("view", CALL_TYPES)
def test_shared_events_are_published_as_the_reference_has_them(built: Built, view: str) -> None:
    rows = reference(built.shared, view, FEED, timestamp=_read_time).rows
    # The destination gets no times, but which delivery is the first depends on them.
    expected = {
        row_id: {**row, "timestamp": None, "received_at": None} for row_id, row in rows.items()
    }
    found = {row["row_id"]: row for row in built.project.published_rows(f"feed__{view}")}
    assert {row_id: found.get(row_id) for row_id in expected} == expected


def test_no_planted_value_is_published_or_written_by_dbt(built: Built) -> None:
    folder = built.project.published_folder()
    decoded = {
        f"{path} decoded": repr(pq.ParquetFile(path).read().to_pylist()).encode()
        for path in folder.rglob("*.parquet")
    }
    assert len({path.rpartition("/")[0] for path in decoded}) == 5
    shown = decoded | built.project.published_bytes() | built.project.written_by_dbt()
    shown["terminal"] = built.run.output.encode()
    assert sum(b"canary" in trap.line.lower() for trap in TRAPS) > 80
    assert [name for name, content in shown.items() if b"canary" in content.lower()] == []
