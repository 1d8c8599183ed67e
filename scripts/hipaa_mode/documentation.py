"""Descriptions of the destination views' columns, written into what dbt's documentation shows.

dbt takes descriptions from YAML files alone. These come from the seeds, so they are added to the
manifest that `dbt docs generate` wrote, rather than copied into YAML that goes stale.
"""

from __future__ import annotations

import json
from pathlib import Path

from hipaa_mode.configuration import ENVELOPE, ENVELOPE_IDS
from hipaa_mode.errors import MissingFileError
from hipaa_mode.plan import CHANGED_AT, Plan, ViewColumn

_CALL = {
    "row_id": "Token of the message id: the key of the row for syncs.",
    "call_type": "Type of the call.",
    "event": "Name of the event, as this destination is told it.",
    "timestamp": "When it happened (UTC), at this destination's precision.",
    "received_at": "When the call was received (UTC), at this destination's precision.",
    CHANGED_AT: "When one of the values last changed (UTC), at this destination's precision.",
    "user_id": "Id of the user",
    "anonymous_id": "Id of the device or browser",
    "group_id": "Id of the group",
}
_LATEST_ROW_IDS = {
    "user_id": "Token of the user: the key of the row for syncs.",
    "group_id": "Token of the group: the key of the row for syncs.",
}
_ID_FORMS = {"mask": "a token", "allow": "as it is", "deny": "always null"}


def describe_columns(manifest: Path, plan: Plan) -> int:
    """Describe the columns of destination views in a manifest; what YAML describes stays.

    Returns:
        How many columns were described.

    Raises:
        MissingFileError: there is no manifest.
    """
    try:
        content = json.loads(manifest.read_text("utf-8"))
    except OSError:
        raise MissingFileError(f"{manifest} is missing. Run first: dbt docs generate") from None
    views = {
        f"{name}__{view}": columns
        for name, destination in plan.destinations.items()
        for view, columns in (destination.views | destination.latest_views).items()
    }
    count = 0
    for node in content["nodes"].values():
        if node["resource_type"] != "model":
            continue
        for column in views.get(node["name"], ()):
            known = node["columns"].setdefault(column.name, {"name": column.name, "meta": {}})
            if not known.get("description"):
                known["description"] = describe(column)
                count += 1
    manifest.write_text(json.dumps(content), encoding="utf-8")
    return count


def describe(column: ViewColumn) -> str:
    """Say what a column holds: of a property its form and the seed's reason."""
    if column.property_list != ENVELOPE or column.name not in _CALL:
        return f"{column.treatment}: {column.reason or f'property {column.path}'}"
    if column.name == "row_id":
        return _LATEST_ROW_IDS.get(column.masked_column.partition("__")[0], _CALL["row_id"])
    text = _CALL[column.name]
    return f"{text}, {_ID_FORMS[column.treatment]}." if column.name in ENVELOPE_IDS else text
