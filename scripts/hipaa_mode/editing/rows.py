"""What the edits of all three seeds share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hipaa_mode.configuration import ANY, Configuration, Destination
from hipaa_mode.editing.seed_text import SeedText
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.plan import Plan


def one_line(text: str) -> str:
    """Put text on one line, so that a row of the seed is a line of the diff."""
    return " ".join(text.split())


def last_like(seed: SeedText, cells: Mapping[str, str], *keys: Sequence[str]) -> int | None:
    """Return the line of the last row that has a new row's cells in the columns of a key.

    The keys are tried in order; None if no row is like the new one.
    """
    for columns in keys:
        lines = [
            line
            for line, row in seed.rows.items()
            if all(row.get(name, "").strip() == cells.get(name, "") for name in columns)
        ]
        if lines:
            return max(lines)
    return None


def covers(environment: str, other: str) -> bool:
    """Whether what is done in an environment (`*`: in all of them) is done in the other."""
    return environment in (other, ANY)


def find_destination(
    configuration: Configuration, destination: str, environment: str
) -> list[Destination]:
    """Return the destination in an environment, or in all of them for `*`.

    Raises:
        ConfigurationError: it is listed in none of them.
    """
    if environment == ANY:
        found = [row for row in configuration.destinations if row.name == destination]
    else:
        row = configuration.in_environment(environment).get(destination)
        found = [row] if row else []
    if not found:
        raise ConfigurationError(_missing(configuration, destination, environment))
    return found


def _missing(configuration: Configuration, destination: str, environment: str) -> str:
    """Say why a destination can't be changed in an environment, and what to do."""
    elsewhere = sorted(where for where, name in configuration.listed if name == destination)
    if environment in elsewhere or ANY in elsewhere or (elsewhere and environment == ANY):
        return (
            f"The row of `{destination}` in destinations.csv has faults. Fix it first: "
            "`hipaa-mode check` names them"
        )
    if elsewhere:
        return (
            f"`{destination}` is not listed for environment {environment}, but for "
            f"{' and '.join(elsewhere)}: name one of these with --environment, or add it with "
            f"`hipaa-mode destination add {destination} --environment {environment}`"
        )
    listed = sorted({name for _, name in configuration.listed})
    return (
        f"There is no destination `{destination}`. Add it with `hipaa-mode destination add`, or "
        f"use one of: {', '.join(listed) or 'none yet'}"
    )


def plans_in(plans: Mapping[str, Plan], environment: str) -> dict[str, Plan]:
    """Return the plans of an environment, all of them for `*`.

    An environment that no row names is resolved like the others: the plan of `*` is its own.
    """
    if environment == ANY:
        return dict(plans)
    return {name: plan for name, plan in plans.items() if name == environment} or {
        name: plan for name, plan in plans.items() if name == ANY
    }
