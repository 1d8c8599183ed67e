"""Who reads the restricted zone beside the package's models and the destination views.

dbt keeps its models private to a group, and whoever joins the group, or names a relation by its
schema, comes in all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from hipaa_mode import PACKAGE
from hipaa_mode.run.facts import ZONE, Node

RAW_LINES_VIEW = "hipaa_mode_raw_lines"
LINES_AGAIN_VIEW = "hipaa_mode_lines_again"
SUPPRESSED_USERS_VIEW = "hipaa_mode_suppressed_users"
VALUES_IN_MEMORY = "hipaa_mode_values"
VALUES_IN_FILE = "hipaa_mode_values_in_file"
"""Databases of a run, one of which has the values of the calls that it reads."""

STEP_VIEWS = "hipaa_mode_step_"
"""What the names of a session's views of rows that steps of queries found begin with."""

RAW_VIEWS = (
    *(RAW_LINES_VIEW, LINES_AGAIN_VIEW, VALUES_IN_MEMORY, VALUES_IN_FILE),
    SUPPRESSED_USERS_VIEW,
)
"""Views of the connection, and databases beside it, that hold raw calls and ids of people."""

RAW_SOURCE = f"source.{PACKAGE}.raw.calls"

NOT_READERS = ("test", "unit_test", "seed", "operation")
"""Kinds of nodes that keep nothing of what they read, or read nothing; hooks are judged apart."""


REMEDY = "Let it read the destination views instead: {{ ref('<destination>__events') }}"


def readers(nodes: Sequence[Node]) -> list[tuple[Node, str]]:
    """Return what reads the restricted zone and how, by what dbt knows and by its code."""
    restricted = {node.unique_id: node.name for node in nodes if node.is_restricted}
    restricted[RAW_SOURCE] = "the raw calls"
    names = names_of_the_zone(nodes)
    found = []
    for node in outsiders(nodes):
        if node.config.get("group") == ZONE:
            problem = f"is in the group {ZONE}, whose members may read raw values"
            found.append((node, problem))
        read = sorted(restricted[parent] for parent in node.parents if parent in restricted)
        if read:
            found.append((node, f"reads {', '.join(read)} of the restricted zone"))
        elif mentioned := names.search(_without_comments(node.code)):
            found.append((node, f"names `{mentioned.group(1)}`, which is restricted"))
    return found


def outsiders(nodes: Iterable[Node]) -> list[Node]:
    """Return the nodes that have no business in the restricted zone."""
    return [
        node
        for node in nodes
        if not (node.is_restricted or node.is_view or node.kind in NOT_READERS)
    ]


def restricted_schemas(nodes: Iterable[Node]) -> set[tuple[str, str]]:
    """Return database and schema of the package's models, lower-case."""
    return {node.address[:2] for node in nodes if node.is_restricted}


def names_of_the_zone(nodes: Iterable[Node]) -> re.Pattern[str]:
    """Return a pattern for names of restricted relations: what a schema's name is put before."""
    views = "|".join((*RAW_VIEWS, rf"{STEP_VIEWS}\w*"))
    schemas = "|".join(re.escape(schema) for _, schema in sorted(restricted_schemas(nodes)))
    named = rf'|\b(?:{schemas})(?="?\s*\.)' if schemas else ""
    return re.compile(rf"(\b(?:{views})\b{named})", re.IGNORECASE)


_COMMENTS = re.compile(r"\{#.*?#\}|/\*.*?\*/|--[^\n]*", re.DOTALL)


def _without_comments(code: str) -> str:
    return _COMMENTS.sub(" ", code)
