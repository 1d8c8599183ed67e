"""The forms that count as safe, as terms: `reviewed_forms.sql` with a value put in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources

from sqlglot import exp

from hipaa_mode.functions import SCHEMA, normalizing
from hipaa_mode.paths import PropertyPath, duckdb_json_path
from hipaa_mode.plan import ROOTS, Plan
from hipaa_mode.quoting import identifier, literal
from hipaa_mode.treatments import parse_treatment
from hipaa_mode.verify.terms import (
    JSON_TEXT,
    Evaluator,
    NotProvenError,
    Relation,
    Scope,
    Term,
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


def _read_forms() -> dict[str, str]:
    text = resources.files(__package__).joinpath("reviewed_forms.sql").read_text(encoding="utf-8")
    parts = re.split(r"^--- (.+)$", text, flags=re.MULTILINE)[1:]
    forms = dict(zip(parts[::2], (body.strip() for body in parts[1::2]), strict=True))
    deliveries = forms["deliveries of one message id"]
    return {name: body.replace("{deliveries}", deliveries) for name, body in forms.items()}


FORMS = _read_forms()


def reviewed_on(form: str, engine: str) -> str:
    """Return a form as an engine has it, where it says it otherwise than DuckDB."""
    return FORMS.get(f"{form} on {engine}", FORMS[form])


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
        self._year = str(year)
        areas = ", ".join(f"'{area}'" for area in plan.small_zip3_areas)
        self._small_areas = f"[{areas}]" if areas else ""

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
        return self._evaluator.expression(self._parsed[sql], scope, {})

    def called(self, function: str, value: Term, *arguments: str) -> Term:
        """Return what a function gives of a value, and of arguments as the SQL has them."""
        sql = f"{SCHEMA}.{function}({', '.join(('value', *arguments))})"
        return self.form(sql, value=value)

    def normalized(self, normalize: str, text: Term) -> Term:
        """Return one spelling of an identifier."""
        function = normalizing(normalize)
        return self.called(function, text) if function else text

    def typed(self, data_type: str, text: Term) -> Term:
        """Return a text as a value of an allowlist's `data_type`."""
        return text if data_type == "text" else self.called(f"as_{data_type}", text)

    def treated(self, treatment: str, text: Term) -> Term:
        """Return a text under a treatment as the seed writes it, such as `round:5`."""
        parsed = parse_treatment(treatment)
        name, argument = parsed.kind.name, parsed.argument or ""
        if name == "allow":
            return text
        if name == "zip3" and not self._small_areas:
            raise NotProvenError("form", "zip3 without a list of small areas")
        arguments = {
            "birth_year": [self._year],
            "zip3": [self._small_areas],
            "round": [argument, str(len(argument.partition(".")[2]))],
            "truncate": [argument],
        }
        return self.called(f"to_{name}", text, *arguments.get(name, []))

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
                f", {shown.replace('{value}', value)} as {identifier(name)}"
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
                value = self._descended(names, value, is_list)
                value = self.called("json_elements" + ("_of_each" if is_list else ""), value)
                names, is_list = (), True
            else:
                names = (*names, step.name)
        kept = ("kept_json" if keeps_objects else "kept_scalar") + ("s" if is_list else "")
        return self.called(kept, self._descended(names, value, is_list))

    def _descended(self, names: tuple[str, ...], value: Term | None, is_list: bool) -> Term:
        """Go down into objects by their keys; from the message where there is no value yet."""
        for json_path in duckdb_json_path(names):
            if value is None:
                value = Term(JSON_TEXT, self.message, json_path)
                continue
            name = "json_at_each" if is_list else "json_at"
            value = self.called(name, value, literal(json_path))
        assert value is not None
        return value
