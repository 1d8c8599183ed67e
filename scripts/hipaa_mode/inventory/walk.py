"""The tree of properties that grows while calls are read, and stays small.

Objects are tuples of pairs and arrays are lists (see `take.py`), so that a key that is repeated
is seen each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hipaa_mode.inventory.counts import PropertyCounts
from hipaa_mode.inventory.values import is_identifier_key
from hipaa_mode.paths import ARRAY, Step

MANY_KEYS = "<many keys>"
"""What stands for keys that are values, or of which there are too many to be names."""

MANY = Step(MANY_KEYS)
"""The step of such keys; told by identity, since a key may be called the same."""

DEEPEST = 16
"""Level below which nothing is looked at; what is there counts as one value, `nested deeper`."""

MOST_CHILDREN = 200
MOST_CHILDREN_OF_A_LIST = 2000
MOST_NODES = 20_000
RARE = 0.01
"""Share of the calls with an object below which a key of it is rare."""

FEW_RARE = 20
"""Rare keys of one object that may still be names of properties."""

ENOUGH = 200
"""Calls with an object from which on one can tell that a key is rare."""


@dataclass(slots=True)
class Node:
    """One place in the calls: a property, an object, or the elements of an array."""

    depth: int
    children: dict[str, Node] = field(default_factory=dict)
    elements: Node | None = None
    many: Node | None = None
    is_full: bool = False
    buffer: list[Any] = field(default_factory=list)
    counts: PropertyCounts = field(default_factory=PropertyCounts)
    last_call: int = -1
    last_value: int = -1
    seen: int = 0


class Tree:
    """All the properties of one property list."""

    def __init__(self) -> None:
        self.root = Node(0)
        self._nodes = 0

    def add(self, content: tuple[tuple[str, Any], ...], number: int, day: str) -> None:
        """Take in the object of one call.

        Args:
            content: the object's keys and values.
            number: number of the call; no two calls have the same.
            day: day of the call, or blank.
        """
        self._walk(content, self.root, number, day)

    def _walk(self, value: Any, node: Node, number: int, day: str) -> None:
        if value is None:
            node.counts.types["null"] += 1
            return
        if node.last_call != number:
            node.last_call = number
            node.seen += 1
        kind = type(value)
        if kind is tuple and value and node.depth < DEEPEST:
            children = node.children
            for key, item in value:
                child = children.get(key)
                self._walk(item, child or self._child(node, key), number, day)
            return
        if kind is list and value and node.depth < DEEPEST:
            if node.elements is None:
                node.elements = self._new(node.depth + 1)
            for item in value:
                self._walk(item, node.elements, number, day)
            return
        self._count(value, node, number, day)

    @staticmethod
    def _count(value: Any, node: Node, number: int, day: str) -> None:
        """Count a scalar, or an object or array that is not looked into."""
        counts = node.counts
        kind = type(value)
        if kind is tuple or kind is list:
            empty = "empty object" if kind is tuple else "empty list"
            counts.types["nested deeper" if value else empty] += 1
            counts.values += 1
        else:
            node.buffer.append(value)
        if node.last_value != number:
            node.last_value = number
            counts.calls += 1
            if day:
                counts.last_day = max(counts.last_day, day)
                counts.first_day = min(counts.first_day or day, day)

    def _new(self, depth: int) -> Node:
        self._nodes += 1
        return Node(depth)

    def _child(self, node: Node, key: str) -> Node:
        """Return the node of a key that the node does not have yet."""
        if node.is_full or self._nodes >= MOST_NODES or is_identifier_key(key):
            if node.many is None:
                node.many = self._new(node.depth + 1)
            return node.many
        child = self._new(node.depth + 1)
        node.children[key] = child
        return child

    def flush(self) -> None:
        """Count what was put aside, and fold keys that turn out to be too many."""
        for node in _with_all_below(self.root):
            if node.buffer:
                node.counts.add_values(node.buffer)
                node.buffer = []
            most = MOST_CHILDREN if node.depth else MOST_CHILDREN_OF_A_LIST
            if len(node.children) > most:
                self._fold(node, most // 2)
                node.is_full = True

    def finish(self) -> None:
        """Fold the keys of objects that look like maps, now that all calls were seen."""
        self.flush()
        for node in _with_all_below(self.root):
            if node.depth and node.seen >= ENOUGH:
                rare = sum(child.seen < RARE * node.seen for child in node.children.values())
                if rare > FEW_RARE:
                    self._fold(node, len(node.children) - rare)

    def _fold(self, node: Node, kept: int) -> None:
        """Fold all children but the most frequent ones, and of those the ones that are rare."""
        by_frequency = sorted(node.children.items(), key=lambda item: (-item[1].seen, item[0]))
        for place, (key, child) in enumerate(by_frequency):
            if place < kept and child.seen >= RARE * node.seen:
                continue
            del node.children[key]
            if node.many is None:
                node.many = self._new(node.depth + 1)
            _merge(node.many, child)
            # Keys of one call were counted apart; now they are one property of it.
            _limit(node.many, node.seen)


def _below(node: Node) -> list[Node]:
    extra = [child for child in (node.elements, node.many) if child is not None]
    return [*node.children.values(), *extra]


def _with_all_below(node: Node) -> Iterator[Node]:
    """Yield a node and then what is below it, as it is when the node has been dealt with."""
    yield node
    for child in _below(node):
        yield from _with_all_below(child)


def _merge(into: Node, node: Node) -> None:
    into.counts.merge(node.counts)
    into.buffer += node.buffer
    into.seen += node.seen
    into.last_call = max(into.last_call, node.last_call)
    for key, child in node.children.items():
        _merge(into.children.setdefault(key, Node(into.depth + 1)), child)
    for name in ("elements", "many"):
        child_of = getattr(node, name)
        if child_of is not None:
            if getattr(into, name) is None:
                setattr(into, name, Node(into.depth + 1))
            _merge(getattr(into, name), child_of)


def _limit(node: Node, calls: int) -> None:
    node.seen = min(node.seen, calls)
    node.counts.calls = min(node.counts.calls, calls)
    for child in _below(node):
        _limit(child, node.seen)


def leaves(
    node: Node, steps: tuple[Step, ...] = ()
) -> Iterator[tuple[tuple[Step, ...], PropertyCounts]]:
    """Yield every place that has scalars, nulls or empty objects, in the order of their names."""
    if steps and (node.counts.values or node.counts.types):
        yield steps, node.counts
    for key, child in sorted(node.children.items()):
        yield from leaves(child, (*steps, Step(key)))
    if node.elements is not None:
        yield from leaves(node.elements, (*steps, Step(ARRAY, is_array=True)))
    if node.many is not None:
        yield from leaves(node.many, (*steps, MANY))
