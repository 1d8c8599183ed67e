"""Calls as trees that keep what JSON libraries lose: repeated keys, their order, number text."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

CALL_TYPES = {
    "track": "events",
    "page": "events",
    "screen": "events",
    "identify": "identifies",
    "group": "groups",
    "alias": None,
    "merge": None,
}
"""Type of a call, and the destination view that it belongs to."""

SPELLINGS = {
    "message_id": ("messageId", "message_id"),
    "user_id": ("userId", "user_id"),
    "anonymous_id": ("anonymousId", "anonymous_id"),
    "group_id": ("groupId", "group_id"),
    "timestamp": ("timestamp",),
    "original_timestamp": ("originalTimestamp", "original_timestamp"),
    "sent_at": ("sentAt", "sent_at"),
    "received_at": ("receivedAt", "received_at"),
}
"""Keys that an envelope field may come under; the first that is there and not null counts."""

CERTAIN_DIGITS = 15
"""Significant digits that a double keeps, whatever they are."""

MOST_DIGITS = 38
"""Digits of a whole number that every engine can hold."""

IDS = ("user_id", "anonymous_id", "group_id")
OBJECTS = ("properties", "traits", "context")


_RANGES = ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F))
INVISIBLE = {0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF}.union(*(range(a, b + 1) for a, b in _RANGES))
"""Characters that nobody sees, and that copying leaves behind."""

_DIGITS = {zero + digit: str(digit) for zero in (0xFF10, 0x660, 0x6F0) for digit in range(10)} | {
    0xFF0B: "+"
}
_HYPHENS = (*range(0x2010, 0x2016), 0x2212, 0xFF0D)


class Number(str):
    """A JSON number, as the text it was written in."""


class UncertainError(ValueError):
    """Readers of JSON differ on this text, so no experiment can be made with it."""


@dataclass(frozen=True)
class Object:
    """A JSON object: its members in order, repeated keys included."""

    members: tuple[tuple[str, Any], ...]

    def first(self, key: str) -> Any:
        """Return the first member of a key, as the product does; None if there is none."""
        return next((value for name, value in self.members if name == key), None)

    def first_places(self) -> dict[str, int]:
        """Return where each key comes first."""
        places: dict[str, int] = {}
        for place, (name, _) in enumerate(self.members):
            places.setdefault(name, place)
        return places


def parse(text: str) -> Any:
    """Parse JSON text.

    Raises:
        ValueError: it is not JSON.
        UncertainError: it is, but readers differ on what it says.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=lambda pairs: Object(tuple(pairs)),
            parse_int=Number,
            parse_float=Number,
            parse_constant=_not_standard,
        )
    except RecursionError:
        raise UncertainError("nested too deeply") from None


def _not_standard(name: str) -> Any:
    raise UncertainError(f"{name} is not JSON")


def dump(value: Any) -> str:
    """Write a tree as JSON text on one line."""
    if isinstance(value, Object):
        members = (f"{json.dumps(name)}:{dump(item)}" for name, item in value.members)
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(dump, value)) + "]"
    if isinstance(value, Number):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def is_container(value: Any) -> bool:
    """Whether a value is an object or an array."""
    return isinstance(value, Object | list)


def is_text(value: Any) -> bool:
    """Whether a value is a JSON string."""
    return isinstance(value, str) and not isinstance(value, Number)


def scalar_text(value: Any) -> str | None:
    """Return the canonical text of a scalar; None for null, an object or an array.

    A number is written as ECMAScript and RFC 8785 write it, but whole numbers keep all digits.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return _number_text(value)
    return value if isinstance(value, str) else None


def _number_text(number: Number) -> str | None:
    """Return the one text of a number; None for one that engines would round or can't hold."""
    if re.fullmatch(r"-?[0-9]+", number):
        if len(number.lstrip("-")) > MOST_DIGITS:
            return None
        digits = number.lstrip("-").rstrip("0")
        if len(number.lstrip("-")) < 22 or len(digits) > CERTAIN_DIGITS:
            return "0" if number == "-0" else str(number)
    double = float(number)
    if double == 0:
        return "0"
    if not abs(double) < 1e308:
        return None
    sign, digit_values, exponent = Decimal(repr(double)).as_tuple()
    text = "".join(map(str, digit_values)).rstrip("0")
    point = len(digit_values) + int(exponent)
    minus = "-" if sign else ""
    if len(text) <= point and len(text) > CERTAIN_DIGITS:
        return None
    if len(text) <= point <= 21:
        return minus + text.ljust(point, "0")
    if 0 < point <= 21:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if text[1:] else ""
    return f"{minus}{text[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def is_blank(text: str | None) -> bool:
    """Whether there is nothing to see in a text; such a text has no token."""
    return text is None or all(
        unicodedata.category(character)[0] == "Z" or character in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"
        for character in text
    )


def normalized(text: str, normalize: str) -> str | None:
    """Bring a text to the one spelling that is masked; None where it has none."""
    if normalize.startswith("phone"):
        return _telephone_number(text, normalize == "phone(1)")
    if normalize == "email":
        text = unicodedata.normalize("NFC", without_blanks(without_invisible(text)))
        return unicodedata.normalize("NFC", _lower(text))
    return _lower(text) if normalize == "lower" else text


def without_invisible(text: str) -> str:
    """Leave out the characters that nobody sees."""
    return "".join(character for character in text if ord(character) not in INVISIBLE)


def without_blanks(text: str) -> str:
    """Leave out the blanks around a text."""
    start, end = 0, len(text)
    while start < end and is_blank(text[start]):
        start += 1
    while end > start and is_blank(text[end - 1]):
        end -= 1
    return text[start:end]


def _lower(text: str) -> str:
    # Character by character: no engine but Python knows the final sigma.
    lower = "".join(lower if len(lower := c.lower()) == 1 else "i" for c in text)
    return lower.replace("\u03c2", "\u03c3")


def _telephone_number(text: str, is_nanp: bool) -> str | None:
    plain = without_blanks(without_invisible(text)).translate(_DIGITS)
    plain = "".join(" " if unicodedata.category(c)[0] == "Z" or c == "\t" else c for c in plain)
    plain = "".join("-" if ord(c) in _HYPHENS else c for c in plain)
    plain = re.sub("^tel:", "", plain, flags=re.IGNORECASE | re.ASCII)
    labelled = r"(?:x|ext|extn|extension|#)[.:=# ]*[0-9]{1,7}"
    extension = rf"[,; ()./-]*(?:{labelled}|,[0-9]{{1,5}})[#)]?$"
    plain = re.sub(extension, "", plain, count=1, flags=re.IGNORECASE | re.ASCII)
    plain = re.sub(r"\.0$", "", plain)
    if not re.fullmatch(r"(?:\+|\(|\+\(|\(\+)?[0-9][0-9 ()./-]*", plain):
        return None
    if re.search(r"\([0 ]+\)", plain):
        return None
    number = "".join(c for c in plain if c in "0123456789+")
    prefix = re.match(r"\+|00|011" if is_nanp else r"\+|00", number)
    rest = number[len(prefix[0]) :] if prefix else number
    if not is_nanp:
        is_one = 7 <= len(rest) <= 15 and (rest[0] != "0" or (not prefix and rest[1] != "0"))
        return rest if is_one else None
    if re.fullmatch("1?[2-9][0-9]{9}", rest) and (rest[0] == "1" or not prefix):
        return "1" + rest[-10:]
    return rest if prefix and re.fullmatch("[2-9][0-9]{6,14}", rest) else None


def subkey(key: str, environment: str, scope: str) -> bytes:
    """Derive the HMAC key of a scope from 64 hexadecimal digits: HKDF-SHA-256 (RFC 5869)."""
    extracted = hmac.digest(bytes(32), bytes.fromhex(key), "sha256")
    info = f"hipaa-mode/v1/{environment}/{scope}".encode()
    return hmac.digest(extracted, info + b"\x01", "sha256").hex().encode()


def token(text: str | None, scope_key: bytes) -> str | None:
    """Make the token of a text, from the standard library alone."""
    if text is None or is_blank(text):
        return None
    return hmac.digest(scope_key, text.encode(), "sha256").hex()


@dataclass
class Call:
    """One raw line and what the product must make of it.

    Attributes:
        line: the line as it is.
        tree: the call, where the line is one.
        kind: its type; empty for a line that is rejected.
        event: name of the event, for the calls that have one.
        message_id: its text, if it has one.
        is_duplicate: whether an earlier call has the same message id.
        is_repeated: whether any other call has it.
        heard: those of its deliveries that may be the last, whose consent counts.
    """

    line: bytes
    tree: Object | None = None
    kind: str = ""
    event: str | None = None
    message_id: str | None = None
    is_duplicate: bool = False
    is_repeated: bool = False
    heard: list[Object] = field(default_factory=list)

    @property
    def view(self) -> str | None:
        """The kind of destination view the call belongs to, if it can be in one."""
        return None if self.is_duplicate else CALL_TYPES.get(self.kind)


def read_calls(lines: Iterable[bytes], is_valid: Callable[[str], bool]) -> tuple[list[Call], int]:
    """Read lines as calls, in the order in which they are delivered.

    Args:
        lines: raw lines.
        is_valid: whether the engine takes a text for JSON.

    Returns:
        The calls, and how many lines are left out because readers of JSON differ on them.
    """
    calls: list[Call] = []
    seen: set[str] = set()
    left_out = 0
    for line in lines:
        try:
            call = _read(line, is_valid)
        except UncertainError:
            left_out += 1
            continue
        if call.message_id is not None and call.kind:
            call.is_duplicate = call.message_id in seen
            seen.add(call.message_id)
        calls.append(call)
    _note_deliveries(calls)
    return calls, left_out


def _note_deliveries(calls: Iterable[Call]) -> None:
    """Note with the first delivery of each call those that may be the last.

    That is the one received last; where that can't be told, each of those that it may be.
    """
    by_id: dict[str, list[Call]] = {}
    for call in calls:
        if call.kind:
            call.heard = [call.tree] if call.tree is not None else []
            if call.message_id is not None:
                by_id.setdefault(call.message_id, []).append(call)
    for deliveries in by_id.values():
        if len(deliveries) == 1:
            continue
        times = [_received_at(call) for call in deliveries]
        last = max((time for time in times if time is not None), default=None)
        heard = [
            call.tree
            for call, time in zip(deliveries, times, strict=True)
            if call.tree is not None and time in (None, last)
        ]
        for call in deliveries:
            call.heard, call.is_repeated = heard, True


def _received_at(call: Call) -> dt.datetime | None:
    text = scalar_text(winner(call.tree, "received_at")) if call.tree else None
    try:
        time = dt.datetime.fromisoformat(text.strip() if text else "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=dt.timezone.utc)


def _read(line: bytes, is_valid: Callable[[str], bool]) -> Call:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return Call(line)
    try:
        tree = parse(text)
    except UncertainError:
        raise
    except ValueError:
        tree = None
        if is_valid(text):
            raise UncertainError("only one reader takes it for JSON") from None
        return Call(line)
    if not is_valid(text):
        return Call(line)
    _check_numbers(tree)
    if not isinstance(tree, Object) or rejection(tree):
        return Call(line, tree if isinstance(tree, Object) else None)
    kind = str(tree.first("type")).strip(" ").lower()
    name = {"track": tree.first("event"), "page": tree.first("name"), "screen": tree.first("name")}
    event = name.get(kind)
    if is_blank(event):
        event = kind if kind in ("page", "screen") else None
    message_id = scalar_text(winner(tree, "message_id"))
    return Call(line, tree, kind, event, None if is_blank(message_id) else message_id)


def _check_numbers(value: Any) -> None:
    if isinstance(value, Number):
        _number_text(value)
    elif isinstance(value, Object):
        for _, item in value.members:
            _check_numbers(item)
    elif isinstance(value, list):
        for item in value:
            _check_numbers(item)


def winner(tree: Object, field: str) -> Any:
    """Return an envelope field: of its spellings the first that is there and not null."""
    values = (tree.first(spelling) for spelling in SPELLINGS[field])
    return next((value for value in values if value is not None), None)


def rejection(tree: Object) -> str:
    """Say why an object can't be used as a call; empty if it can."""
    kind = tree.first("type")
    if kind is None:
        return "missing_type"
    if not is_text(kind):
        return "type_not_text"
    kind = kind.strip(" ").lower()
    if kind not in CALL_TYPES:
        return "unknown_type"
    view = CALL_TYPES[kind]
    root = {"events": "properties", "identifies": "traits", "groups": "traits"}.get(view or "")
    if root and not isinstance(tree.first(root), Object | None):
        return f"{root}_not_an_object"
    name: Mapping[str, str] = {"track": "event", "page": "name", "screen": "name"}
    value = tree.first(name[kind]) if kind in name else None
    return "" if value is None or is_text(value) else f"{name[kind]}_not_text"


def content_keys(messages: Iterable[str]) -> list[str]:
    """Return the key that stands for the message id of each call without one."""
    times: dict[str, int] = {}
    keys = []
    for message in messages:
        digest = hashlib.sha256(message.encode()).hexdigest()
        times[digest] = times.get(digest, 0) + 1
        keys.append(f"content:{digest}:{times[digest]}")
    return keys
