"""Opt-outs and consent: what a destination's rows ask for, and what was denied to it.

A signal is one thing that a call says of where it may go, as reading writes it down: the macro
`consent_signals`. This module names the signals that count for a destination; the model
`denied_calls` compares. docs/consent.md has the whole table.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STRATEGIES = ("and", "or")
"""Whether a destination needs consent to each of its categories, or to one of them."""

OPTED_OUT = "opted_out"
REFUSED = "consent_refused"
MISSING = "consent_missing"
UNREADABLE = "unreadable"
REASONS = {
    OPTED_OUT: "`integrations` says no",
    REFUSED: "consent to a category was refused",
    MISSING: "consent that the destination needs was not given",
    UNREADABLE: "what it says of consent can't be read",
}
"""Why a call is denied to a destination."""

_BLANKS = ("Zs", "Zl", "Zp", "Cc", "Cf")
"""Categories of characters that no name is told by: blanks, and what can't be seen."""


@dataclass(frozen=True)
class ConsentRule:
    """What decides whether a call is denied to a destination: signals to look for.

    Those of `integrations` begin with `integration`, those of the like object of Freshpaint with
    `consent`. A yes in one of them does not count against a no in the other.

    Attributes:
        says_no: no to this very tool.
        unreadable: a value that is no answer, for the tool or for all.
        integration_no_to_all, consent_no_to_all: no to every tool that the object does not name.
        integration_yes, consent_yes: yes to this very tool, which such a no does not count for.
        categories: ids of the consent categories that it needs.
        needed: to how many of these consent must be given; 0 where it needs none.
    """

    says_no: tuple[str, ...]
    unreadable: tuple[str, ...]
    integration_no_to_all: tuple[str, ...]
    integration_yes: tuple[str, ...]
    consent_no_to_all: tuple[str, ...]
    consent_yes: tuple[str, ...]
    categories: tuple[str, ...]
    needed: int


def rule(
    names: Sequence[str], categories: Sequence[str], strategy: str, honors_opt_outs: bool
) -> ConsentRule:
    """Return the rule of a destination.

    Args:
        names: what `integrations` calls its tool.
        categories: ids of the consent categories that it needs.
        strategy: one of `STRATEGIES`.
        honors_opt_outs: whether `integrations` counts.
    """
    objects = ("integration", "consent") if honors_opt_outs else ()
    tools = sorted(set(names))
    folded = sorted({fold(name) for name in names})
    no_to_all = {word: (f"{word} no: all",) for word in objects}
    yes = {word: tuple(f"{word} yes: {name}" for name in tools) for word in objects}
    needed = sorted(set(categories))
    values = ("", ": all", *(f": {name}" for name in folded))
    return ConsentRule(
        says_no=tuple(f"{word} no: {name}" for word in objects for name in folded),
        unreadable=tuple(f"{word} unreadable{value}" for word in objects for value in values),
        integration_no_to_all=no_to_all.get("integration", ()),
        integration_yes=yes.get("integration", ()),
        consent_no_to_all=no_to_all.get("consent", ()),
        consent_yes=yes.get("consent", ()),
        categories=tuple(needed),
        needed=min(1, len(needed)) if strategy == "or" else len(needed),
    )


def fold(name: str) -> str:
    """Return a tool's name as names are compared where they say no; as in the macro `folded`."""
    shown = (letter for letter in name if unicodedata.category(letter) not in _BLANKS)
    return "".join(shown).lower()


def count_denials(
    denials: Iterable[Sequence[Any]],
    name: str,
    call_types: Collection[str],
    events: Collection[str] | None,
) -> dict[str, dict[str, int]]:
    """Count the calls that are denied to a destination, by reason.

    Args:
        denials: destination, reason, type and event of staged calls, and how many there are.
        call_types: types of the calls that its views are made of.
        events: the events that it may receive; None for all of them.

    Returns:
        `seen`, all that are denied to it, and `withheld`, those that it would else have received.
    """
    seen: Counter[str] = Counter()
    withheld: Counter[str] = Counter()
    for destination, reason, call_type, event, count in denials:
        if destination == name:
            seen[reason] += int(count)
            is_of_event = call_type in ("identify", "group") or events is None or event in events
            if call_type in call_types and is_of_event:
                withheld[reason] += int(count)
    return {"seen": dict(seen), "withheld": dict(withheld)}


def describe_denials(counts: Mapping[str, Any]) -> str:
    """Say how many calls were denied to a destination; blank where none was."""
    seen, withheld = counts.get("seen") or {}, counts.get("withheld") or {}
    if not seen:
        return ""
    reasons = ", ".join(f"{count:,} {_IN_WORDS[reason]}" for reason, count in sorted(seen.items()))
    return (
        f"{sum(seen.values()):,} calls are denied to it ({reasons}): "
        f"{sum(withheld.values()):,} were withheld, {counts.get('published', 0):,} published"
    )


_IN_WORDS = {
    OPTED_OUT: "opted out",
    REFUSED: "without consent, which was refused",
    MISSING: "without consent, which is missing",
    UNREADABLE: "unreadable",
}
