"""Whether the contestants did the same work: their outputs compared, value by value."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from hipaa_mode.quoting import literal

VALUES = {
    "call_type": "varchar",
    "event": "varchar",
    "timestamp": "timestamp",
    "received_at": "timestamp",
    "plan": "varchar",
    "zip3": "varchar",
    "age": "bigint",
    "price": "double",
    "duration_seconds": "double",
}
"""Columns that are not masked: every contestant must have the same."""

TOKENS = (
    "row_id",
    "user_id",
    "anonymous_id",
    "group_id",
    "email_token",
    "phone_token",
    "member_token",
)
"""Masked columns: the same where the token is an HMAC; elsewhere as many different ones."""

Facts = dict[str, str]


def output_facts(path: str) -> Facts:
    """Describe one output, a glob of files, so that equal descriptions mean equal rows.

    Returns:
        `rows`; `values` and `tokens`, sums of a 64-bit hash of each row's columns of that kind;
        `both`, the same of all columns, which ties tokens to values; and for every token
        column how many values and how many different ones it has.
    """
    types = VALUES | dict.fromkeys(TOKENS, "varchar")
    if path.endswith(".parquet"):
        source = f"read_parquet({literal(path)})"
    else:
        columns = ", ".join(f"{name}: {literal(kind)}" for name, kind in types.items())
        source = (
            f"read_json({literal(path)}, format = 'newline_delimited', columns = {{{columns}}})"
        )
    typed = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in types.items())
    measures = {
        "rows": "count(*)",
        "values": f"sum(hash({', '.join(VALUES)}))",
        "tokens": f"sum(hash({', '.join(TOKENS)}))",
        "both": f"sum(hash({', '.join(types)}))",
    }
    for name in TOKENS:
        measures[f"{name} present"] = f"count({name})"
        measures[f"{name} different"] = (
            f"count(distinct case when {name} is not null then hash({name}) end)"
        )
    selected = ", ".join(f'{expression} as "{name}"' for name, expression in measures.items())
    with duckdb.connect() as connection:
        row = connection.execute(
            f"with typed as (select {typed} from {source}) select {selected} from typed"
        ).fetchone()
    assert row is not None
    return dict(zip(measures, map(str, row)))


def disagreements(
    ours: Mapping[str, Facts], theirs: Mapping[str, Facts], same_tokens: bool
) -> list[str]:
    """Compare the outputs of two contestants; return one line for every difference.

    Args:
        ours: facts by destination of hipaa_mode.
        theirs: facts by destination of the other.
        same_tokens: whether the tokens themselves must be equal.
    """
    lines: list[str] = []
    for destination, facts in ours.items():
        for name, value in facts.items():
            if name in ("tokens", "both") and not same_tokens:
                continue
            other = theirs[destination][name]
            if other != value:
                lines.append(f"{destination}: {name}: {value} against {other}")
    return lines
