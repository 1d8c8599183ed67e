"""The functions that the models call, as reviewed.

`REVIEWED` is the SHA-256 of macros/functions/duckdb.sql as somebody read it. Under that hash each
function is known by its name: it gives what its comment says, of its arguments and nothing else.
Whoever changes the file reviews it and puts the new hash here; docs/functions.md says how.
"""

from __future__ import annotations

from hipaa_mode import functions
from hipaa_mode.verify.terms import (
    Evaluator,
    NotProvenError,
    Relation,
    Scope,
    Term,
    everything_in,
    parse,
)

REVIEWED = "344289562332aee46bc0a1aea982cc9679c5df2f38e2805a7af27f599d4f56d8"


def problems() -> list[str]:
    """Say why the functions are not known to be safe; nothing where they are."""
    if functions.file_hash() != REVIEWED:
        return [f"{functions.FILE} is not as reviewed"]
    return [
        f"{functions.SCHEMA}.{function.name}: {problem}"
        for function in functions.functions().values()
        if (problem := reads_more(function))
    ]


def remedy() -> str:
    """Say what to do about them."""
    return (
        "Restore the file; or have it reviewed, then put its SHA-256 into verify/functions.py: "
        + functions.file_hash()
    )


def reads_more(function: functions.Function) -> str:
    """Say what a function is made of beside its parameters; nothing where that is all."""
    given = {name: Term("parameter", name) for name in function.parameters}
    try:
        body = parse(f"select {function.body} as body").expressions[0].this
        term = Evaluator(_no_table, _no_join).expression(body, Scope(), {}, given)
    except NotProvenError as problem:
        return str(problem)
    is_masking = any(part.kind == "token" for part in everything_in(term))
    return "it makes a token, which the models are to show" if is_masking else ""


def _no_table(table: object) -> Relation:
    raise NotProvenError("function", "a relation in the body of a function")


def _no_join(base: Relation, right: Relation, condition: frozenset[Term]) -> Relation:
    raise NotProvenError("function", "a join in the body of a function")
