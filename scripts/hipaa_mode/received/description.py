"""What destinations receive, as plain data: what the lock holds and comparisons are made of.

A description is made of mappings, lists and texts alone, so that it is the same whether it was
made of the seeds or read from `receives.lock.yml`:

- `every_environment`: `optional_lists`, `small_zip3_areas`;
- `environments`, by name: `retain_days`, `suppressed_users`, `suppressed_marks` of each of them,
  and `destinations`, by name: settings, `events` with the name each is sent as, `denied`
  properties, and `views` of columns, by name.

A key that is absent stands for what lets most through: a column without `events` is shown on
every event, one without `until` has no end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any

from hipaa_mode.configuration import (
    ANY,
    ENVELOPE,
    OWN_SCOPE,
    PROPERTY_SCOPE,
    AllowedProperty,
    Configuration,
    Destination,
)
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.plan import (
    DestinationPlan,
    Plan,
    ViewColumn,
    counting_rows,
    denying_rows,
    make_plan,
)

Description = dict[str, Any]

VERSION = "1"
FOR_GOOD = "for good"
EVERY_EVENT = "every event"
HIPAA_MODE = "HIPAA mode"
SERVER_SIDE = "server-side, not restricted"
CLIENT_SIDE = "client-side, not restricted"
SHARED_SCOPE = "shared"
CALL = "call"
"""Stands in `from` for what is no property but the call's own."""


def describe(
    configuration: Configuration,
    environments: Iterable[str],
    day: dt.date,
    models: Collection[str] | None,
) -> Description:
    """Describe what the destinations of environments receive.

    Args:
        environments: the environments; one without destinations is left out.

    Raises:
        ConfigurationError: a build of one of them would find faults.
    """
    plans = [
        make_plan(configuration, environment, day, models)
        for environment in sorted(set(environments))
        if configuration.in_environment(environment)
    ]
    faults = [*configuration.faults, *(fault for plan in plans for fault in plan.faults)]
    if faults:
        listed = "".join(f"\n- {fault}" for fault in dict.fromkeys(faults))
        raise ConfigurationError(f"The configuration has faults:{listed}")
    return describe_plans(configuration, plans, day, models)


def describe_plans(
    configuration: Configuration,
    plans: Iterable[Plan],
    day: dt.date,
    models: Collection[str] | None,
) -> Description:
    """Describe what the destinations of plans receive, with faults or without."""
    return {
        "version": VERSION,
        "every_environment": {
            "optional_lists": list(configuration.optional_lists.names),
            "small_zip3_areas": sorted(set(configuration.small_areas.areas)),
        },
        "environments": {
            plan.environment: _environment(configuration, plan, day, models) for plan in plans
        },
    }


def _environment(
    configuration: Configuration, plan: Plan, day: dt.date, models: Collection[str] | None
) -> Description:
    retain_days = plan.retain_days
    destinations = configuration.in_environment(plan.environment)
    suppressed = configuration.optional_lists.suppressed_in(plan.environment)
    return {
        "retain_days": FOR_GOOD if retain_days is None else str(retain_days),
        "suppressed_users": str(len(suppressed)),
        "suppressed_marks": list(suppressed),
        "destinations": {
            name: _destination(configuration, plan, destinations[name], day, models)
            for name in sorted(plan.destinations)
        },
    }


def _destination(
    configuration: Configuration,
    plan: Plan,
    destination: Destination,
    day: dt.date,
    models: Collection[str] | None,
) -> Description:
    planned = plan.destinations[destination.name]
    environment, ends_on = plan.environment, destination.baa_expires_on
    denied = {
        _of(row.property_list, str(row.path)) + (f" on {row.event}" if row.event else "")
        for row in denying_rows(configuration, destination, environment)
    }
    rows = counting_rows(configuration, destination, environment, day)
    categories = sorted(destination.consent_categories)
    is_one_enough = destination.consent_strategy == "or" and len(categories) > 1
    named = destination.type if destination.honors_opt_outs else None
    return _without_none(
        {
            "type": planned.type,
            "mode": _mode(planned),
            "restrict_phi": str(planned.restrict_phi).lower(),
            "baa_reference": planned.baa_reference or None,
            "baa_expires_on": ends_on.isoformat() if ends_on else None,
            "stopped": "true" if destination.name in plan.stopped else None,
            "mask_scope": _scope(planned.scope),
            "timestamp_precision": planned.timestamp_precision,
            "opt_outs": sorted(named.integration_names) if named else None,
            "consent_to_one_of": categories if is_one_enough else None,
            "consent_to_all_of": None if is_one_enough else categories or None,
            "events": EVERY_EVENT if planned.events is None else dict(planned.events),
            "denied": sorted(denied) or None,
            "views": {
                f"{planned.name}__{view}": {
                    column.name: _column(planned, column, rows)
                    for column in sorted(columns, key=lambda column: column.name)
                }
                for view, columns in sorted({**planned.views, **planned.latest_views}.items())
                if models is None or f"{planned.name}__{view}" in models
            },
        }
    )


def _without_none(described: Description) -> Description:
    return {name: said for name, said in described.items() if said is not None}


def _mode(destination: DestinationPlan) -> str:
    if destination.is_in_hipaa_mode:
        return HIPAA_MODE
    return SERVER_SIDE if destination.connection_mode == "server_side" else CLIENT_SIDE


def _scope(scope: str) -> str:
    return SHARED_SCOPE if scope == ANY else OWN_SCOPE


def _of(property_list: str, path: str) -> str:
    return f"{property_list} {path}"


def _column(
    destination: DestinationPlan,
    column: ViewColumn,
    rows: Iterable[AllowedProperty],
) -> dict[str, Any]:
    if column.property_list == ENVELOPE:
        source = _of(CALL, column.name)
        place = (ENVELOPE, column.name)
        fed = [row for row in rows if (row.property_list, str(row.path)) == place]
        fed = [row for row in fed if row.treatment.kind.name == "allow"]
    else:
        source = " or ".join(_of(*place) for place in column.places)
        fed = [row for row in rows if _feeds(row, column)]
    scope = None
    if column.scope is not None and column.scope != destination.scope:
        scope = PROPERTY_SCOPE if "/" in column.scope else _scope(column.scope)
    return _without_none(
        {
            "from": source,
            "form": column.treatment,
            "normalize": None if column.normalize == "none" else column.normalize,
            "type": column.data_type,
            "list": "true" if column.is_list else None,
            "guard": None if column.guard in ("", "none") else column.guard,
            "scope": scope,
            "events": None if column.events is None else list(column.events),
            "until": _until(column, fed),
        }
    )


def _feeds(row: AllowedProperty, column: ViewColumn) -> bool:
    return (row.property_list, str(row.path), str(row.treatment)) == (
        column.property_list,
        column.path,
        column.treatment,
    ) and (row.normalize, row.data_type, row.column_name) == (
        column.normalize,
        column.data_type,
        column.name,
    )


def _until(column: ViewColumn, rows: Iterable[AllowedProperty]) -> str | dict[str, str] | None:
    """Say until when a column is received: on every event, or on each that has an end."""
    ends = {row.event or ANY: row.expires_on for row in rows}
    dates = {event: end.isoformat() for event, end in ends.items() if end is not None}
    is_one = len(dates) == len(ends) and len(set(dates.values())) == 1
    if dates and (column.events is None or is_one):
        return next(iter(dates.values()))
    return dict(sorted(dates.items())) or None
