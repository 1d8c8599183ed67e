"""YAML as text: keys and items are added where they belong, and nothing else moves.

Comments, anchors, quotes and indentation of a file stay as they are. PyYAML tells where a node
begins and ends; what is written is read again and compared with what was meant.
"""

from __future__ import annotations

import copy
import operator
import re
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import yaml

from hipaa_mode.errors import ConfigurationError

INDENT = 2
_NULL_TAG, _MAP_TAG, _SEQUENCE_TAG = (
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "map", "seq")
)

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader in C where PyYAML was built with it: ten times faster."""

Path = Sequence[str | int]
"""Keys and positions from the top of the document to a place in it."""


class UneditableYamlError(ConfigurationError):
    """The file can't be edited safely. The text says what to write into it by hand."""


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Indents lists below their keys, as dbt's own files do, and writes no aliases."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


class OneLine(dict[str, Any]):
    """A mapping that is written on one line."""


class OneLineList(list[Any]):
    """A list that is written on one line."""


_Dumper.add_representer(
    OneLine, lambda dumper, value: dumper.represent_mapping(_MAP_TAG, value.items(), True)
)
_Dumper.add_representer(
    OneLineList, lambda dumper, value: dumper.represent_sequence(_SEQUENCE_TAG, value, True)
)


def dump(value: Any, indent: int = 0, on_one_line: bool = False) -> str:
    """Write a value as block YAML, every line indented, the last one ended."""
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=on_one_line,
        width=10_000,
    )
    return "".join(" " * indent + line if line.strip() else line for line in text.splitlines(True))


def without_jinja(text: str) -> str:
    """Make text safe for a dbt YAML file, where dbt would run a Jinja expression in it."""
    return re.sub(r"\{(?=[{%#])", "{ ", text)


class YamlText:
    """A YAML file that is edited in place; `text` is what it holds now."""

    def __init__(self, text: str, label: str) -> None:
        """Read the file.

        Raises:
            UneditableYamlError: it is not YAML, or not a mapping.
        """
        self.label = label
        self.text = text
        self._known: tuple[str, yaml.Node | None, Any] | None = None
        self._ending = "\r\n" if "\r\n" in text else "\n"
        if not isinstance(self.data(), dict):
            raise UneditableYamlError(f"{label} does not hold keys and values. Fix it first")

    def data(self) -> Any:
        """Return what the file holds, to read only; an empty file holds no keys."""
        return self._read()[1]

    def _read(self) -> tuple[yaml.Node | None, Any]:
        """Return the nodes of the text as it is now, and its data."""
        if self._known is None or self._known[0] != self.text:
            try:
                node = yaml.compose(self.text, Loader=_LOADER)
                data = yaml.load(self.text, Loader=_LOADER)
            except yaml.YAMLError as error:
                mark = getattr(error, "problem_mark", None)
                place = f", line {mark.line + 1}" if mark else ""
                raise UneditableYamlError(
                    f"{self.label}{place} is not YAML. Fix it first"
                ) from None
            self._known = (self.text, node, {} if data is None else data)
        return self._known[1:]

    def get(self, path: Path) -> Any:
        """Return the value at a path; None where there is none."""
        value: Any = self.data()
        for step in path:
            is_key = isinstance(value, dict) and step in value
            is_place = isinstance(value, list) and isinstance(step, int) and step < len(value)
            if not is_key and not is_place:
                return None
            value = value[step]
        return value

    def set(self, path: Path, value: Any) -> None:
        """Give a key its value, and make the keys above it that are missing."""
        if self.get(path) == value:
            return
        depth = 0
        while depth < len(path) - 1 and self.get(path[: depth + 1]) is not None:
            depth += 1
        parent, key = path[:depth], path[depth]
        nested = _nested(path[depth + 1 :], value)

        def write() -> None:
            node = self._node(path)
            if node is None or node.tag == _NULL_TAG:
                self._insert_key(parent, str(key), nested)
            elif isinstance(node, yaml.ScalarNode) and not isinstance(value, (dict, list)):
                written = dump(value).removesuffix("...\n").strip()
                self._splice(node.start_mark.index, node.end_mark.index, written)
            else:
                raise UneditableYamlError(self.label)

        self._edit(
            path, value, lambda data: operator.setitem(_at(data, parent), key, nested), write
        )

    def append(self, path: Path, value: Any) -> None:
        """Add an item to the list at a path, which is made if it is missing."""
        if self.get(path) is None:
            self.set(path, [value])
            return
        add = partial(self._append, path, value)
        self._edit(path, value, lambda data: _at(data, path).append(value), add)

    def remove(self, path: Path, is_meant: Callable[[Any], bool]) -> None:
        """Remove the items that a test picks from the list at a path."""
        for place in reversed(range(len(self.get(path) or []))):
            items = self.get(path)
            if isinstance(items, list) and is_meant(items[place]):
                rest = [*items[:place], *items[place + 1 :]]
                take = partial(self._remove, path, place)
                self._edit(path, rest, partial(_delete, path=path, place=place), take)

    # The edits themselves

    def _edit(
        self,
        path: Path,
        value: Any,
        change: Callable[[Any], object],
        write: Callable[[], None],
    ) -> None:
        """Write into the text what `change` does to the data, and nothing else.

        Args:
            path: the place; with `value` what to write by hand where it can't be done.
            value: what the place is to hold.
        """
        before, wanted = self.text, copy.deepcopy(self.data())
        try:
            change(wanted)
            write()
            is_done = self.data() == wanted
        except (UneditableYamlError, yaml.YAMLError, LookupError, TypeError, AttributeError):
            is_done = False
        if not is_done:
            self.text = before
            snippet = _nested([step for step in path if isinstance(step, str)], value)
            raise UneditableYamlError(
                f"{self.label} is written in a way that can't be edited safely. Write this into "
                f"it by hand:\n{dump(snippet)}"
            )

    def _insert_key(self, parent: Path, key: str, value: Any) -> None:
        node = self._node(parent)
        if node is None or (not parent and not self.data()):
            self._insert_lines(len(self.text), dump({key: value}))
            return
        if not isinstance(node, yaml.MappingNode):
            raise UneditableYamlError(self.label)
        own = next((pair for pair in node.value if pair[0].value == key), None)
        if node.flow_style:
            if own is not None:
                raise UneditableYamlError(self.label)
            self._insert_inline(node, {key: value})
            return
        indent = node.start_mark.column
        if own is not None:
            # A key with nothing under it.
            start = self._line_start(own[0].start_mark.index)
            end = self._line_end(max(own[0].end_mark.index, own[1].end_mark.index))
            self._splice(start, end, dump({key: value}, indent))
            return
        self._insert_lines(self._content_end(node), dump({key: value}, indent))

    def _append(self, path: Path, value: Any) -> None:
        node = self._node(path)
        if not isinstance(node, yaml.SequenceNode):
            raise UneditableYamlError(self.label)
        if node.flow_style:
            self._insert_inline(node, [value])
            return
        self._insert_lines(self._content_end(node), dump([value], node.start_mark.column))

    def _insert_inline(self, node: yaml.CollectionNode, value: Any) -> None:
        """Write a pair or an item before the bracket that ends a collection in brackets."""
        written = dump(value, on_one_line=True).strip()
        end = node.end_mark.index - 1
        gap = ""
        if node.value:
            last = node.value[-1]
            last_value = last[1] if isinstance(last, tuple) else last
            between = re.sub("#.*", "", self.text[last_value.end_mark.index : end])
            # The last one may have its comma already.
            gap = ", " if "," not in between else "" if between[-1].isspace() else " "
        self._splice(end, end, gap + written[1:-1])

    def _remove(self, path: Path, place: int) -> None:
        node = self._node(path)
        if not isinstance(node, yaml.SequenceNode) or len(node.value) == 1:
            raise UneditableYamlError(self.label)
        starts = [item.start_mark.index for item in node.value]
        if node.flow_style:
            ends = [item.end_mark.index for item in node.value]
            if place:
                self._splice(ends[place - 1], ends[place], "")
            else:
                self._splice(starts[0], starts[1], "")
            return
        lines = [*map(self._line_start, starts), self._line_end(self._content_end(node))]
        self._splice(lines[place], lines[place + 1], "")

    # Places in the text

    def _node(self, path: Path) -> yaml.Node | None:
        node = self._read()[0]
        for step in path:
            if isinstance(node, yaml.MappingNode):
                node = next((value for key, value in node.value if key.value == step), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                node = node.value[step]
            else:
                return None
        return node

    def _content_end(self, node: yaml.Node) -> int:
        """Where the last thing written in a node ends: its own end mark is past comments."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            if isinstance(last, tuple):
                key, value = last
                # An alias stands where its key is, and points to where its anchor is.
                alias = value.start_mark.index < key.start_mark.index
                if alias or value.start_mark.index == value.end_mark.index:
                    return self._line_end(key.end_mark.index, inside=True)
                return self._content_end(value)
            return self._content_end(last)
        end: int = node.end_mark.index
        while end and self.text[end - 1] in " \r\n":
            end -= 1
        return end

    def _line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def _line_end(self, index: int, inside: bool = False) -> int:
        """Where the line ends that holds a place; `inside` leaves its line break out."""
        end = self.text.find("\n", index)
        if end < 0:
            return len(self.text)
        return end if inside else end + 1

    def _insert_lines(self, index: int, lines: str) -> None:
        """Write whole lines after the line that holds a place."""
        end = self._line_end(index)
        if end and self.text[end - 1] != "\n":
            lines = "\n" + lines.removesuffix("\n")
        self._splice(end, end, lines)

    def _splice(self, start: int, end: int, text: str) -> None:
        if self._ending != "\n":
            text = text.replace("\r\n", "\n").replace("\n", self._ending)
        self.text = self.text[:start] + text + self.text[end:]


def _at(data: Any, path: Path) -> Any:
    return reduce(operator.getitem, path, data)


def _nested(path: Sequence[str | int], value: Any) -> Any:
    """Put a value under keys, the first of them on top."""
    return reduce(lambda inner, step: {step: inner}, reversed(path), value)


def _delete(data: Any, path: Path, place: int) -> None:
    del _at(data, path)[place]
