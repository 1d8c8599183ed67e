"""What the restricted zone has stored: when its tables were built last, and under which keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAY_ROTATE = ("build", "run", "retry")
"""Commands that make tokens anew."""


PART_OF_CALLS = "part of the calls"
"""What stands for the fingerprint of a table that no later build may go on from."""


@dataclass(frozen=True)
class TableState:
    """How a table was built last.

    Attributes:
        rebuilt_number: the run that made it anew.
    """

    fingerprint: str
    run_number: int
    rebuilt_number: int


class Tables:
    """The tables that builds bring up to date.

    Args:
        rows: name, fingerprint, run and run that made it anew, of what each build did to a table:
            the last of each table, and those of the runs that something is published of.
    """

    def __init__(self, rows: Iterable[tuple[str, str, int, int]] = ()) -> None:
        self._last: dict[str, TableState] = {}
        self._runs: set[tuple[str, int]] = set()
        for name, fingerprint, run_number, rebuilt_number in rows:
            self.note(name, TableState(fingerprint, run_number, rebuilt_number))

    def note(self, name: str, state: TableState) -> None:
        """Add what a run did to a table."""
        self._runs.add((name, state.run_number))
        if name not in self._last or self._last[name].run_number <= state.run_number:
            self._last[name] = state

    def state(self, name: str) -> TableState | None:
        """Return how a table was built last; None where it was not."""
        return self._last.get(name)

    def must_rebuild(
        self, name: str, fingerprint: str, follows: Iterable[str], followed_by: Iterable[str]
    ) -> bool:
        """Tell whether a table is to be made anew, rather than brought up to date.

        Args:
            follows: tables that it is made from: made anew after it, or never, it must be too.
            followed_by: tables that must have followed its last change, or it can't tell what a
                removal changes.
        """
        state = self.state(name)
        if state is None or state.fingerprint != fingerprint:
            return True
        for other in map(self.state, follows):
            if other is None or state.run_number < other.rebuilt_number:
                return True
        after = [self.state(other) for other in followed_by]
        return any(other is None or other.run_number < state.run_number for other in after)

    def was_brought_up_to_date(self, name: str, run_number: int) -> bool:
        """Tell whether a run brought a table of this warehouse up to date.

        Not so if the run was another warehouse's, or this one comes from a backup that is older
        than the run.
        """
        return (name, run_number) in self._runs

    @property
    def last_run(self) -> int:
        """The highest number of a run that changed something; 0 before the first."""
        return max((state.run_number for state in self._last.values()), default=0)


@dataclass(frozen=True)
class KeyChoice:
    """What becomes of a run for the key that it has.

    Attributes:
        problem: why nothing may be built; blank where it may.
        reason: why the key is another one than that of the stored tokens; blank where it is not.
        previous: fingerprint of the key that these were made with.
        note: fingerprints that the table of keys lacks, in their order.
    """

    problem: str = ""
    reason: str = ""
    previous: str = ""
    note: tuple[str, ...] = ()


def choose_key(
    fingerprint: str,
    used: Sequence[str],
    published: Sequence[str],
    retired: Sequence[str],
    accepted: object,
    command: str,
    environment: str,
) -> KeyChoice:
    """Judge the key of a run by those that stored tokens were made with.

    Another key would make half of a destination's history no longer match the other half. So it
    must be that of a rotation, or be accepted by its fingerprint; then every token is made anew.

    Args:
        used: fingerprints that the database's tokens were made with, the latest last.
        published: those of what is published, for a database made anew knows of no key.
        accepted: the one that a variable accepts.
    """
    stored = [*used[-1:], *(published[:1] if not used else ())]
    note = () if used else (*stored, fingerprint)
    if not stored:
        return KeyChoice(note=note)
    [previous] = stored
    if previous == fingerprint:
        return KeyChoice(note=note[-1:])
    if previous not in retired:
        if accepted != fingerprint:
            return KeyChoice(problem=_other_key(environment, previous, fingerprint))
        reason = "accepted by hipaa_mode__accept_key_fingerprint"
    elif command not in MAY_ROTATE:
        return KeyChoice(
            problem="the masking key was rotated, and the stored tokens are still those of the "
            "old one. Run: dbt build"
        )
    else:
        reason = "rotated"
    return KeyChoice(reason=reason, previous=previous, note=note or (fingerprint,))


def _other_key(environment: str, previous: str, fingerprint: str) -> str:
    return (
        f"the masking key is not the one that the stored tokens of environment `{environment}` "
        f"were made with (its fingerprint is {previous}, the loaded one has {fingerprint}). "
        "Nothing was built. Restore the key; or, to change keys, which gives everybody new tokens "
        "at every destination, run: dbt build --vars '{hipaa_mode__accept_key_fingerprint: "
        f"{fingerprint}}}'"
    )
