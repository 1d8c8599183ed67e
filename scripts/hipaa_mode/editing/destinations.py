"""Editing the list of destinations, and the models that go with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hipaa_mode.configuration import ALL_VIEWS, ANY
from hipaa_mode.editing.rows import add_row, find_destination, one_line
from hipaa_mode.editing.scaffold import Owner, add_models, find_yaml, remove_models
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.errors import ConfigurationError

SEED = "destinations"
_FILTERED = ("destinations", "allowed_events", "allowed_properties")


def add_destination(
    workspace: Workspace,
    cells: Mapping[str, str],
    views: Sequence[str],
    owner: Owner | None,
) -> None:
    """Add a destination in an environment, and its models if it has none.

    Args:
        cells: cells of its row in destinations.csv.
        views: views to add models for; other environments' models are shared.
        owner: who answers for it; needed where it has no models yet.

    Raises:
        ConfigurationError: it is listed already, or no owner is given.
        EditRefusedError: a build would refuse the result.
    """
    name, environment = cells["destination"], cells["environment"]
    configuration = workspace.configuration()
    if (environment, name) in configuration.listed:
        raise ConfigurationError(
            f"`{name}` is listed for environment {environment} already. Look at it with "
            f"`hipaa-mode destination show {name}`"
        )
    unknown = [view for view in views if view not in ALL_VIEWS]
    if unknown:
        raise ConfigurationError(
            f"There is no view `{unknown[0]}`. Use some of: {', '.join(ALL_VIEWS)}"
        )
    new = {column: one_line(text) for column, text in cells.items()}
    add_row(workspace, SEED, new, ("environment",))
    workspace.refuse_new_faults(with_models=False)
    if find_yaml(workspace, name) is None and not (owner and owner.as_yaml()):
        raise ConfigurationError(
            "An owner is missing: name who answers for the destination with --owner-email or "
            "--owner-name. dbt asks every exposure for one"
        )
    kind = workspace.configuration().types[new["destination_type"].strip()]
    add_models(workspace, name, kind.display_name, views, owner)
    workspace.refuse_new_faults()


def remove_destination(workspace: Workspace, name: str, environment: str | None = None) -> None:
    """Remove a destination from an environment, or from all: its rows, then its models.

    Rows for `*` and the models go when no environment lists it any more.

    Raises:
        ConfigurationError: it is not listed there, or only by a row for every environment.
        EditRefusedError: a build would refuse the result, as one without any destination.
    """
    configuration = workspace.configuration()
    listed = sorted(env for env, known in configuration.listed if known == name)
    gone = listed if environment is None or environment == ANY else [environment]
    if not listed:
        known = sorted({known for _, known in configuration.listed})
        raise ConfigurationError(
            f"There is no destination `{name}`. Listed: {', '.join(known) or 'none'}"
        )
    if any(env not in listed for env in gone):
        raise ConfigurationError(
            f"`{name}` has no row for environment {environment}; it is listed for "
            + ", ".join(listed)
            + ". Leave --environment out to remove it everywhere"
        )
    is_last = set(gone) == set(listed)
    for seed_name in _FILTERED:
        seed = workspace.seed(seed_name)
        for line, row in sorted(seed.rows.items(), reverse=True):
            in_environment = is_last or row.get("environment", "").strip() in gone
            if row.get("destination", "").strip() == name and in_environment:
                seed = seed.remove(line)
        workspace.set_seed(seed_name, seed)
    if is_last:
        remove_models(workspace, name)
    workspace.refuse_new_faults()
    where = ", ".join("every environment" if env == ANY else env for env in gone)
    workspace.notes.append(
        f"The next `dbt build` of {where} withdraws the published files of `{name}`"
    )


def change_destination(
    workspace: Workspace, environment: str, name: str, cells: Mapping[str, str | None]
) -> None:
    """Change cells of a destination's row: its restriction, its BAA, which consent it needs.

    Args:
        environment: the environment; where only a row for `*` lists the destination, a row of
            the environment's own is added, which beats it.
        cells: by column; None keeps the row's.

    Raises:
        ConfigurationError: there is no such destination.
        EditRefusedError: a build would refuse the result, as no restriction without a BAA.
    """
    given = {column: one_line(text) for column, text in cells.items() if text is not None}
    rows = {
        row.get("environment", "").strip(): (line, row)
        for line, row in workspace.seed(SEED).rows.items()
        if row.get("destination", "").strip() == name
    }
    if environment not in rows and ANY not in rows:
        find_destination(workspace.configuration(), name, environment)
    line, row = rows[environment] if environment in rows else rows[ANY]
    is_restricted = given.get("restrict_phi") == "true"
    if is_restricted and row["restrict_phi"].strip().lower() in ("", "true"):
        # The cell says so already.
        del given["restrict_phi"]
    seed = workspace.seed(SEED)
    if row["environment"].strip() == environment:
        workspace.set_seed(SEED, seed.change(line, given))
    else:
        workspace.set_seed(SEED, seed.add({**row, "environment": environment, **given}, line))
    workspace.refuse_new_faults()
    if is_restricted and row.get("timestamp_precision", "").strip() == "exact":
        workspace.notes.append(
            f"`{name}` still receives exact times: its row says timestamp_precision exact"
        )
