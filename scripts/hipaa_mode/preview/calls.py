"""Calls to preview: from a file, or made up to fit a destination's allowlist."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from hipaa_mode.calls import BROKEN, parse
from hipaa_mode.configuration import ANY, VIEWS
from hipaa_mode.errors import MissingFileError, RawCallsError
from hipaa_mode.inventory.kinds import kinds_of_name
from hipaa_mode.paths import Step, parse_path
from hipaa_mode.plan import DestinationPlan, ViewColumn

MOST_CALLS = 50
"""Calls of a file that one preview shows."""


def read_calls(file: Path) -> list[str]:
    """Read calls to preview: one JSON call over any number of lines, or one a line.

    Args:
        file: the file; `-` for the standard input.

    Returns:
        The calls, each on one line.

    Raises:
        MissingFileError: the file can't be read.
        RawCallsError: it holds nothing, or more than one preview shows.
    """
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise MissingFileError(f"{file} can't be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RawCallsError(f"{file} is not UTF-8. A build would reject such calls") from None
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and parse(text) is not BROKEN:
        # Line feeds between JSON's tokens are blanks; inside a text there can be none.
        lines = [" ".join(lines)]
    if not lines:
        raise RawCallsError(f"{file} holds no call")
    if len(lines) > MOST_CALLS:
        raise RawCallsError(
            f"{file} holds {len(lines):,} calls, and a preview shows {MOST_CALLS} at most. "
            f"Take some of them: head -n {MOST_CALLS}"
        )
    return lines


def invented_calls(destination: DestinationPlan, views: Collection[str]) -> list[dict[str, Any]]:
    """Make up a call for each view of calls that a destination has; nobody's data."""
    calls = [synthetic_call(destination, view) for view in VIEWS if view in views]
    for number, call in enumerate(calls):
        # Calls of one message id would be duplicates.
        call["messageId"] = f"{call['messageId'][:-1]}{number}"
    return calls


def synthetic_call(destination: DestinationPlan, view: str) -> dict[str, Any]:
    """Make up a call that has something for every column of a view, and some things for none.

    Args:
        view: `events`, `identifies` or `groups`.
    """
    columns = [column for column in destination.views[view] if column.path]
    event = _event(destination, columns)
    call: dict[str, Any] = {
        "events": {"type": "track", "event": event},
        "identifies": {"type": "identify"},
        "groups": {"type": "group", "groupId": "clinic-7"},
    }[view]
    call |= {
        "messageId": "5b1f0d3e-0c6a-4a57-9b21-7d5f3c0e9a11",
        "userId": "patient-10482",
        "anonymousId": "0f9c2c55-1d7b-4c1e-8a52-6f0b7e9d2c33",
        "timestamp": "2026-03-02T14:31:09Z",
    }
    root = "properties" if view == "events" else "traits"
    content: Any = {"diagnosis": "migraine", "ssn": "123-45-6789"}
    context: Any = {"ip": "203.0.113.77", "userAgent": "Mozilla/5.0 (X11; Linux)"}
    for column in columns:
        steps, value = parse_path(column.path).steps, _value(column)
        if column.property_list == "context":
            context = _with(context, steps, value)
        else:
            content = _with(content, steps, value)
    return {**call, root: content, "context": context}


def _event(destination: DestinationPlan, columns: list[ViewColumn]) -> str:
    allowed = [event for event in destination.events or {} if event != ANY]
    named = [event for column in columns for event in column.events or ()]
    chosen = [event for event in named if event in allowed or not allowed]
    return (chosen or allowed or ["Example Event"])[0]


def _with(there: Any, steps: Sequence[Step], value: object) -> object:
    """Return what is there with a value at a path in it, unless something is in the way."""
    if not steps:
        return value if there is None else there
    step, *rest = steps
    if step.is_array and isinstance(there, (list, type(None))):
        return [_with(there[0] if there else None, rest, value)]
    if not step.is_array and isinstance(there, (dict, type(None))):
        known = there or {}
        return {**known, step.name: _with(known.get(step.name), rest, value)}
    return there


_OF_TREATMENT = {
    "zip3": "85701",
    "age_cap": 93,
    "birth_year": "1931-04-12",
    "year": "2026-03-02",
    "month": "2026-03-02T14:31:09Z",
    "url_path": "https://portal.example.org/book?reason=oncology",
    "url_origin": "https://portal.example.org/book?reason=oncology",
    "ip_prefix": "203.0.113.77",
    "round": 120.64,
}
_OF_TYPE = {
    "integer": 7,
    "number": 120.64,
    "boolean": True,
    "timestamp": "2026-03-02T14:31:09Z",
    "date": "2026-03-02",
    "json": {"example": True},
}
_OF_KIND = {
    "email": "Ann@Example.org ",
    "phone": "(309) 555-0141",
    "ssn": "123-45-6789",
    "mrn": "MRN00010482",
    "url": "https://portal.example.org/book?reason=oncology",
    "ip": "203.0.113.77",
    "name": "Ann Miller",
    "zip": "85701",
    "date_of_birth": "1931-04-12",
    "date": "2026-03-02",
    "age": 93,
    "place": "Tucson",
    "address": "12 Maple Street",
}


def _value(column: ViewColumn) -> object:
    treatment = column.treatment.partition("(")[0]
    kinds = kinds_of_name(column.property_list, parse_path(column.path))
    of_kind = next((_OF_KIND[kind] for kind in kinds if kind in _OF_KIND), None)
    if treatment == "domain":
        return _OF_KIND["email"] if "email" in kinds else _OF_KIND["url"]
    if treatment in _OF_TREATMENT:
        return _OF_TREATMENT[treatment]
    normalize = column.normalize.partition("(")[0]
    if treatment == "mask" and normalize in _OF_KIND:
        return _OF_KIND[normalize]
    return _OF_TYPE.get(column.data_type) or of_kind or "example"
