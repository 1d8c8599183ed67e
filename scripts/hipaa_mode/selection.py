"""Which rows of the allowlist count for a destination, where several are about one property."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

from hipaa_mode.configuration import (
    ANY,
    ENVELOPE,
    AllowedEvent,
    AllowedProperty,
    Configuration,
    Destination,
)
from hipaa_mode.paths import PropertyPath

Place = tuple[str, PropertyPath]


def candidate_rows(
    configuration: Configuration, destination: Destination, environment: str
) -> dict[Place, list[AllowedProperty]]:
    """Return the rows that are about a destination in an environment, by what they are about.

    Rows for `*` are about every restricted destination.
    """
    candidates: dict[Place, list[AllowedProperty]] = defaultdict(list)
    for row in configuration.allowed_properties:
        is_for_all = row.destination == ANY and destination.restrict_phi
        if row.environment in (environment, ANY) and (
            row.destination == destination.name or is_for_all
        ):
            candidates[row.place].append(row)
    return candidates


def strongest(rows: Iterable[AllowedProperty]) -> list[AllowedProperty]:
    """Return those of a property's rows that beat the others.

    A row for the destination beats a `*` row, and among those a row for the environment beats a
    `*` row.
    """
    listed = list(rows)
    best = max((rank(row) for row in listed), default=None)
    return [row for row in listed if rank(row) == best]


def strongest_events(
    configuration: Configuration, destination: Destination, environment: str
) -> dict[str, AllowedEvent]:
    """Return the row that counts for each event of a restricted destination, in their order."""
    chosen: dict[str, AllowedEvent] = {}
    for row in configuration.allowed_events:
        if row.environment in (environment, ANY) and row.destination in (destination.name, ANY):
            chosen[row.event] = max(chosen.get(row.event, row), row, key=rank)
    return chosen


def rank(row: AllowedProperty | AllowedEvent) -> tuple[bool, bool]:
    """Return how particular a row is; the higher beats the lower."""
    return (row.destination != ANY, row.environment != ANY)


def still_counts(row: AllowedProperty, today: dt.date) -> bool:
    """Whether a row counts on a day: not expired, or an id's that narrows all the same."""
    narrows = row.property_list == ENVELOPE and row.treatment.kind.name != "allow"
    return row.expires_on is None or row.expires_on >= today or narrows


def grants(row: AllowedProperty) -> bool:
    """Whether a row that counts lets something through, or settles what becomes of an id."""
    return row.treatment.kind.name != "deny" or row.property_list == ENVELOPE
