"""How many properties are allowed: one count for the log, the summary, the page and the report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hipaa_mode.configuration import PROPERTY_LISTS
from hipaa_mode.plan import DestinationPlan

SENT = "sent as it is"
MASKED = "masked"
GENERALISED = "generalised"
NOT_SENT = "not sent"


def form_of(treatment: str) -> str:
    """Put a treatment in one word for people."""
    name = treatment.split("(")[0]
    if name in ("mask", "surrogate"):
        return MASKED
    return {"allow": SENT, "deny": NOT_SENT}.get(name, GENERALISED)


@dataclass(frozen=True)
class PropertyCounts:
    """How many properties may be received, the ids and other columns of every call left out.

    A property is a path on one of the lists. One that is allowed in two forms, on different
    events, is one property, and counts in both forms.
    """

    allowed: int = 0
    sent: int = 0
    masked: int = 0
    generalised: int = 0

    @property
    def text(self) -> str:
        """The counts in words."""
        noun = "property" if self.allowed == 1 else "properties"
        return f"{self.allowed} {noun} allowed ({self.masked} masked, {self.generalised} coarser)"


def count_properties(columns: Iterable[Mapping[str, Any]]) -> PropertyCounts:
    """Count the properties that columns hold.

    Args:
        columns: of each its `property_list`, `property` (the path) and `treatment`, as manifests
            have them.
    """
    forms: dict[str, set[tuple[str, str]]] = {SENT: set(), MASKED: set(), GENERALISED: set()}
    for column in columns:
        if column["property_list"] in PROPERTY_LISTS:
            form = form_of(str(column["treatment"]))
            forms.get(form, set()).add((column["property_list"], column["property"]))
    return PropertyCounts(
        len(set().union(*forms.values())), *(len(found) for found in forms.values())
    )


def properties_of(destination: DestinationPlan, models: Collection[str]) -> PropertyCounts:
    """Count the properties that a destination's views may hold, those of all of them together."""
    return count_properties(
        {
            "property_list": column.property_list,
            "property": column.path,
            "treatment": column.treatment,
        }
        for view, columns in destination.views.items()
        if f"{destination.name}__{view}" in models
        for column in columns
    )
