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


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was.

    Attributes:
        environment: the environment; `*` for all.
        destination: the destination; `*` for all.
        kind: `environment`, `setting`, `destination`, `event`, `denied`, `view` or `column`.
        place: which one: the setting, the event, the property, the view, or `view.column`.
        before: how it was, in words.
        after: how it is, in words.
        effect: one of `EFFECTS`.
        source: of a column, the property list and path that it is made of.
    """

    environment: str
    destination: str
    kind: str
    place: str
    before: str
    after: str
    effect: str
    source: str = ""

    def __str__(self) -> str:
        """Write the difference as one line of a report."""
        of = "every destination" if self.destination == ANY else f"`{self.destination}`"
        source = f" ({self.source})" if self.source else ""
        place = f"{self.kind} {self.place}{source}"
        if self.kind == "destination":
            place = "destination"
        if self.kind == "environment":
            of, place = "every destination", "environment"
        where = "every environment" if self.environment == ANY else self.environment
        return f"{where}, {of}: {place}: {self.before} -> {self.after} ({self.effect})"

    def as_dict(self) -> dict[str, str]:
        """Return what machines read."""
        return {
            "environment": self.environment,
            "destination": self.destination,
            "kind": self.kind,
            "place": self.place,
            "source": self.source,
            "before": self.before,
            "after": self.after,
            "effect": self.effect,
        }


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
    found = list(_every_environment(locked["every_environment"], current["every_environment"]))
    old, new = locked["environments"], current["environments"]
    for name in sorted({*old, *new} if environments is None else environments):
        found += _environment(name, old.get(name), new.get(name), day)
    return sorted(found, key=lambda difference: EFFECTS.index(difference.effect))


def lets_more_through(differences: Collection[Difference]) -> list[Difference]:
    """Return the differences that a person must agree to: all but those that narrow."""
    return [difference for difference in differences if difference.effect != NARROWS]


def _every_environment(old: Description, new: Description) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        effect = WIDENS
        if name in ("optional_lists", "small_zip3_areas") and before is not None:
            # Each of what is listed takes something away.
            effect = NARROWS if set(before) <= set(after or ()) else WIDENS
        yield Difference(ANY, ANY, "setting", name, _words(before), _words(after), effect)


def _environment(
    name: str, old: Description | None, new: Description | None, day: dt.date | None
) -> Iterator[Difference]:
    if old is None or new is None:
        was, is_now = _destinations_in_words(old), _destinations_in_words(new)
        if was != is_now:
            effect = WIDENS if new else NARROWS
            yield Difference(name, ANY, "environment", name, was, is_now, effect)
        return
    yield from _suppressed(name, old, new)
    apart = {"destinations", "suppressed_users", "suppressed_marks"}
    for setting in sorted({*old, *new} - apart):
        before, after = old.get(setting), new.get(setting)
        if before != after:
            effect = _effect(_ENVIRONMENT_RULES, setting, before, after)
            yield Difference(name, ANY, "setting", setting, _words(before), _words(after), effect)
    destinations = {*old["destinations"], *new["destinations"]}
    for destination in sorted(destinations):
        yield from _destination(
            name,
            destination,
            old["destinations"].get(destination),
            new["destinations"].get(destination),
            day,
        )


def _suppressed(name: str, old: Description, new: Description) -> Iterator[Difference]:
    """Compare who is suppressed: anybody less widens, whoever came in their place."""
    before, after = old["suppressed_users"], new["suppressed_users"]
    was: Counter[str] = Counter(old["suppressed_marks"])
    is_now: Counter[str] = Counter(new["suppressed_marks"])
    if (before, was) == (after, is_now):
        return
    missing = (was - is_now).total()
    effect = NARROWS if not missing and int(after) >= int(before) else WIDENS
    said = f"{after}, {missing} of the former not among them" if missing else after
    yield Difference(name, ANY, "setting", "suppressed_users", before, said, effect)


def _destinations_in_words(environment: Description | None) -> str:
    if environment is None:
        return "no destination"
    return _words(sorted(environment["destinations"])) or "no destination"


def _destination(
    environment: str,
    name: str,
    old: Description | None,
    new: Description | None,
    day: dt.date | None,
) -> Iterator[Difference]:
    if old is None or new is None:
        effect = WIDENS if new else NARROWS
        was, is_now = _destination_in_words(old), _destination_in_words(new)
        yield Difference(environment, name, "destination", name, was, is_now, effect)
        return
    rules = _restricted_rules if new["restrict_phi"] == "true" else _open_rules
    for setting in sorted({*old, *new} - {"events", "denied", "views"}):
        before, after = old.get(setting), new.get(setting)
        if before != after:
            effect = _effect(rules, setting, before, after)
            yield Difference(
                environment, name, "setting", setting, _words(before), _words(after), effect
            )
    yield from _events(environment, name, old["events"], new["events"])
    denied, denies = set(old.get("denied", ())), set(new.get("denied", ()))
    for place in sorted(denied ^ denies):
        was, is_now, effect = "denied", "not denied", WIDENS
        if place in denies:
            was, is_now, effect = is_now, was, NARROWS
        yield Difference(environment, name, "denied", place, was, is_now, effect)
    for view in sorted({*old["views"], *new["views"]}):
        yield from _view(environment, name, view, old, new, day)


def _destination_in_words(destination: Description | None) -> str:
    if destination is None:
        return NOT_SENT
    events = destination["events"]
    count = EVERY_EVENT if events == EVERY_EVENT else f"{len(events)} events"
    return f"{destination['type']}, {destination['mode']}, {count}, " + (
        _words(sorted(destination["views"])) or "no view"
    )


def _events(environment: str, destination: str, old: Any, new: Any) -> Iterator[Difference]:
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
        yield Difference(
            environment,
            destination,
            "event",
            "every event" if event == ANY else event,
            _sent_in_words(event, was),
            _sent_in_words(event, is_now),
            effect,
        )


def _sent_as(events: Mapping[str, str], event: str) -> str | None:
    return events.get(event, event if ANY in events else None)


def _sent_in_words(event: str, sent_as: str | None) -> str:
    if sent_as is None:
        return NOT_SENT
    return "sent" if sent_as == event else f"sent as {sent_as}"


def _view(
    environment: str,
    destination: str,
    view: str,
    old: Description,
    new: Description,
    day: dt.date | None,
) -> Iterator[Difference]:
    before, after = old["views"].get(view), new["views"].get(view)
    if before is None or after is None:
        effect = NARROWS if after is None else WIDENS
        was, is_now = _view_in_words(before), _view_in_words(after)
        yield Difference(environment, destination, "view", view, was, is_now, effect)
        return
    renamed = _renamed(before, after)
    for name, other in sorted(renamed.items()):
        yield Difference(
            environment,
            destination,
            "column",
            f"{view}.{name}",
            f"named {name}",
            f"named {other}",
            CHANGES,
            before[name]["from"],
        )
    for name in sorted({*before, *after} - set(renamed) - set(renamed.values())):
        was, is_now = before.get(name), after.get(name)
        if was == is_now:
            continue
        effect = _column_effect(was, is_now, old, new)
        in_words = [column_in_words(was, is_now), column_in_words(is_now, was)]
        if was is None and is_now is not None and _is_of_a_whole(is_now, old):
            effect, in_words[0] = NARROWS, SENT_WHOLE
        elif was and not is_now and _is_of_a_whole(was, new) > _is_of_a_whole(was, old):
            effect, in_words[1] = WIDENS, SENT_WHOLE
        if effect == NARROWS and was and day and _is_at_its_end(was, is_now, day):
            continue
        yield Difference(
            environment,
            destination,
            "column",
            f"{view}.{name}",
            in_words[0],
            in_words[1],
            effect,
            (is_now or was or {}).get("from", ""),
        )


def _view_in_words(columns: Mapping[str, Any] | None) -> str:
    if columns is None:
        return NOT_SENT
    return f"{len(columns)} columns: {_words(sorted(columns))}"


def _is_of_a_whole(column: Mapping[str, Any], destination: Description) -> bool:
    """Whether a destination that has whole calls has a property, though no column is of it."""
    is_of_a_call = column["from"].startswith(f"{CALL} ")
    return not is_of_a_call and destination["restrict_phi"] == "false"


def _renamed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns that another name took the place of, all else being the same."""
    gone = [name for name in old if name not in new]
    come = [name for name in new if name not in old]
    found: dict[str, str] = {}
    for name in gone:
        same = [other for other in come if new[other] == old[name]]
        if len(same) == 1 and same[0] not in found.values():
            found[name] = same[0]
    return found


def column_in_words(
    column: Mapping[str, Any] | None, other: Mapping[str, Any] | None = None
) -> str:
    """Describe what a destination sees of a column, which may take the place of another one."""
    if column is None:
        return NOT_SENT
    is_of_another = other is not None and other["from"] != column["from"]
    words = [f"{column['from']} as {column['form']}" if is_of_another else column["form"]]
    if "normalize" in column:
        words.append(f"normalised as {column['normalize']}")
    words.append(column["type"] + (" list" if "list" in column else ""))
    said_first = {"from", "form", "normalize", "type", "list"}
    for name in (name for name in column if name not in said_first):
        words.append(f"{_PREPOSITIONS.get(name, name)} {_words(column[name])}")
    return ", ".join(words)


_PREPOSITIONS = {"events": "on", "scope": "tokens"}


def _words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {text}" for name, text in sorted(value.items())) or "none"
    if isinstance(value, str):
        return value
    return ", ".join(value) or "none"


# How much each thing tells

_Rule = Callable[[Any, Any], str]


def _effect(rules: Mapping[str, _Rule], name: str, before: Any, after: Any) -> str:
    rule = rules.get(name)
    return WIDENS if rule is None else rule(before, after)


def _ranked(*names: str | None) -> _Rule:
    """Judge by an order, from what tells least to what tells most."""

    def rule(before: Any, after: Any) -> str:
        if before not in names or after not in names:
            return WIDENS
        return NARROWS if names.index(after) < names.index(before) else WIDENS

    return rule


def _changes(before: Any, after: Any) -> str:
    return CHANGES


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
    """Judge what is needed all together; None for nothing."""
    return NARROWS if after is not None and set(before or ()) <= set(after) else WIDENS


def _one_of_fewer(before: Any, after: Any) -> str:
    """Judge what one is needed of; None for nothing."""
    are_fewer = before is None or set(after or ()) <= set(before)
    return NARROWS if after is not None and are_fewer else WIDENS


_ENVIRONMENT_RULES: Mapping[str, _Rule] = {"retain_days": _fewer_days}
_restricted_rules: Mapping[str, _Rule] = {
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
    "consent_to_one_of": _one_of_fewer,
}
_open_rules: Mapping[str, _Rule] = {**_restricted_rules, "baa_expires_on": _sooner}


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
    effects = {
        _attribute_effect(name, was, is_now, old, new)
        for name in sorted({*was, *is_now})
        if was.get(name) != is_now.get(name)
    }
    return next(effect for effect in EFFECTS if effect in effects)


def _attribute_effect(
    name: str,
    was: Mapping[str, Any],
    is_now: Mapping[str, Any],
    old: Description,
    new: Description,
) -> str:
    before, after = was.get(name), is_now.get(name)
    if is_now["form"] == "deny" and was["from"] == is_now["from"]:
        return NARROWS
    if name == "form":
        return _form_effect(was, is_now)
    if name == "type":
        # A form of another type is judged as a form.
        is_same = was["form"] == is_now["form"]
        return _type_effect(before, after) if is_same else _form_effect(was, is_now)
    if name == "normalize":
        # Without tokens there is nothing to normalise; other tokens may be those of others.
        is_new = was["form"] == "allow" and is_now["form"] in _CODES
        return _form_effect(was, is_now) if is_new else WIDENS
    if name == "guard":
        if not _can_be_guarded(is_now):
            # What was null, since it looked like an identifier, may be none for another type.
            return WIDENS if before == "block" and is_now["form"] not in _CODES else NARROWS
        return _ranked("block", "warn", None)(before, after)
    if name == "scope":
        return _scope_effect(_comparable(before, old), _comparable(after, new))
    if name == "events":
        return _fewer(before, after)
    if name == "until":
        return _ends_effect(was, is_now)
    return WIDENS


def _scope_effect(before: set[str], after: set[str]) -> str:
    if before == after:
        return CHANGES
    return NARROWS if after < before else WIDENS


def _comparable(scope: str | None, destination: Description) -> set[str]:
    """Say what the tokens of a column can be compared with, besides those of the column."""
    scopes = (scope or destination["mask_scope"], destination["mask_scope"])
    if scopes[0] == PROPERTY_SCOPE:
        return {"destinations"} if scopes[1] == SHARED_SCOPE else set()
    return {"properties", "destinations"} if scopes[0] == SHARED_SCOPE else {"properties"}


def _fewer(before: Collection[str] | None, after: Collection[str] | None) -> str:
    """Judge the only events that something is shown on; None for all."""
    if after is None:
        return WIDENS
    return NARROWS if before is None or set(after) <= set(before) else WIDENS


_CODES = ("mask", "surrogate")
_STEP = re.compile(r"(round|truncate)\(([0-9.]+)\)")


def _form_effect(was: Mapping[str, Any], is_now: Mapping[str, Any]) -> str:
    before, after = was["form"], is_now["form"]
    if before == after:
        return CHANGES
    if after == "deny":
        return NARROWS
    if before == "allow" and was["type"] in ("text", "json"):
        # A part of a value that the guard made null is more than nothing.
        return NARROWS if after in _CODES or "guard" not in was else WIDENS
    if before == "mask" and after == "surrogate":
        return CHANGES
    if (before, after) in (("month", "year"), ("month", "birth_year"), ("year", "birth_year")):
        return NARROWS
    one, other = _STEP.fullmatch(before), _STEP.fullmatch(after)
    if one and other and one[1] == other[1]:
        step, now = Decimal(one[2]), Decimal(other[2])
        is_coarser = now % step == 0 if one[1] == "round" else now < step
        return NARROWS if is_coarser else WIDENS
    return WIDENS


def _type_effect(before: Any, after: Any) -> str:
    """Judge types of the same form: each value that is not of the type is null."""
    if before == "json" or (before == "text" and after != "json"):
        return NARROWS
    return NARROWS if (before, after) == ("timestamp", "date") else WIDENS


def _can_be_guarded(column: Mapping[str, Any]) -> bool:
    kind = TREATMENTS.get(column["form"].partition("(")[0])
    is_of_a_call = column["from"].startswith(f"{CALL} ")
    return (
        not is_of_a_call
        and kind is not None
        and kind.carries_text
        and column["type"] in ("text", "json")
    )


# Ends


def _end_on(column: Mapping[str, Any], event: str) -> str | None:
    """Return until when a column is shown on an event; None for no end."""
    until = column.get("until")
    end: str | None = until.get(event) if isinstance(until, Mapping) else until
    return end


def _ends_effect(was: Mapping[str, Any], is_now: Mapping[str, Any]) -> str:
    events = is_now.get("events")
    effects = set()
    for event in events or (ANY,):
        before, after = _end_on(was, event), _end_on(is_now, event)
        if before != after:
            effects.add(_sooner(before, after))
    # Other ends of events that are not shown any more are no more than that.
    return WIDENS if WIDENS in effects else NARROWS


def _is_at_its_end(was: Mapping[str, Any], is_now: Mapping[str, Any] | None, day: dt.date) -> bool:
    """Whether a column lost nothing but what the lock lets end before a day."""

    def is_over(event: str) -> bool:
        end = _end_on(was, event)
        return end is not None and end < day.isoformat()

    if was["from"].startswith(f"{CALL} "):
        return is_over(ANY)
    shown = set(was.get("events") or (ANY,))
    still = set() if is_now is None else set(is_now.get("events") or (ANY,))
    others = {"events", "until"}
    is_alike = is_now is None or {k: v for k, v in was.items() if k not in others} == {
        k: v for k, v in is_now.items() if k not in others
    }
    return is_alike and shown != still and all(is_over(event) for event in shown - still)
