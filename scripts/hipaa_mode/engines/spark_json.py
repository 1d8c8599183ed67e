"""JSON on Spark as DuckDB reads it, by Arrow functions that named functions call.

Spark's own functions lose what a JSON text says: the order of keys, keys that stand there twice,
how a number is written, whether a text is a string or an object. And they take no commas after the
last element, and no objects of great depth.

A JSON value is None, a boolean, a text, a `Number`, a list of the elements of an array, or a tuple
of the members of an object, each a key and its value.
"""

from __future__ import annotations

import importlib
import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from json.encoder import encode_basestring
from typing import Any

import pyarrow as pa

PREFIX = "hipaa_mode_"
"""What the names of these functions in the session begin with."""


class Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Syntax(str):
    """What stands between values."""

    __slots__ = ()


class _Decoder(json.JSONDecoder):
    """Python's own reader. It can't travel to a worker, which makes one anew."""

    def __init__(self) -> None:
        super().__init__(
            object_pairs_hook=tuple, parse_float=Number, parse_int=Number, parse_constant=Number
        )

    def __reduce__(self) -> tuple[type[_Decoder], tuple[()]]:
        return _Decoder, ()


_DECODER = _Decoder()
_PAIR_OR_OTHER = re.compile(r"\\[^u]|\\u[dD][89abAB]..\\u[dD][c-fC-F]..")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_TOKEN = re.compile(
    r"""[ \t\n\r]*(?:
        (?P<text>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")
        |(?P<number>-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|(?i:nan|inf(?:inity)?)))
        |(?P<word>true|false|null)
        |(?P<mark>[]\[{},:])
    )""",
    re.VERBOSE,
)
_WORDS = {"true": True, "false": False, "null": None}
_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,9}\.[0-9]{0,4}[1-9]")
_ESCAPE = re.compile(r"\\(u....|.)")
_KEY_OF_PATH = re.compile(r'\."((?:[^"\\]|\\.)*)"')
_KINDS = {type(None): "NULL", bool: "BOOLEAN", str: "VARCHAR", list: "ARRAY", tuple: "OBJECT"}


class NotJsonError(ValueError):
    """A text is no JSON. It has no message: that would quote the text."""


def read(text: str) -> Any:
    """Read a JSON text.

    Raises:
        NotJsonError: it is none, or has half of a character.
    """
    if "\\u" in text and _HALF.search(_PAIR_OR_OTHER.sub(" ", text)):
        raise NotJsonError
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return _Reader(text).read()


class _Reader:
    """Reads what Python's own reader does not: any depth, trailing commas, any case of `NaN`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.open: list[tuple[str, list[Any]]] = []

    def read(self) -> Any:
        """Return the value."""
        begun, value = self._value(self._token())
        while begun or self.open:
            begun, value = self._member() if begun else self._after(value)
        if self.text[self.place :].strip(" \t\n\r"):
            raise NotJsonError
        return value

    def _token(self) -> re.Match[str]:
        token = _TOKEN.match(self.text, self.place)
        if token is None:
            raise NotJsonError
        self.place = token.end()
        return token

    def _value(self, token: re.Match[str]) -> tuple[bool, Any]:
        """Return whether an object or array begins, else a value."""
        if token["text"] is not None:
            return False, json.loads(token["text"])
        if token["number"] is not None:
            return False, Number(token["number"])
        if token["word"] is not None:
            return False, _WORDS[token["word"]]
        if token["mark"] not in ("{", "["):
            raise NotJsonError
        self.open.append((token["mark"], []))
        return True, None

    def _member(self) -> tuple[bool, Any]:
        """Read on after the begin of an object or array, or after a comma."""
        kind, members = self.open[-1]
        token = self._token()
        if token["mark"] == ("}" if kind == "{" else "]"):
            return False, self._closed()
        if kind == "[":
            return self._value(token)
        if token["text"] is None or self._token()["mark"] != ":":
            raise NotJsonError
        members.append(json.loads(token["text"]))
        return self._value(self._token())

    def _after(self, value: Any) -> tuple[bool, Any]:
        """Keep a value, and read on after it."""
        kind, members = self.open[-1]
        members.append((members.pop(), value) if kind == "{" else value)
        mark = self._token()["mark"]
        if mark == ",":
            return True, None
        if mark != ("}" if kind == "{" else "]"):
            raise NotJsonError
        return False, self._closed()

    def _closed(self) -> Any:
        kind, members = self.open.pop()
        return tuple(members) if kind == "{" else members


def written(value: Any) -> str:
    """Write a value as a JSON text, as DuckDB does."""
    pieces: list[str] = []
    ahead = [value]
    while ahead:
        item = ahead.pop()
        if isinstance(item, list | tuple):
            ahead += reversed([*_pieces(item)])
        else:
            pieces.append(item if type(item) is _Syntax else _scalar_written(item))
    return "".join(pieces)


def _pieces(value: list[Any] | tuple[Any, ...]) -> Iterator[Any]:
    """Yield marks and values of an object or array."""
    is_object = isinstance(value, tuple)
    yield _Syntax("{" if is_object else "[")
    for place, member in enumerate(value):
        if place:
            yield _Syntax(",")
        if is_object:
            yield member[0]
            yield _Syntax(":")
        yield member[1] if is_object else member
    yield _Syntax("}" if is_object else "]")


def _scalar_written(value: Any) -> str:
    if type(value) is Number:
        return _number_written(value)
    if type(value) is str:
        quoted: str = encode_basestring(value)
        return _ESCAPE.sub(_capital, quoted) if "\\u" in quoted else quoted
    return "null" if value is None else "true" if value else "false"


def _capital(escape: re.Match[str]) -> str:
    return "\\" + (escape[1] if len(escape[1]) == 1 else "u" + escape[1][1:].upper())


def _number_written(text: str) -> str:
    """Write a number: digits alone stay; any other is the shortest form of its double."""
    if text.isdigit() or _PLAIN_DECIMAL.fullmatch(text):
        return text
    if not any(mark in text for mark in ".eE") or text[-1].isalpha():
        return "0" if text == "-0" else text
    double = float(text)
    return text if math.isinf(double) else _double_written(double)


def _double_written(double: float) -> str:
    mantissa, _, power = repr(abs(double)).partition("e")
    whole, _, decimals = mantissa.partition(".")
    digits = (whole + decimals).lstrip("0")
    exponent = int(power or 0) + len(digits) - len(decimals) - 1
    digits = digits.rstrip("0")
    sign = "-" if math.copysign(1, double) < 0 else ""
    if not digits:
        return sign + "0.0"
    if -7 < exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    if 0 <= exponent < 21:
        digits = digits.ljust(exponent + 1, "0")
        return f"{sign}{digits[: exponent + 1]}.{digits[exponent + 1 :] or '0'}"
    return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{exponent}"


# What is found in a value.


class _Wanted:
    """The paths that begin with one path: their places in a list, and those of paths within."""

    __slots__ = ("places", "within")

    def __init__(self) -> None:
        self.places: list[int] = []
        self.within: dict[str, _Wanted] = {}


_KNOWN: dict[str, tuple[_Wanted, int]] = {}


def _wanted(paths: str) -> tuple[_Wanted, int]:
    """Return the paths of a list, as a JSON text of it, as a tree; and how many there are."""
    if paths in _KNOWN:
        return _KNOWN[paths]
    listed = json.loads(paths)
    tree = _Wanted()
    for place, path in enumerate(listed):
        node = tree
        for key in _keys_of(path):
            node = node.within.setdefault(key, _Wanted())
        node.places.append(place)
    return _KNOWN.setdefault(paths, (tree, len(listed)))


def _keys_of(path: str) -> list[str]:
    """Return the keys of a path, `$."a"."b"`, or `/*` of a key that can't stand in such a one."""
    if path.startswith("/"):
        return [path[1:]]
    return [re.sub(r"\\(.)", r"\1", key, flags=re.DOTALL) for key in _KEY_OF_PATH.findall(path)]


def _found(value: Any, paths: str, shown: Callable[[Any], Any]) -> list[Any]:
    """Return what is shown of values at some paths; of a key that is there twice, the first."""
    tree, count = _wanted(paths)
    listed: list[Any] = [None] * count
    ahead = [(tree, value)]
    while ahead:
        node, item = ahead.pop()
        if node.places:
            seen = shown(item)
            for place in node.places:
                listed[place] = seen
        if node.within and isinstance(item, tuple):
            # Backwards, so that the first of two members is the last that is put in.
            members = {key: member for key, member in reversed(item) if key in node.within}
            ahead += [(node.within[key], member) for key, member in members.items()]
    return listed


def texts_at(message: str, paths: str) -> list[str | None]:
    """Return the JSON texts at some paths."""
    return _found(read(message), paths, written)


def names_at(message: str, paths: str) -> list[list[str] | None]:
    """Return the names of the keys at some paths: none of what is no object."""
    return _found(
        read(message),
        paths,
        lambda value: [key for key, _ in value] if isinstance(value, tuple) else [],
    )


def kinds_at(message: str, paths: str) -> list[str | None]:
    """Return what kinds of values there are at some paths."""
    return _found(read(message), paths, _kind)


def _kind(value: Any) -> str:
    if type(value) is not Number:
        return _KINDS[type(value)]
    if not value.lstrip("-").isdigit() or len(value) > 20:
        return "DOUBLE"
    return "BIGINT" if value.startswith("-") else "UBIGINT"


def members_of(value: str) -> list[list[str]] | None:
    """Return the members of an object, each its key and a JSON text."""
    found = read(value)
    if not isinstance(found, tuple):
        return None
    return [[key, written(member)] for key, member in found]


def text_at_each(values: list[str | None], path: str) -> list[str | None]:
    """Return the JSON text at a path, as a list of one, of each of some JSON texts."""
    return [None if value is None else texts_at(value, path)[0] for value in values]


def elements_of(value: str) -> list[str] | None:
    """Return the elements of an array as JSON texts."""
    found = read(value)
    return [written(element) for element in found] if isinstance(found, list) else None


def elements_of_each(values: list[str | None]) -> list[str]:
    """Return the elements of all of some arrays."""
    return [
        element
        for value in values
        if value is not None and value.startswith("[")
        for element in elements_of(value) or []
    ]


def texts_within(value: str) -> list[str | None]:
    """Return all values and key names in a JSON text, as texts; of what is no JSON, itself."""
    try:
        ahead = [read(value)]
    except NotJsonError:
        return [value]
    texts: list[str | None] = []
    while ahead:
        item = ahead.pop()
        texts.append(item if type(item) is str else None if item is None else written(item))
        if isinstance(item, tuple):
            texts += [key for key, _ in item]
            ahead += [member for _, member in item]
        elif isinstance(item, list):
            ahead += item
    return texts


def is_json(value: str) -> bool:
    """Tell whether a text is JSON."""
    try:
        read(value)
    except NotJsonError:
        return False
    return True


# In the session.

_TEXTS = pa.list_(pa.string())
_FUNCTIONS: dict[Callable[..., Any], tuple[str, pa.DataType]] = {
    texts_at: ("array<string>", _TEXTS),
    names_at: ("array<array<string>>", pa.list_(_TEXTS)),
    kinds_at: ("array<string>", _TEXTS),
    text_at_each: ("array<string>", _TEXTS),
    elements_of_each: ("array<string>", _TEXTS),
    members_of: ("array<array<string>>", pa.list_(_TEXTS)),
    elements_of: ("array<string>", _TEXTS),
    texts_within: ("array<string>", _TEXTS),
    is_json: ("boolean", pa.bool_()),
}


NAMES = frozenset(PREFIX + function.__name__ for function in _FUNCTIONS)
"""The names of these functions in the session."""


def _of_arrays(function: Callable[..., Any], kind: pa.DataType) -> Callable[..., pa.Array]:
    """Return a function of arrays; null of null, and of what is no JSON."""

    def of_one(values: tuple[Any, ...]) -> Any:
        if None in values:
            return None
        try:
            return function(*values)
        except NotJsonError:
            return None

    def of_all(*columns: pa.Array) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([of_one(row) for row in rows], kind)

    return of_all


def register(session: Any) -> None:
    """Give a session the functions; they travel to its workers whole."""
    cloudpickle = importlib.import_module("pyspark.cloudpickle")
    arrow_udf = importlib.import_module("pyspark.sql.functions").arrow_udf
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    for function, (spark_type, kind) in _FUNCTIONS.items():
        made = _of_arrays(function, kind)
        session.udf.register(PREFIX + function.__name__, arrow_udf(made, returnType=spark_type))
