"""How many raw calls a change affects: those that have a value where the change is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hipaa_mode.calls import LIST_OF_TYPE, ROOT_OF_LIST, Pairs, event_name, first, judge, parse
from hipaa_mode.inventory.take import line_batches
from hipaa_mode.paths import Step
from hipaa_mode.preview.changes import Change
from hipaa_mode.raw_calls import RawLocation


def count_affected(
    changes: Sequence[Change],
    location: RawLocation,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[list[int | None], int]:
    """Count, for each change, the raw calls that it affects.

    A call counts for a property where it brings it to the destination, before or after the change,
    and has a value for it that is not null; for an event where it is of it. Duplicates count.

    Returns:
        The numbers, None for a change that can't be counted, and how many calls were read.

    Raises:
        RawCallsError: the calls can't be read.
    """
    counts: list[int | None] = [0 if change.reaches else None for change in changes]
    counted = [(place, change) for place, change in enumerate(changes) if change.reaches]
    read = 0
    for batch in line_batches(location):
        read += len(batch)
        for message in batch.column("message").drop_null().to_pylist():
            call = parse(message)
            if not isinstance(call, tuple):
                continue
            reason, kind = judge(call)
            if reason:
                continue
            for place, change in counted:
                if _affects(change, call, kind):
                    counts[place] += 1  # type: ignore[operator]
        progress(batch.column("message").nbytes)
    return counts, read


def _affects(change: Change, call: Pairs, kind: str) -> bool:
    name = LIST_OF_TYPE[kind]
    if name not in change.reaches:
        return False
    events = change.reaches[name]
    if events is not None and event_name(call, kind) not in events:
        return False
    root = "context" if change.property_list == "context" else ROOT_OF_LIST[name]
    return change.path is None or _has_value(first(call, root), change.path.steps)


def _has_value(value: Any, steps: tuple[Step, ...]) -> bool:
    if not steps:
        return value is not None
    if steps[0].is_array:
        return isinstance(value, list) and any(_has_value(item, steps[1:]) for item in value)
    return isinstance(value, tuple) and _has_value(first(value, steps[0].name), steps[1:])
