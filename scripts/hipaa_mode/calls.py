"""Single calls, as Python reads them: what is JSON, what can be used, and when it happened.

A build judges calls in SQL; this follows macros/staging/read_calls.sql. Objects are tuples of
pairs and arrays are lists, so that a key that is repeated is there each time.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

Pairs = tuple[tuple[str, Any], ...]

LIST_OF_TYPE = {
    "track": "event",
    "page": "event",
    "screen": "event",
    "identify": "user",
    "group": "group",
    "alias": "",
    "merge": "",
}
"""Types of call, and the property list that each fills; an alias and a merge fill none."""

ROOT_OF_LIST = {"event": "properties", "user": "traits", "group": "traits"}
"""Key of the message that a property list lives under; any call has a context."""

CALL_TYPES = {
    "events": ("track", "page", "screen"),
    "identifies": ("identify",),
    "groups": ("group",),
}
"""Destination views, and the types of the calls that each is made of."""

VIEW_OF_TYPE = {kind: view for view, kinds in CALL_TYPES.items() for kind in kinds}

TIMES = {
    "timestamp": ("timestamp",),
    "original_timestamp": ("originalTimestamp", "original_timestamp"),
    "sent_at": ("sentAt", "sent_at"),
    "received_at": ("receivedAt", "received_at"),
}
"""Keys that the times of a call come under."""

KEYS = {
    "row_id": ("messageId", "message_id"),
    "call_type": ("type",),
    "event": ("event", "name"),
    "timestamp": tuple(key for keys in TIMES.values() for key in keys),
    "received_at": TIMES["received_at"],
    "user_id": ("userId", "user_id"),
    "anonymous_id": ("anonymousId", "anonymous_id"),
    "group_id": ("groupId", "group_id"),
}
"""Columns of a view that are the call's own, and the keys of a call that each is made of."""

REJECTIONS = {
    "empty": "it is empty",
    "not_utf8": "it is not UTF-8",
    "broken_json": "it is not JSON",
    "not_an_object": "it is no JSON object",
    "missing_type": "it has no type",
    "type_not_text": "its type is no text",
    "unknown_type": "its type is none of track, page, screen, identify, group and alias",
    "properties_not_an_object": "its properties are no object",
    "traits_not_an_object": "its traits are no object",
    "event_not_text": "its event is no text",
    "name_not_text": "its name is no text",
}
"""Why a call can't be used, by the name of the reason, in words."""

_NAMES = (
    *("type", "event", "name", "properties", "traits", "context", "integrations", "consent"),
    *("message_id", "user_id", "anonymous_id", "group_id", "previous_id", "merge_properties"),
    *TIMES,
)
_FIELDS = {name.replace("_", ""): name for name in _NAMES}
"""Keys that a call is read by, as other spellings of them are folded."""

_USUAL = {*_NAMES, *(re.sub("_(.)", lambda found: found[1].upper(), name) for name in _NAMES)}
_ALL_COUNT = ("integrations", "consent", "context")
"""Keys that say where a call may go: all spellings of one count."""

_EMPTY = re.compile(r"\s*")
_PARTS = re.compile(r'"(?:[^"\\]|\\.)*"|[^"]+|"', re.DOTALL)
_NO_CHARACTER = re.compile(r"\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})")
_CHARACTER = re.compile(
    r"\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}", re.DOTALL
)
_EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.timezone.utc)
_AHEAD = dt.timedelta(days=1)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2})(?:(:[0-9]{2})(\.[0-9]+)?)?"
    r" ?(?:[Zz]|([+-][0-9]{2}):?([0-9]{2})?)?)?"
)
_DECODER = json.JSONDecoder(object_pairs_hook=tuple)


class Number(str):
    """A JSON number, as the text it was written in."""


_DECODER_OF_TEXTS = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=Number, parse_float=Number, parse_constant=Number
)

BROKEN = object()
"""What `parse` makes of a message that Python does not read as JSON."""


def parse(message: str, with_numbers_as_written: bool = False) -> object:
    """Parse a message: objects become tuples of pairs, in order, and arrays lists.

    Args:
        with_numbers_as_written: make numbers the texts that they were written in.
    """
    decoder = _DECODER_OF_TEXTS if with_numbers_as_written else _DECODER
    try:
        call = decoder.decode(without_broken_texts(message))
    except (ValueError, RecursionError):
        return BROKEN
    return with_usual_keys(call) if isinstance(call, tuple) else call


def without_broken_texts(message: str) -> str:
    """Return JSON with null in place of each text that is none.

    Such a text has half of a character, or the character 0. In a key a mark stands for it.
    """
    if not any(escape in message for escape in ("\\ud", "\\uD", "\\u0000")):
        return message
    parts = _PARTS.findall(message)
    for place, part in enumerate(parts):
        if part[0] == '"' and _NO_CHARACTER.search(_CHARACTER.sub(" ", part)):
            is_key = parts[place + 1 : place + 2] and parts[place + 1].lstrip().startswith(":")
            parts[place] = _NO_CHARACTER.sub(r"\\ufffd", part) if is_key else "null"
    return "".join(parts)


def with_usual_keys(call: Pairs) -> Pairs:
    """Return a call with its keys in their usual spelling.

    A key that says nothing gives way to another spelling of it. Of what says where a call may go
    all spellings count: where they differ, it can't be read.
    """
    if not any(_is_other_spelling(key) for key, _ in call):
        return call
    kept = [pair for pair in call if not _is_other_spelling(pair[0])]
    others = [(_FIELDS[_folded(key)], value) for key, value in call if _is_other_spelling(key)]
    named = (*kept, *others)
    found = [
        (key, value)
        for key, value in named
        if key not in _ALL_COUNT and (key not in _USUAL or not _is_empty(value))
    ]
    for name in _ALL_COUNT:
        said = [value for key, value in named if key == name]
        if name == "context":
            said = [value for value in said if not _is_empty(value)]
        if said:
            found.append((name, _agreed(said)))
    return tuple(found)


def _agreed(values: list[Any]) -> Any:
    """Return what all spellings of a key say; a blank text, which denies, where they differ."""
    telling = [value for value in values if value not in ((), (("All", True),))]
    if not telling:
        return values[0]
    return telling[0] if all(value == telling[0] for value in telling) else ""


@functools.cache
def _is_other_spelling(key: str) -> bool:
    return key not in _USUAL and _folded(key) in _FIELDS


def _folded(key: str) -> str:
    return re.sub("[_ -]", "", key).lower()


def _is_empty(value: object) -> bool:
    """Whether a value says nothing; of an object, `[]` and blank texts say so too."""
    return value is None or value == [] or (isinstance(value, str) and _is_blank(value))


def _is_blank(text: str) -> bool:
    return type(text) is str and _EMPTY.fullmatch(text) is not None


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
    if not _is_empty(content) and type(content) is not tuple:
        return f"{root}_not_an_object", kind
    name = {"track": "event", "page": "name", "screen": "name"}.get(kind)
    value = first(call, name) if name else None
    if value is not None and not isinstance(value, str):
        return f"{name}_not_text", kind
    return "", kind


def event_name(call: Pairs, kind: str) -> str | None:
    """Return the name of a usable call's event, as a build does; None for other calls."""
    if kind == "track":
        names = [first(call, "event")]
    elif kind in ("page", "screen"):
        properties = first(call, "properties")
        of_page = first(properties, "name") if isinstance(properties, tuple) else None
        names = [first(call, "name"), of_page, first(call, "event"), kind]
    else:
        return None
    texts = (name for name in names if type(name) is str)
    return next((name for name in texts if not _is_blank(name)), None)


def day_of(call: Pairs) -> str:
    """Return the day of a call's event time, in UTC; blank where it says none."""
    _, time = event_time(call)
    return "" if time is None else time.strftime("%Y-%m-%d")


def event_time(call: Pairs) -> tuple[str, dt.datetime | None]:
    """Return when a call happened, as well as it tells, and the key that says so.

    Only the common forms of times are read.
    """
    said = {key: value for key, value in reversed(call) if value is not None}
    read: dict[str, tuple[str, dt.datetime]] = {}
    for field, key in ((field, key) for field, keys in TIMES.items() for key in keys):
        if (time := _time(said.get(key))) is not None:
            read.setdefault(field, (key, time))
    now = dt.datetime.now(dt.timezone.utc)
    if "received_at" in read and not _is_possible(read["received_at"][1], now):
        del read["received_at"]
    latest = read["received_at"][1] if "received_at" in read else now
    possible = (found for found in _event_times(read) if _is_possible(found[1], latest))
    return next(possible, ("", None))


def _event_times(
    read: dict[str, tuple[str, dt.datetime]],
) -> Iterator[tuple[str, dt.datetime]]:
    if "timestamp" in read:
        yield read["timestamp"]
    if read.keys() >= {"original_timestamp", "sent_at", "received_at"}:
        key, original = read["original_timestamp"]
        with contextlib.suppress(OverflowError):
            yield key, read["received_at"][1] - (read["sent_at"][1] - original)
    yield from (read[field] for field in TIMES if field in read and field != "timestamp")


def _is_possible(time: dt.datetime, received: dt.datetime) -> bool:
    return _EARLIEST <= time <= received + _AHEAD


def _time(value: object) -> dt.datetime | None:
    text = str(value).strip() if isinstance(value, (int, float, str)) else ""
    found = _TIME.fullmatch(text)
    if found:
        day, minute, second, fraction, hours, minutes = found.groups()
        offset = f"{hours}:{minutes or '00'}" if hours else "+00:00"
        fraction = f"{fraction:0<7}"[:7] if fraction else ""
        written = f"{day}T{minute or '00:00'}{second or ':00'}{fraction}{offset}"
        try:
            return dt.datetime.fromisoformat(written).astimezone(dt.timezone.utc)
        except (ValueError, OverflowError):
            return None
    if re.fullmatch(r"[1-9][0-9]{8,12}(?:\.[0-9]+)?", text):
        seconds = float(text) / (1000 if len(text.partition(".")[0]) > 10 else 1)
        return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
    return None
