"""Property paths: the grammar of the `property` column, and its translation to JSON paths.

A path names one place below `properties`, `traits` or `context`:

    path     = segment ( "[]" | "." segment )*
    segment  = bare | quoted
    bare     = one or more characters other than . [ ] "
    quoted   = '"' ( any character, with '""' standing for one quote )* '"'

`address.city` goes down, `products[].sku` goes into every element of an array, and
`"order.id"` is one key that has a dot in it. A name is data: `*` is a key called `*`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

ARRAY = "[]"
"""The step that goes into every element of an array."""

_BARE = re.compile(r'[^.\[\]"]+')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


class PathSyntaxError(ValueError):
    """A property path does not follow the grammar. The text says where and why."""


@dataclass(frozen=True)
class Step:
    """One step of a path: down to a key, or into the elements of an array."""

    name: str
    is_array: bool = False


@dataclass(frozen=True)
class PropertyPath:
    """A parsed property path; equal paths name the same place however they were written."""

    steps: tuple[Step, ...]

    @property
    def reaches_into_array(self) -> bool:
        """Whether the path finds a list of values and not one value."""
        return any(step.is_array for step in self.steps)

    def __str__(self) -> str:
        """Write the path in its canonical form: quotes only where the grammar needs them."""
        text = ""
        for step in self.steps:
            if step.is_array:
                text += ARRAY
                continue
            bare = _BARE.fullmatch(step.name) and step.name == step.name.strip()
            escaped = step.name.replace('"', '""')
            text += ("." if text else "") + (step.name if bare else f'"{escaped}"')
        return text


def parse_path(text: str) -> PropertyPath:
    """Parse the `property` column of an allowlist row.

    Raises:
        PathSyntaxError: the text does not follow the grammar.
    """
    if not text:
        raise PathSyntaxError("the path is empty")
    steps: list[Step] = []
    position = 0
    expects_name = True
    while position < len(text):
        if expects_name:
            name, position = _read_name(text, position)
            steps.append(Step(name))
            expects_name = False
        elif text.startswith(ARRAY, position):
            steps.append(Step(ARRAY, is_array=True))
            position += len(ARRAY)
        elif text[position] == ".":
            position += 1
            expects_name = True
        else:
            raise PathSyntaxError(
                f"unexpected character at position {position + 1}; "
                "write `.`, `[]` or the end, and put odd names in double quotes"
            )
    if expects_name:
        raise PathSyntaxError("the path ends with a dot")
    return PropertyPath(tuple(steps))


def _read_name(text: str, position: int) -> tuple[str, int]:
    quoted = _QUOTED.match(text, position)
    if quoted:
        name = quoted.group(1).replace('""', '"')
        end = quoted.end()
    elif text[position] == '"':
        raise PathSyntaxError(f"the quote opened at position {position + 1} is never closed")
    else:
        bare = _BARE.match(text, position)
        if not bare:
            raise PathSyntaxError(
                f"a name is missing at position {position + 1} "
                "(an array index such as [0] is not supported; [] takes every element)"
            )
        name, end = bare.group(), bare.end()
        if name != name.strip():
            raise PathSyntaxError(
                f"the name at position {position + 1} starts or ends with a blank; "
                "put it in double quotes if the blank is meant"
            )
    if "\x00" in name:
        raise PathSyntaxError(f"the name at position {position + 1} holds a NUL character")
    return name, end


def _is_plain(name: str) -> bool:
    # DuckDB reads '$."*"' as a wildcard and refuses '$.""'.
    return name not in ("*", "")


def duckdb_json_path(names: tuple[str, ...]) -> list[str]:
    """Translate keys to the DuckDB JSON paths that, applied one after another, reach them.

    Most keys need one path (`$."address"."city"`). A key that DuckDB would take as a
    wildcard, or not at all, is reached by a JSON pointer of its own (RFC 6901): in a longer
    pointer a key of digits would also index arrays.
    """
    paths: list[str] = []
    plain = ""
    for name in names:
        if _is_plain(name):
            escaped = name.replace("\\", "\\\\").replace('"', '\\"')
            plain += f'."{escaped}"'
            continue
        if plain:
            paths.append("$" + plain)
            plain = ""
        paths.append("/" + name)
    if plain:
        paths.append("$" + plain)
    return paths


def snake_case(path: PropertyPath) -> str:
    """Name the column for a path: `address.postalCode` becomes `address_postal_code`.

    Letters and digits of any script stay; everything else becomes one underscore. A name
    with none of them, such as `*`, is spelled as its code points: `u002a`.
    """
    words: list[str] = []
    for step in path.steps:
        if step.is_array:
            continue
        name = unicodedata.normalize("NFC", step.name)
        name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
        name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
        word = re.sub(r"[\W_]+", "_", name.lower()).strip("_")
        words.append(word or "_".join(f"u{ord(character):04x}" for character in step.name))
    column = "_".join(word for word in words if word) or "empty"
    return f"_{column}" if column[0].isdigit() else column
