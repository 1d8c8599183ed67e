"""The tree of properties that grows while calls are read, and stays small.

Objects are tuples of pairs and arrays are lists (see `take.py`), so that a key that is repeated
is seen each time.
"""

from __future__ import annotations

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


class Node:
    """One place in the calls: a property, an object, or the elements of an array."""

    __slots__ = (
        "buffer",
        "children",
        "counts",
        "depth",
        "elements",
        "is_full",
        "last_call",
        "last_value",
        "many",
        "seen",
    )

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.children: dict[str, Node] = {}
        self.elements: Node | None = None
        self.many: Node | None = None
        self.is_full = False
        self.buffer: list[Any] = []
        self.counts = PropertyCounts()
        self.last_call = -1
        self.last_value = -1
        self.seen = 0


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
        self._flush(self.root)

    def _flush(self, node: Node) -> None:
        if node.buffer:
            node.counts.add_values(node.buffer)
            node.buffer = []
        for child in _below(node):
            self._flush(child)
        most = MOST_CHILDREN if node.depth else MOST_CHILDREN_OF_A_LIST
        if len(node.children) > most:
            self._fold(node, most // 2)
            node.is_full = True

    def finish(self) -> None:
        """Fold the keys of objects that look like maps, now that all calls were seen."""
        self.flush()
        self._finish(self.root)

    def _finish(self, node: Node) -> None:
        if node.depth and node.seen >= ENOUGH:
            rare = [child for child in node.children.values() if child.seen < RARE * node.seen]
            if len(rare) > FEW_RARE:
                self._fold(node, len(node.children) - len(rare))
        for child in _below(node):
            self._finish(child)

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


def leaves(tree: Tree) -> list[tuple[tuple[Step, ...], PropertyCounts]]:
    """Return every place that has scalars, nulls or empty objects, in the order of their names."""
    found: list[tuple[tuple[Step, ...], PropertyCounts]] = []
    _collect(tree.root, (), found)
    return found


def _collect(
    node: Node, steps: tuple[Step, ...], found: list[tuple[tuple[Step, ...], PropertyCounts]]
) -> None:
    if steps and (node.counts.values or node.counts.types):
        found.append((steps, node.counts))
    for key, child in sorted(node.children.items()):
        _collect(child, (*steps, Step(key)), found)
    if node.elements is not None:
        _collect(node.elements, (*steps, Step(ARRAY, is_array=True)), found)
    if node.many is not None:
        _collect(node.many, (*steps, MANY), found)
