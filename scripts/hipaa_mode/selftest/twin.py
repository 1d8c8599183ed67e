"""The changed twin of calls: other values wherever no destination may see the difference.

Made from the seeds as `allowlist` reads them. What stays is what decides whether and when a call
counts: its type, whether properties and traits are objects, and which calls share a message id.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hipaa_mode.selftest.allowlist import ROOTS, Allowlist, Form, Place, Received, find
from hipaa_mode.selftest.consent import ROUTING
from hipaa_mode.selftest.fresh import (
    Bijection,
    same_at_precision,
    same_generalised,
    word,
)
from hipaa_mode.selftest.messages import (
    CALL_TYPES,
    IDS,
    OBJECTS,
    SPELLINGS,
    Call,
    Number,
    Object,
    dump,
    is_blank,
    is_text,
    moment_of,
    scalar_text,
)

ODD_KEYS = (
    *("*", "**", "", " ", ".", "$", "$.email", "[]", "[*]", "/", "a.b", "properties.email"),
    *("'", '"', "\\", "''; --", "{{ 1 }}", "#", "?", "null", "select", "__proto__", "😀"),
    *("row_id", "user_id", "event", "type", "context", "traits", "properties", "\x00"),
)
EARLIEST_YEAR = 2001
"""Times of earlier years may not count; a project says from when on they do."""


TIMES = ("timestamp", "original_timestamp", "sent_at", "received_at")

_ALL_SPELLINGS = {spelling: field for field, all_ in SPELLINGS.items() for spelling in all_}
_RESERVED = {*_ALL_SPELLINGS, *OBJECTS, *ROUTING, "type", "event", "name"}
_FOLDED = {key.replace("_", "").lower() for key in (*_RESERVED, "previousId", "mergeProperties")}
"""What all spellings of a key of the envelope have in common."""


@dataclass(frozen=True)
class Planted:
    """A change planted in a value that a destination may see, which the comparison must see.

    Attributes:
        view: name of the destination view, `<destination>__<view>`.
        place: where in the message the value is.
        key: of the call it is in, which its row id is a token of.
    """

    view: str
    place: tuple[str, ...]
    key: str


@dataclass
class Twin:
    """Changed calls, as lines, and what was changed.

    Attributes:
        lines: the changed calls.
        to_plant: how many changes were to be planted in allowed values.
        planted: those that were.
        changes_usable_calls: whether a call that counts was changed, and not rejected ones alone.
        counts: how many calls there are and were changed, and values by how they were.
    """

    lines: list[bytes] = field(default_factory=list)
    to_plant: int = 0
    planted: list[Planted] = field(default_factory=list)
    changes_usable_calls: bool = False
    counts: Counter[str] = field(default_factory=Counter)


def make_twin(
    calls: Sequence[Call],
    allowlist: Allowlist,
    views: Iterable[str],
    seed: int,
    with_masked: bool,
) -> Twin:
    """Change every call.

    Args:
        calls: the calls as they are.
        allowlist: what destinations may receive.
        views: names of the destination views that exist.
        seed: of the random choices.
        with_masked: whether masked values change too, and allowed ones where they are planted.
            If not, a call without message id, whose row id is a token of its whole text, stays,
            and so do message ids.
    """
    changed = _Twin(calls, allowlist, views, seed, with_masked)
    for call in calls:
        changed.add(call)
    return changed.twin


class _Twin:
    def __init__(
        self,
        calls: Sequence[Call],
        allowlist: Allowlist,
        views: Iterable[str],
        seed: int,
        with_masked: bool,
    ) -> None:
        self.source = random.Random(seed)
        self.moment = 0.0
        self.allowlist = allowlist
        self.views = list(views)
        self.with_masked = with_masked
        self.twin = Twin()
        self.all_events = {
            event for item in allowlist.destinations.values() for event in item.events
        }
        frozen = _frozen_texts(calls, allowlist, self.views)
        self.bijection = Bijection(self.source.getrandbits(64), frozen)
        self.to_plant = _values_to_plant(calls, allowlist, self.views) if with_masked else {}
        self.twin.to_plant = len(self.to_plant)

    def add(self, call: Call) -> None:
        stays = not self.with_masked and call.kind and call.message_id is None
        if stays:
            line = call.line
        elif not call.kind:
            line = self._rejected_line(call)
        else:
            line = dump(self._changed(call)).encode()
        self.twin.counts["calls"] += 1
        self.twin.counts["changed_calls"] += line != call.line
        self.twin.changes_usable_calls |= bool(call.kind) and line != call.line
        self.twin.lines.append(line)

    # Calls

    def _changed(self, call: Call) -> Object:
        assert call.tree is not None
        tree = call.tree
        if call.message_id is not None:
            tree = self._with_planted(call, tree)
        received = self.allowlist.received(call, self.views)
        # Of one call all times move alike: none comes to lie after its receipt.
        self.moment = self.source.random()
        is_timed = not call.is_repeated and _has_plain_time(tree)
        first = tree.first_places()
        members: list[tuple[str, Any]] = []
        for place, (key, value) in enumerate(tree.members):
            if first[key] != place:
                self._add_unlisted(members, key, value)
            elif key in _ALL_SPELLINGS:
                self._add_envelope(members, call, key, received, is_timed)
            elif key == "type" or key in ROUTING:
                members.append((key, value))
            elif key in _name_keys(call.kind):
                members.append((key, self._event(call, value, received)))
            elif key in OBJECTS:
                must_be_object = key == _object_key(call.kind)
                changed = self._root(value, received.places.get(key), must_be_object)
                if key == "properties" and _may_name_event(call):
                    changed = _with_page_name(changed, value)
                members.append((key, changed))
            else:
                self._add_unlisted(members, key, value, reserved=_RESERVED)
        self._add_keys(members, reserved=_RESERVED)
        return self._shuffled(members)

    def _event(self, call: Call, value: Any, received: Received) -> Any:
        # Where a call is denied, it is counted whether its event is allowed.
        is_counted = bool(received.by) or bool({"*", call.event} & self.all_events)
        is_kept = is_counted or not is_text(value) or is_blank(value)
        return value if is_kept else self._unlisted_text()

    def _add_envelope(
        self,
        members: list[tuple[str, Any]],
        call: Call,
        key: str,
        received: Received,
        is_timed: bool,
    ) -> None:
        tree = call.tree
        assert tree is not None
        field = _ALL_SPELLINGS[key]
        value = tree.first(key)
        text = call.message_id if field == "message_id" else call.ids.get(field)
        texts = {key: scalar_text(tree.first(key)) for key in SPELLINGS[field]}
        counts = next((key for key in texts if text is not None and texts[key] == text), "")
        spellings = SPELLINGS[field]
        if field not in TIMES and (not counts or spellings.index(key) < spellings.index(counts)):
            members.append((key, value))
        elif field not in TIMES and key != counts:
            self._add_unlisted(members, key, value)
        elif field == "message_id":
            # A row id is its token: where it is also somebody's id, both change alike.
            members.append((key, self._masked(value)))
        elif field in IDS:
            # Which deliveries are of one call depends on ids that nobody may see as well.
            also = {"mask"} if call.is_repeated else set()
            members.append((key, self._id(value, received.ids[field] | also)))
        elif field == "received_at" and call.is_repeated:
            # It decides which delivery is the last.
            members.append((key, value))
        elif is_timed and field in ("original_timestamp", "sent_at"):
            self._add_unlisted(members, key, value)
        else:
            # Where another time counts, or what lies between two of them, none may move.
            precision = received.precision if is_timed else "exact"
            members.append((key, self._time(value, precision)))

    def _id(self, value: Any, treatments: set[str]) -> Any:
        if not treatments & {"allow", "mask"}:
            # Not `true`: a test looks for every id among the values that are shown.
            return self.source.choice((self._unlisted_text(), self._container()))
        if "allow" in treatments:
            return value
        return self._masked(value)

    def _time(self, value: Any, precision: str) -> Any:
        if precision == "none":
            return self._unlisted()
        text = scalar_text(value)
        other = text and same_at_precision(text, precision, random.Random(self.moment))
        self._count("generalised" if other else "kept")
        return other or value

    def _root(self, value: Any, place: Place | None, must_be_object: bool) -> Any:
        if isinstance(value, Object):
            if must_be_object or (place and place.children):
                return self._object(value, place or Place())
            return self._unlisted()
        if must_be_object:
            return value
        return self._unlisted()

    def _rejected_line(self, call: Call) -> bytes:
        """Make another line that is rejected."""
        self._count("unlisted")
        keys = ("type", "event", "userId")
        line = dump(Object(tuple((key, self._unlisted_text()) for key in keys))).encode()
        try:
            call.line.decode()
        except UnicodeDecodeError:
            return line + b"\xff"
        return line

    # Values

    def _value(self, value: Any, place: Place | None) -> Any:
        """Change a value and what is below it."""
        if place is None:
            return self._unlisted()
        if any(form.data_type == "json" for form in place.forms):
            self._count("kept")
            return value
        if isinstance(value, Object):
            if place.children:
                return self._object(value, place)
            return self._container(array=place.elements is None)
        if isinstance(value, list):
            if place.elements:
                return [self._value(element, place.elements) for element in value]
            return self._container()
        if not place.forms:
            return self._unlisted_scalar()
        return value if value is None else self._scalar(value, place.forms)

    def _scalar(self, value: Any, forms: set[Form]) -> Any:
        tokens = {form for form in forms if form.is_token}
        coarser = {form for form in forms if not form.is_token and form.treatment != "allow"}
        if forms == tokens:
            return self._masked(value)
        other = None
        if len(forms) == len(coarser) and len({(f.treatment, f.argument) for f in forms}) == 1:
            form = next(iter(forms))
            other = same_generalised(
                form.treatment,
                form.argument,
                scalar_text(value) or "",
                self.allowlist.small_areas,
                self.source,
            )
        self._count("generalised" if other else "kept")
        return value if other is None else other

    def _masked(self, value: Any) -> Any:
        text = scalar_text(value)
        if not self.with_masked or text is None or is_blank(text):
            return value
        other = self.bijection(text)
        self._count("masked" if other != text else "kept")
        is_whole = other.isascii() and other.isdigit() and (other == "0" or other[0] != "0")
        return Number(other) if is_whole and self.source.random() < 0.5 else other

    def _object(self, value: Object, place: Place) -> Object:
        first = value.first_places()
        members: list[tuple[str, Any]] = []
        for position, (key, item) in enumerate(value.members):
            if key in place.children and first[key] == position:
                members.append((key, self._value(item, place.children[key])))
            else:
                self._add_unlisted(members, key, item, reserved=place.children)
        self._add_keys(members, reserved=place.children)
        return self._shuffled(members)

    # What nobody may see

    def _add_unlisted(
        self,
        members: list[tuple[str, Any]],
        key: str,
        value: Any,
        reserved: Iterable[str] = (),
    ) -> None:
        """Change the value of an unlisted key, or its name, or leave it out."""
        chance = self.source.random()
        if chance < 0.2:
            self._count("unlisted")
            return
        name = self._new_key(reserved) if chance < 0.3 and reserved else key
        members.append((name, self._unlisted()))

    def _add_keys(self, members: list[tuple[str, Any]], reserved: Iterable[str]) -> None:
        """Add keys that are not listed, and second copies of some that are."""
        for _ in range(self.source.randrange(3)):
            members.append((self._new_key(reserved), self._unlisted()))
        here = [key for key, _ in members]
        if here and self.source.random() < 0.5:
            members.append((self.source.choice(here), self._unlisted()))

    def _new_key(self, reserved: Iterable[str]) -> str:
        listed = set(reserved)
        near = [
            other
            for key in sorted(listed)
            for other in (
                key.upper(),
                key.title(),
                key.swapcase(),
                f" {key}",
                f'"{key}"',
                f"{key}.x",
            )
        ]
        choice = self.source.random()
        key = word(self.source)
        if near and choice < 0.4:
            key = self.source.choice(near)
        elif choice < 0.8:
            key = self.source.choice(ODD_KEYS)
        is_read = re.sub("[_ -]", "", key).lower() in _FOLDED and listed >= _RESERVED
        return word(self.source) if key in listed or is_read else key

    def _shuffled(self, members: list[tuple[str, Any]]) -> Object:
        """Put members in another order; copies of a key stay in theirs: the first one counts."""
        keys = [key for key, _ in members]
        self.source.shuffle(keys)
        waiting: dict[str, list[Any]] = {}
        for key, value in members:
            waiting.setdefault(key, []).append(value)
        return Object(tuple((key, waiting[key].pop(0)) for key in keys))

    def _unlisted(self) -> Any:
        if self.source.random() < 0.6:
            return self._unlisted_scalar()
        return self._container()

    def _unlisted_scalar(self) -> Any:
        self._count("unlisted")
        number = Number(self.source.randrange(10**11, 10**15))
        return self.source.choice((self._unlisted_text(), number, True, False, None))

    def _unlisted_text(self) -> str:
        name = word(self.source)
        return self.source.choice(
            (
                name,
                f"{name}@{name}.example",
                f"Patient {name} 'has' \"it\"",
                f"https://{name}.example",
            )
        )

    def _container(self, array: bool = True) -> Any:
        """Make an object or array that has nothing at any listed place."""
        self._count("unlisted")
        if array and self.source.random() < 0.5:
            return [self._unlisted_scalar() for _ in range(self.source.randrange(3))]
        return Object(((word(self.source), self._unlisted_scalar()),))

    def _count(self, what: str) -> None:
        self.twin.counts[what] += 1

    # Planted changes

    def _with_planted(self, call: Call, tree: Object) -> Object:
        found = None if call.is_duplicate else self.to_plant.get(str(call.key))
        if found is None:
            return tree
        planted, value = found
        self.twin.planted.append(planted)
        return _replaced(tree, planted.place, value)


def _has_plain_time(tree: Object) -> bool:
    """Whether the event time is plainly the `timestamp`, whatever the other times are."""
    happened = moment_of(scalar_text(tree.first("timestamp")))
    said = (scalar_text(tree.first(key)) for key in SPELLINGS["received_at"])
    receipts = [moment_of(text) for text in said if text is not None]
    if happened is None or happened.year < EARLIEST_YEAR:
        return False
    return all(at is not None and happened <= at for at in receipts)


def _may_name_event(call: Call) -> bool:
    """Whether a page's event may have the name that its properties give it."""
    assert call.tree is not None
    name = call.tree.first("name")
    is_named = is_text(name) and not is_blank(name)
    is_page = call.kind in ("page", "screen") and not is_named
    return is_page and isinstance(call.tree.first("properties"), Object)


def _with_page_name(changed: Any, properties: Object) -> Any:
    own = tuple(member for member in properties.members if member[0] == "name")[:1]
    return Object((*own, *(member for member in changed.members if member[0] != "name")))


def _name_keys(kind: str) -> tuple[str, ...]:
    """Return the keys of the envelope that the name of an event may come from."""
    return {"track": ("event",), "page": ("name", "event"), "screen": ("name", "event")}.get(
        kind, ()
    )


def _object_key(kind: str) -> str | None:
    view = CALL_TYPES[kind]
    return "properties" if view == "events" else "traits" if view else None


def _frozen_texts(
    calls: Iterable[Call], allowlist: Allowlist, views: Iterable[str]
) -> Iterator[str]:
    """Give the texts that one destination sees as a token, and another unmasked."""
    for call in calls:
        if call.tree is None:
            continue
        if _may_name_event(call):
            text = scalar_text(find(call.tree, ("properties", "name")))
            yield from (text,) if text is not None else ()
        received = allowlist.received(call, views)
        for name, treatments in received.ids.items():
            text = call.ids[name]
            if text is not None and {"allow", "mask"} <= treatments:
                yield text
        for root, place in received.places.items():
            yield from _seen_both_ways(call.tree.first(root), place)


def _seen_both_ways(value: Any, place: Place, is_whole: bool = False) -> Iterator[str]:
    """Give the texts of a place that are seen both ways; if `is_whole`, all are seen unmasked."""
    is_seen = is_whole or any(not form.is_token for form in place.forms)
    text = scalar_text(value)
    if text is not None and is_seen and any(form.is_token for form in place.forms):
        yield text
    is_whole = is_whole or any(form.data_type == "json" for form in place.forms)
    if isinstance(value, Object):
        for key, child in place.children.items():
            yield from _seen_both_ways(value.first(key), child, is_whole)
    elif isinstance(value, list) and place.elements:
        for element in value:
            yield from _seen_both_ways(element, place.elements, is_whole)


_Plan = dict[str, tuple[Planted, Any]]


def _values_to_plant(calls: Sequence[Call], allowlist: Allowlist, views: Iterable[str]) -> _Plan:
    """Choose for every view one allowed value to change, and what to."""
    plan: _Plan = {}
    for view in views:
        for call in calls:
            if call.key is None or call.message_id is None or call.key in plan:
                continue
            found = _value_to_plant(call, allowlist, view, views)
            if found is not None:
                plan[call.key] = found
                break
    return plan


def _value_to_plant(
    call: Call, allowlist: Allowlist, view: str, views: Iterable[str]
) -> tuple[Planted, Any] | None:
    name, _, kind = view.rpartition("__")
    destination = allowlist.destinations.get(name)
    if destination is None or call.view != kind or not destination.receives(call):
        return None
    received = allowlist.received(call, views)
    for row in destination.rows_for(call):
        path = (ROOTS[row.property_list], *map(str, row.steps))
        if row.steps[0] == "traits" and kind == "identifies":
            # Another trait may be shown in its place.
            continue
        if row.is_list or any(form.treatment != "allow" for form in received.forms_at(path)):
            continue
        other = _other_allowed(find(call.tree, path), row.form)
        if other is not None:
            return Planted(view, path, str(call.key)), other
    return None


def _other_allowed(value: Any, form: Form) -> Any:
    """Change a plain value into another of its data type; None where that is not certain."""
    text = scalar_text(value)
    if text is None:
        return None
    if form.data_type in ("", "text", "string", "varchar"):
        return f"{text} changed" if re.fullmatch("[A-Za-z][A-Za-z _-]{0,40}", text) else None
    if form.data_type in ("boolean", "bool"):
        return {"true": False, "false": True}.get(text.lower())
    if form.data_type in ("integer", "int", "bigint"):
        return Number(int(text) + 1) if re.fullmatch("[0-9]{1,8}", text) else None
    return None


def _replaced(tree: Object, steps: Sequence[str], value: Any) -> Object:
    members = list(tree.members)
    place = tree.first_places()[steps[0]]
    inner = members[place][1]
    members[place] = (steps[0], value if len(steps) == 1 else _replaced(inner, steps[1:], value))
    return Object(tuple(members))
