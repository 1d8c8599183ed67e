"""What a run counted, and the part of a destination's manifest that is known before its files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hipaa_mode.configuration import ANY, ENVELOPE, LATEST_VIEWS, VIEWS
from hipaa_mode.plan import MaskedColumn, Plan, ViewColumn
from hipaa_mode.run.required_checks import Exceptions, calls_view


@dataclass(frozen=True)
class Noted:
    """What was counted of a masked column's values, on one event or on all.

    Attributes:
        event: the event; None where the counts are of all.
        not_fitting: values that fit neither treatment nor data type, and are null.
        like_identifiers: values that look like an identifier.
    """

    view: str
    column: str
    event: str | None
    not_fitting: int | None
    like_identifiers: int | None
    arrived: int | None


@dataclass(frozen=True)
class Counted:
    """Counts that every manifest quotes; no value of a call is among them. See macro `run_counts`.

    Attributes:
        property_names: view, place and name of each property that arrived; None where the project
            does not count them.
        denials: destination, reason, type and event of the calls that are denied, and how many.
        staged: those that are staged, of which `undated` have no time.
        duplicates: those that were delivered before.
        namesakes: those that have the message id of another call.
        cut: those with a text that is cut in the middle of a character.
        suppressed_people: how many people the lists have.
        suppressed_people_hmac: HMAC of their ids, sorted, a line each: whoever has the lists and
            the key can make it again.
    """

    withheld: Mapping[str, int]
    noted: Sequence[Noted]
    property_names: Sequence[tuple[str, str, str]] | None
    denials: Sequence[Sequence[Any]]
    raw: int
    staged: int
    duplicates: int
    rejected: int
    undated: int
    namesakes: int
    cut: int
    suppressed_people: int
    suppressed_people_hmac: str | None

    @property
    def all_withheld(self) -> int:
        """All calls that are withheld."""
        return sum(self.withheld.values())

    @property
    def arrived(self) -> set[tuple[str, str]]:
        """View and masked column of each value that ever came."""
        return {(item.view, item.column) for item in self.noted if item.arrived}


Counts = Mapping[str, Sequence[Noted]]
"""What was counted of the columns of a masked table, by column."""


def counts_of(
    view: str, noted: Iterable[Noted], columns: Iterable[MaskedColumn]
) -> dict[str, list[Noted]]:
    """Sort what was counted of a view's masked columns by column."""
    found: dict[str, list[Noted]] = defaultdict(list)
    for item in noted:
        if item.view == view:
            found[item.column].append(item)
    for column in columns:
        if column.guard_column:
            # A guarded column without rows has counted too, and found nothing.
            found[column.name].append(Noted(view, column.name, None, None, 0, None))
    return found


def described_column(
    column: ViewColumn,
    events: Mapping[str, str] | None,
    counts: Counts,
    coincidences: Mapping[str, int],
) -> dict[str, Any]:
    """Return what a manifest says of a column.

    Args:
        events: the events that its view is shown on; None for all.
        counts: of the masked columns; none for a view of latest values, whose calls are counted.
        coincidences: values that ids equal by chance, by column.
    """
    places = (column.masked_column, column.other_masked_column)
    noted = [item for place in places if place for item in counts.get(place, ())]
    like = [item for item in noted if item.like_identifiers is not None]
    shown = [
        item.like_identifiers or 0
        for item in like
        if events is None or ANY in events or item.event in events
        if column.events is None or item.event in column.events
    ]
    return {
        "name": column.name,
        "property_list": column.property_list,
        "property": column.path,
        "other_property": column.other_path,
        "treatment": column.treatment,
        "data_type": column.data_type,
        "is_list": column.is_list,
        "events": None if column.events is None else list(column.events),
        "reason": column.reason,
        "values_not_fitting": sum(item.not_fitting or 0 for item in noted),
        "guard": column.guard,
        "values_like_identifiers": sum(shown) if like else None,
        "values_that_ids_equal": coincidences.get(column.name, 0),
    }


def count_dropped(
    names: Iterable[tuple[str, str, str]] | None, columns: Sequence[ViewColumn], view: str
) -> int | None:
    """Count the top-level properties that arrived in a view's calls and that it has nothing of.

    Args:
        names: view, place and name of each property that arrived; None where none is counted.
    """
    if names is None:
        return None
    whole = {column.name for column in columns if column.property_list == ENVELOPE}
    dropped = 0
    for of_view, root, name in names:
        if of_view != view or root in whole:
            continue
        own = "context" if root == "context" else VIEWS[view]
        received = {column.top_name for column in columns if column.property_list == own}
        dropped += name not in received
    return dropped


def described(
    plan: Plan,
    name: str,
    views: Mapping[str, str],
    counted: Counted,
    exceptions: Mapping[str, Exceptions],
    coincidences: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """Return the part of a destination's manifest that is known before its files are.

    Args:
        views: the views that the project has of it, by the name of each one's model.
        exceptions: what the checks overlook, by model.
        coincidences: values that ids equal by chance, by model and column.
    """
    destination = plan.destinations[name]
    described_views = {}
    for model, view in views.items():
        columns = destination.columns(view)
        # What was counted was counted of calls, and is said of their view.
        counts: Counts = {}
        if view not in LATEST_VIEWS:
            counts = counts_of(view, counted.noted, plan.masked_tables.get(view, ()))
        events = destination.events if view == "events" else None
        described_views[model] = {
            "view": view,
            "checks_overlook": exceptions[model].describe() if model in exceptions else [],
            "columns": [
                described_column(column, events, counts, coincidences.get(model, {}))
                for column in columns
            ],
            "properties_dropped": count_dropped(counted.property_names, columns, calls_view(view)),
        }
    accounted = ("raw", "staged", "duplicates", "rejected")
    return {
        "environment": plan.environment,
        "destination": name,
        "destination_type": destination.type,
        "connection_mode": destination.connection_mode,
        "hipaa_mode": destination.is_in_hipaa_mode,
        "restrict_phi": destination.restrict_phi,
        "mask_scope": destination.scope,
        "timestamp_precision": destination.timestamp_precision,
        "events": destination.events,
        "allowlist_fingerprint": destination.fingerprint,
        "calls": {
            **{kind: getattr(counted, kind) for kind in accounted},
            "withheld": counted.all_withheld,
        },
        **{kind: getattr(counted, kind) for kind in ("undated", "namesakes", "cut")},
        "withheld": {
            "calls": dict(counted.withheld),
            "suppressed_people": counted.suppressed_people,
            "suppressed_people_hmac": counted.suppressed_people_hmac,
            "retain_days": plan.retain_days,
            "retained_from": plan.retained_from,
        },
        "views": described_views,
    }
