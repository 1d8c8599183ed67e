"""Spark: functions in the session's own catalog, tokens by an Arrow function of the session."""

from __future__ import annotations

import re
from typing import Any

from hipaa_mode import functions
from hipaa_mode.engines import SPARK
from hipaa_mode.errors import HipaaModeError

_END = re.compile(r";$", re.MULTILINE)
_COMMENT = re.compile(r"^ *--.*\n?", re.MULTILINE)


def make_functions(session: Any, text: str | None = None) -> None:
    """Make the functions in a session.

    Args:
        session: a `SparkSession`.
        text: statements that make functions; None for the file of the package.

    Raises:
        HipaaModeError: the session has a schema of that name already.
    """
    if session.catalog.databaseExists(functions.SCHEMA):
        raise HipaaModeError(
            f"the session has a schema {functions.SCHEMA} that is not the package's. "
            "Give it another name"
        )
    session.sql(f"create schema {functions.SCHEMA}")
    for statement in _END.split(_COMMENT.sub("", text or functions.read_text(SPARK))):
        if statement.strip():
            session.sql(statement)
