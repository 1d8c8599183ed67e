"""What the edits of all three seeds share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hipaa_mode.configuration import (
    ANY,
    AllowedEvent,
    AllowedProperty,
    Configuration,
    Destination,
)
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.errors import ConfigurationError, HipaaModeError
from hipaa_mode.plan import DestinationPlan


def one_line(text: str) -> str:
    """Put text on one line, so that a row of the seed is a line of the diff."""
    return " ".join(text.split())


def add_row(
    workspace: Workspace, name: str, cells: Mapping[str, str], *keys: Sequence[str]
) -> None:
    """Add a row to a seed, after the last one that has its cells in the columns of a key.

    The keys are tried in order; where no row is like the new one, it is the last.
    """
    seed = workspace.seed(name)
    after = None
    for columns in reversed(keys):
        alike = [
            line
            for line, row in seed.rows.items()
            if all(row.get(column, "").strip() == cells.get(column, "") for column in columns)
        ]
        after = max(alike, default=after)
    workspace.set_seed(name, seed.add(cells, after))


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


def note_unrestricted(workspace: Workspace, name: str, environment: str, what: str) -> None:
    """Note where a destination is not restricted, so that a list of it says nothing.

    Raises:
        ConfigurationError: there is no such destination.
    """
    if name != ANY:
        for row in find_destination(workspace.configuration(), name, environment):
            if not row.restrict_phi:
                workspace.notes.append(
                    f"`{name}` is not restricted in {row.environment}: it receives {what}"
                )


def refuse_unrestricted(workspace: Workspace, name: str, environment: str, what: str) -> None:
    """Deny nothing to a destination that is not restricted.

    Raises:
        ConfigurationError: it is not, or there is none.
    """
    if name != ANY:
        for row in find_destination(workspace.configuration(), name, environment):
            if not row.restrict_phi:
                raise ConfigurationError(
                    f"`{name}` is not restricted ({row.row.where}): it receives {what}. Restrict "
                    "it first, with `hipaa-mode destination restrict`"
                )


def still_reaches(what: object, destination: str, environment: str) -> HipaaModeError:
    """Make the error of a denial that turns out to be none."""
    return HipaaModeError(
        f"{what} would still reach `{destination}` in {environment}, so nothing was written. "
        "Edit the seed by hand, and please report this"
    )


def could_count(row: AllowedEvent | AllowedProperty, destination: str, environment: str) -> bool:
    """Whether a row is one that a destination could get in an environment."""
    in_environment = covers(environment, row.environment) or row.environment == ANY
    return in_environment and row.destination in (destination, ANY)


def planned(
    workspace: Workspace, destination: str, environment: str
) -> dict[str, DestinationPlan]:
    """Return what is planned for a destination, by environment; in all of them for `*`.

    An environment that no row names is resolved like the others: the plan of `*` is its own.
    """
    plans = workspace.plans()
    asked = environment if environment in plans else ANY
    return {
        name: plan.destinations[destination]
        for name, plan in plans.items()
        if destination in plan.destinations and (environment == ANY or name == asked)
    }
