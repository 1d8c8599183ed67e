"""Views of latest values, made anew from the published calls with the standard library alone.

They say nothing that the calls of their destination do not: what follows from those is all that
may be in them, whatever was changed in the raw calls.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hipaa_mode.selftest.allowlist import Form
from hipaa_mode.selftest.messages import Call, normalized, token

VIEWS = {"users": ("identifies", "user_id"), "groups_latest": ("groups", "group_id")}
"""Views of latest values: the view whose calls each is made of, and whose values they are."""

OWN_COLUMNS = ("row_id", "changed_at")

Row = Mapping[str, Any]


def is_latest(view: str) -> bool:
    """Whether a view, by its full name, is one of latest values."""
    return view.rpartition("__")[2] in VIEWS


def calls_view(view: str) -> str:
    """Return the full name of the view of calls that a view of latest values is made of."""
    destination, _, latest = view.rpartition("__")
    return f"{destination}__{VIEWS[latest][0]}"


def id_of(view: str) -> str:
    """Return the id that tells whose values a view has."""
    return VIEWS[view.rpartition("__")[2]][1]


def differences(view: str, rows: Sequence[Row], calls: Iterable[Row]) -> Counter[str]:
    """Count by column where a view's rows are not what follows from its calls.

    Rows that are there for nobody, twice or not at all count for `row_id`.
    """
    id_name = id_of(view)
    wrong: Counter[str] = Counter()
    columns = [name for name in (rows[0] if rows else {}) if name not in (*OWN_COLUMNS, id_name)]
    expected = _latest(calls, id_name, columns)
    for row in rows:
        values = expected.pop(row[id_name], None)
        if values is None:
            wrong["row_id"] += 1
            continue
        for name in ("changed_at", *columns):
            one, other = row[name], values[name]
            wrong[name] += not (one == other or (one != one and other != other))
    wrong["row_id"] += len(expected)
    return +wrong


def _latest(
    calls: Iterable[Row], id_name: str, columns: Sequence[str]
) -> dict[Any, dict[str, Any]]:
    """Return the latest values by id: of calls at one time, those of the highest row id."""
    found: dict[Any, dict[str, Any]] = {}
    first = dt.datetime.min
    for call in sorted(calls, key=lambda call: (call["timestamp"] or first, call["row_id"])):
        at = call["timestamp"]
        if call[id_name] is None:
            continue
        is_first = call[id_name] not in found
        values = found.setdefault(call[id_name], dict.fromkeys(("changed_at", *columns)))
        changes = {
            name: call[name]
            for name in columns
            if call[name] is not None and call[name] != values[name]
        }
        values |= changes
        if changes or is_first:
            values["changed_at"] = at
    return found


def wrong_row_ids(
    view: str, rows: Sequence[Row], calls: Iterable[Call], form: Form, scope_key: bytes
) -> int:
    """Count the row ids that are not the token of the id beside them, lack, or are too many.

    There must be one for each person or group of the calls that the destination receives.
    """
    kind, id_name = VIEWS[view.rpartition("__")[2]]
    ids = {call.ids[id_name] for call in calls if call.view == kind}
    spelled = (None if text is None else normalized(text, form.normalize) for text in ids)
    expected = {found for found in (token(text, scope_key) for text in spelled) if found}
    shown = [row["row_id"] for row in rows]
    is_token = form.treatment == "mask"
    others = sum(
        row["row_id"] != (row[id_name] if is_token else token(row[id_name], scope_key))
        for row in rows
    )
    return int(len(expected ^ set(shown)) + len(shown) - len(set(shown)) + others)
