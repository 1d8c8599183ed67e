"""The checks that a run must have passed before it may publish, and how far each may be set.

The list is the package's own. A project's graph can't shorten it: a test that was switched off,
left out or weakened is missing from what ran, and its destinations are held back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hipaa_mode.configuration import LATEST_VIEWS
from hipaa_mode.run.facts import SEEDS

VIEW_CHECKS = (
    "only_allowlisted_columns",
    "masked_columns_are_tokens",
    "no_raw_identifiers",
    "no_identifier_patterns",
    "only_allowed_events",
    "no_denied_calls",
    "row_id_is_primary_key",
    "rows_match_calls",
)
"""The checks of a destination view, each a generic test."""

ALL_VIEW_CHECKS = "holds_only_what_is_allowed"
"""The generic test that runs them all."""

SHORTEST_ID = 4
"""Characters of the shortest id that is looked for: shorter ones are in any column of numbers."""

MOST_MINIMUM_LENGTH = 8
"""The most that a test may make of it."""

UNCHANGED: Mapping[str, tuple[Any, ...]] = {
    "severity": ("ERROR", "error"),
    "where": (None, ""),
    "limit": (None,),
    "fail_calc": ("count(*)",),
    "warn_if": ("!= 0",),
    "error_if": ("!= 0",),
    # A stored failure would be a copy of raw data.
    "store_failures": (None, False),
    "store_failures_as": (None, "ephemeral"),
}
"""Settings of a test, each with the values under which it finds all that it is there to find."""


@dataclass(frozen=True)
class RequiredCheck:
    """A test that a run must have passed.

    Attributes:
        test: name of a singular test of the package or, of a seed, of a generic one.
        seed: the seed it tests; blank for a singular test.
    """

    test: str
    seed: str = ""

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.test} of {self.seed}" if self.seed else self.test


STAGING_CHECKS = (
    RequiredCheck("staging_gives_every_reason_and_key"),
    RequiredCheck("raw_calls_are_all_accounted_for"),
)
SEED_CHECKS = tuple(RequiredCheck("matches_reviewed_file", seed) for seed in SEEDS)


def masked_checks(views: Sequence[str]) -> tuple[RequiredCheck, ...]:
    """Return the checks of the masked tables that some views are made of."""
    tables = dict.fromkeys(masked_table(view) for view in views)
    return tuple(RequiredCheck(f"withheld_calls_are_not_in_{table}") for table in tables)


def masked_table(view: str) -> str:
    """Return the model that a destination view is made of."""
    return f"masked_{calls_view(view)}"


def calls_view(view: str) -> str:
    """Return the view whose calls a view of latest values sums up; else the view itself."""
    return LATEST_VIEWS[view][0] if view in LATEST_VIEWS else view


def view_checks(view: str) -> tuple[str, ...]:
    """Return the checks that a view must have. One of latest values has no events to check."""
    if view in LATEST_VIEWS:
        return tuple(check for check in VIEW_CHECKS if check != "only_allowed_events")
    return VIEW_CHECKS


def changed_settings(config: Mapping[str, Any]) -> list[str]:
    """Return the settings of a test that keep it from finding all, or from failing."""
    return [
        name for name, values in UNCHANGED.items() if name in config and config[name] not in values
    ]


@dataclass
class Exceptions:
    """What a view's checks overlook, as its project says.

    Attributes:
        columns: columns that hold what looks like an identifier, as reviewed.
        shortest_id: characters of the shortest id that is looked for.
    """

    columns: set[str] = field(default_factory=set)
    shortest_id: int = SHORTEST_ID

    def describe(self) -> list[str]:
        """Say it, a line each."""
        lines = []
        if self.columns:
            lines.append(f"identifiers are not looked for in {', '.join(sorted(self.columns))}")
        if self.shortest_id > SHORTEST_ID:
            lines.append(f"ids of fewer than {self.shortest_id} characters are not looked for")
        return lines


def weakened(arguments: Mapping[str, Any], protected: Collection[str], found: Exceptions) -> str:
    """Judge the arguments that a check of a destination view may be given.

    Args:
        protected: columns of tokens, which the last look looks at though a test leaves them out.
        found: where what it overlooks is noted.

    Returns:
        Why it is as good as none; blank where it is not.
    """
    known = {"model", "column_name", "minimum_length", "except_columns"}
    unknown = sorted(set(arguments) - known)
    if unknown:
        return f"has arguments that it does not take ({', '.join(unknown)})"
    length = arguments.get("minimum_length", SHORTEST_ID)
    if isinstance(length, bool) or not isinstance(length, int) or length > MOST_MINIMUM_LENGTH:
        return f"has a minimum_length of more than {MOST_MINIMUM_LENGTH}"
    names = arguments.get("except_columns", [])
    if not isinstance(names, list):
        return "has except_columns that are no list"
    found.columns.update(str(name) for name in names if str(name).casefold() not in protected)
    found.shortest_id = max(found.shortest_id, length)
    return ""
