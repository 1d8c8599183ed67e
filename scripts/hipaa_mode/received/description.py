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
    described: Description = {
        "type": planned.type,
        "mode": _mode(planned),
        "restrict_phi": str(planned.restrict_phi).lower(),
    }
    if planned.baa_reference:
        described["baa_reference"] = planned.baa_reference
    if destination.baa_expires_on is not None:
        described["baa_expires_on"] = destination.baa_expires_on.isoformat()
    if destination.name in plan.stopped:
        described["stopped"] = "true"
    described["mask_scope"] = _scope(planned.scope)
    described["timestamp_precision"] = planned.timestamp_precision
    described |= _consent(destination)
    described["events"] = EVERY_EVENT if planned.events is None else dict(planned.events)
    environment = plan.environment
    denied = {
        _of(row.property_list, str(row.path)) + (f" on {row.event}" if row.event else "")
        for row in denying_rows(configuration, destination, environment)
    }
    if denied:
        described["denied"] = sorted(denied)
    rows = counting_rows(configuration, destination, environment, day)
    described["views"] = {
        f"{planned.name}__{view}": {
            column.name: _column(planned, column, rows)
            for column in sorted(columns, key=lambda column: column.name)
        }
        for view, columns in sorted({**planned.views, **planned.latest_views}.items())
        if models is None or f"{planned.name}__{view}" in models
    }
    return described


def _consent(destination: Destination) -> Description:
    """Say by which names calls may opt out, and to which categories consent is needed."""
    described: Description = {}
    if destination.honors_opt_outs and destination.type is not None:
        described["opt_outs"] = sorted(destination.type.integration_names)
    categories = sorted(destination.consent_categories)
    if categories:
        is_one_enough = destination.consent_strategy == "or" and len(categories) > 1
        described["consent_to_one_of" if is_one_enough else "consent_to_all_of"] = categories
    return described


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
        described: dict[str, Any] = {"from": _of(CALL, column.name)}
        fed = [
            row for row in rows if (row.property_list, str(row.path)) == (ENVELOPE, column.name)
        ]
        fed = [row for row in fed if row.treatment.kind.name == "allow"]
    else:
        described = {"from": " or ".join(_of(*place) for place in column.places)}
        fed = [row for row in rows if _feeds(row, column)]
    described["form"] = column.treatment
    if column.normalize != "none":
        described["normalize"] = column.normalize
    described["type"] = column.data_type
    if column.is_list:
        described["list"] = "true"
    if column.guard not in ("", "none"):
        described["guard"] = column.guard
    if column.scope is not None and column.scope != destination.scope:
        described["scope"] = PROPERTY_SCOPE if "/" in column.scope else _scope(column.scope)
    if column.events is not None:
        described["events"] = list(column.events)
    described |= _until(column, fed)
    return described


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


def _until(column: ViewColumn, rows: Iterable[AllowedProperty]) -> dict[str, Any]:
    """Say until when a column is received: on every event, or on each that has an end."""
    ends = {row.event or ANY: row.expires_on for row in rows}
    dates = {event: end.isoformat() for event, end in ends.items() if end is not None}
    if not dates:
        return {}
    if column.events is None or (len(dates) == len(ends) and len(set(dates.values())) == 1):
        return {"until": next(iter(dates.values()))}
    return {"until": dict(sorted(dates.items()))}
