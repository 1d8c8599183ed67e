"""How a column or a row comes to a view: what each model on the way says of it.

For people only: what is proven rests on terms. A trace goes as far as names can be followed and
never fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlglot import exp

from hipaa_mode.verify.manifest import Manifest, Model
from hipaa_mode.verify.terms import NotProvenError, line_of, parse, shown

LONGEST_TRACE = 24
"""Steps of a trace at most: a column of a wide expression reads many others."""


@dataclass(frozen=True)
class Step:
    """One expression on the way.

    Attributes:
        model: the model it is in.
        file: the model's file.
        line: line of the model's compiled SQL, if known.
        expression: the SQL, cut where it is long.
        source_line: line of the file, where it has the lines of the compiled SQL.
    """

    model: str
    file: str
    line: int | None
    expression: str
    source_line: int | None = None


class Traces:
    """Finds the expressions that columns and rows come from."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._parsed: dict[str, exp.Expression | None] = {}

    def of_column(self, model: Model, column: str) -> tuple[Step, ...]:
        """Trace a column of a model to the raw call, the nearest expression first."""
        steps: list[Step] = []
        self._follow(model, self._query(model), column.lower(), {}, steps, set())
        return tuple(steps)

    def of_rows(self, model: Model) -> tuple[Step, ...]:
        """List the joins and predicates that decide which rows a model has."""
        steps: list[Step] = []
        waiting, seen = [model], {model.unique_id}
        while waiting and len(steps) < LONGEST_TRACE:
            current = waiting.pop(0)
            query = self._query(current)
            if query is None:
                continue
            for part in query.find_all(exp.Where, exp.Join, exp.Having, exp.Qualify, exp.Limit):
                _add(steps, current, part)
            for table in query.find_all(exp.Table):
                source = self._manifest.named(table)
                if source is not None and source.unique_id not in seen:
                    seen.add(source.unique_id)
                    waiting.append(source)
        return tuple(steps)

    def _query(self, model: Model) -> exp.Expression | None:
        if model.unique_id not in self._parsed:
            try:
                self._parsed[model.unique_id] = parse(model.sql, self._manifest.engine)
            except NotProvenError:
                self._parsed[model.unique_id] = None
        return self._parsed[model.unique_id]

    def _follow(
        self,
        model: Model,
        query: exp.Expression | None,
        column: str,
        outer: dict[str, exp.Expression],
        steps: list[Step],
        seen: set[tuple[str, int, str]],
    ) -> bool:
        """Add the steps of a column of a query; False where the query has no such column."""
        if isinstance(query, exp.Subquery):
            query = query.this
        if not isinstance(query, exp.Select):
            return False
        key = (model.unique_id, id(query), column)
        if key in seen:
            return True
        named = dict(outer)
        with_ = query.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            named[cte.alias.lower()] = cte.this
        sources = dict(_sources(query))
        projection = next(
            (p for p in query.expressions if p.alias_or_name.lower() == column), None
        )

        def into(table: exp.Expression, name: str) -> bool:
            if isinstance(table, exp.Subquery):
                return self._follow(model, table.this, name, named, steps, seen)
            is_plain = isinstance(table, exp.Table) and not table.args.get("db")
            if is_plain and table.name.lower() in named:
                inner = {key: value for key, value in named.items() if key != table.name.lower()}
                return self._follow(model, named[table.name.lower()], name, inner, steps, seen)
            source = self._manifest.named(table) if isinstance(table, exp.Table) else None
            if source is None:
                return False
            return self._follow(source, self._query(source), name, {}, steps, seen)

        if projection is None:
            has_star = any(item.is_star for item in query.expressions)
            return has_star and any(into(table, column) for table in sources.values())
        seen.add(key)
        _add(steps, model, projection)
        _into_sources(projection, sources, into, steps)
        return True


def _sources(query: exp.Select) -> Iterator[tuple[str, exp.Expression]]:
    from_ = query.args.get("from_")
    items = [from_.this] if from_ is not None else []
    items += [join.this for join in query.args.get("joins") or []]
    for item in items:
        yield item.alias_or_name.lower(), item


def _into_sources(
    projection: exp.Expression,
    sources: dict[str, exp.Expression],
    into: Callable[[exp.Expression, str], bool],
    steps: list[Step],
) -> None:
    for reference in projection.find_all(exp.Column):
        if len(steps) >= LONGEST_TRACE:
            return
        table, name = reference.table.lower(), reference.name.lower()
        if table in sources:
            into(sources[table], name)
        elif not table:
            any(into(source, name) for source in sources.values())


def _add(steps: list[Step], model: Model, node: exp.Expression) -> None:
    line = line_of(node)
    source_line = line if model.keeps_lines else None
    step = Step(model.name, model.file, line, shown(node), source_line)
    if step not in steps and len(steps) < LONGEST_TRACE:
        steps.append(step)
