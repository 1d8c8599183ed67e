"""Spark: functions of the session, tokens by an Arrow function of the session."""

from __future__ import annotations

import re
from typing import Any

from hipaa_mode import functions
from hipaa_mode.engines import SPARK, spark_json

_END = re.compile(r";$", re.MULTILINE)
_COMMENT = re.compile(r"^ *--.*\n?", re.MULTILINE)
_CREATE = re.compile(rf"^create function {functions.SCHEMA}\.", re.MULTILINE)


def in_session(sql: str) -> str:
    """Return SQL that calls the functions by the names that they have in a session.

    A persistent function can't call one of Python, and a temporary one has no schema.
    """
    return sql.replace(f"{functions.SCHEMA}.", f"{functions.SCHEMA}__")


def make_functions(session: Any, text: str | None = None) -> None:
    """Make the functions in a session, and those of Python that they call.

    Args:
        session: a `SparkSession`.
        text: statements that make functions; None for the file of the package.
    """
    spark_json.register(session)
    for statement in statements(functions.read_text(SPARK) if text is None else text):
        session.sql(statement)


def statements(text: str) -> list[str]:
    """Return the statements that make the functions of a text in a session."""
    made = _CREATE.sub(f"create or replace temporary function {functions.SCHEMA}.", text)
    found = _END.split(_COMMENT.sub("", made))
    return [in_session(statement) for statement in found if statement.strip()]
