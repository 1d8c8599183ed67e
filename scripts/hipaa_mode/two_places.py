"""Traits that come in two places: `traits` of an identify call, and its `context.traits`.

Libraries of RudderStack send them in the latter, others in the former. Two rows with one column
name and one form are one column: of a call the first of the two that can be read, and of a
person the newest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from hipaa_mode.configuration import AllowedProperty, Destination
from hipaa_mode.paths import PropertyPath

TRAITS = "traits"
"""Key of a call's context that holds its traits."""

Rows: TypeAlias = Sequence[AllowedProperty]


def with_second_places(
    columns: Sequence[Rows], destination: Destination
) -> list[tuple[Rows, Rows | None]]:
    """Pair the rows of a trait with those of the same trait in `context.traits`.

    Args:
        columns: the rows of each column of a view of identify calls.
        destination: whose view it is.

    Returns:
        The rows of each column, and those of its second place, which have no column of their own.
    """
    second = {
        _key(rows[0], destination): rows
        for rows in columns
        if rows[0].property_list == "context" and all(row.event is None for row in rows)
    }
    first = [rows for rows in columns if rows[0].property_list == "user"]
    paired = {
        id(rows): second[key] for rows in first if (key := _key(rows[0], destination)) in second
    }
    taken = {id(rows) for rows in paired.values()}
    return [(rows, paired.get(id(rows))) for rows in columns if id(rows) not in taken]


def _key(row: AllowedProperty, destination: Destination) -> object:
    """Return what the rows of one trait have in common, wherever it comes."""
    steps = row.path.steps
    if row.property_list == "context":
        is_trait = not steps[0].is_array and steps[0].name == TRAITS and len(steps) > 1
        steps = steps[1:] if is_trait else ()
    return (PropertyPath(steps), row.form, row.scope_for(destination)) if steps else None
