"""Properties that arrive and that a destination does not receive, from the inventory."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hipaa_mode.configuration import PROPERTY_LISTS
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.inventory.kinds import KINDS
from hipaa_mode.inventory.state import read_state
from hipaa_mode.inventory.take import take_inventory
from hipaa_mode.paths import PathSyntaxError, parse_path
from hipaa_mode.project import raw_calls_of

LARGEST_READ = 64 * 1024 * 1024
"""Bytes of raw files that the page reads by itself; above, somebody takes the inventory first."""

# What is proposed for what a property looks like: how, which coarser form, normalisation.
_PROPOSALS: Mapping[str, tuple[str, str, str]] = {
    "email": ("mask", "", "email"),
    "phone": ("mask", "", "phone"),
    "fax": ("mask", "", "phone"),
    "zip": ("coarser", "zip3", ""),
    "date_of_birth": ("coarser", "birth_year", ""),
    "date": ("coarser", "year", ""),
    "age": ("coarser", "age_cap", ""),
    "ip": ("coarser", "ip_prefix", ""),
    "url": ("coarser", "url_origin", ""),
}
_TOKEN = ("mask", "", "")
_IDS = {"ssn", "mrn", "health_plan", "card", "account", "licence", "vehicle", "device_id",
        "unique_id"}  # fmt: skip
"""Kinds that are of use as tokens: names, places and free text are not."""

_OF_VALUES = {"ip", "url"}
"""Kinds whose coarser form gives nothing for a value of another shape."""

TELLING_SHARE = 0.5
"""Part of the values that must have a kind's shape before the kind's form is proposed."""


@dataclass(frozen=True)
class Suggestion:
    """A property that arrives.

    Attributes:
        fill: part of the list's calls that have it.
        types: types of its values, most frequent first.
        looks: what it looks like, in words.
        how: the form proposed: `mask`, `coarser`, or blank where nothing can be said.
        coarser, normalize: what else is proposed of the form.
    """

    property_list: str
    path: str
    fill: float
    types: tuple[str, ...]
    looks: tuple[str, ...]
    how: str = ""
    coarser: str = ""
    normalize: str = ""


@dataclass(frozen=True)
class Arrivals:
    """What is known of what arrives in an environment, and where that is from, or why not."""

    note: str
    suggestions: tuple[Suggestion, ...] = ()


class ArrivalsReader:
    """Finds what arrives: the last inventory, or else a look at the raw calls."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._known: dict[str, Arrivals] = {}
        self._lock = threading.Lock()

    def read(self, environment: str) -> Arrivals:
        """Return what arrives in an environment; the raw calls are read once."""
        with self._lock:
            if environment not in self._known:
                self._known[environment] = self._read(environment)
            return self._known[environment]

    def _read(self, environment: str) -> Arrivals:
        try:
            state = read_state(self._project, environment)
            if state.last:
                note = f"From the inventory of {state.taken_at[:16].replace('T', ' ')} UTC."
                items = state.last["properties"]
            else:
                location = raw_calls_of(self._project, environment)
                size = sum(file.size for file in location.files)
                if location.kind == "table" or size > LARGEST_READ:
                    run = f"hipaa-mode inventory -e {environment}"
                    return Arrivals(f"Run `{run}` to see here what arrives.")
                inventory = take_inventory(location)
                note = f"From the {inventory.lines:,} raw calls at hand."
                items = [item.as_json() for item in inventory.properties]
            return Arrivals(note, tuple(filter(None, map(_suggestion, items))))
        except (HipaaModeError, KeyError, TypeError) as error:
            return Arrivals(f"Nothing is known of what arrives: {error}")


def _suggestion(item: Mapping[str, Any]) -> Suggestion | None:
    """Make a suggestion of a property of an inventory; None where it can't be allowed.

    Proposed is the form for what it looks like, or a token for what is an id.
    """
    if not item["is_exact"] or item["property_list"] not in PROPERTY_LISTS:
        return None
    cell = next(csv.reader(io.StringIO(item["seed_cell"])), [""])[0]
    try:
        path = str(parse_path(cell))
    except PathSyntaxError:
        return None
    looks = [look for look in item["looks_like"] if look["kind"] in KINDS]
    kinds = [
        look["kind"]
        for look in looks
        if is_telling(look["kind"], look["by_name"], look["share_of_values"])
    ]
    proposed = [_PROPOSALS[kind] for kind in kinds if kind in _PROPOSALS]
    proposed += [_TOKEN] if _IDS.intersection(kinds) else []
    return Suggestion(
        item["property_list"],
        path,
        float(item["fill"]),
        tuple(sorted(item["types"], key=lambda name: -item["types"][name])),
        tuple(KINDS[look["kind"]].title for look in looks),
        *next(iter(proposed), ()),
    )


def is_telling(kind: str, by_name: bool, share: float | None) -> bool:
    """Whether a property is of a kind, so that the kind's form is of use for its values.

    A few e-mail addresses in what is typed into a search box do not make it one, and the form for
    URLs makes nothing of `page.path`, whatever its name.
    """
    return (by_name and kind not in _OF_VALUES) or (share or 0.0) >= TELLING_SHARE
