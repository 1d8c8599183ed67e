"""Which columns of a destination view each of its checks reads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hipaa_mode.configuration import ENVELOPE, ENVELOPE_IDS

TOKENS = "masked_columns_are_tokens"
RAW_IDS = "no_raw_identifiers"
PATTERNS = "no_identifier_patterns"


@dataclass(frozen=True)
class Column:
    """A column of a view, as far as checks go by it; see `plan.ViewColumn`."""

    name: str
    property_list: str
    treatment: str
    data_type: str
    is_list: bool
    guard: str


Columns = tuple[Column, ...]


@dataclass(frozen=True)
class CheckedColumns:
    """The columns that checks read; each different text of a column is looked at once.

    Attributes:
        tokens: columns that are to be tokens.
        surrogates: those of them that hold codes of half the length.
        texts: columns whose texts are looked through for raw ids.
        objects: columns of JSON: every scalar and key in it is looked at, as one of its values.
        suspected: columns whose texts must not look like identifiers.
        shown_texts: `texts` and `suspected`, each column once.
        ids_among_tokens: tokens that a raw id is looked for among: only one of their length.
        passing_ids: ids that the destination may have as they are, by name.
    """

    tokens: Columns = ()
    surrogates: Columns = ()
    texts: Columns = ()
    objects: Columns = ()
    suspected: Columns = ()
    shown_texts: Columns = ()
    ids_among_tokens: Columns = ()
    passing_ids: tuple[str, ...] = ()

    @property
    def looks_for_ids(self) -> bool:
        """Whether any column is looked through for raw ids."""
        return bool(self.texts or self.objects or self.ids_among_tokens)


def checked_columns(
    columns: Sequence[Column],
    checks: Collection[str],
    is_restricted: bool,
    left_out: Collection[str],
) -> CheckedColumns:
    """Return which columns of a view some checks read.

    Args:
        columns: the view's.
        checks: names of the checks.
        is_restricted: whether PHI is kept from its destination.
        left_out: columns that hold what looks like an identifier, as reviewed.
    """
    passing = tuple(column.name for column in columns if _is_allowed_id(column))
    masked = tuple(c for c in columns if c.treatment in ("mask", "surrogate") and TOKENS in checks)
    read = [
        column
        for column in columns
        if is_restricted and not _is_allowed_id(column) and column.name not in left_out
        if column.data_type in ("text", "json") and column.name != "call_type"
    ]
    with_ids = [column for column in read if RAW_IDS in checks and column.name != "event"]
    suspected = tuple(
        column
        for column in read
        if PATTERNS in checks and column.guard not in ("none", "warn")
        if column.treatment not in ("mask", "surrogate")
    )
    # What is checked to be tokens can only be an id of their length.
    checked = [column for column in masked if column.treatment == "mask"]
    others = [column for column in with_ids if column not in checked]
    objects = tuple(column for column in others if column.data_type == "json")
    texts = tuple(column for column in others if column.data_type != "json")
    return CheckedColumns(
        tokens=masked,
        surrogates=tuple(column for column in masked if column.treatment == "surrogate"),
        texts=texts,
        objects=objects,
        suspected=suspected,
        shown_texts=tuple({column.name: column for column in (*texts, *suspected)}.values()),
        ids_among_tokens=tuple(column for column in with_ids if column in checked),
        passing_ids=passing,
    )


def _is_allowed_id(column: Column) -> bool:
    # No other column of the envelope: a whole object there would pass as it is.
    return (
        column.property_list == ENVELOPE
        and column.treatment == "allow"
        and column.name in ENVELOPE_IDS
    )
