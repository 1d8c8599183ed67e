"""Rows that no call has ever matched: a misspelt path, event or id looks like one that is rare."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from hipaa_mode.plan import Plan

LINES_SHOWN = 20


def never_matched(
    plan: Plan,
    calls: int,
    arrived: Collection[tuple[str, str]],
    seen_events: Collection[str],
    unseen_ids: Sequence[str],
) -> list[str]:
    """Return what a run says of the rows that no call has ever matched; nothing if there are none.

    Args:
        plan: the run's plan, which knows the rows.
        calls: how many there are.
        arrived: view and masked column of each value that ever came.
        seen_events: the allowed names that ever came.
        unseen_ids: the places of the suppressed ids that no call ever had.
    """
    if not calls:
        return ["no call has arrived yet, so that no row was compared with any"]
    paths = list(_paths(plan, arrived))
    events = [
        f"{place}: event {name}"
        for name, places in plan.event_rows.items()
        if name not in seen_events
        for place in places
    ]
    suppressed = [f"{place}: a suppressed id" for place in unseen_ids]
    lines = [*paths, *events, *suppressed]
    if not lines:
        return []
    kinds = ((paths, "path"), (events, "event"), (suppressed, "suppressed id"))
    counted = ", ".join(
        f"{len(found)} {name}{'s' if len(found) > 1 else ''}" for found, name in kinds if found
    )
    return [f"WARNING: no call has ever matched {counted}. Are they misspelt?", *_shown(lines)]


def _paths(plan: Plan, arrived: Collection[tuple[str, str]]) -> Iterable[str]:
    """Return the rows whose values came in none of the views that show them, in their order."""
    matched: dict[tuple[str, int | None, str], bool] = {}
    for view, columns in plan.column_rows.items():
        for column, rows in columns.items():
            for row in rows:
                matched[row] = matched.get(row, False) or (view, column) in arrived
    for (file, line, path), was_matched in sorted(matched.items()):
        if not was_matched:
            yield f"{file}, line {line}: {path}"


def _shown(lines: Sequence[str]) -> list[str]:
    more = len(lines) - LINES_SHOWN
    return [*lines[:LINES_SHOWN], *([f"and {more} more"] if more > 0 else [])]
