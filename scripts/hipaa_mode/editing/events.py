"""Editing the event lists: which event names a destination receives, and under which name."""

from __future__ import annotations

from hipaa_mode.configuration import ANY, AllowedEvent, Configuration
from hipaa_mode.editing.rows import covers, find_destination, last_like, plans_in
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.errors import ConfigurationError, HipaaModeError

SEED = "allowed_events"


def allow_event(
    workspace: Workspace,
    environment: str,
    destination: str,
    event: str,
    sent_as: str | None = None,
) -> None:
    """Let an event pass: adds a row, or changes the name that it is sent under.

    Args:
        environment: the environment, `*` for all.
        destination: the destination, `*` for every restricted one.
        event: name of the event, `*` for all.
        sent_as: name to send it under; blank for its own, None to keep what a row says.

    Raises:
        ConfigurationError: there is no such destination.
        EditRefusedError: a build would refuse the result.
    """
    configuration = workspace.configuration()
    if destination != ANY:
        for found in find_destination(configuration, destination, environment):
            if not found.restrict_phi:
                workspace.notes.append(
                    f"`{destination}` is not restricted in {found.environment}: it receives "
                    "every event, whatever its list says"
                )
    seed = workspace.seed(SEED)
    row = next(
        (
            row
            for row in configuration.allowed_events
            if (row.environment, row.destination, row.event) == (environment, destination, event)
        ),
        None,
    )
    if row is None:
        new = {
            "environment": environment,
            "destination": destination,
            "event": event,
            "sent_as": sent_as or "",
        }
        near = last_like(seed, new, ("destination", "environment"), ("destination",))
        workspace.set_seed(SEED, seed.add(new, near))
    elif sent_as is not None:
        workspace.set_seed(SEED, seed.change(row.row.line, {"sent_as": sent_as}))
    workspace.refuse_new_faults()


def deny_event(workspace: Workspace, environment: str, destination: str, event: str) -> None:
    """Stop an event from reaching a destination: removes its rows.

    A row for every environment becomes one for each of the others.

    Raises:
        ConfigurationError: the destination receives every event, or the event comes from the
            list of all destinations.
        EditRefusedError: a build would refuse the result.
    """
    configuration = workspace.configuration()
    if destination != ANY:
        _refuse_unrestricted(configuration, environment, destination)
    seed = workspace.seed(SEED)
    rows = [row for row in configuration.allowed_events if row.event == event]
    own = [row for row in rows if row.destination == destination]
    removed = [row for row in own if covers(environment, row.environment)]
    for_all = [row for row in own if row.environment == ANY and row not in removed]
    if destination != ANY:
        _refuse_other_grants(configuration, environment, destination, event)
    others = _other_environments(configuration, environment, destination) if for_all else []
    for row in sorted([*removed, *for_all], key=lambda row: row.row.line, reverse=True):
        line = row.row.line
        cells = seed.rows[line]
        if row in for_all:
            named = {known.environment for known in own}
            for other in sorted(set(others) - named, reverse=True):
                seed = seed.add({**cells, "environment": other}, line)
        seed = seed.remove(line)
    workspace.set_seed(SEED, seed)
    workspace.refuse_new_faults()
    for name, plan in plans_in(workspace.plans(), environment).items():
        known = plan.destinations.get(destination)
        if known and known.events is not None and event in known.events:
            raise HipaaModeError(
                f"The event would still reach `{destination}` in {name}, so nothing was written. "
                "Edit the seed by hand, and please report this"
            )


def _refuse_unrestricted(configuration: Configuration, environment: str, destination: str) -> None:
    for row in find_destination(configuration, destination, environment):
        if not row.restrict_phi:
            raise ConfigurationError(
                f"`{destination}` is not restricted ({row.row.file}, line {row.row.line}): it "
                "receives every event. Restrict it first, with `hipaa-mode destination restrict`"
            )


def _refuse_other_grants(
    configuration: Configuration, environment: str, destination: str, event: str
) -> None:
    def counts(row: AllowedEvent) -> bool:
        return covers(environment, row.environment) or row.environment == ANY

    for row in configuration.allowed_events:
        place = f"{row.row.file}, line {row.row.line}"
        if not counts(row) or row.destination not in (destination, ANY):
            continue
        if row.event == ANY and event != ANY:
            raise ConfigurationError(
                f"{place} lets every event pass, so one can't be denied. List the events that "
                "may pass, then deny *"
            )
        if row.event == event and row.destination == ANY and destination != ANY:
            raise ConfigurationError(
                f"{place} lets it pass to every destination. Deny it for *, then allow it for "
                "those that may receive it"
            )


def _other_environments(
    configuration: Configuration, environment: str, destination: str
) -> list[str]:
    """Return the environments that keep the event when a row for all of them is taken apart."""
    listed = {env for env, name in configuration.listed if destination in (name, ANY)}
    if ANY in listed:
        raise ConfigurationError(
            f"`{destination}` is listed for every environment, so the event can't be denied in "
            f"one of them. List the destination by environment, or deny the event with "
            f"--environment '*' instead of {environment}"
        )
    return sorted(listed - {environment})
