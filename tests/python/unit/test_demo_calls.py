"""The invented traffic is repeatable, as messy as promised and safe where promised."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path

import pytest

import demo_stories
from demo_calls import (
    MESS_KINDS,
    generate_calls,
    generate_clean_calls,
    write_calls,
)

PINNED_SHA256 = "a8732396d153a02b7e7da13686a06a5ec433bff23568b33fd37055b86b9dbf49"
PINNED_CLEAN_SHA256 = "98fdefc326f087fc3628f412516de717daf365301969ad098f9593b95e2281da"
REPOSITORY = Path(__file__).parents[3]
CALL_TYPES = {"track", "page", "screen", "identify", "group", "alias"}


class Members(dict[str, object]):
    """A JSON object that also remembers every (key, value) pair, repeats included."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


@dataclass(frozen=True)
class Line:
    """A generated line and, when it is JSON, what it says."""

    raw: bytes
    value: object

    @property
    def call(self) -> Members:
        return self.value if isinstance(self.value, Members) else Members([])

    @property
    def properties(self) -> Members:
        found = self.call.get("properties")
        return found if isinstance(found, Members) else Members([])

    @property
    def is_json(self) -> bool:
        return self.value is not None

    def is_type(self, kind: str) -> bool:
        return self.call.get("type") == kind


def parse(raw: bytes) -> Line:
    try:
        return Line(raw, json.loads(raw.decode(), object_pairs_hook=Members))
    except ValueError:
        return Line(raw, None)


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return [parse(raw) for raw in generate_calls(5000)]


def digest(calls: Iterator[bytes]) -> str:
    return hashlib.sha256(b"\n".join(calls)).hexdigest()


def moment(text: object) -> datetime:
    assert isinstance(text, str)
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def objects_within(value: object) -> Iterator[Members]:
    if isinstance(value, Members):
        yield value
        for _, inner in value.pairs:
            yield from objects_within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects_within(inner)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 0


# ------------------------------------------------------------------------- repeatability


@pytest.mark.parametrize("generate", [generate_calls, generate_clean_calls])
def test_same_arguments_give_same_bytes(generate: Callable[[int, int], Iterator[bytes]]) -> None:
    assert digest(generate(1500, 3)) == digest(generate(1500, 3))
    assert digest(generate(1500, 3)) != digest(generate(1500, 4))


def test_bytes_are_pinned() -> None:
    assert digest(generate_calls(200, seed=7)) == PINNED_SHA256
    assert digest(generate_clean_calls(200, seed=7)) == PINNED_CLEAN_SHA256


@pytest.mark.parametrize("generate", [generate_calls, generate_clean_calls])
@pytest.mark.parametrize("count", [0, 1, 2, 9, 250, 5003])
def test_exact_count(generate: Callable[[int], Iterator[bytes]], count: int) -> None:
    found = list(generate(count))
    assert len(found) == count
    assert all(line.strip() and b"\n" not in line for line in found)


def test_a_long_stream_starts_at_once() -> None:
    assert len(list(islice(generate_calls(10_000_000), 3))) == 3
    assert len(list(islice(generate_clean_calls(10_000_000), 3))) == 3


def test_written_file_holds_the_generated_lines(tmp_path: Path) -> None:
    plain, packed, again = (tmp_path / name for name in ("a.json", "b.json.gz", "c.json.gz"))
    for path in (plain, packed, again):
        path.write_bytes(b"an older file")
        write_calls(path, 300, seed=11)
    expected = b"".join(line + b"\n" for line in generate_calls(300, seed=11))
    assert plain.read_bytes() == expected
    assert gzip.decompress(packed.read_bytes()) == expected
    assert packed.read_bytes() == again.read_bytes()
    assert packed.read_bytes()[3:8] == bytes(5), "no flags (file name) and no time"
    assert sorted(tmp_path.iterdir()) == [plain, packed, again]


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_count: int, _seed: int) -> Iterator[bytes]:
        yield b"{}"
        raise RuntimeError("stopped")

    path = tmp_path / "calls.json"
    path.write_bytes(b"kept")
    monkeypatch.setattr("demo_calls.generate_calls", fail)
    with pytest.raises(RuntimeError, match="stopped"):
        write_calls(path, 10)
    assert path.read_bytes() == b"kept"
    assert list(tmp_path.iterdir()) == [path]


# ---------------------------------------------------------------------------------- mess


def is_late(line: Line) -> bool:
    if not {"receivedAt", "timestamp"} <= line.call.keys():
        return False
    waited = moment(line.call["receivedAt"]) - moment(line.call["timestamp"])
    return waited.days >= 2


def has_id(line: Line, test: Callable[[object], bool]) -> bool:
    return any(test(line.call.get(key)) for key in ("messageId", "userId", "anonymousId"))


def has_key(key: str) -> Callable[[Line], bool]:
    return lambda line: key in line.properties


def has_null(line: Line) -> bool:
    return any(value is None for value in line.properties.values())


def has_repeated_key_with_email(line: Line) -> bool:
    for found in objects_within(line.value):
        seen: set[str] = set()
        for key, value in found.pairs:
            if key in seen and "@" in str(value):
                return True
            seen.add(key)
    return False


def is_track_with_event(test: Callable[[object], bool]) -> Callable[[Line], bool]:
    return lambda line: line.is_type("track") and test(line.call.get("event", "missing"))


def properties_are(kind: type | tuple[type, ...]) -> Callable[[Line], bool]:
    return lambda line: isinstance(line.call.get("properties"), kind)


def is_broken_object(line: Line) -> bool:
    return not line.is_json and line.raw.startswith(b"{") and is_utf8(line)


def is_utf8(line: Line) -> bool:
    try:
        line.raw.decode()
    except UnicodeDecodeError:
        return False
    return True


# How each kind shows from the outside. Repeats need the whole stream; see below.
SIGNS: dict[str, Callable[[Line], bool]] = {
    "late": is_late,
    "carriage_return": lambda line: line.raw.endswith(b"\r"),
    "missing_message_id": lambda line: (
        "type" in line.call and not {"messageId", "message_id"} & line.call.keys()
    ),
    "empty_ids": lambda line: has_id(line, lambda found: found == ""),
    "blank_ids": lambda line: has_id(
        line, lambda found: isinstance(found, str) and found != "" and not found.strip()
    ),
    "numeric_ids": lambda line: isinstance(line.call.get("anonymousId"), int),
    "padded_ids": lambda line: has_id(
        line, lambda found: isinstance(found, str) and bool(re.fullmatch(r" \S+ ", found))
    ),
    "snake_case_envelope": lambda line: {"message_id", "received_at"} <= line.call.keys(),
    "null_properties": lambda line: line.call.get("properties", "") is None,
    "null_values": has_null,
    "empty_objects": lambda line: (
        line.call.get("properties") == {} or line.properties.get("address") == {}
    ),
    "properties_array": properties_are(list),
    "properties_string": properties_are(str),
    "properties_number": properties_are((int, float)),
    "traits_not_object": lambda line: (
        "traits" in line.call and not isinstance(line.call["traits"], dict)
    ),
    "type_case_track": lambda line: line.call.get("type") in {"Track", "TRACK", " TRACK "},
    "type_case_identify": lambda line: line.call.get("type") in {"Identify", "IDENTIFY"},
    "unknown_type": lambda line: line.is_type("pageleave"),
    "missing_type": lambda line: "messageId" in line.call and "type" not in line.call,
    "event_number": is_track_with_event(lambda event: isinstance(event, (int, float))),
    "event_object": is_track_with_event(lambda event: isinstance(event, dict)),
    "event_null": is_track_with_event(lambda event: event is None),
    "event_missing": is_track_with_event(lambda event: event == "missing"),
    "key_star": has_key("*"),
    "key_dot": has_key("a.b"),
    "key_apostrophe": has_key("it's"),
    "key_quotes": has_key('say "hi"'),
    "key_dollar": has_key("$special"),
    "key_case_pair": lambda line: {"Email", "email"} <= line.properties.keys(),
    "key_drop_table": has_key("drop table"),
    "key_envelope_names": lambda line: {"user_id", "event"} <= line.properties.keys(),
    "key_emoji": lambda line: any("🩺" in key for key in line.properties),
    "key_very_long": lambda line: any(len(key) > 255 for key in line.properties),
    "duplicate_keys": has_repeated_key_with_email,
    "big_integer": lambda line: any(
        isinstance(value, int) and value > 2**53 for value in line.properties.values()
    ),
    "raw_floats": lambda line: b'"price":1.10,' in line.raw and b":1e2" in line.raw,
    "deep_nesting": lambda line: depth(line.properties) >= 6,
    "array_of_objects": has_key("dependents"),
    "sha256_like": lambda line: any(
        re.fullmatch(r"[0-9a-fA-F]{64}", str(value)) for value in line.properties.values()
    ),
    "nul_escape": lambda line: rb"\u0000" in line.raw,
    "truncated_line": is_broken_object,
    "array_line": lambda line: isinstance(line.value, list),
    "empty_object_line": lambda line: line.raw == b"{}",
    "text_line": lambda line: not line.is_json and not line.raw.startswith(b"{"),
    "invalid_utf8": lambda line: not is_utf8(line),
    "huge_line": lambda line: len(line.raw) > 300_000,
}


def test_every_kind_has_a_sign() -> None:
    assert SIGNS.keys() | {"exact_duplicate", "redelivery"} == set(MESS_KINDS)
    assert len(set(MESS_KINDS)) == len(MESS_KINDS)


@pytest.mark.parametrize("kind", SIGNS)
def test_every_kind_occurs_twice(lines: list[Line], kind: str) -> None:
    assert sum(map(SIGNS[kind], lines)) >= 2


def test_huge_lines_only_in_long_streams(lines: list[Line]) -> None:
    assert sum(map(SIGNS["huge_line"], lines)) == 2
    assert max(map(len, generate_calls(4999))) < 10_000


def test_repeats_occur(lines: list[Line]) -> None:
    copies = Counter(line.raw for line in lines if "messageId" in line.call)
    assert sum(times > 1 for times in copies.values()) >= 2
    received: dict[object, set[object]] = {}
    for line in lines:
        if isinstance(found := line.call.get("messageId"), str) and found.strip():
            received.setdefault(found, set()).add(line.call.get("receivedAt"))
    assert sum(len(times) > 1 for times in received.values()) >= 2


def test_mess_is_a_few_percent(lines: list[Line]) -> None:
    repeats = len(lines) - len({line.call.get("messageId", line.raw) for line in lines})
    messy = sum(any(sign(line) for sign in SIGNS.values()) for line in lines)
    assert 0.02 < (messy + repeats) / len(lines) < 0.08


def test_every_call_type_occurs(lines: list[Line]) -> None:
    types = Counter(line.call.get("type") for line in lines)
    assert all(types[kind] > 50 for kind in CALL_TYPES)
    assert types["track"] > len(lines) / 2


def test_times_stay_in_the_window(lines: list[Line]) -> None:
    first = datetime(2026, 1, 5, tzinfo=timezone.utc)
    last = datetime(2026, 3, 30, tzinfo=timezone.utc)
    beyond = []
    for line in lines:
        for key in ("timestamp", "originalTimestamp", "sentAt", "receivedAt"):
            if key in line.call and not first <= moment(line.call[key]) < last:
                beyond.append((line.call["userId"], key))
    # The phone whose clock is a year ahead.
    assert beyond == [("patient-9006", "originalTimestamp"), ("patient-9006", "sentAt")]


def test_a_long_stream_has_each_call_of_the_stories_once(lines: list[Line]) -> None:
    def of(call: demo_stories.Object) -> demo_stories.Object:
        times = ("timestamp", "originalTimestamp", "sentAt", "receivedAt", "messageId")
        return {key: value for key, value in call.items() if key not in times}

    told = [line.call for line in lines if line.call.get("messageId") in STORY_IDS]
    assert [of(call) for call in told] == [story.call for story in demo_stories.STORIES]
    ids = Counter(call["messageId"] for call in told)
    assert sorted(ids.values()) == [1] * (len(told) - 2) + [2]
    late = [call for call in told if "timestamp" in call and waited(call).days == 1]
    assert [call["userId"] for call in late] == ["patient-9005"]
    assert not any("patient-9" in raw.decode(errors="ignore") for raw in generate_calls(4999))


STORY_IDS = {
    demo_stories.story_call(number, datetime(2026, 3, 1))["messageId"]
    for number in range(len(demo_stories.STORIES))
}


def waited(call: Members) -> timedelta:
    return moment(call["sentAt"]) - moment(call["timestamp"])


def test_the_committed_calls_are_those_of_the_generator() -> None:
    for environment, count, seed in (("dev", 6000, 2026), ("prod", 5000, 2027)):
        file = REPOSITORY / f"demo/raw_calls/{environment}/portal.ndjson.gz"
        assert gzip.decompress(file.read_bytes()) == b"".join(
            line + b"\n" for line in generate_calls(count, seed)
        )


def test_the_person_who_is_deleted_is_on_the_demos_list() -> None:
    listed = (REPOSITORY / "seeds/suppressed_users.csv").read_text("utf-8")
    assert f"\n*,{demo_stories.DELETED_USER}," in listed


# ------------------------------------------------------------------ values that stay safe

SAFE_PROPERTIES = {
    "plan", "plan_tier", "clinic_id", "clinic_name", "department", "appointment_type",
    "specialty", "currency", "coupon", "results_count", "form_id", "conversion_label",
    "$gclid", "gclid", "utm.source", "duration_seconds", "is_new_patient",
    "preferred_language",
}  # fmt: skip
SAFE_GROUP_TRAITS = {"industry", "plan", "state", "employees"}
EMAIL = re.compile(r"\S@\S")
PHONE = re.compile(r"\+\d{7}|\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}|\b\d{3}[ .-]\d{4}\b|\d{7}")
SSN = re.compile(r"\d{3}[ -]?\d{2}[ -]?\d{4}")
CARD = re.compile(r"(?:\d[ -]?){12,18}\d")


def passes_luhn(digits: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + index % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def looks_identifying(value: object) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    cards = (re.sub(r"\D", "", found) for found in CARD.findall(text))
    return bool(EMAIL.search(text) or PHONE.search(text) or SSN.search(text)) or any(
        map(passes_luhn, cards)
    )


def inner(parent: Members, key: str) -> Members:
    found = parent.get(key)
    return found if isinstance(found, Members) else Members([])


def safe_values(line: Line) -> Iterator[tuple[str, object]]:
    for section in ("properties", "traits"):
        for key, value in inner(line.call, section).pairs:
            if key in SAFE_PROPERTIES:
                yield key, value
    if line.is_type("group"):
        for key, value in inner(line.call, "traits").pairs:
            if key in SAFE_GROUP_TRAITS:
                yield f"group {key}", value
    products = line.properties.get("products")
    for product in products if isinstance(products, list) else []:
        yield "products[].sku", product["sku"]
    context = inner(line.call, "context")
    for key, value in inner(context, "campaign").pairs + inner(context, "library").pairs:
        yield key, value
    for key in ("locale",):
        yield key, context.get(key)
    yield "device.type", inner(context, "device").get("type")


@pytest.mark.parametrize(
    "value", ["a@example.com", "(312) 555-0142", "+13125550142", "900-12-3456", "4" + "1" * 15]
)
def test_the_check_would_notice(value: str) -> None:
    assert looks_identifying({"found": value})


def test_safe_values_never_look_identifying(lines: list[Line]) -> None:
    found = [pair for line in lines for pair in safe_values(line)]
    assert {key for key, value in found if value is not None} >= SAFE_PROPERTIES
    assert [pair for pair in found if looks_identifying(pair[1])] == []


def test_searches_sometimes_hold_identifiers(lines: list[Line]) -> None:
    queries = [line.properties["query"] for line in lines if "query" in line.properties]
    assert 10 < sum(map(looks_identifying, queries)) < len(queries) / 4


def test_addresses_are_reserved(lines: list[Line]) -> None:
    text = b"\n".join(line.raw for line in lines).lower()
    assert set(re.findall(rb"@([a-z.-]+\.[a-z]+)", text)) <= {
        b"example.com",
        b"example.org",
        b"example.net",
    }
    for line in lines:
        phone = line.properties.get("phone")
        if isinstance(phone, str):
            assert re.search(r"555-?01\d\d$", phone)
        address = inner(line.call, "context").get("ip", "192.0.2.1")
        assert str(address).startswith(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:"))


# --------------------------------------------------------------------- benchmark traffic


def test_clean_calls_are_clean() -> None:
    found = list(generate_clean_calls(20_000))
    assert 250 <= sum(map(len, found)) / len(found) <= 350
    calls = [json.loads(line, object_pairs_hook=Members) for line in found]
    assert len({call["messageId"] for call in calls}) == len(calls)
    types = Counter(call["type"] for call in calls)
    assert types["track"] > 0.85 * len(calls)
    assert types.keys() == CALL_TYPES - {"alias"}
    people = {call["userId"] for call in calls}
    assert 0.09 <= len(people) / len(calls) <= 0.11
    for line, call in zip(found, calls, strict=True):
        values = call.get("properties", call.get("traits"))
        assert len(values.pairs) == len(values) >= 8
        assert call["type"] == "group" or {"email", "phone", "member_id"} <= values.keys()
        assert json.dumps(call, ensure_ascii=False, separators=(",", ":")).encode() == line
