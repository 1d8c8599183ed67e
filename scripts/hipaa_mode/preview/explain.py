"""Why each value of a call is what the destination gets, row by row.

The values are those of the build (`build.py`); nothing here makes one.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from hipaa_mode.calls import (
    KEYS,
    LIST_OF_TYPE,
    REJECTIONS,
    ROOT_OF_LIST,
    Number,
    Pairs,
    event_time,
    first,
    parse,
)
from hipaa_mode.configuration import (
    ENVELOPE,
    VIEWS,
    WHOLE_OBJECT_COLUMNS,
    AllowedProperty,
    Configuration,
)
from hipaa_mode.consent import REASONS
from hipaa_mode.paths import ARRAY, PropertyPath, Step, parse_path
from hipaa_mode.plan import DestinationPlan, ViewColumn
from hipaa_mode.preview.build import Built
from hipaa_mode.treatments import TREATMENTS

KEPT = "kept"
MASKED = "masked"
GENERALISED = "generalised"
DROPPED = "dropped"
GUARDED = "nulled by the guard"
UNFIT = "nulled by type"
OUTCOMES = (KEPT, MASKED, GENERALISED, GUARDED, UNFIT, DROPPED)
"""What can become of a value."""

_MADE = {"row_id": "keyed token of the call's content", "event": "its properties or type"}
"""Columns of a row that need no key of the call, and what they are made of then."""

_WITHHELD = {
    "suppressed": "its person is on the list of suppressed users",
    "suppressed_by_alias": "it is tied by an alias or merge call to a suppressed person",
}


@dataclass(frozen=True)
class Line:
    """One property of a call, before and after.

    Attributes:
        property_list: list of the property; `envelope` for the call's own keys.
        before: its value in the call, as JSON text.
        column: the destination's column; blank where there is none.
        after: the value in it, as text; None for null and where there is no column.
        outcome: one of `OUTCOMES`.
    """

    property_list: str
    path: str
    before: str
    column: str = ""
    after: str | None = None
    outcome: str = DROPPED
    why: str = ""


@dataclass(frozen=True)
class Preview:
    """One call as a destination would get it.

    Attributes:
        view: the view that its row is in; blank where it gets none.
        not_sent: why the destination gets nothing of it; blank where it gets a row.
        lines: what becomes of each property.
        empty_columns: the view's columns that the call has nothing for.
    """

    view: str
    not_sent: str
    lines: list[Line]
    empty_columns: list[str]


class Explainer:
    """Tells why, for one destination of an environment."""

    def __init__(
        self,
        configuration: Configuration,
        environment: str,
        destination: DestinationPlan,
        models: list[str],
        today: dt.date,
    ) -> None:
        self._rows = configuration.allowed_properties
        self._environment = environment
        self._destination = destination
        self._models = models
        self._today = today

    def explain(self, message: str, built: Built) -> Preview:
        """Tell what became of a call."""
        call = parse(message, with_numbers_as_written=True)
        not_sent = self._not_sent(built)
        if not isinstance(call, tuple):
            return Preview("", not_sent, [Line(ENVELOPE, "", message, why=not_sent)], [])
        name = VIEWS[built.view] if built.view else _list_of(call)
        used = _spellings_used(call)
        row = built.row or {}
        columns = self._destination.views[built.view] if row else []
        lines: list[Line] = []
        empty = {column.name: column for column in columns}
        for property_list, path, value in _values(call, name):
            line = Line(property_list, str(path), _json(value), why="the call is not sent")
            places = [c for c in columns if _shows(c, property_list, path, used)]
            if not places and not not_sent:
                line = replace(line, why=self._why(property_list, path, used))
            lines += [self._placed(line, c, built, value, path) for c in places] or [line]
            for column in places:
                empty.pop(column.name, None)
        # What a row has though the call has no key for it.
        for made, why in _MADE.items():
            if made in empty and row.get(made) is not None:
                outcome = MASKED if empty.pop(made).treatment == "mask" else KEPT
                lines.append(Line(ENVELOPE, "", "", made, _text(row[made]), outcome, why))
        view = f"{self._destination.name}__{built.view}" if row else ""
        return Preview(view, not_sent, lines, list(empty))

    def _not_sent(self, built: Built) -> str:
        name = self._destination.name
        if built.rejection:
            return f"the call can't be used: {REJECTIONS.get(built.rejection, built.rejection)}"
        if built.is_duplicate:
            return "an earlier call is the same: message id, type and ids"
        if built.withheld:
            return f"it is withheld: {_WITHHELD.get(built.withheld, built.withheld)}"
        if not built.view:
            return "alias calls are sent to no destination"
        if f"{name}__{built.view}" not in self._models:
            return f"{name} has no view {name}__{built.view}"
        if built.denial:
            return f"it is denied to {name}: {REASONS[built.denial]}"
        if built.row is None:
            return f"allowed_events.csv does not let its event go to {name}"
        return ""

    def _placed(
        self, line: Line, column: ViewColumn, built: Built, value: Any, path: PropertyPath
    ) -> Line:
        """Tell what became of a value that has a column."""
        after = (built.row or {}).get(column.name)
        outcome, why = self._judge(column, built, value, after)
        if outcome == DROPPED:
            return replace(line, why=why)
        shown = _text(after)
        if after is not None and _is_within(column, path):
            shown, why = line.before, f"in {column.name}, which is sent whole"
        return replace(line, column=column.name, after=shown, outcome=outcome, why=why)

    def _judge(self, column: ViewColumn, built: Built, value: Any, after: Any) -> tuple[str, str]:
        if after is None and (value is None or value == []):
            return KEPT, "null in the call too"
        if column.property_list == ENVELOPE:
            return self._judge_envelope(column, built, value, after)
        if column.events is not None and built.event not in column.events:
            return DROPPED, f"allowed on {', '.join(column.events)} only"
        guarded = built.guarded.get(column.masked_column, 0) if column.guard == "block" else 0
        if _is_empty(after):
            return _null(column, value, guarded)
        outcome, why = _form(column)
        missing = sum(item is None for item in after) if isinstance(after, list) else 0
        if guarded and missing:
            why += f"; {guarded} of {len(after)} null for looking like an identifier (guard block)"
        if missing > guarded:
            why += f"; {missing - guarded} of {len(after)} null for want of a value that fits"
        return outcome, why

    def _judge_envelope(
        self, column: ViewColumn, built: Built, value: Any, after: Any
    ) -> tuple[str, str]:
        name = self._destination.name
        if column.name in WHOLE_OBJECT_COLUMNS:
            return KEPT, column.reason
        if not column.masked_column:
            return DROPPED, f"denied for {name} in allowed_properties.csv"
        if column.name in ("timestamp", "received_at"):
            precision = self._destination.timestamp_precision
            if precision == "none":
                return DROPPED, f"timestamp_precision of {name} is none"
            if after is None:
                return UNFIT, "it is no time"
            exact = precision == "exact"
            return (KEPT, "exact") if exact else (GENERALISED, f"to the {precision}")
        if _is_empty(after):
            return UNFIT, "blank, or what stands for an id that is not there: no token"
        if column.treatment == "mask":
            return MASKED, "keyed token" + (" of the message id" * (column.name == "row_id"))
        if column.name == "event" and after != built.event:
            return KEPT, "sent_as in allowed_events.csv"
        return KEPT, "part of every row"

    def _why(self, property_list: str, path: PropertyPath, used: dict[str, str]) -> str:
        """Say why nothing takes a property: the rows that come near it, or that there are none."""
        if property_list == ENVELOPE:
            for column, keys in KEYS.items():
                if str(path) in keys and column in used:
                    return f"`{used[column]}` counts"
            return "not a part of any row"
        name = self._destination.name
        near = [row for row in self._rows if self._concerns(row, property_list)]
        for row in near:
            if row.path != path:
                continue
            if row.expires_on is not None and row.expires_on < self._today:
                return f"its row expired on {row.expires_on}"
            if row.treatment.kind.name == "deny":
                return f"denied for {name}: {row.reason}" if row.reason else f"denied for {name}"
        for row in near:
            steps = row.path.steps
            if path.steps[: len(steps)] == steps and row.treatment.kind.name != "deny":
                return f"`{row.path}` is allowed as a single value; this is an object or list"
        return f"on no list of {name}"

    def _concerns(self, row: AllowedProperty, property_list: str) -> bool:
        is_here = row.environment in (self._environment, "*")
        is_ours = row.destination in (self._destination.name, "*")
        return is_here and is_ours and row.property_list == property_list


def _is_within(column: ViewColumn, path: PropertyPath) -> bool:
    """Whether a column holds a whole object, and a property is in it."""
    if column.data_type != "json":
        return False
    return column.property_list == ENVELOPE or all(
        parse_path(column_path).steps != path.steps for _, column_path in column.places
    )


def _null(column: ViewColumn, value: Any, guarded: int) -> tuple[str, str]:
    """Say why a value that has a column is null there."""
    if isinstance(value, list) and all(item is None for item in value):
        return KEPT, "null in the call too"
    if guarded:
        return GUARDED, "looks like an identifier (guard block)"
    if isinstance(value, str) and not value.strip() and column.treatment in ("mask", "surrogate"):
        return UNFIT, "a blank value has no token"
    if column.treatment != "allow":
        return UNFIT, f"does not fit {column.treatment}"
    return UNFIT, f"is no {column.data_type}"


def _form(column: ViewColumn) -> tuple[str, str]:
    """Say in which form a value is sent."""
    kind = TREATMENTS[column.treatment.partition("(")[0]]
    reason = f": {column.reason}" if column.reason else ""
    if kind.name in ("mask", "surrogate"):
        form = "keyed token" if kind.name == "mask" else "random code from the crosswalk"
        of = "" if column.normalize == "none" else f" of it, normalised as {column.normalize}"
        return MASKED, form + of + reason
    if kind.passes_values:
        return KEPT, "allowed" + reason
    return GENERALISED, f"{column.treatment}: {kind.meaning}"


def _shows(
    column: ViewColumn, property_list: str, path: PropertyPath, used: dict[str, str]
) -> bool:
    """Whether a column is the place of a property."""
    if column.property_list == ENVELOPE:
        if property_list == ENVELOPE:
            return len(path.steps) == 1 and path.steps[0].name == used.get(column.name)
        root = "context" if property_list == "context" else ROOT_OF_LIST[property_list]
        return column.name == root and column.data_type == "json"
    return column.holds(property_list, path) is not None


def _list_of(call: Pairs) -> str:
    kind = first(call, "type")
    return LIST_OF_TYPE.get(kind.strip(" ").lower(), "") if isinstance(kind, str) else ""


def _spellings_used(call: Pairs) -> dict[str, str]:
    """Return, for each column of the envelope, the key that it is made of."""
    kind = str(first(call, "type")).strip(" ").lower()
    keys = {**KEYS, "event": ("event",) if kind == "track" else ("name", "event")}
    found = {
        column: next((key for key in spellings if _says(first(call, key))), "")
        for column, spellings in keys.items()
    }
    found["timestamp"] = event_time(call)[0]
    return {column: key for column, key in found.items() if key}


def _says(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


def _values(call: Pairs, name: str) -> Iterator[tuple[str, PropertyPath, Any]]:
    """Yield the values of a call with their lists and paths: the envelope, then the others.

    Elements of an array are one value, a list.
    """
    said = _first_of_each(call)
    roots = {ROOT_OF_LIST.get(name, ""): name, "context": "context"}
    objects = {key: said[key] for key in roots if said.get(key) and isinstance(said[key], tuple)}
    for key, value in said.items():
        if key not in objects:
            for path, found in _leaves(((key, value),)).items():
                yield ENVELOPE, path, found
    for key, content in objects.items():
        for path, found in _leaves(content).items():
            yield roots[key], path, found


def _first_of_each(pairs: Pairs) -> dict[str, Any]:
    """Return what each key says, in order; of a key that is repeated the first."""
    return {key: first(pairs, key) for key, _ in pairs}


def _leaves(content: Pairs) -> dict[PropertyPath, Any]:
    """Return what is at each path of an object."""
    found: dict[PropertyPath, Any] = {}
    for steps, value in _walk(content, ()):
        if any(step.is_array for step in steps):
            found.setdefault(PropertyPath(steps), []).append(value)
        else:
            found[PropertyPath(steps)] = value
    return found


def _walk(value: Any, steps: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], Any]]:
    if isinstance(value, tuple) and value:
        for key, item in _first_of_each(value).items():
            yield from _walk(item, (*steps, Step(key)))
    elif isinstance(value, list) and value:
        for item in value:
            yield from _walk(item, (*steps, Step(ARRAY, is_array=True)))
    else:
        yield steps, value


def _json(value: Any) -> str:
    """Write a value as JSON text, numbers as they were."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    if isinstance(value, tuple):
        return "{}" if not value else "{…}"
    return json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list):
        texts = ("null" if item is None else str(_text(item)) for item in value)
        return f"[{', '.join(texts)}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_empty(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and bool(value) and all(item is None for item in value)
    )
