"""How the SQL of each engine is read: as if it were DuckDB's, in which the reviewed forms are.

An engine says some things in words of its own, by the macros of macros/engine/. Each of these is
a pair here: what it says, and what DuckDB says for it. Whatever has no pair stays as it is, and so
is proven only where both engines write it the same. A function that is not on an engine's list may
be anybody's, whatever sqlglot takes its name for.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.dialects.spark import Spark
from sqlglot.parsers.spark import SparkParser

from hipaa_mode import functions
from hipaa_mode.engines import DUCKDB, POSTGRES, SPARK


class UnreadableError(Exception):
    """SQL that can't be read. The text names syntax, no values.

    Attributes:
        rule: the rule that is broken.
        line: line of the SQL, if known.
    """

    def __init__(self, rule: str, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.rule = rule
        self.line = line


@dataclass(frozen=True)
class Dialect:
    """How an engine's SQL is read.

    Attributes:
        engine: the engine.
        reader: the dialect of sqlglot.
        pairs: what the engine says, and what DuckDB says for it; names that begin with an
            underscore stand for any expression.
        called: words that may stand before a bracket; None where the list of known syntax and
            functions says it all.
        longest_name: bytes of a name that the engine does not cut; None where it cuts none.
        tells_case: whether names that differ by case alone are two.
        full_names: functions that are called by a name of several parts, beside those of the
            package.
        types: what types are, where sqlglot takes their names for others.
        text_fault: says why a text may mean something else than sqlglot reads, and on which
            line; None where it does not.
    """

    engine: str
    reader: Any
    pairs: tuple[tuple[str, str], ...] = ()
    called: frozenset[str] | None = None
    longest_name: int | None = None
    tells_case: bool = False
    full_names: frozenset[str] = frozenset()
    types: Mapping[exp.DType, exp.DType] = field(default_factory=dict)
    text_fault: Callable[[str], tuple[str, int] | None] = lambda sql: None

    def read(self, sql: str) -> list[exp.Expression]:
        """Read statements of the engine as what DuckDB would say.

        Raises:
            UnreadableError: they can't be read, or may not mean what they are read as.
        """
        try:
            if fault := self.text_fault(sql):
                raise UnreadableError("syntax", *fault)
            found = sqlglot.parse(sql, dialect=self.reader)
            statements = [item for item in found if isinstance(item, exp.Expression)]
            if self.called is None:
                return statements
            self._check_words(tokens_of(sql, self.engine), self.called)
            return [_translated(item, self.types, self._templates) for item in statements]
        except (sqlglot.errors.SqlglotError, RecursionError) as error:
            problem = f"can't be parsed ({type(error).__name__})"
            raise UnreadableError("syntax", problem) from None

    @functools.cached_property
    def _templates(self) -> list[tuple[exp.Expression, exp.Expression]]:
        return [
            (_translated(_expression(own, self.reader), self.types), _expression(duckdbs))
            for own, duckdbs in self.pairs
        ]

    def _check_words(self, tokens: list[Token], called: frozenset[str]) -> None:
        """Refuse calls of what is not known, names that are cut, and those that become one."""
        for word, line in calls_of_others(tokens, called, self.full_names):
            raise UnreadableError("function", f"function `{word}` is not known", line)
        known: dict[str, str] = {}
        for token in tokens:
            if token.token_type not in (TokenType.IDENTIFIER, TokenType.VAR):
                continue
            is_quoted = token.token_type == TokenType.IDENTIFIER
            name = token.text if is_quoted else token.text.lower()
            if self.longest_name and len(name.encode()) > self.longest_name:
                raise UnreadableError("syntax", "a name that the engine cuts short", token.line)
            if self.tells_case and known.setdefault(name.lower(), name) != name:
                raise UnreadableError("syntax", "two names that differ by case", token.line)


def calls_of_others(
    tokens: list[Token], known: frozenset[str], full_names: frozenset[str] = frozenset()
) -> Iterator[tuple[str, int]]:
    """Give the functions that are called and are neither known nor of the package, with lines."""
    for place, token in enumerate(tokens[1:], 1):
        word = tokens[place - 1]
        before = [item.text.lower() for item in tokens[max(place - 4, 0) : place - 1]]
        is_alias = before[-1:] == ["as"]
        if token.token_type != TokenType.L_PAREN or not is_word(word) or is_alias:
            continue
        is_qualified = before[-1:] == ["."]
        is_own = before[-2:] == [functions.SCHEMA, "."] and before[-3:-2] != ["."]
        is_quoted = word.token_type == TokenType.IDENTIFIER
        is_known = not is_qualified and not is_quoted and word.text.lower() in known
        if not (is_own or is_known or _full_name(tokens, place - 1) in full_names):
            yield word.text, word.line


def _full_name(tokens: list[Token], place: int) -> str:
    """Return the name that ends at a place, with all its parts; blank where one is quoted."""
    first = place
    while first >= 2 and tokens[first - 1].text == ".":
        first -= 2
    parts = tokens[first : place + 1]
    is_quoted = any(part.token_type == TokenType.IDENTIFIER for part in parts)
    return "" if is_quoted else "".join(part.text for part in parts).lower()


def is_word(token: Token) -> bool:
    """Whether a token may be a name: in quotes or not, or a keyword."""
    is_text = token.token_type in (TokenType.STRING, TokenType.RAW_STRING, TokenType.NUMBER)
    return not is_text and token.text.replace("_", "a")[:1].isalpha()


def _expression(sql: str, reader: Any = DUCKDB) -> exp.Expression:
    selected: exp.Expression = sqlglot.parse_one(f"select {sql}", dialect=reader).expressions[0]
    return selected


def _translated(
    node: exp.Expression,
    types: Mapping[exp.DType, exp.DType],
    templates: Sequence[tuple[exp.Expression, exp.Expression]] = (),
) -> exp.Expression:
    """Put what DuckDB says in the place of what another engine says, parts before the whole."""
    for part in list(node.iter_expressions()):
        read = _translated(part, types, templates)
        if read is not part:
            part.replace(read)
    for own, duckdbs in templates:
        blanks: dict[str, exp.Expression] = {}
        if type(node) is type(own) and _matches(own, node, blanks):
            return _filled_in(duckdbs, blanks)
    return _written_plainly(node, {**_TYPES, **types})


def _written_plainly(node: exp.Expression, types: Mapping[exp.DType, exp.DType]) -> exp.Expression:
    """Write what sqlglot reads in two ways as it reads it of DuckDB."""
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Array) and _is_texts(node.to):
        # DuckDB says the type of a list where it has no elements.
        return node.this if node.this.expressions else node
    if isinstance(node, exp.DataType) and node.this in types and not node.expressions:
        return exp.DataType(this=types[node.this], nested=False)
    if isinstance(node, exp.Bracket) and node.args.get("offset") == 1:
        return _counted_from_0(node)
    if isinstance(node, exp.Is) and node.args.get("negate"):
        return exp.Not(this=exp.Is(this=node.this, expression=node.expression))
    return node


def _counted_from_0(node: exp.Bracket) -> exp.Expression:
    """Return an element of a list that is counted from 1, as DuckDB's is read."""
    [place] = node.expressions
    if not isinstance(place, exp.Literal) or place.is_string or not place.this.isdigit():
        return node
    return exp.Bracket(this=node.this, expressions=[exp.Literal.number(int(place.this) - 1)])


_TYPES = {exp.DType.TIMESTAMP: exp.DType.TIMESTAMPNTZ, exp.DType.VARCHAR: exp.DType.TEXT}
"""What sqlglot reads DuckDB's types of these names as."""


def _is_texts(data_type: exp.Expression) -> bool:
    is_list = isinstance(data_type, exp.DataType) and data_type.this == exp.DType.ARRAY
    return is_list and [item.this for item in data_type.expressions] == [exp.DType.TEXT]


def _filled_in(template: exp.Expression, found: dict[str, exp.Expression]) -> exp.Expression:
    def fill(node: exp.Expression) -> exp.Expression:
        return found[node.name].copy() if _is_blank(node) else node

    return template.copy().transform(fill, copy=False)


def _is_blank(node: object) -> bool:
    """Whether a part of a template stands for any expression."""
    if not isinstance(node, (exp.Column, exp.Identifier)) or node.args.get("table"):
        return False
    return node.name.startswith("_")


def _matches(template: Any, found: Any, blanks: dict[str, exp.Expression]) -> bool:
    """Whether SQL is what a template says, and what stands in its blanks."""
    if _is_blank(template):
        return bool(blanks.setdefault(template.name, found) == found)
    if isinstance(template, list):
        return len(template) == len(found) and all(
            _matches(one, other, blanks) for one, other in zip(template, found)
        )
    if not isinstance(template, exp.Expression):
        return bool(template == found)
    if type(template) is not type(found):
        return False
    parts = [_parts(item) for item in (template, found)]
    return parts[0].keys() == parts[1].keys() and all(
        _matches(part, parts[1][name], blanks) for name, part in parts[0].items()
    )


def _parts(node: exp.Expression) -> dict[str, Any]:
    left_out = ("quoted",)
    return {
        name: value
        for name, value in node.args.items()
        if name not in left_out and not name.startswith("_") and value not in (None, [], False)
    }


_WORDS_OF_POSTGRES = (
    *("all", "and", "any", "as", "by", "case", "cast", "distinct", "else", "exists", "from"),
    *("in", "join", "materialized", "not", "on", "or", "over", "select", "grouping sets", "then"),
    *("union", "unnest", "values", "when", "where"),
)
_FUNCTIONS_OF_POSTGRES = (
    *("array", "array_agg", "coalesce", "count", "date_trunc", "isfinite", "length", "max"),
    *("nullif", "row_number"),
)


class _SparkInARun(Spark):
    """Spark as a run sets it: in ANSI mode, so that a cast is none that gives null.

    What may be null says where it comes in an order, or the order is one of rows alone.
    """

    NULL_ORDERING = "nulls_are_last"

    class Tokenizer(Spark.Tokenizer):
        """Takes what stands between double quotes for a name."""

        QUOTES = ["'"]  # noqa: RUF012  as sqlglot has it
        IDENTIFIERS = ["`", '"']  # noqa: RUF012

    class Parser(SparkParser):
        """Reads `cast` as what it is in ANSI mode."""

        STRICT_CAST = True


_IN_SPARK = re.compile(
    r"""
    (?<![\w'])'(?:[^'\\]|\\[\\'])*'(?!') | `[^`]+` | --[^\n\r]* | [^'"`$\\/|\r-]+
    | -(?!-) | /(?!\*) | \|(?!>) | \r(?=\n)
    """,
    re.VERBOSE,
)
"""What is read alike by Spark, by sqlglot, and by what gives functions their names in a session:
texts with no escapes but those of macro `literal`, names, and comments that end with the line."""


def _fault_in_spark(sql: str) -> tuple[str, int] | None:
    """Say what Spark may read otherwise than sqlglot does, and on which line."""
    place = 0
    while found := _IN_SPARK.match(sql, place):
        place = found.end()
        if found[0].startswith("--") and found[0].endswith("\\"):
            return "a comment that goes on in the next line", _line(sql, place)
    if place < len(sql):
        return f"`{sql[place]}`, which may be read in two ways", _line(sql, place)
    for found in _OWN_NAME.finditer(sql):
        if found[0] != f"{functions.SCHEMA}.":
            return f"a name of {functions.SCHEMA} in another spelling", _line(sql, found.start())
    return None


_OWN_NAME = re.compile(rf"`?\b{functions.SCHEMA}\w*`?\s*\.?", re.IGNORECASE)


def _line(sql: str, place: int) -> int:
    return sql.count("\n", 0, place) + 1


_WORDS_OF_SPARK = (
    *("all", "and", "any", "as", "by", "case", "cast", "distinct", "else", "exists", "from"),
    *("grouping sets", "in", "join", "not", "on", "or", "over", "select", "then", "union"),
    *("values", "when", "where"),
)
_FUNCTIONS_OF_SPARK = (
    *("array", "array_agg", "array_contains", "array_sort", "coalesce", "count", "date_trunc"),
    *("explode", "lag", "length", "max", "max_by", "nullif", "posexplode", "row_number"),
    *("struct", "transform", "try_element_at"),
)

_DIALECTS = (
    Dialect(DUCKDB, DUCKDB),
    Dialect(
        POSTGRES,
        POSTGRES,
        (
            ("hipaa_functions.token(_text, _scope)", "system.main.hipaa_mask(_text, _scope)"),
            (
                "hipaa_functions.random_code(_text)",
                "system.main.hipaa_mode_random_code(_text)",
            ),
            ("_text = any (_list)", "list_contains(_list, _text)"),
            ("cast('{}' as text[])", "cast([] as varchar[])"),
            ("(_list)[1]", "_list[1]"),
            (
                "hipaa_functions.latest(_value order by place)",
                "arg_max(_value, place)",
            ),
            (
                "hipaa_functions.latest(_value) over (partition by row_id order by place "
                "rows between unbounded preceding and 1 preceding)",
                "lag(_value ignore nulls) over (partition by row_id order by place)",
            ),
            (
                "case when _list is not null then array(select _form from unnest(_list) "
                "with ordinality as elements (element, element_place) order by element_place) end",
                "list_transform(_list, lambda element: _form)",
            ),
        ),
        frozenset((*_WORDS_OF_POSTGRES, *_FUNCTIONS_OF_POSTGRES)),
        longest_name=63,
        tells_case=True,
    ),
    Dialect(
        SPARK,
        _SparkInARun,
        (
            (
                "system.session.hipaa_mask(_text, _scope)",
                "system.main.hipaa_mask(_text, _scope)",
            ),
            (
                "system.session.hipaa_mode_random_code(_text)",
                "system.main.hipaa_mode_random_code(_text)",
            ),
            (
                "max_by(_value, case when _value is not null then place end)",
                "arg_max(_value, place)",
            ),
            (
                "transform(array_sort(array_agg(struct(_order as place, _value as value))), "
                "placed -> placed.value)",
                "list(_value order by _order)",
            ),
            (
                "case when _list is not null then coalesce((select transform(array_sort("
                "array_agg(struct(element_place, _form as form))), placed -> placed.form) "
                "from posexplode(_list) as elements (element_place, element)), "
                "cast(array() as array<string>)) end",
                "list_transform(_list, lambda element: _form)",
            ),
        ),
        frozenset((*_WORDS_OF_SPARK, *_FUNCTIONS_OF_SPARK)),
        full_names=frozenset(
            ("system.session.hipaa_mask", "system.session.hipaa_mode_random_code")
        ),
        types={exp.DType.TIMESTAMPTZ: exp.DType.TIMESTAMPNTZ},
        text_fault=_fault_in_spark,
    ),
)
_BY_ENGINE = {dialect.engine: dialect for dialect in _DIALECTS}


def reader_of(engine: str) -> Any:
    """Return the dialect of sqlglot that reads an engine's SQL."""
    return _BY_ENGINE[engine].reader


def tokens_of(sql: str, engine: str) -> list[Token]:
    """Return the words of an engine's SQL.

    Raises:
        SqlglotError: it can't be read.
    """
    return list(sqlglot.tokenize(sql, dialect=reader_of(engine)))


def dialect_of(engine: str) -> Dialect | None:
    """Return how an engine's SQL is read; None where nobody says."""
    return _BY_ENGINE.get(engine)
