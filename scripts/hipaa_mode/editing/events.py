"""Editing the event lists: which event names a destination receives, and under which name."""

from __future__ import annotations

from hipaa_mode.configuration import ANY, Configuration
from hipaa_mode.editing.rows import (
    add_row,
    could_count,
    covers,
    note_unrestricted,
    planned,
    refuse_unrestricted,
    still_reaches,
)
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.errors import ConfigurationError

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
    what = "every event, whatever its list says"
    note_unrestricted(workspace, destination, environment, what)
    place = {"environment": environment, "destination": destination, "event": event}
    lines = [
        row.row.line
        for row in workspace.configuration().allowed_events
        if all(getattr(row, name) == text for name, text in place.items())
    ]
    if not lines:
        new = {**place, "sent_as": sent_as or ""}
        add_row(workspace, SEED, new, ("destination", "environment"), ("destination",))
    elif sent_as is not None:
        seed = workspace.seed(SEED)
        workspace.set_seed(SEED, seed.change(lines[0], {"sent_as": sent_as}))
    workspace.refuse_new_faults()


def deny_event(workspace: Workspace, environment: str, destination: str, event: str) -> None:
    """Stop an event from reaching a destination: removes its rows.

    A row for every environment becomes one for each of the others.

    Raises:
        ConfigurationError: the destination receives every event, or the event comes from the
            list of all destinations.
        EditRefusedError: a build would refuse the result.
    """
    refuse_unrestricted(workspace, destination, environment, "every event")
    configuration = workspace.configuration()
    if destination != ANY:
        _refuse_other_grants(configuration, environment, destination, event)
    own = [
        row
        for row in configuration.allowed_events
        if row.event == event and row.destination == destination
    ]
    seed = workspace.seed(SEED)
    for row in sorted(own, key=lambda row: row.row.line, reverse=True):
        cells = seed.rows[row.row.line]
        if not covers(environment, row.environment):
            if row.environment != ANY:
                continue
            others = set(_other_environments(configuration, environment, destination))
            for other in sorted(others - {known.environment for known in own}, reverse=True):
                seed = seed.add({**cells, "environment": other}, row.row.line)
        seed = seed.remove(row.row.line)
    workspace.set_seed(SEED, seed)
    workspace.refuse_new_faults()
    for name, plan in planned(workspace, destination, environment).items():
        if event in (plan.events or ()):
            raise still_reaches("The event", destination, name)


def _refuse_other_grants(
    configuration: Configuration, environment: str, destination: str, event: str
) -> None:
    for row in configuration.allowed_events:
        if not could_count(row, destination, environment):
            continue
        if row.event == ANY and event != ANY:
            raise ConfigurationError(
                f"{row.row.where} lets every event pass, so one can't be denied. List the events "
                "that may pass, then deny *"
            )
        if row.event == event and row.destination == ANY:
            raise ConfigurationError(
                f"{row.row.where} lets it pass to every destination. Deny it for *, then allow it "
                "for those that may receive it"
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
