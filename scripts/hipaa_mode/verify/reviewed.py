"""The forms that count as safe, as terms: `reviewed_forms.sql` with a value put in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources

from sqlglot import exp

from hipaa_mode.paths import PropertyPath, duckdb_json_path
from hipaa_mode.plan import ROOTS, Plan
from hipaa_mode.treatments import parse_treatment
from hipaa_mode.verify.terms import (
    Evaluator,
    NotProvenError,
    Relation,
    Scope,
    Term,
    everything_in,
    parse,
)

TYPES = {
    "text": "varchar",
    "json": "varchar",
    "integer": "bigint",
    "number": "double",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "date": "date",
}
"""DuckDB's type for each `data_type` of the allowlist."""

OLDEST_AGE = 90


def _read_forms() -> dict[str, str]:
    text = resources.files(__package__).joinpath("reviewed_forms.sql").read_text(encoding="utf-8")
    parts = re.split(r"^--- (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], (body.strip() for body in parts[1::2]), strict=True))


FORMS = _read_forms()


class Reviewed:
    """Makes the terms that a destination's columns must be.

    Args:
        evaluator: turns SQL into terms.
        plan: the configuration, for what forms take from the seeds.
        year: the year in which the SQL was compiled.

    Attributes:
        message: what the values of a call are taken from.
    """

    def __init__(self, evaluator: Evaluator, plan: Plan, year: int) -> None:
        self._evaluator = evaluator
        self.message = Term("raw", "message")
        self._formed: dict[tuple[object, ...], Term] = {}
        self._parsed: dict[str, exp.Expression] = {}
        self._words = {
            "this_year": str(year),
            "oldest_year": str(year - OLDEST_AGE),
            "small_areas": ", ".join(f"'{area}'" for area in plan.small_zip3_areas),
        }

    def form(self, sql: str, **values: Term) -> Term:
        """Read SQL in which each given name stands for a term."""
        key = (sql, *values.items())
        if key not in self._formed:
            self._formed[key] = self._form(sql, values)
        return self._formed[key]

    def _form(self, sql: str, values: dict[str, Term]) -> Term:
        scope = Scope({"given": Relation(values, Term("rows", "given"))})
        if sql not in self._parsed:
            self._parsed[sql] = parse(f"select {sql} as form from given").expressions[0].this
        # Within a list, a lambda of the form itself is the second one.
        element = Term("element", 0, 0)
        is_within = any(element in everything_in(value, "lambda") for value in values.values())
        bound = {" element": element} if is_within else {}
        return self._evaluator.expression(self._parsed[sql], scope, {}, bound)

    def _named_form(self, name: str, value: Term, **words: str) -> Term:
        sql = FORMS[name]
        for word, text in {**self._words, **words}.items():
            sql = sql.replace("{" + word + "}", text)
        return self.form(sql, value=value)

    def scalar_text(self, json_text: Term) -> Term:
        """Return the text of a JSON scalar."""
        return self._named_form("scalar_text", json_text)

    def normalized(self, normalize: str, text: Term) -> Term:
        """Return one spelling of an identifier."""
        return self._named_form(f"normalized {normalize}", text)

    def typed(self, data_type: str, text: Term) -> Term:
        """Return a text as a value of an allowlist's `data_type`."""
        return self._named_form(f"type {data_type}", text)

    def treated(self, treatment: str, text: Term) -> Term:
        """Return a text under a treatment as the seed writes it, such as `round:5`."""
        parsed = parse_treatment(treatment)
        name, argument = parsed.kind.name, parsed.argument or ""
        if name == "allow":
            return text
        if f"treatment {name}" not in FORMS:
            raise NotProvenError("form", f"treatment {name} has no reviewed form")
        decimals = str(len(argument.partition(".")[2]))
        if name == "zip3" and not self._words["small_areas"]:
            raise NotProvenError("form", "zip3 without a list of small areas")
        return self._named_form(f"treatment {name}", text, argument=argument, decimals=decimals)

    def guarded(self, text: Term) -> Term:
        """Return a text, or null where it looks like an identifier."""
        return self._named_form("guarded", text)

    def at_precision(self, timestamp: Term, precision: str) -> Term:
        """Return a call's time as finely as a destination may have it."""
        if precision == "exact":
            return timestamp
        if precision == "none":
            return self.form("cast(null as timestamp)")
        return self.form(f"cast(date_trunc('{precision}', value) as timestamp)", value=timestamp)

    def latest_query(self, id_name: str, columns: Sequence[str]) -> exp.Expression:
        """Return the query of a view of latest values; what its calls are is left open."""
        values = [f"value_{number + 1}" for number in range(len(columns))]
        changed = FORMS["latest values: a new value"]
        shown = FORMS["latest values: the latest value"]
        words = {
            "values": "".join(f"{value}, " for value in values),
            "or_changed": "".join(f" or {changed.replace('{value}', value)}" for value in values),
            "id_name": id_name,
            "and_latest": "".join(
                f", {shown.replace('{value}', value)} as {_quoted_name(name)}"
                for value, name in zip(values, columns)
            ),
        }
        # In one go: a column's name may hold a word in braces.
        names = re.compile("|".join(re.escape("{" + word + "}") for word in words))
        sql = names.sub(lambda found: words[found.group()[1:-1]], FORMS["latest values"])
        return parse(sql)

    def staged(self, property_list: str, path: PropertyPath, keeps_objects: bool) -> Term:
        """Return what staging takes out of the message at a path: a JSON text, or a list."""
        names: tuple[str, ...] = (ROOTS[property_list],)
        value: Term | None = None
        is_list = False
        for step in path.steps:
            if step.is_array:
                value = self._elements(self._descended(names, value, is_list), is_list)
                names, is_list = (), True
            else:
                names = (*names, step.name)
        return self._kept(self._descended(names, value, is_list), is_list, keeps_objects)

    def _descended(self, names: tuple[str, ...], value: Term | None, is_list: bool) -> Term:
        """Go down into objects by their keys; from the message where there is no value yet."""
        for json_path in duckdb_json_path(names):
            if value is None:
                value = Term("json text", self.message, json_path)
                continue
            literal = "'" + json_path.replace("'", "''") + "'"
            name = "element" if is_list else "value"
            sql = f"cast(json_extract({name}, {literal}) as varchar)"
            value = self._each(sql, value, is_list)
        assert value is not None
        return value

    def _elements(self, value: Term, is_list: bool) -> Term:
        """Go into arrays."""
        elements = (
            "case when starts_with({0}, '[') then cast(json_extract({0}, '$[*]') as varchar[]) end"
        )
        if not is_list:
            return self.form(elements.format("value"), value=value)
        each = "coalesce(" + elements.format("element") + ", [])"
        return self.form(f"flatten(list_transform(value, lambda element: {each}))", value=value)

    def _kept(self, value: Term, is_list: bool, keeps_objects: bool) -> Term:
        """Leave out JSON null, and what is in objects and arrays unless they are granted whole."""
        kept = "nullif({0}, 'null')"
        if not keeps_objects:
            kept = (
                "case when (starts_with({0}, '{{') or starts_with({0}, '[')) then '{{}}' "
                "else nullif({0}, 'null') end"
            )
        return self._each(kept.format("element" if is_list else "value"), value, is_list)

    def _each(self, sql: str, value: Term, is_list: bool) -> Term:
        """Read SQL of a `value`, or of each `element` of a list."""
        if is_list:
            return self.form(f"list_transform(value, lambda element: {sql})", value=value)
        return self.form(sql, value=value)


def _quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
