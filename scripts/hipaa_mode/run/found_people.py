"""The ids by which rows of suppressed people are found in the masked tables, found once in a run.

They are in a table of the restricted zone, beside a row of kind `UP_TO` that says up to which run
and what they were found by: the next build takes them as they are while that is the same and no
call came. Where calls go, the table is emptied; see macro `forget_ids`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hipaa_mode.quoting import literal
from hipaa_mode.raw_ids import UP_TO


def found_by(*parts: object) -> str:
    """Return the fingerprint of what ids are found by."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def are_known(found: str, calls: str, fingerprint: str) -> str:
    """Return a query that has a row if the table has the ids of all calls, found by the same.

    Args:
        found: the table: `run_number`, `kind`, `id`.
        calls: the relation `calls_read`.
        fingerprint: of what they are found by.
    """
    return (
        f"select 1 from {found} as found where kind = '{UP_TO}' and id = {literal(fingerprint)} "
        f"and not exists (select 1 from {calls} as calls "
        "where calls.run_number > found.run_number) limit 1"
    )


def find_again(found: str, query: str, fingerprint: str, run_number: int) -> Sequence[str]:
    """Return the statements that put what a query of `kind` and `id` finds into the table."""
    return (
        f"delete from {found}",
        f"insert into {found} select {run_number:d}, kind, id from (\n{query}\n) as found",
        _noted(found, fingerprint, run_number),
    )


def keep(found: str, fingerprint: str, run_number: int) -> Sequence[str]:
    """Return the statements that note that the table has the ids of a further run."""
    return (
        f"delete from {found} where kind = '{UP_TO}'",
        _noted(found, fingerprint, run_number),
    )


def _noted(found: str, fingerprint: str, run_number: int) -> str:
    return f"insert into {found} values ({run_number:d}, '{UP_TO}', {literal(fingerprint)})"


def is_found_up_to(found: str, run_number: int) -> str:
    """Return the condition that the table has what a run found.

    A transaction that began before sees nothing of it, and must not pass for having looked.
    """
    return f"exists (select 1 from {found} where kind = '{UP_TO}' and run_number = {run_number:d})"
