"""Who receives a property, and in which form, as the plan of an environment says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from hipaa_mode.calls import KEYS, ROOT_OF_LIST
from hipaa_mode.configuration import ENVELOPE, VIEWS
from hipaa_mode.paths import PropertyPath
from hipaa_mode.plan import DestinationPlan, Plan, ViewColumn

_COLUMN_OF_KEY = {key: column for column, keys in KEYS.items() for key in keys}


@dataclass(frozen=True)
class Reception:
    """That a destination receives a property.

    Attributes:
        treatment: the form, as the seed writes it; for times the precision.
        events: the only events on which it does; None for all that the destination receives.
        whole_object: whether it is part of an object that is sent whole.
    """

    destination: str
    column: str
    treatment: str
    events: tuple[str, ...] | None = None
    whole_object: bool = False

    def __str__(self) -> str:
        """Describe it in a few words."""
        text = self.treatment + (" (whole object)" if self.whole_object else "")
        return text if self.events is None else f"{text} on {', '.join(self.events)}"


def receptions(
    plan: Plan, models: Collection[str], property_list: str, path: PropertyPath
) -> list[Reception]:
    """Return who receives a property."""
    found = [
        Reception(destination.name, column.name, form, column.events, is_whole)
        for destination in plan.destinations.values()
        for view in VIEWS
        if f"{destination.name}__{view}" in models
        and not (view == "events" and destination.events == {})
        for column in destination.views[view]
        for form, is_whole in _forms(destination, view, column, property_list, path)
    ]
    return list(dict.fromkeys(found))


def _forms(
    destination: DestinationPlan,
    view: str,
    column: ViewColumn,
    property_list: str,
    path: PropertyPath,
) -> list[tuple[str, bool]]:
    """Return the form in which a column shows a property, and whether as part of an object."""
    if column.property_list != ENVELOPE:
        is_whole = column.holds(property_list, path)
        return [] if is_whole is None else [(column.treatment, is_whole)]
    if column.data_type == "json":
        is_of_view = property_list in (VIEWS[view], "context")
        is_received = is_of_view and ROOT_OF_LIST.get(property_list, "context") == column.name
        return [("allow", True)] if is_received else []
    if property_list != ENVELOPE or len(path.steps) != 1 or not column.masked_column:
        return []
    if _COLUMN_OF_KEY.get(path.steps[0].name) != column.name:
        return []
    if column.name in ("timestamp", "received_at"):
        precision = destination.timestamp_precision
        form = "allow" if precision == "exact" else f"to the {precision}"
        return [] if precision == "none" else [(form, False)]
    return [("allow" if column.treatment == "envelope" else column.treatment, False)]
