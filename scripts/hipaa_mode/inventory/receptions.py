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
        destination: who receives it.
        column: the column that holds it.
        treatment: the form, as the seed writes it; for times the precision.
        events: the only events on which it does; None for all that the destination receives.
        is_whole: whether it is part of an object that is sent whole.
    """

    destination: str
    column: str
    treatment: str
    events: tuple[str, ...] | None = None
    is_whole: bool = False

    def __str__(self) -> str:
        """Describe it in a few words."""
        text = self.treatment + (" (whole object)" if self.is_whole else "")
        if self.events is not None:
            text += f" on {', '.join(self.events)}"
        return text


def receptions(
    plan: Plan, models: Collection[str], property_list: str, path: PropertyPath
) -> list[Reception]:
    """Return who receives a property."""
    found: list[Reception] = []
    for destination in plan.destinations.values():
        for view in VIEWS:
            if f"{destination.name}__{view}" not in models:
                continue
            if view == "events" and destination.events == {}:
                continue
            for column in destination.views[view]:
                reception = _reception(destination, view, column, property_list, path)
                if reception is not None and reception not in found:
                    found.append(reception)
    return found


def _reception(
    destination: DestinationPlan,
    view: str,
    column: ViewColumn,
    property_list: str,
    path: PropertyPath,
) -> Reception | None:
    if column.property_list == ENVELOPE:
        return _of_envelope(destination, view, column, property_list, path)
    is_whole = column.holds(property_list, path)
    if is_whole is None:
        return None
    return Reception(destination.name, column.name, column.treatment, column.events, is_whole)


def _of_envelope(
    destination: DestinationPlan,
    view: str,
    column: ViewColumn,
    property_list: str,
    path: PropertyPath,
) -> Reception | None:
    if column.data_type == "json":
        is_of_view = property_list in (VIEWS[view], "context")
        is_received = is_of_view and ROOT_OF_LIST.get(property_list, "context") == column.name
        whole = Reception(destination.name, column.name, "allow", is_whole=True)
        return whole if is_received else None
    if property_list != ENVELOPE or len(path.steps) != 1:
        return None
    if _COLUMN_OF_KEY.get(path.steps[0].name) != column.name or not column.masked_column:
        return None
    treatment = column.treatment
    if column.name in ("timestamp", "received_at"):
        precision = destination.timestamp_precision
        if precision == "none":
            return None
        treatment = "allow" if precision == "exact" else f"to the {precision}"
    elif treatment == "envelope":
        treatment = "allow"
    return Reception(destination.name, column.name, treatment)
