"""Names and texts from outside as SQL: each stands for itself, whatever is in it."""

from __future__ import annotations


def identifier(*parts: str) -> str:
    """Write a name, of one part or several, as SQL."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: object) -> str:
    """Write a text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"
