"""Reads SQL into terms: what a column or predicate is, in nothing but the raw call's values.

Every query between the raw calls and a destination view is evaluated symbolically: a column of
a CTE or model is replaced by the expression it stands for, down to the JSON paths of the raw
message. Two expressions are then the same exactly if they are one term. The syntax that may
occur is a short list; whatever is not on it, or can't be resolved, raises `NotProvenError`.

The list is what `sqlglot.lineage` lacks: whole-row references, `COLUMNS()`, positional
references and predicates don't show in a lineage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from hipaa_mode import functions
from hipaa_mode.engines import DUCKDB
from hipaa_mode.verify.dialects import UnreadableError, dialect_of

TOKEN_FUNCTION = ("system", "main", "hipaa_mask")


LONGEST_SHOWN = 160
"""Characters of an expression that a message quotes."""


class NotProvenError(Exception):
    """Something that can't be shown to be safe. The text names syntax and columns, no values.

    Attributes:
        rule: the rule that is broken.
        line: line of the compiled SQL, if known.
        expression: the SQL that can't be proven, if it is a part of the model.
        model: the model it is in, once that is known.
        file: the model's file.
        source_line: line of that file, where it has the lines of the compiled SQL.
    """

    def __init__(self, rule: str, problem: str, node: exp.Expression | None = None) -> None:
        super().__init__(problem)
        self.rule = rule
        self.line = line_of(node) if node is not None else None
        self.expression = shown(node) if node is not None else ""
        self.model = ""
        self.file = ""
        self.source_line: int | None = None

    def at(self, node: exp.Expression) -> NotProvenError:
        """Say where it is, unless that is known more closely."""
        if self.line is None and not self.expression:
            self.line, self.expression = line_of(node), shown(node)
        return self


def shown(node: exp.Expression) -> str:
    """Write SQL on one line, as DuckDB has it, cut where it is long."""
    text = " ".join(node.sql(DUCKDB, comments=False).split())
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def line_of(node: exp.Expression) -> int | None:
    """Return the line that SQL begins on, if its names tell it."""
    lines = [int(item.meta["line"]) for item in node.walk() if "line" in item.meta]
    return min(lines, default=None)


class Term:
    """An expression over the raw call; equal terms are the same object."""

    __slots__ = ("arguments", "kind")
    _known: dict[tuple[object, ...], Term] = {}  # noqa: RUF012  one table for the process

    kind: str
    arguments: tuple[Any, ...]

    def __new__(cls, kind: str, *arguments: object) -> Term:
        """Return the one term of this kind and these arguments."""
        key = (kind, arguments)
        known = cls._known.get(key)
        if known is None:
            known = super().__new__(cls)
            known.kind = kind
            known.arguments = arguments
            cls._known[key] = known
        return known

    def part(self, name: str) -> tuple[Any, ...]:
        """Return what a named part of the syntax holds; nothing where it has no such part."""
        return next((argument[1:] for argument in self.arguments if argument[0] == name), ())


@dataclass(frozen=True)
class Relation:
    """A query's result: its columns by lower-case name, and which rows it has."""

    columns: Mapping[str, Term]
    rows: Term


@dataclass
class Scope:
    """The relations that a query's expressions can name."""

    relations: dict[str, Relation] = field(default_factory=dict)
    outer: Scope | None = None

    def column(self, name: str, relation: str | None, node: exp.Expression | None) -> Term:
        """Resolve a column; DuckDB folds the case of names, quoted or not."""
        wanted = name.lower()
        if relation is not None:
            found = (
                [self.relations[relation.lower()]] if relation.lower() in self.relations else []
            )
        else:
            found = list(self.relations.values())
        terms = [item.columns[wanted] for item in found if wanted in item.columns]
        if len(terms) == 1:
            return terms[0]
        if not terms and self.outer is not None:
            return self.outer.column(name, relation, node)
        problem = "is in more than one relation" if terms else "can't be resolved"
        raise NotProvenError("unresolved", f"column `{name}` {problem}", node)


FUNCTIONS = frozenset(
    [
        "epoch_us",
        "isfinite",
        "json_valid",
        "list_resize",
        "list_reverse",
        "list_sum",
        "list_zip",
        "nfc_normalize",
        "url_decode",
    ]
)
"""Functions of their arguments alone, without effect, that sqlglot has no class for."""

EXPRESSIONS: tuple[type[exp.Expression], ...] = (
    exp.Add, exp.And, exp.Array, exp.ArrayConcat, exp.ArrayContains, exp.ArrayDistinct,
    exp.ArrayFilter, exp.ArrayOverlaps, exp.ArraySize, exp.ArraySort, exp.ArrayToString,
    exp.Ascii, exp.Between, exp.Boolean, exp.Bracket, exp.Case, exp.Cast, exp.Chr, exp.Coalesce,
    exp.Concat, exp.ConcatWs, exp.Contains, exp.DPipe, exp.DataType, exp.DateTrunc, exp.Decode,
    exp.Div, exp.EQ, exp.Encode, exp.EndsWith, exp.Flatten, exp.Floor, exp.GT, exp.GTE,
    exp.Greatest, exp.If, exp.Is, exp.JSONExtract, exp.JSONExtractScalar, exp.JSONKeys,
    exp.JSONPath, exp.JSONPathKey, exp.JSONPathRoot, exp.JSONPathSubscript, exp.JSONPathWildcard,
    exp.JSONType, exp.LT, exp.LTE, exp.Least, exp.Left, exp.Length, exp.Lower, exp.Mod,
    exp.Mul, exp.NEQ, exp.Neg, exp.Not, exp.Nullif, exp.Or, exp.Pad, exp.Pow, exp.RegexpExtract,
    exp.RegexpExtractAll, exp.RegexpFullMatch, exp.RegexpLike, exp.RegexpReplace, exp.Replace,
    exp.Right, exp.Round, exp.SHA2, exp.Slice, exp.Split, exp.SplitPart, exp.StartsWith,
    exp.StrPosition, exp.Sub, exp.Substring, exp.TimeToStr, exp.TimestampTrunc, exp.Transform,
    exp.Translate, exp.Trim, exp.Try, exp.TryCast, exp.UnixToTime, exp.Var,
)  # fmt: skip
"""Syntax that computes from its parts and nothing else."""

_PATH = re.compile(r'\$(\."(?!\*")(?:[^"\\]|\\.)+")+|/.*', re.DOTALL)
"""A JSON path that names one place. DuckDB takes even a quoted `*` for a wildcard."""

JSON_TEXTS, JSON_TEXT = "json_texts", "json_text"
KEY_NAMES = "key_names"
EXTRACTIONS = {
    JSON_TEXTS: _PATH,
    "texts_of_json": _PATH,
    KEY_NAMES: re.compile(rf"\$|{_PATH.pattern}", re.DOTALL),
    "json_kinds": _PATH,
}
"""Named functions that take many paths of one message; and the paths that they may take."""

_IGNORED_ARGUMENTS = frozenset(("_type", "copy", "comments"))
_SELECT_PARTS = frozenset(("with_", "expressions", "from_", "joins", "where", "kind"))


@dataclass
class Evaluator:
    """Evaluates queries symbolically.

    Attributes:
        table: gives the relation that a table name outside the query stands for.
        outer_join: gives the columns of a left join's right side, or raises `NotProvenError`.
    """

    table: Callable[[exp.Table], Relation]
    outer_join: Callable[[Relation, Relation, frozenset[Term]], Relation]

    def query(  # noqa: C901  one step a kind of syntax
        self,
        query: exp.Expression,
        known: Mapping[str, Relation] | None = None,
        outer: Scope | None = None,
    ) -> Relation:
        """Evaluate a select and the CTEs it begins with."""
        if isinstance(query, exp.Subquery):
            query = query.this
        if not isinstance(query, exp.Select):
            raise NotProvenError("syntax", f"{_spoken(query)} is not a plain select", query)
        if is_of_different_values(query):
            return self._different_values(query, known, outer)
        _allow_only(query, _SELECT_PARTS)
        named = dict(known or {})
        with_ = query.args.get("with_")
        if with_ is not None:
            if with_.args.get("recursive"):
                raise NotProvenError("syntax", "a recursive query", query)
            for cte in with_.expressions:
                _allow_only(cte, frozenset(("this", "alias", "materialized")))
                _plain_alias(cte)
                named[cte.alias.lower()] = self.query(cte.this, named, outer)
        from_ = query.args.get("from_")
        if from_ is None:
            raise NotProvenError("syntax", "a select without from", query)
        alias, base = self._source(from_.this, named, outer)
        scope = Scope({alias: base}, outer)
        for join in query.args.get("joins") or []:
            self._join(join, base, scope, named)
        rows = base.rows
        where = query.args.get("where")
        if where is not None:
            predicates = frozenset(
                self.expression(part, scope, named) for part in _ands(where.this)
            )
            rows = _filtered(rows, predicates)
        if base.rows.kind == "different values":
            scope.relations[alias] = _values_of_one(rows, scope)
            rows = scope.relations[alias].rows
        return Relation(self._columns(query, scope, named), rows)

    def _different_values(
        self, query: exp.Select, known: Mapping[str, Relation] | None, outer: Scope | None
    ) -> Relation:
        """Evaluate the different values of some columns: each beside the name of its column."""
        columns = _columns_of_sets(query)
        plain = query.copy()
        plain.set("group", None)
        plain.set("expressions", [column.copy() for column in columns])
        found = self.query(plain, known, outer)
        terms = zip((column.name for column in columns), found.columns.values(), strict=True)
        rows = Term("different values", found.rows, tuple(terms))
        return Relation({name: Term(name, rows) for name in ("name", "value")}, rows)

    def _source(
        self, source: exp.Expression, named: Mapping[str, Relation], outer: Scope | None
    ) -> tuple[str, Relation]:
        if isinstance(source, exp.Subquery):
            _allow_only(source, frozenset(("this", "alias")))
            _plain_alias(source)
            return (source.alias or " ").lower(), self.query(source.this, named, outer)
        if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
            what = "a table function" if isinstance(source, exp.Table) else _spoken(source)
            raise NotProvenError("syntax", f"{what} as a relation", source)
        _allow_only(source, frozenset(("this", "db", "catalog", "alias")))
        _plain_alias(source)
        name = source.name.lower()
        is_plain = not source.args.get("db") and not source.args.get("catalog")
        relation = named[name] if is_plain and name in named else self.table(source)
        return (source.alias or name).lower(), relation

    def _join(
        self, join: exp.Join, base: Relation, scope: Scope, named: Mapping[str, Relation]
    ) -> None:
        _allow_only(join, frozenset(("this", "side", "on")))
        if join.side.upper() != "LEFT" or join.args.get("on") is None:
            raise NotProvenError("join", "only a left join with a condition can be proven", join)
        alias, right = self._source(join.this, named, scope.outer)
        if alias in scope.relations:
            raise NotProvenError("syntax", f"two relations named `{alias}`", join)
        inner = Scope({**scope.relations, alias: right}, scope.outer)
        condition = frozenset(
            self.expression(part, inner, named) for part in _ands(join.args["on"])
        )
        try:
            scope.relations[alias] = self.outer_join(base, right, condition)
        except NotProvenError as problem:
            raise problem.at(join) from None

    def _columns(
        self, query: exp.Select, scope: Scope, named: Mapping[str, Relation]
    ) -> dict[str, Term]:
        columns: dict[str, Term] = {}
        for item in query.expressions:
            star = item if isinstance(item, exp.Star) else None
            of = None
            if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                star, of = item.this, item.table.lower()
            if star is not None:
                found = self._star(star, of, scope)
            elif isinstance(item, exp.Alias):
                found = {item.alias.lower(): self.expression(item.this, scope, named)}
            elif isinstance(item, exp.Column):
                found = {item.name.lower(): self.expression(item, scope, named)}
            elif isinstance(item, exp.Literal):
                found = {item.this.lower(): self.expression(item, scope, named)}
            else:
                raise NotProvenError("syntax", f"{_spoken(item)} without a name", item)
            for name, term in found.items():
                if name in columns:
                    raise NotProvenError("syntax", f"two columns named `{name}`", item)
                columns[name] = term
        return columns

    def _star(self, star: exp.Star, of: str | None, scope: Scope) -> dict[str, Term]:
        _allow_only(star, frozenset(("except_",)))
        left_out = {item.name.lower() for item in star.args.get("except_") or []}
        if of is not None and of not in scope.relations:
            raise NotProvenError("unresolved", f"relation `{of}` can't be resolved", star)
        columns: dict[str, Term] = {}
        for name, relation in scope.relations.items():
            if of in (None, name):
                for column, term in relation.columns.items():
                    if column not in left_out:
                        columns[column] = term
        return columns

    def expression(  # noqa: C901  one step a kind of syntax
        self,
        node: exp.Expression,
        scope: Scope,
        named: Mapping[str, Relation],
        bound: Mapping[str, Term] | None = None,
    ) -> Term:
        """Turn a scalar expression into a term."""
        bound = bound or {}

        def below(part: exp.Expression) -> Term:
            return self.expression(part, scope, named, bound)

        if isinstance(node, exp.Paren):
            return below(node.this)
        if isinstance(node, exp.Column):
            _allow_only(node, frozenset(("this", "table", "db", "catalog")))
            if not isinstance(node.this, exp.Identifier) or node.args.get("db"):
                raise NotProvenError("syntax", f"{_spoken(node)} as a value", node)
            if not node.table and node.name.lower() in bound:
                return bound[node.name.lower()]
            return scope.column(node.name, node.table or None, node)
        if isinstance(node, exp.Identifier):
            if node.name.lower() in bound:
                return bound[node.name.lower()]
            raise NotProvenError("unresolved", f"name `{node.name}` can't be resolved", node)
        if isinstance(node, exp.Literal):
            return Term("literal", node.this, node.is_string)
        if isinstance(node, exp.Lambda):
            names = [item.name.lower() for item in node.expressions]
            depth = sum(1 for term in bound.values() if term.kind == "element")
            inner = dict(bound)
            for place, name in enumerate(names):
                inner[name] = Term("element", depth, place)
            return Term("lambda", len(names), self.expression(node.this, scope, named, inner))
        if isinstance(node, exp.Dot):
            return _called(node, below)
        if isinstance(node, exp.Exists):
            return Term("exists", self.query(node.this, named, scope).rows)
        if isinstance(node, exp.In):
            _allow_only(node, frozenset(("this", "expressions")))
            return Term(
                "in", below(node.this), frozenset(below(item) for item in node.expressions)
            )
        if isinstance(node, exp.Anonymous):
            if node.name.lower() not in FUNCTIONS:
                raise NotProvenError("function", f"function `{node.name}` is not known", node)
            return Term("call", node.name.lower(), *(below(item) for item in node.expressions))
        if isinstance(node, exp.Null):
            return Term("null")
        if isinstance(node, exp.JSONPathKey) and node.this == "*":
            raise NotProvenError("syntax", "a key called * is a wildcard in a JSON path", node)
        if not isinstance(node, EXPRESSIONS):
            raise NotProvenError("syntax", f"{_spoken(node)} is not on the list", node)
        return _simplified(node, self._generic(node, below))

    def _generic(self, node: exp.Expression, below: Callable[[exp.Expression], Term]) -> Term:
        arguments: list[object] = []
        for name, value in sorted(node.args.items()):
            if name in _IGNORED_ARGUMENTS or value is None or value == [] or value is False:
                continue
            if isinstance(value, exp.Expression):
                arguments.append((name, below(value)))
            elif isinstance(value, list):
                arguments.append(
                    (name, *(below(i) if isinstance(i, exp.Expression) else str(i) for i in value))
                )
            else:
                arguments.append((name, str(value)))
        return Term(type(node).__name__, *arguments)


def _called(node: exp.Dot, below: Callable[[exp.Expression], Term]) -> Term:
    """Turn a call by full name into a term: of the token function, or of a named function."""
    parts: list[exp.Expression] = []
    rest: exp.Expression = node
    while isinstance(rest, exp.Dot):
        parts.insert(0, rest.expression)
        rest = rest.this
    names = tuple(part.name.lower() for part in (rest, *parts))
    call = parts[-1]
    if isinstance(call, exp.Anonymous):
        _allow_only(call, frozenset(("this", "expressions")))
        if names == TOKEN_FUNCTION and len(call.expressions) == len(("value", "scope")):
            value, scope = call.expressions
            if not isinstance(scope, exp.Literal) or not scope.is_string:
                raise NotProvenError("scope", "the scope of a token is not written out", node)
            return Term("token", scope.this, below(value))
        if names[:-1] == (functions.SCHEMA,):
            function = functions.functions().get(names[-1])
            if function is not None and len(function.parameters) == len(call.expressions):
                return _named(function.name, call, below)
    raise NotProvenError("function", f"`{'.'.join(names)}` is not known", node)


def _named(name: str, call: exp.Anonymous, below: Callable[[exp.Expression], Term]) -> Term:
    """Turn a call of a named function into a term; extractions know the paths that they read."""
    if name not in EXTRACTIONS:
        return Term("function", name, *(below(item) for item in call.expressions))
    message, listed = call.expressions
    items = listed.expressions if isinstance(listed, exp.Array) else [listed]
    for item in items:
        if not isinstance(item, exp.Literal) or not EXTRACTIONS[name].fullmatch(item.this):
            raise NotProvenError("syntax", "a JSON path that is no one place", listed)
    # The same values: the two differ where there are none.
    name = JSON_TEXTS if name == "texts_of_json" else name
    return Term(name, below(message), tuple(item.this for item in items))


def parse(sql: str, engine: str = DUCKDB) -> exp.Expression:
    """Read one statement of an engine's SQL as DuckDB's; comments count for nothing."""
    dialect = dialect_of(engine)
    if dialect is None:
        raise NotProvenError("syntax", f"SQL of {engine} can't be proven yet")
    try:
        statements = dialect.read(sql)
    except UnreadableError as problem:
        unproven = NotProvenError(problem.rule, str(problem))
        unproven.line = problem.line
        raise unproven from None
    if len(statements) != 1:
        raise NotProvenError("syntax", f"{len(statements)} statements where one is expected")
    return statements[0]


def substituted(term: Term, old: Term, new: Term) -> Term:
    """Return the term with one of its parts replaced wherever it stands."""
    done: dict[Term, Term] = {old: new}

    def replace(item: Any) -> Any:
        if isinstance(item, tuple):
            return tuple(replace(part) for part in item)
        if isinstance(item, frozenset):
            return frozenset(replace(part) for part in item)
        if not isinstance(item, Term):
            return item
        if item not in done:
            done[item] = Term(item.kind, *(replace(part) for part in item.arguments))
        return done[item]

    result: Term = replace(term)
    return result


def everything_in(term: Term, opaque: str | None = "token") -> set[Term]:
    """Return a term and all it is made of, what is inside `opaque` terms left out."""
    seen: set[Term] = set()
    waiting = [term]
    while waiting:
        item = waiting.pop()
        if item in seen:
            continue
        seen.add(item)
        if item.kind != opaque:
            for argument in item.arguments:
                _collect(argument, waiting)
    return seen


def _collect(argument: object, waiting: list[Term]) -> None:
    if isinstance(argument, Term):
        waiting.append(argument)
    elif isinstance(argument, (tuple, frozenset)):
        for part in argument:
            _collect(part, waiting)


def _simplified(node: exp.Expression, term: Term) -> Term:
    """Name the extraction of many paths by the one path that is taken from it."""
    if isinstance(node, exp.Bracket):
        return _simplified_bracket(node, term)
    if isinstance(node, exp.Case):
        return _simplified_case(term)
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        [this] = term.part("this")
        if this.kind in (JSON_TEXTS, KEY_NAMES):
            return Term("is not json", this.arguments[0])
    return term


def _simplified_case(term: Term) -> Term:
    """Take the same extraction out of all branches: it is that of one or another message.

    Where there is no other branch it is that of no message, and has nothing.
    """
    branches = [part for branch in term.part("ifs") for part in branch.part("true")]
    branches += term.part("default")
    kinds = {(item.kind, item.arguments[1:]) for item in branches}
    if len(kinds) != 1:
        return term
    [(kind, rest)] = kinds
    if kind not in EXTRACTIONS:
        return term
    for item in branches:
        term = substituted(term, item, item.arguments[0])
    return Term(kind, term, *rest)


def _simplified_bracket(node: exp.Bracket, term: Term) -> Term:
    [texts] = term.part("this")
    if texts.kind not in EXTRACTIONS or len(node.expressions) != 1:
        return term
    index = node.expressions[0]
    message, paths = texts.arguments
    if isinstance(index, exp.Literal) and not index.is_string:
        place = int(index.this) - int(node.args.get("offset") or 0)
        if 0 <= place < len(paths):
            return Term(texts.kind.removesuffix("s"), message, paths[place])
    raise NotProvenError("unresolved", "a place in the list of extracted values", node)


def different_values(names: Iterable[str]) -> str:
    """Return the columns and the grouping of a query of the different values of some columns."""
    quoted = {name: exp.to_identifier(name, quoted=True).sql(DUCKDB) for name in names}
    names_of = " ".join(
        f"when {column} is not null then {exp.Literal.string(name).sql(DUCKDB)}"
        for name, column in quoted.items()
    )
    sets = ", ".join(f"({column})" for column in quoted.values())
    return (
        f"select case {names_of} end as name, coalesce({', '.join(quoted.values())}) as value "
        f"group by grouping sets ({sets})"
    )


def is_of_different_values(query: exp.Select) -> bool:
    """Whether a query has the different values of some columns, and nothing else.

    Of each row but one column is not null, so that the value is that of the column that is named.
    """
    columns = _columns_of_sets(query)
    if not columns:
        return False
    expected = parse(different_values(column.name for column in columns))
    parts = ("expressions", "group")
    return [query.args[part] for part in parts] == [expected.args[part] for part in parts]


def _columns_of_sets(query: exp.Select) -> list[exp.Column]:
    group = query.args.get("group")
    return list(group.find_all(exp.Column)) if group is not None else []


def _values_of_one(rows: Term, scope: Scope) -> Relation:
    """Return the different values of one of the columns that a query has those of."""
    source, filters = source_and_filters(rows)
    base, columns = source.arguments
    named = {}
    for name, term in columns:
        literal = Term("literal", name, True)
        named[Term("EQ", ("expression", literal), ("this", Term("name", source)))] = term
    [value, *more] = [named.get(predicate) for predicate in filters] or [None]
    if value is None or more or len(scope.relations) > 1:
        raise NotProvenError("join", "values of several columns are not told apart by their names")
    rows = Term("distinct", base, value)
    return Relation({"value": Term("value of", rows)}, rows)


def source_and_filters(rows: Term) -> tuple[Term, frozenset[Term]]:
    """Return which rows these are taken from, and by which predicates."""
    if rows.kind == "where":
        source, filters = rows.arguments
        return source, filters
    return rows, frozenset()


def _filtered(rows: Term, predicates: frozenset[Term]) -> Term:
    source, earlier = source_and_filters(rows)
    return Term("where", source, earlier | predicates)


def _ands(node: exp.Expression) -> Iterator[exp.Expression]:
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.And):
        yield from _ands(node.this)
        yield from _ands(node.expression)
    else:
        yield node


def _allow_only(node: exp.Expression, allowed: frozenset[str]) -> None:
    for name, value in node.args.items():
        if value and name not in allowed and name not in _IGNORED_ARGUMENTS:
            what = name.strip("_").replace("_", " ")
            raise NotProvenError("syntax", f"{what} of {_spoken(node)} is not on the list", node)


def _plain_alias(node: exp.Expression) -> None:
    """Refuse an alias that gives columns other names: `from t as t(a, b)`."""
    alias = node.args.get("alias")
    if isinstance(alias, exp.TableAlias):
        _allow_only(alias, frozenset(("this",)))


def _spoken(node: exp.Expression) -> str:
    return type(node).__name__
