"""The lock of a project whose configuration is edited.

Who makes a change by a command or on the page sees what it does, so the lock is written with it.
What the lock did not say before has been agreed to by nobody: it never comes in beside a change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from hipaa_mode.errors import ConfigurationError
from hipaa_mode.received.comparison import Difference, compare, lets_more_through
from hipaa_mode.received.description import Description
from hipaa_mode.received.lock_file import LOCK_FILE, LockFileError, as_text, parse

LOCK_IT = "review what is received, then run: hipaa-mode lock"


@dataclass(frozen=True)
class Agreement:
    """What a change makes of the lock.

    Attributes:
        content: the lock's new content; None to leave it as it is.
        notes: what to know of it.
    """

    content: bytes | None = None
    notes: tuple[str, ...] = ()


def agree(
    lock: bytes | None, describe_sides: Callable[[], Sequence[Description]], day: dt.date
) -> Agreement:
    """Say what a change makes of a project's lock.

    Args:
        lock: the content of the lock on disk; None where there is none.
        describe_sides: describes what is received before the change, and after it.
    """
    try:
        old, new = describe_sides()
    except ConfigurationError:
        problem = f"the configuration has faults, so {LOCK_FILE} was left as it is"
        return Agreement(notes=(f"{problem}: fix them, {LOCK_IT}",))
    if old == new:
        return Agreement()
    if lock is None:
        return Agreement(notes=(f"there is no {LOCK_FILE}, which a build needs: {LOCK_IT}",))
    try:
        locked = parse(lock)
    except LockFileError as error:
        return Agreement(notes=(str(error),))
    wider = lets_more_through(compare(locked, old, day))
    if wider:
        problem = f"{LOCK_FILE} did not say what is received before this change either"
        return Agreement(notes=(f"{problem}, so it was left as it is: {LOCK_IT}{_listed(wider)}",))
    narrower = compare(locked, old)
    gone = f"{LOCK_FILE} loses also what was no longer received before this change"
    notes = (f"{gone}:{_listed(narrower)}",) if narrower else ()
    return Agreement(as_text(new).encode(), notes)


def _listed(differences: Collection[Difference]) -> str:
    return "".join(f"\n- {difference}" for difference in differences) + "\n"
