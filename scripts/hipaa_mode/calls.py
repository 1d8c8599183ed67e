"""Single calls, as Python reads them: what is JSON, what can be used, and when it was sent.

A build judges calls in SQL; this follows macros/staging/read_calls.sql. Objects are tuples of
pairs and arrays are lists, so that a key that is repeated is there each time.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

Pairs = tuple[tuple[str, Any], ...]

LIST_OF_TYPE = {
    "track": "event",
    "page": "event",
    "screen": "event",
    "identify": "user",
    "group": "group",
    "alias": "",
}
"""Types of call, and the property list that each fills; an alias fills none."""

ROOT_OF_LIST = {"event": "properties", "user": "traits", "group": "traits"}
"""Key of the message that a property list lives under; any call has a context."""

_TIMES = (
    "sentAt", "sent_at", "timestamp", "originalTimestamp", "original_timestamp", "receivedAt",
    "received_at",
)  # fmt: skip
_DAY = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?![0-9])")
_OFFSET = re.compile(r"[+-][0-9]{2}:[0-9]{2}$")
_DECODER = json.JSONDecoder(object_pairs_hook=tuple)


class Number(str):
    """A JSON number, as the text it was written in."""


_DECODER_OF_TEXTS = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=Number, parse_float=Number, parse_constant=Number
)

BROKEN = object()
"""What `parse` makes of a message that Python does not read as JSON."""


def parse(message: str) -> object:
    """Parse a message: objects become tuples of pairs, in order, and arrays lists."""
    try:
        return _DECODER.decode(message)
    except (ValueError, RecursionError):
        return BROKEN


def parse_as_written(message: str) -> object:
    """Parse a message as `parse` does, with numbers as the texts they were written in."""
    try:
        return _DECODER_OF_TEXTS.decode(message)
    except (ValueError, RecursionError):
        return BROKEN


def first(pairs: Pairs, key: str) -> Any:
    """Return the first value of a key, as the product does; None if there is none."""
    return next((value for name, value in pairs if name == key), None)


def judge(call: Pairs) -> tuple[str, str]:
    """Return why a call can't be used, blank if it can, and its type."""
    kind = first(call, "type")
    if kind is None:
        return "missing_type", ""
    if not isinstance(kind, str):
        return "type_not_text", ""
    kind = kind.strip(" ").lower()
    if kind not in LIST_OF_TYPE:
        return "unknown_type", ""
    root = ROOT_OF_LIST.get(LIST_OF_TYPE[kind])
    content = first(call, root) if root else None
    if content is not None and type(content) is not tuple:
        return f"{root}_not_an_object", kind
    name = {"track": "event", "page": "name", "screen": "name"}.get(kind)
    value = first(call, name) if name else None
    if value is not None and not isinstance(value, str):
        return f"{name}_not_text", kind
    return "", kind


def day_of(call: Pairs) -> str:
    """Return the day of a call in UTC; blank where it says none."""
    found = {key: value for key, value in reversed(call) if key in _TIMES and value is not None}
    for spelling in _TIMES:
        if spelling not in found:
            continue
        day = _day(found[spelling])
        if day:
            return day
    return ""


def _day(value: object) -> str:
    if isinstance(value, str) and _DAY.match(value):
        if _OFFSET.search(value, 10):
            try:
                moment = dt.datetime.fromisoformat(value)
                return moment.astimezone(dt.timezone.utc).strftime("%Y-%m-%d")
            except (ValueError, OverflowError):
                pass
        return value[:10]
    text = str(value) if isinstance(value, (int, str)) else ""
    if re.fullmatch("[0-9]{9,14}", text):
        seconds = int(text) / (1000 if len(text) >= 12 else 1)
        return dt.datetime.fromtimestamp(seconds, dt.timezone.utc).strftime("%Y-%m-%d")
    return ""
