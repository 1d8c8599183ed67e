"""Calls as trees that keep what JSON libraries lose: repeated keys, their order, number text.

What a value is, and the token of one, is read here a second time, apart from the product's
functions on purpose; which lines are calls, and whose, is what the reviewed queries say.
"""

from __future__ import annotations

import datetime as dt
import functools
import hmac
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from hipaa_mode.functions import create
from hipaa_mode.quoting import literal
from hipaa_mode.verify.reviewed import FORMS
from hipaa_mode.verify.staging import reading_form, what_is_read

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
        tree: the call, where it can be used.
        kind: its type; empty for a line that is rejected.
        event: name of the event, for the calls that have one.
        message_id: its text, if it has one.
        received_at: when it was received, if that is known.
        ids: the texts of its ids.
        key: what its row id is a token of.
        is_repeated: whether other calls have the same message id.
        is_duplicate: whether it is a later delivery of the same call.
        heard: those of its deliveries that may be the last, whose consent counts.
    """

    line: bytes
    tree: Object | None = None
    kind: str = ""
    event: str | None = None
    message_id: str | None = None
    received_at: dt.datetime | None = None
    ids: dict[str, str | None] = field(default_factory=dict)
    key: str | None = None
    is_repeated: bool = False
    is_duplicate: bool = False
    heard: list[Object] = field(default_factory=list)

    @property
    def view(self) -> str | None:
        """The kind of destination view the call belongs to, if it can be in one."""
        return None if self.is_duplicate else CALL_TYPES.get(self.kind)


SETTINGS = {
    "hipaa_mode__earliest_day": "2000-01-01",
    "hipaa_mode__days_ahead": 1,
    "hipaa_mode__placeholder_ids": sorted(PLACEHOLDERS),
}
"""Settings by which the experiment's builds go, and its own reading of calls."""

_READING = reading_form(
    earliest_day="'2000-01-01'",
    ahead_us=str(24 * 60 * 60 * 1_000_000),
    placeholders=f"[{', '.join(map(literal, sorted(PLACEHOLDERS)))}]",
)
_FACTS = f"""
select
    calls_read.line_number,
    call_type,
    event,
    calls_read.message_id,
    received_at,
    {", ".join(IDS)},
    coalesce(call_keys.call_key, calls_read.message_id),
    calls_read.message_id is not null and count(*) over (partition by calls_read.message_id) > 1,
    duplicate_calls.line_number is not null
from calls_read
left join call_keys using (file_number, line_number)
left join duplicate_calls using (file_number, line_number)
where rejection_reason is null
"""


def read_calls(lines: Iterable[bytes]) -> tuple[list[Call], int]:
    """Read lines as calls, in the order in which they are delivered.

    Type, event, ids and deliveries are what the queries of staging say, as reviewed.

    Returns:
        The calls, and how many lines are left out because readers of JSON differ on them.
    """
    calls = [Call(line) for line in lines]
    connection = _connection()
    texts = [_text(call.line) for call in calls]
    connection.register(
        "given",
        pa.table(
            {
                "line_number": pa.array(range(len(calls)), pa.int64()),
                "message": pa.array(texts, pa.string()),
                "unreadable": pa.array(
                    [None if text is not None else call.line for text, call in zip(texts, calls)],
                    pa.binary(),
                ),
            }
        ),
    )
    connection.execute(
        "create or replace table raw_lines as select 1 as file_number, 'calls' as source_file, "
        "cast(epoch_us(now()) as bigint) as run_number, * from given"
    )
    connection.unregister("given")
    connection.execute(f"create or replace table calls_read as {_READING}")
    uncertain = []
    for number, text in connection.execute(
        f"select line_number, call from ({what_is_read(_READING, 'line_number, call')}) "
        "join calls_read using (line_number) where rejection_reason is null"
    ).fetchall():
        try:
            calls[number].tree = parse(text)
        except ValueError:
            uncertain.append(number)
    connection.execute("delete from calls_read where list_contains(?, line_number)", [uncertain])
    for model in ("duplicate_calls", "call_keys"):
        connection.execute(f"create or replace table {model} as {FORMS[f'model {model}']}")
    for number, *facts in connection.execute(_FACTS).fetchall():
        call = calls[number]
        call.kind, call.event, call.message_id, call.received_at, *ids = facts[: 4 + len(IDS)]
        call.ids = dict(zip(IDS, ids))
        call.key, call.is_repeated, call.is_duplicate = facts[4 + len(IDS) :]
    left_out = set(uncertain)
    kept = [call for number, call in enumerate(calls) if number not in left_out]
    _note_deliveries(kept)
    return kept, len(left_out)


@functools.cache
def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create(connection)
    return connection


def _text(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def _note_deliveries(calls: Iterable[Call]) -> None:
    """Note with each call those of its deliveries that may be the last.

    That is the one received last; where that can't be told, each of those that it may be.
    """
    deliveries: dict[tuple[object, ...], list[Call]] = {}
    for number, call in enumerate(calls):
        own = number if call.message_id is None else None
        deliveries.setdefault((call.message_id, call.kind, *call.ids.values(), own), []).append(
            call
        )
    for same in deliveries.values():
        last = max((call.received_at for call in same if call.received_at), default=None)
        heard = [c.tree for c in same if c.tree is not None and c.received_at in (None, last)]
        for call in same:
            call.heard = heard


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
