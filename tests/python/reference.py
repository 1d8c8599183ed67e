"""A second, plain implementation of what a build publishes.

It follows DESIGN.md and the descriptions of the seeds, not the project's SQL.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from project import CALL_TYPES, token

from hipaa_mode.selftest import messages


@dataclass(frozen=True)
class Property:
    """A property that a destination may receive: a row of allowed_properties."""

    property_list: str
    steps: tuple[str, ...]
    column: str
    treatment: str = "allow"
    normalize: str = "none"
    data_type: str = "text"
    event: str | None = None

    @property
    def path(self) -> str:
        """The path with every name quoted; `[]` among the steps goes into an array."""
        text = ""
        for step in self.steps:
            quoted = '"' + step.replace('"', '""') + '"'
            text += step if step == "[]" else ("." if text else "") + quoted
        return text

    @property
    def is_list(self) -> bool:
        return "[]" in self.steps


@dataclass
class Reference:
    """What a destination must receive in one view, and what becomes of the other lines."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    not_fitting: Counter[str] = field(default_factory=Counter)
    rejected: list[tuple[str, int, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    namesakes: int = 0


FREE_TEXT = ("text", "json")


class Number(str):
    """A JSON number as its canonical text."""


@dataclass(frozen=True)
class WithoutText:
    """A JSON number that has no canonical text."""

    digits: str


FIELDS = {
    "type": ("type",),
    "message_id": ("messageId", "message_id"),
    "user_id": ("userId", "user_id"),
    "anonymous_id": ("anonymousId", "anonymous_id"),
    "group_id": ("groupId", "group_id"),
    "timestamp": ("timestamp",),
    "original_timestamp": ("originalTimestamp", "original_timestamp"),
    "sent_at": ("sentAt", "sent_at"),
    "received_at": ("receivedAt", "received_at"),
}
KEYS = ["type", "event", "name", "properties", "traits", "context", "integrations", "consent"]
KEYS += ["previousId", "previous_id", "mergeProperties", "merge_properties"]
KEYS += [spelling for spellings in FIELDS.values() for spelling in spellings]
PLACEHOLDERS = {
    *("null", "(null)", "nil", "none", "undefined", "unknown", "nan", "n/a", "0", "false", "true"),
    *("anonymous", "[object object]", "0" * 32, "00000000-0000-0000-0000-000000000000"),
}
ROOTS = {"event": "properties", "user": "traits", "group": "traits", "context": "context"}
LISTS = {"events": "event", "identifies": "user", "groups": "group"}


def reference(
    files: Mapping[str, Sequence[bytes]],
    view: str,
    properties: Iterable[Property],
    events: Mapping[str, str] | None = None,
    timestamp: Callable[[str | None], dt.datetime | None] = lambda text: None,
) -> Reference:
    """Build one view from the lines of the raw files.

    Args:
        files: lines of each file.
        view: events, identifies or groups.
        properties: what may be received; rows of other property lists are passed over.
        events: event names allowed and what they are sent as; None allows all.
        timestamp: reads a time as the destination gets it.
    """
    result = Reference()
    wanted = [item for item in properties if item.property_list in (LISTS[view], "context")]
    copies: Counter[str] = Counter()
    repeated: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {}
    for name in sorted(files, key=_natural):
        for line_number, line in enumerate(files[name], 1):
            text, call, reason = _read(line)
            if reason == "blank":
                continue
            result.counts["raw"] += 1
            if reason:
                result.rejected.append((name, line_number, reason))
                result.counts["rejected"] += 1
                continue
            key = _id(call, "message_id")
            if key is not None:
                order = (*_order(call, timestamp), _natural(name), line_number)
                repeated.setdefault(key, []).append((order, call))
                continue
            digest = hashlib.sha256(text.encode()).hexdigest()
            copies[digest] += 1
            result.counts["staged"] += 1
            key = f"content:{digest}:{copies[digest]}"
            _add_row(result, call, key, view, wanted, events, timestamp)
    for message_id, deliveries in repeated.items():
        seen: set[tuple[str | None, ...]] = set()
        for _, call in sorted(deliveries, key=lambda delivery: delivery[0]):
            ids = [_id(call, name) for name in ("user_id", "anonymous_id", "group_id")]
            identity = (_kind(call), *ids)
            if identity in seen:
                result.counts["duplicates"] += 1
                continue
            parts = [
                message_id,
                _kind(call),
                *("" if item is None else f"={item}" for item in ids),
            ]
            digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
            key = f"call:{digest}" if seen else message_id
            result.namesakes += bool(seen)
            seen.add(identity)
            result.counts["staged"] += 1
            _add_row(result, call, key, view, wanted, events, timestamp)
    return result


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """What names are sorted by so that `9` comes before `10`."""
    parts = re.findall("[0-9]+|[^0-9]+", name)
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _order(
    call: dict[str, Any], timestamp: Callable[[str | None], dt.datetime | None]
) -> tuple[object, ...]:
    times = (_event_time(call, timestamp), _time(call, "received_at", timestamp))
    return tuple(item for time in times for item in (time is None, time or dt.datetime.min))


def _add_row(
    result: Reference,
    call: dict[str, Any],
    key: str,
    view: str,
    properties: Sequence[Property],
    events: Mapping[str, str] | None,
    timestamp: Callable[[str | None], dt.datetime | None],
) -> None:
    kind = _kind(call)
    name = _event(call, kind)
    if kind not in CALL_TYPES[view]:
        return
    if view == "events" and events is not None and name not in events:
        return
    row: dict[str, Any] = {
        "row_id": token(key),
        "call_type": kind,
        "event": name if events is None or name is None else events[name],
        "timestamp": _event_time(call, timestamp),
        "received_at": _time(call, "received_at", timestamp),
    }
    for column in ("user_id", "anonymous_id", "group_id"):
        row[column] = _masked(_id(call, column))
    for item in properties:
        if item.event is not None and item.event != name:
            row.setdefault(item.column, None)
            continue
        found = _find(call.get(ROOTS[item.property_list]), item.steps)
        values = found if item.is_list else [found]
        treated = [_treated(value, item) for value in values or []]
        fitting = sum(value is not None for value in treated)
        result.not_fitting[item.column] += (
            sum(value is not None for value in values or []) - fitting
        )
        row[item.column] = (None if values is None else treated) if item.is_list else treated[0]
    result.rows[row["row_id"]] = row


def why_rejected(line: bytes) -> str:
    """Why a line can't be used, as a call; empty where it can."""
    return _read(line)[2]


def _read(line: bytes) -> tuple[str, dict[str, Any], str]:
    """A line as text, as a call, and why it can't be used (empty where it can)."""
    try:
        text = line.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        return "", {}, "not_utf8"
    if not text.strip():
        return "", {}, "blank"
    try:
        call = json.loads(
            text,
            object_pairs_hook=Members,
            parse_int=_whole_number,
            parse_float=lambda digits: _number(float(digits)),
        )
    except ValueError:
        return "", {}, "broken_json"
    if not isinstance(call, dict):
        return "", {}, "not_an_object"
    call = _with_usual_keys(_without_halves(call).members)
    return text, call, _why_rejected(call)


_NO_CHARACTER = "[\x00\ud800-\udfff]"


def _without_halves(value: Any) -> Any:
    """A text with half of a character, or the character 0, is null; a key keeps a mark of it."""
    if _is_text(value):
        return None if re.search(_NO_CHARACTER, value) else value
    if isinstance(value, list):
        return [_without_halves(item) for item in value]
    if isinstance(value, Members):
        return Members(
            (re.sub(_NO_CHARACTER, "\ufffd", name), _without_halves(item))
            for name, item in value.members
        )
    return value


def _with_usual_keys(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """The call with other spellings of a key under the usual one, unless that says something."""
    others = [(name, value) for name, value in members if _usual_key(name) not in (None, name)]
    usual: dict[str, Any] = {}
    for name, value in members:
        is_left_out = bool(others) and _usual_key(name) is not None and _is_empty(value)
        if not is_left_out and _usual_key(name) in (None, name):
            usual.setdefault(name, value)
    for name, value in others:
        if not _is_empty(value):
            usual.setdefault(str(_usual_key(name)), value)
    for key in ("integrations", "consent", "context") if others else ():
        # What says where a call may go is unreadable where its spellings differ.
        said = [value for name, value in members if _usual_key(name) == key]
        if key == "context":
            said = [value for value in said if not _is_empty(value)]
        telling = [value for value in said if value not in ({}, {"All": True})]
        if telling:
            usual[key] = telling[0] if all(value == telling[0] for value in telling) else ""
    return usual


def _usual_key(name: str) -> str | None:
    """The key that a name is a spelling of: itself, or the one in snake case."""
    folded = re.sub("[_ -]", "", name).lower()
    usual = [key for key in KEYS if key.replace("_", "").lower() == folded]
    return name if name in KEYS else usual[-1] if usual else None


def _why_rejected(call: dict[str, Any]) -> str:
    if call.get("type") is None:
        return "missing_type"
    if not _is_text(call["type"]):
        return "type_not_text"
    kind = _kind(call)
    if kind not in ("track", "page", "screen", "identify", "group", "alias"):
        return "unknown_type"
    for root, kinds in {
        "properties": ("track", "page", "screen"),
        "traits": ("identify", "group"),
    }.items():
        content = call.get(root)
        if kind in kinds and not _is_empty(content) and not isinstance(content, dict):
            return f"{root}_not_an_object"
    for name, kinds in {"event": ("track",), "name": ("page", "screen")}.items():
        if kind in kinds and call.get(name) is not None and not _is_text(call[name]):
            return f"{name}_not_text"
    return ""


class Members(dict[str, Any]):
    """An object, in which the first of members with one name counts; and all of them."""

    def __init__(self, members: Iterable[tuple[str, Any]]) -> None:
        super().__init__()
        self.members = list(members)
        for name, value in self.members:
            self.setdefault(name, value)


def _whole_number(digits: str) -> Number | WithoutText:
    """A whole number as its digits, or as ECMAScript has it where no digit is lost by that."""
    length, significant = len(digits.lstrip("-")), len(digits.strip("-").rstrip("0"))
    if length > 38:
        return WithoutText(digits)
    is_long = length > 21 and significant <= 15
    return Number(number_text(float(digits)) if is_long or digits == "-0" else digits)


def _number(number: float) -> Number | WithoutText:
    """A number as the text of its double; without one where a digit may be lost."""
    if abs(number) >= 1e308:
        return WithoutText(repr(number))
    text = number_text(number)
    digits = text.lstrip("-").partition("e")[0].replace(".", "").strip("0")
    is_whole = number == int(number)
    return WithoutText(repr(number)) if is_whole and len(digits) > 15 else Number(text)


def number_text(number: float) -> str:
    """A double as ECMAScript (Number::toString) and RFC 8785 write it."""
    if number == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    point = len(digits) + int(exponent)
    minus = "-" if sign else ""
    if len(text) <= point <= 21:
        return minus + text.ljust(point, "0")
    if 0 < point <= 21:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if text[1:] else ""
    return f"{minus}{text[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, Number)


def _kind(call: dict[str, Any]) -> str:
    return str(call["type"]).strip(" ").lower()


def _event(call: dict[str, Any], kind: str) -> str | None:
    if kind == "track":
        return _not_blank(call.get("event"))
    if kind in ("page", "screen"):
        properties = call.get("properties")
        of_page = properties.get("name") if isinstance(properties, dict) else None
        names = [call.get("name"), of_page, call.get("event"), kind]
        return next(name for name in names if _is_text(name) and _not_blank(name))
    return None


def _time(
    call: dict[str, Any], name: str, timestamp: Callable[[str | None], dt.datetime | None]
) -> dt.datetime | None:
    times = (timestamp(_scalar(call.get(spelling))) for spelling in FIELDS[name])
    return next((time for time in times if time is not None), None)


def _event_time(
    call: dict[str, Any], timestamp: Callable[[str | None], dt.datetime | None]
) -> dt.datetime | None:
    happened, original, sent, received = (
        _time(call, name, timestamp)
        for name in ("timestamp", "original_timestamp", "sent_at", "received_at")
    )
    if happened is None and original and sent and received:
        return received - (sent - original)
    return happened or original or sent or received


def _id(call: dict[str, Any], name: str) -> str | None:
    texts = (_not_blank(_scalar(call.get(spelling))) for spelling in FIELDS[name])
    return next((text for text in texts if text is not None and not _is_placeholder(text)), None)


def _is_placeholder(text: str) -> bool:
    while _not_blank(text[0]) is None:
        text = text[1:]
    while _not_blank(text[-1]) is None:
        text = text[:-1]
    return text.lower() in PLACEHOLDERS


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or (_is_text(value) and _not_blank(value) is None)


def _scalar(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else None


def _not_blank(text: str | None) -> str | None:
    def is_blank(character: str) -> bool:
        return (
            unicodedata.category(character)[0] == "Z"
            or character in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"
        )

    return None if text is None or all(map(is_blank, text)) else text


def _find(value: Any, steps: Sequence[str]) -> Any:
    """What is at a path: a value, or a list of them where the path goes into an array."""
    for place, step in enumerate(steps):
        if step == "[]":
            if not isinstance(value, list):
                return None
            rest = steps[place + 1 :]
            found = [_find(element, rest) for element in value]
            return [item for part in found for item in part or []] if "[]" in rest else found
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _treated(value: Any, item: Property) -> Any:
    text = _scalar(value)
    if text is None:
        return None
    if item.treatment == "mask":
        return _masked(_normalized(text, item.normalize))
    return _typed(text, item.data_type)


def _masked(text: str | None) -> str | None:
    present = _not_blank(text)
    return None if present is None else token(present)


def _normalized(text: str, normalize: str) -> str | None:
    if normalize.startswith("phone"):
        # What telephone numbers become is in docs/values.md; of these strings few are any.
        return messages.normalized(text, normalize)
    if normalize == "email":
        invisible = "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
        text = _without_blanks(re.sub(invisible, "", text))
        text = unicodedata.normalize("NFC", text)
    if normalize in ("email", "lower"):
        # Character by character: no engine but Python knows the final sigma.
        text = "".join(lower if len(lower := c.lower()) == 1 else "i" for c in text)
        text = text.replace("\u03c2", "\u03c3")
    return unicodedata.normalize("NFC", text) if normalize == "email" else text


def _without_blanks(text: str) -> str:
    while text and _not_blank(text[0]) is None:
        text = text[1:]
    while text and _not_blank(text[-1]) is None:
        text = text[:-1]
    return text


def _typed(text: str, data_type: str) -> Any:
    if data_type != "text":
        text = _without_blanks(text)
    if data_type == "integer":
        whole = int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else None
        return whole if whole is not None and -(2**63) <= whole < 2**63 else None
    if data_type == "number":
        is_number = re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text)
        number = float(text) if is_number else math.inf
        return number if math.isfinite(number) else None
    if data_type == "boolean":
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        return words.get(text.lower())
    return text
