"""What differs between two descriptions of what is received, and whether more gets through.

There is this comparison alone: for the build, `hipaa-mode lock`, the preview, the page and CI.
What it does not know to let less through counts as letting more through.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hipaa_mode.configuration import ANY, OWN_SCOPE, PROPERTY_SCOPE, TIMESTAMP_PRECISIONS
from hipaa_mode.received.description import (
    CALL,
    CLIENT_SIDE,
    EVERY_EVENT,
    FOR_GOOD,
    HIPAA_MODE,
    SERVER_SIDE,
    SHARED_SCOPE,
    Description,
)
from hipaa_mode.treatments import TREATMENTS

WIDENS = "widens"
NARROWS = "narrows"
CHANGES = "re-forms"
EFFECTS = (WIDENS, CHANGES, NARROWS)
"""What a difference may do: let more through, another thing that is no more, or less."""

NOT_SENT = "not sent"
SENT_WHOLE = "sent whole"
NOBODY = "no destination"


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was.

    Attributes:
        environment: the environment; `*` for all.
        destination: the destination; `*` for all.
        kind: `environment`, `setting`, `destination`, `event`, `denied`, `view` or `column`.
        place: which one: the setting, the event, the property, the view, or `view.column`.
        source: of a column, the property list and path that it is made of.
        before: how it was, in words.
        after: how it is, in words.
        effect: one of `EFFECTS`.
    """

    environment: str
    destination: str
    kind: str
    place: str
    source: str
    before: str
    after: str
    effect: str

    def __str__(self) -> str:
        """Write the difference as one line of a report."""
        of = "every destination" if self.destination == ANY else f"`{self.destination}`"
        source = f" ({self.source})" if self.source else ""
        is_whole = self.kind in ("environment", "destination")
        place = self.kind if is_whole else f"{self.kind} {self.place}{source}"
        where = "every environment" if self.environment == ANY else self.environment
        return f"{where}, {of}: {place}: {self.before} -> {self.after} ({self.effect})"


_Found = tuple[str, str, str, str, str, str]
"""A difference without its environment and destination, in the order of its fields."""


def compare(
    locked: Description,
    current: Description,
    day: dt.date | None = None,
    environments: Collection[str] | None = None,
) -> list[Difference]:
    """Return what differs from a locked description, what lets more through first.

    Args:
        locked: what was agreed to.
        current: what would be received.
        day: what the locked description lets end before this day is no difference; None compares
            the two as they stand.
        environments: compare these alone, and what is the same in all; None for all.
    """
    catalogue = _settings(locked["every_environment"], current["every_environment"], _CATALOGUE)
    found = [Difference(ANY, ANY, *each) for each in catalogue]
    old, new = locked["environments"], current["environments"]
    for name in sorted({*old, *new} if environments is None else environments):
        found += _environment(name, old.get(name), new.get(name), day)
    return sorted(found, key=lambda difference: EFFECTS.index(difference.effect))


def lets_more_through(differences: Collection[Difference]) -> list[Difference]:
    """Return the differences that a person must agree to: all but those that narrow."""
    return [difference for difference in differences if difference.effect != NARROWS]


def _environment(
    name: str, old: Description | None, new: Description | None, day: dt.date | None
) -> Iterator[Difference]:
    if old is None or new is None:
        whole = _came_or_went("environment", name, old, new, _destinations_in_words)
        if whole[3] != whole[4]:
            yield Difference(name, ANY, *whole)
        return
    of_all = [*_suppressed(old, new), *_settings(old, new, _ENVIRONMENT)]
    yield from (Difference(name, ANY, *each) for each in of_all)
    before, after = old["destinations"], new["destinations"]
    for destination in sorted({*before, *after}):
        for each in _destination(
            destination, before.get(destination), after.get(destination), day
        ):
            yield Difference(name, destination, *each)


def _destination(
    name: str, old: Description | None, new: Description | None, day: dt.date | None
) -> Iterator[_Found]:
    if old is None or new is None:
        yield _came_or_went("destination", name, old, new, _destination_in_words)
        return
    yield from _settings(old, new, _RESTRICTED if new["restrict_phi"] == "true" else _OPEN)
    yield from _events(old["events"], new["events"])
    denied, denies = set(old.get("denied", ())), set(new.get("denied", ()))
    for place in sorted(denied ^ denies):
        words = ("denied", "not denied", WIDENS)
        yield (
            "denied",
            place,
            "",
            *(("not denied", "denied", NARROWS) if place in denies else words),
        )
    for view in sorted({*old["views"], *new["views"]}):
        before, after = old["views"].get(view), new["views"].get(view)
        if before is None or after is None:
            yield _came_or_went("view", view, before, after, _view_in_words)
        else:
            yield from _columns(view, old, new, day)


def _came_or_went(
    kind: str,
    place: str,
    old: Description | None,
    new: Description | None,
    in_words: Callable[[Description | None], str],
) -> _Found:
    return kind, place, "", in_words(old), in_words(new), NARROWS if new is None else WIDENS


def _settings(
    old: Description, new: Description, rules: Mapping[str, _Rule | None]
) -> Iterator[_Found]:
    """Compare settings, each by its rule; what has None for a rule is compared elsewhere."""
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        rule = rules.get(name, _unknown)
        if before != after and rule is not None:
            yield "setting", name, "", _words(before), _words(after), rule(before, after)


def _suppressed(old: Description, new: Description) -> Iterator[_Found]:
    """Compare who is suppressed: anybody less widens, whoever came in their place."""
    before, after = old["suppressed_users"], new["suppressed_users"]
    was: Counter[str] = Counter(old["suppressed_marks"])
    is_now: Counter[str] = Counter(new["suppressed_marks"])
    if (before, was) == (after, is_now):
        return
    missing = (was - is_now).total()
    effect = NARROWS if not missing and int(after) >= int(before) else WIDENS
    said = f"{after}, {missing} of the former not among them" if missing else after
    yield "setting", "suppressed_users", "", before, said, effect


def _events(old: Any, new: Any) -> Iterator[_Found]:
    before, after = ({ANY: ANY} if side == EVERY_EVENT else side for side in (old, new))
    for event in sorted({*before, *after}):
        was, is_now = _sent_as(before, event), _sent_as(after, event)
        if was == is_now:
            continue
        if is_now is None:
            effect = NARROWS
        elif was is None or is_now == event:
            effect = WIDENS
        else:
            # From its own name it is hidden; from one name to another, nobody knows.
            effect = CHANGES if was == event else WIDENS
        place = "every event" if event == ANY else event
        yield "event", place, "", _sent_in_words(event, was), _sent_in_words(event, is_now), effect


def _sent_as(events: Mapping[str, str], event: str) -> str | None:
    return events.get(event, event if ANY in events else None)


def _columns(
    view: str, old: Description, new: Description, day: dt.date | None
) -> Iterator[_Found]:
    before, after = old["views"][view], new["views"][view]
    renamed = _renamed(before, after)
    for name, other in sorted(renamed.items()):
        place, source = f"{view}.{name}", before[name]["from"]
        yield "column", place, source, f"named {name}", f"named {other}", CHANGES
    for name in sorted({*before, *after} - set(renamed) - set(renamed.values())):
        was, is_now = before.get(name), after.get(name)
        if was == is_now:
            continue
        effect = _column_effect(was, is_now, old, new)
        in_words = [_column_in_words(was, is_now), _column_in_words(is_now, was)]
        if was is None and _is_of_a_whole(is_now, old):
            effect, in_words[0] = NARROWS, SENT_WHOLE
        elif is_now is None and _is_of_a_whole(was, new) > _is_of_a_whole(was, old):
            effect, in_words[1] = WIDENS, SENT_WHOLE
        if effect == NARROWS and was and day and _is_at_its_end(was, is_now, day):
            continue
        yield "column", f"{view}.{name}", (is_now or was)["from"], *in_words, effect


def _is_of_a_whole(column: Mapping[str, Any], destination: Description) -> bool:
    """Whether a destination that has whole calls has a property, though no column is of it."""
    return not _is_of_a_call(column) and destination["restrict_phi"] == "false"


def _is_of_a_call(column: Mapping[str, Any]) -> bool:
    is_of_a_call: bool = column["from"].startswith(f"{CALL} ")
    return is_of_a_call


def _renamed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns that another name took the place of, all else being the same."""
    found: dict[str, str] = {}
    for name in (name for name in old if name not in new):
        same = [other for other in new if other not in old and new[other] == old[name]]
        if len(same) == 1 and same[0] not in found.values():
            found[name] = same[0]
    return found


# In words


def _destinations_in_words(environment: Description | None) -> str:
    return NOBODY if environment is None else _words(sorted(environment["destinations"]), NOBODY)


def _destination_in_words(destination: Description | None) -> str:
    if destination is None:
        return NOT_SENT
    events, views = destination["events"], _words(sorted(destination["views"]), "no view")
    count = EVERY_EVENT if events == EVERY_EVENT else f"{len(events)} events"
    return f"{destination['type']}, {destination['mode']}, {count}, {views}"


def _sent_in_words(event: str, sent_as: str | None) -> str:
    if sent_as is None:
        return NOT_SENT
    return "sent" if sent_as == event else f"sent as {sent_as}"


def _view_in_words(columns: Mapping[str, Any] | None) -> str:
    return NOT_SENT if columns is None else f"{len(columns)} columns: {_words(sorted(columns))}"


def _column_in_words(column: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    """Describe what a destination sees of a column, which may take the place of another one."""
    if column is None:
        return NOT_SENT
    is_of_another = other is not None and other["from"] != column["from"]
    words = [f"{column['from']} as {column['form']}" if is_of_another else column["form"]]
    if "normalize" in column:
        words.append(f"normalised as {column['normalize']}")
    words.append(column["type"] + (" list" if "list" in column else ""))
    said_first = {"from", "form", "normalize", "type", "list"}
    prepositions = {"events": "on", "scope": "tokens"}
    for name in (name for name in column if name not in said_first):
        words.append(f"{prepositions.get(name, name)} {_words(column[name])}")
    return ", ".join(words)


def _words(value: Any, nothing: str = "none") -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {text}" for name, text in sorted(value.items())) or nothing
    return value if isinstance(value, str) else ", ".join(value or ()) or nothing


# How much each thing tells

_Rule = Callable[[Any, Any], str]


def _unknown(before: Any, after: Any) -> str:
    return WIDENS


def _changes(before: Any, after: Any) -> str:
    return CHANGES


def _ranked(*names: str | None) -> _Rule:
    """Judge by an order, from what tells least to what tells most."""

    def rule(before: Any, after: Any) -> str:
        if before not in names or after not in names:
            return WIDENS
        return NARROWS if names.index(after) < names.index(before) else WIDENS

    return rule


def _sooner(before: Any, after: Any) -> str:
    """Judge ends, dates in ISO 8601: sooner is less, none is no end."""
    return NARROWS if after is not None and (before is None or after < before) else WIDENS


def _fewer_days(before: Any, after: Any) -> str:
    if before is None or after in (None, FOR_GOOD):
        return WIDENS
    return NARROWS if before == FOR_GOOD or int(after) < int(before) else WIDENS


def _other_names(before: Any, after: Any) -> str:
    """Judge the names that opt-outs may be under: a no under one counts, and so does a yes."""
    return NARROWS if before is None else WIDENS


def _more(before: Any, after: Any) -> str:
    """Judge what is needed all together, or taken away; None for nothing."""
    return NARROWS if after is not None and set(before or ()) <= set(after) else WIDENS


def _fewer(before: Collection[str] | None, after: Collection[str] | None) -> str:
    """Judge the only ones that something is shown on, or needs one of; None for all."""
    if after is None:
        return WIDENS
    return NARROWS if before is None or set(after) <= set(before) else WIDENS


_CATALOGUE: Mapping[str, _Rule] = {"optional_lists": _more, "small_zip3_areas": _more}
_ENVIRONMENT: Mapping[str, _Rule | None] = {
    "retain_days": _fewer_days,
    **dict.fromkeys(("destinations", "suppressed_users", "suppressed_marks")),
}
_RESTRICTED: Mapping[str, _Rule | None] = {
    "type": _changes,
    "mode": _ranked(HIPAA_MODE, SERVER_SIDE, CLIENT_SIDE),
    "restrict_phi": _ranked("true", "false"),
    # Of an agreement nothing hangs while PHI is restricted.
    "baa_reference": _changes,
    "baa_expires_on": _changes,
    "mask_scope": _ranked(OWN_SCOPE, SHARED_SCOPE),
    "stopped": _ranked("true", None),
    "timestamp_precision": _ranked(*reversed(TIMESTAMP_PRECISIONS)),
    "opt_outs": _other_names,
    "consent_to_all_of": _more,
    "consent_to_one_of": _fewer,
    **dict.fromkeys(("events", "denied", "views")),
}
_OPEN: Mapping[str, _Rule | None] = {**_RESTRICTED, "baa_expires_on": _sooner}


def _column_effect(
    was: Mapping[str, Any] | None,
    is_now: Mapping[str, Any] | None,
    old: Description,
    new: Description,
) -> str:
    if is_now is None:
        return NARROWS
    if was is None:
        return NARROWS if is_now["form"] == "deny" else WIDENS
    if is_now["form"] == "deny" and was["from"] == is_now["from"]:
        return NARROWS
    effects = {
        _attribute_effect(name, was, is_now, old, new)
        for name in {*was, *is_now}
        if was.get(name) != is_now.get(name)
    }
    return min(effects, key=EFFECTS.index)


def _attribute_effect(
    name: str,
    was: Mapping[str, Any],
    is_now: Mapping[str, Any],
    old: Description,
    new: Description,
) -> str:
    before, after = was.get(name), is_now.get(name)
    # A form of another type is judged as a form; without tokens there is nothing to normalise.
    is_form = name == "form" or (name == "type" and was["form"] != is_now["form"])
    if is_form or (name == "normalize" and was["form"] == "allow" and is_now["form"] in _CODES):
        return _form_effect(was, is_now)
    if name == "type":
        return _type_effect(before, after)
    if name == "guard":
        if not _can_be_guarded(is_now):
            # What was null, since it looked like an identifier, may be none for another type.
            return WIDENS if before == "block" and is_now["form"] not in _CODES else NARROWS
        return _ranked("block", "warn", None)(before, after)
    if name == "scope":
        others, now = _comparable(before, old), _comparable(after, new)
        return CHANGES if others == now else NARROWS if now < others else WIDENS
    if name == "events":
        return _fewer(before, after)
    # Another `normalize` makes other tokens, which may be those of others.
    return _ends_effect(was, is_now) if name == "until" else WIDENS


def _comparable(scope: str | None, destination: Description) -> set[str]:
    """Say what the tokens of a column can be compared with, besides those of the column."""
    whole = destination["mask_scope"]
    if scope == PROPERTY_SCOPE:
        return {"destinations"} if whole == SHARED_SCOPE else set()
    is_shared = (scope or whole) == SHARED_SCOPE
    return {"properties", "destinations"} if is_shared else {"properties"}


_CODES = ("mask", "surrogate")
_STEP = re.compile(r"(round|truncate)\(([0-9.]+)\)")
_COARSER = (("month", "year"), ("month", "birth_year"), ("year", "birth_year"))


def _form_effect(was: Mapping[str, Any], is_now: Mapping[str, Any]) -> str:
    before, after = was["form"], is_now["form"]
    if before == after or (before, after) == ("mask", "surrogate"):
        return CHANGES
    if after == "deny":
        return NARROWS
    if before == "allow" and was["type"] in ("text", "json"):
        # A part of a value that the guard made null is more than nothing.
        return NARROWS if after in _CODES or "guard" not in was else WIDENS
    is_coarser = (before, after) in _COARSER
    one, other = _STEP.fullmatch(before), _STEP.fullmatch(after)
    if one and other and one[1] == other[1]:
        step, now = Decimal(one[2]), Decimal(other[2])
        is_coarser = now % step == 0 if one[1] == "round" else now < step
    return NARROWS if is_coarser else WIDENS


def _type_effect(before: Any, after: Any) -> str:
    """Judge types of the same form: each value that is not of the type is null."""
    is_read = before == "json" or (before == "text" and after != "json")
    return NARROWS if is_read or (before, after) == ("timestamp", "date") else WIDENS


def _can_be_guarded(column: Mapping[str, Any]) -> bool:
    kind = TREATMENTS.get(column["form"].partition("(")[0])
    carries_text = kind is not None and kind.carries_text
    return not _is_of_a_call(column) and carries_text and column["type"] in ("text", "json")


# Ends


def _end_on(column: Mapping[str, Any], event: str) -> str | None:
    """Return until when a column is shown on an event; None for no end."""
    until = column.get("until")
    end: str | None = until.get(event) if isinstance(until, Mapping) else until
    return end


def _ends_effect(was: Mapping[str, Any], is_now: Mapping[str, Any]) -> str:
    ends = [(_end_on(was, each), _end_on(is_now, each)) for each in is_now.get("events") or (ANY,)]
    # Other ends of events that are not shown any more are no more than that.
    is_less = all(before == after or _sooner(before, after) == NARROWS for before, after in ends)
    return NARROWS if is_less else WIDENS


def _is_at_its_end(was: Mapping[str, Any], is_now: Mapping[str, Any] | None, day: dt.date) -> bool:
    """Whether a column lost nothing but what the lock lets end before a day."""

    def is_over(event: str) -> bool:
        end = _end_on(was, event)
        return end is not None and end < day.isoformat()

    if _is_of_a_call(was):
        return is_over(ANY)
    gone = set(was.get("events") or (ANY,))
    if is_now is not None:
        gone -= set(is_now.get("events") or (ANY,))
        apart = {"events": None, "until": None}
        if {**was, **apart} != {**is_now, **apart}:
            return False
    return bool(gone) and all(is_over(event) for event in gone)
