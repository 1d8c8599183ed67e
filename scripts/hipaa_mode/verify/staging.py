"""The reviewed forms of staging, with what the seeds and the project's settings say put in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from hipaa_mode.engines import DUCKDB, SPARK
from hipaa_mode.functions import SCHEMA, normalizing
from hipaa_mode.plan import Plan, retained_from
from hipaa_mode.quoting import literal
from hipaa_mode.verify.reviewed import FORMS

NO_LIST = "cast([] as varchar[])"
CONSENT_LISTS = (
    *("says_no", "unreadable", "integration_no_to_all", "integration_yes"),
    *("consent_no_to_all", "consent_yes", "categories"),
)
KEPT_STEP = " as materialized ("
AFTER_EXTRACTION = ",\n\nnamed as ("


def reading_form(**words: str) -> str:
    """Return the form of `calls_read` with settings of a project, as the SQL has them."""
    sql = FORMS["model calls_read"]
    for word, text in words.items():
        sql = sql.replace("{" + word + "}", text)
    return sql


def what_is_read(form: str, columns: str) -> str:
    """Return the part of the form that says what calls are read from, with columns of that."""
    return f"{form.partition(AFTER_EXTRACTION)[0]} select {columns} from reread"


def compared_forms(plan: Plan, day: dt.date, engine: str = DUCKDB) -> dict[str, str]:
    """Return the forms of the models that are compared whole, as of the day of compiling."""
    forms = {
        model: FORMS[f"model {model}"]
        for model in ("duplicate_calls", "call_keys", "withheld_calls", "denied_calls")
    }
    expired = ""
    if plan.retain_days is not None:
        first = retained_from(day, plan.retain_days)
        expired = FORMS["where calls expire"].replace("{retained_from}", first)
    withheld = in_all_spellings(forms["withheld_calls"], plan)
    forms["withheld_calls"] = withheld.replace("{expired}", expired)
    forms["denied_calls"] = consent_form(forms["denied_calls"], plan)
    if engine == SPARK:
        # It decides by itself which steps are made once.
        return {name: form.replace(KEPT_STEP, " as (") for name, form in forms.items()}
    return forms


def in_all_spellings(form: str, plan: Plan) -> str:
    """Fill in how people are one person in several spellings, where the plan says so."""
    said = FORMS["ids that are spellings of one"]
    spelled = "\n".join(
        said.replace("{normalized}", f"{SCHEMA}.{normalizing(normalize)}(id)")
        for normalize in plan.person_normalizations
    )
    ids = FORMS["ids of all calls"] if spelled else ""
    return form.replace("{ids}", ids).replace("{spelled}", spelled)


def consent_form(form: str, plan: Plan) -> str:
    """Return the form with the rules of a plan's destinations."""
    rules = [
        ", ".join(
            (
                f"select {literal(name)} as destination",
                *(f"{listed(getattr(item.consent, key))} as {key}" for key in CONSENT_LISTS),
                f"{item.consent.needed} as needed",
            )
        )
        for name, item in sorted(plan.destinations.items())
    ]
    needs_consent = any(item.consent.needed for item in plan.destinations.values())
    none_needed = "" if needs_consent else f"and signals <> {NO_LIST}"
    return form.replace("{rules}", " union all ".join(rules)).replace(
        "{unless_needed}", none_needed
    )


def listed(texts: Iterable[str]) -> str:
    """Return SQL of a list of text literals."""
    quoted = ", ".join(map(literal, texts))
    return f"[{quoted}]" if quoted else NO_LIST
