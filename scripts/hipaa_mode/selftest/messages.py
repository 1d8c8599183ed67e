"""Calls as trees that keep what JSON libraries lose: repeated keys, their order, number text.

A second reading of calls, apart from hipaa_mode.calls and the macros on purpose.
"""

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

_PLAIN_FROM = dt.datetime(2001, 1, 1, tzinfo=dt.timezone.utc)
"""Times before it may not count; a project says from when on they do."""

IDS = ("user_id", "anonymous_id", "group_id")
OBJECTS = ("properties", "traits", "context")

ROUTED = ("integrations", "consent", "context")
"""Keys that say where a call may go: all their spellings count."""

KEYS = {
    *("type", "event", "name", *OBJECTS, "integrations", "consent"),
    *("previousId", "previous_id", "mergeProperties", "merge_properties"),
    *(key for keys in SPELLINGS.values() for key in keys),
}
_FOLDED = {re.sub("[_ -]", "", key).lower(): key for key in sorted(KEYS)}
"""By how all its spellings are folded, a key that the product reads: the one with `_`, if any."""

PLACEHOLDERS = frozenset(
    (
        *("null", "(null)", "nil", "none", "undefined", "unknown", "nan", "n/a", "0", "false"),
        *(
            "true",
            "anonymous",
            "[object object]",
            "00000000-0000-0000-0000-000000000000",
            "0" * 32,
        ),
    )
)
"""What senders write for an id that they do not have; the experiment's builds go by this list."""


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


UNRESTRICTED = (Object(()), Object((("All", True),)))
"""What an object of tools is that forbids nothing."""


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
        is_repeated: whether other calls have the same message id.
        is_duplicate: whether it is a later delivery of the same call.
        key: what its row id is a token of, if it has a message id.
        heard: those of its deliveries that may be the last, whose consent counts.
    """

    line: bytes
    tree: Object | None = None
    kind: str = ""
    event: str | None = None
    message_id: str | None = None
    is_repeated: bool = False
    is_duplicate: bool = False
    heard: list[Object] = field(default_factory=list)
    key: str | None = None

    @property
    def view(self) -> str | None:
        """The kind of destination view the call belongs to, if it can be in one."""
        return None if self.is_duplicate else CALL_TYPES.get(self.kind)


def read_calls(lines: Iterable[bytes], is_valid: Callable[[str], bool]) -> tuple[list[Call], int]:
    """Read lines as calls, in the order in which they are delivered.

    Args:
        is_valid: whether the engine takes a text for JSON.

    Returns:
        The calls, and how many lines are left out because readers of JSON differ on them.
    """
    calls: list[Call] = []
    left_out = 0
    for line in lines:
        try:
            call = _read(line, is_valid)
        except UncertainError:
            left_out += 1
            continue
        call.key = call.message_id
        calls.append(call)
    uncertain = _tell_deliveries_apart(calls)
    kept = [call for call in calls if call.message_id not in uncertain]
    _note_deliveries(kept)
    return kept, left_out + len(calls) - len(kept)


def _tell_deliveries_apart(calls: Iterable[Call]) -> set[str | None]:
    """Find the later deliveries of a call, and the calls that share their message id with another.

    Returns:
        Message ids of which it is not certain which delivery is the first.
    """
    by_id: dict[str, list[Call]] = {}
    for call in calls:
        if call.message_id is not None and call.kind:
            by_id.setdefault(call.message_id, []).append(call)
    uncertain: set[str | None] = set()
    for message_id, repeated in by_id.items():
        if len(repeated) == 1:
            continue
        try:
            repeated.sort(key=_order)
        except UncertainError:
            uncertain.add(message_id)
            continue
        seen: set[tuple[str | None, ...]] = set()
        for call in repeated:
            identity = (call.kind, *_ids(call))
            call.is_repeated, call.is_duplicate = True, identity in seen
            if seen and not call.is_duplicate:
                parts = [message_id, call.kind, *("=" + id_ if id_ else "" for id_ in _ids(call))]
                call.key = "call:" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
            seen.add(identity)
    return uncertain


def _ids(call: Call) -> list[str | None]:
    assert call.tree is not None
    return [scalar_text(winner(call.tree, name)) for name in IDS]


def _order(call: Call) -> tuple[object, ...]:
    """Return what deliveries of a message id are sorted by: event time, then receipt.

    Raises:
        UncertainError: a time is in a form, or so far off, that only the product judges it.
    """
    assert call.tree is not None
    happened, original, sent, received = (
        _time(call.tree, name)
        for name in ("timestamp", "original_timestamp", "sent_at", "received_at")
    )
    now = dt.datetime.now(dt.timezone.utc)
    if happened is None and original and sent and received:
        happened = received - (sent - original)
    time = happened or original or sent or received
    if any(at is not None and not _PLAIN_FROM <= at <= now for at in (time, received)):
        raise UncertainError("a time that may not count")
    if time and received and time > received:
        raise UncertainError("a time after the receipt")
    return (time is None, time or now, received is None, received or now)


def _time(tree: Object, name: str) -> dt.datetime | None:
    for spelling in SPELLINGS[name]:
        value = tree.first(spelling)
        text = scalar_text(value)
        time = moment_of(text)
        if time is not None:
            return time
        if text is not None and re.search("[0-9]", text):
            raise UncertainError("a time in another form")
    return None


def moment_of(text: str | None) -> dt.datetime | None:
    """Read a time in the usual form; None where it is in another."""
    match = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d{1,6})?(Z|[+-]\d\d:?\d\d)", text or ""
    )
    if match is None:
        return None
    zone = match[3].replace("Z", "+0000").replace(":", "")
    try:
        moment = dt.datetime.strptime(f"{match[1]} {match[2]} {zone}", "%Y-%m-%d %H:%M:%S %z")
        return moment.astimezone(dt.timezone.utc)
    except (ValueError, OverflowError):
        return None


def _note_deliveries(calls: Iterable[Call]) -> None:
    """Note with the first delivery of each call those that may be the last.

    That is the one received last; where that can't be told, each of those that it may be.
    """
    by_id: dict[tuple[str | None, ...], list[Call]] = {}
    for call in calls:
        if call.kind:
            call.heard = [call.tree] if call.tree is not None else []
            if call.message_id is not None:
                identity = (call.message_id, call.kind, *_ids(call))
                by_id.setdefault(identity, []).append(call)
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
            call.heard = heard


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
    whole = _without_halves(tree)
    if not is_valid(text if whole == tree else dump(whole)):
        return Call(line)
    _check_numbers(whole)
    tree = _respelled(whole) if isinstance(whole, Object) else whole
    if not isinstance(tree, Object) or rejection(tree):
        return Call(line, tree if isinstance(tree, Object) else None)
    kind = str(tree.first("type")).strip(" ").lower()
    names: list[Any] = [tree.first("event")] if kind == "track" else []
    if kind in ("page", "screen"):
        properties = tree.first("properties")
        of_page = properties.first("name") if isinstance(properties, Object) else None
        names = [tree.first("name"), of_page, tree.first("event"), kind]
    event = next((name for name in names if is_text(name) and not is_blank(name)), None)
    return Call(line, tree, kind, event, scalar_text(winner(tree, "message_id")))


def _without_halves(value: Any) -> Any:
    """Return a tree without texts that hold half of a character: they are null."""
    if is_text(value):
        return None if re.search("[\ud800-\udfff]", value) else value
    if isinstance(value, list):
        return [_without_halves(item) for item in value]
    if isinstance(value, Object):
        members = (
            (re.sub("[\ud800-\udfff]", "\ufffd", name), _without_halves(item))
            for name, item in value.members
        )
        return Object(tuple(members))
    return value


def key_of(name: str) -> str:
    """Return the key of the envelope that a name is another spelling of; blank for others."""
    return "" if name in KEYS else _FOLDED.get(re.sub("[_ -]", "", name).lower(), "")


def _respelled(tree: Object) -> Object:
    """Return a call with its keys in their usual spelling; those that say nothing give way."""
    others = [(key_of(name), value) for name, value in tree.members if key_of(name)]
    if not others:
        return tree
    members = [*(member for member in tree.members if not key_of(member[0])), *others]
    said = [
        (key, value)
        for key, value in members
        if key not in ROUTED and (key not in KEYS or _says(key, value))
    ]
    for name in ROUTED:
        spellings = [value for key, value in members if key == name]
        if name == "context":
            spellings = [value for value in spellings if not _is_empty(value)]
        if spellings:
            said.append((name, _agreed(spellings)))
    return Object(tuple(said))


def _agreed(spellings: list[Any]) -> Any:
    """Return what all spellings of a key say; a blank text, which denies, where they differ."""
    texts = {dump(value): value for value in spellings}
    telling = [value for value in texts.values() if value not in UNRESTRICTED]
    return spellings[0] if not telling else telling[0] if len(telling) == 1 else ""


def _says(key: str, value: Any) -> bool:
    is_of_id = key.lower().endswith("id")
    return not _is_empty(value) and (not is_of_id or _is_id(scalar_text(value)))


def _is_empty(value: Any) -> bool:
    is_blank_text = is_text(value) and not value.strip()
    return value is None or value == [] or is_blank_text


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
    """Return an envelope field: of its spellings the first that says something."""
    key = winning_spelling(tree, field)
    return tree.first(key) if key else None


def winning_spelling(tree: Object, field: str) -> str:
    """Return the key of an envelope field that counts; blank where none does."""
    spellings = SPELLINGS[field]
    return next((key for key in spellings if _is_id(scalar_text(tree.first(key)))), "")


def _is_id(text: str | None) -> bool:
    if text is None or is_blank(text):
        return False
    while is_blank(text[0]):
        text = text[1:]
    while is_blank(text[-1]):
        text = text[:-1]
    return text.lower() not in PLACEHOLDERS


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
    content = tree.first(root) if root else None
    if not _is_empty(content) and not isinstance(content, Object):
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
