"""The models of a destination: one line each, and the YAML that describes and tests them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml  # type: ignore[import-untyped]

from hipaa_mode.configuration import ALL_VIEWS, ENVELOPE, ENVELOPE_IDS, LATEST_VIEWS
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.editing.yaml_text import (
    INDENT,
    Item,
    OneLine,
    OneLineList,
    YamlText,
    dump,
    without_jinja,
)
from hipaa_mode.plan import CHANGED_AT, Plan, ViewColumn

CHECK = "holds_only_what_is_allowed"
"""The test that every destination view has: all eight checks in one query. Without them a
destination is not published."""

META = "hipaa_mode"
"""Key of a column's `meta` that is written from the seeds."""

_CALLS = {
    "events": "Track, page and screen calls",
    "identifies": "Identify calls",
    "groups": "Group calls",
    "users": "The latest values of each user, and when one last changed",
    "groups_latest": "The latest values of each group, and when one last changed",
}
_ENVELOPE = {
    "row_id": "Token of the message id: the key of the row for syncs.",
    "call_type": "Type of the call.",
    "event": "Name of the event, as this destination is told it.",
    "timestamp": "When it happened (UTC), at this destination's precision.",
    "received_at": "When the call was received (UTC), at this destination's precision.",
    CHANGED_AT: "When one of the values last changed (UTC), at this destination's precision.",
    "user_id": "Id of the user.",
    "anonymous_id": "Id of the device or browser.",
    "group_id": "Id of the group.",
}
_LATEST_ROW_IDS = {
    "user_id": "Token of the user: the key of the row for syncs.",
    "group_id": "Token of the group: the key of the row for syncs.",
}
_ID_FORMS = {"mask": "a token", "allow": "as it is", "deny": "always null"}


@dataclass(frozen=True)
class Owner:
    """Who answers for a destination, for its exposure."""

    name: str
    email: str

    def as_yaml(self) -> dict[str, str]:
        """Return the keys that dbt knows, those that have a value."""
        pairs = {"name": without_jinja(self.name), "email": without_jinja(self.email)}
        return {key: value for key, value in pairs.items() if value}


def add_models(
    workspace: Workspace,
    destination: str,
    display_name: str,
    views: Sequence[str],
    owner: Owner | None = None,
) -> None:
    """Add the models of views that a destination lacks, with their YAML.

    Args:
        workspace: the project.
        destination: name of the destination.
        display_name: the tool's name as people know it.
        views: which of `ALL_VIEWS`.
        owner: who answers for it; needed where the YAML is new.
    """
    known = workspace.destination_models()
    missing = [view for view in views if f"{destination}__{view}" not in known]
    if not missing:
        return
    folder = workspace.layout.destination_folder(destination)
    for view in missing:
        model = f"{{{{ hipaa_mode.destination_{view}('{destination}') }}}}\n"
        workspace.write(folder / f"{destination}__{view}.sql", model.encode())
    path = find_yaml(workspace, destination) or workspace.layout.destination_yaml(destination)
    text = workspace.yaml(path)
    if text is None:
        owned_by = owner.as_yaml() if owner else {}
        new = _new_yaml(workspace, destination, display_name, missing, owned_by)
        workspace.write(path, new.encode())
        return
    for view in missing:
        _add_to_yaml(workspace, text, destination, display_name, view)
    workspace.set_yaml(path, text)


def remove_models(workspace: Workspace, destination: str) -> None:
    """Remove a destination's models and what describes them; what else is there stays."""
    names = {f"{destination}__{view}" for view in ALL_VIEWS}
    path = find_yaml(workspace, destination)
    for model, file in workspace.destination_models().items():
        if model in names:
            workspace.remove(file)
    if path is None:
        return
    text = workspace.yaml(path)
    assert text is not None
    data = text.data()
    models = data.get("models") or []
    exposures = data.get("exposures") or []
    others = [model for model in models if model.get("name") not in names]
    other_exposures = [item for item in exposures if item.get("name") != destination]
    known = {"version", "models", "exposures"}
    if not others and not other_exposures and set(data) <= known:
        workspace.remove(path)
    else:
        workspace.notes.append(
            f"{path} describes other things too and stays: remove from it what is about "
            f"{destination}"
        )


def remove_model(workspace: Workspace, destination: str, view: str) -> None:
    """Remove one of a destination's models, and what its YAML says of it."""
    name = f"{destination}__{view}"
    workspace.remove(workspace.destination_models()[name])
    path = find_yaml(workspace, destination)
    text = None if path is None else workspace.yaml(path)
    if path is None or text is None:
        return
    models = text.items(["models"])
    text.set_items(["models"], [item for item in models if item.data.get("name") != name])
    for place, _ in enumerate(text.get(["exposures"]) or []):
        where: list[str | int] = ["exposures", place, "depends_on"]
        read = text.items(where)
        others = [item for item in read if f"'{name}'" not in str(item.data).replace('"', "'")]
        if len(others) < len(read):
            text.set_items(where, others)
    workspace.set_yaml(path, text)


def find_yaml(workspace: Workspace, destination: str) -> PurePosixPath | None:
    """Find the file that describes a destination's models."""
    usual = workspace.layout.destination_yaml(destination)
    if workspace.read(usual) is not None:
        return usual
    names = {f"{destination}__{view}" for view in ALL_VIEWS}
    root = workspace.layout.root
    for suffix in ("yml", "yaml"):
        for found in sorted((root / workspace.layout.models).rglob(f"*.{suffix}")):
            path = PurePosixPath(found.relative_to(root))
            content = workspace.read(path)
            if content and _described(content) & names:
                return path
    return None


def describe_columns(workspace: Workspace, plans: Mapping[str, Plan], destination: str) -> None:
    """Write the columns of a destination's views into its YAML, from the seeds' reasons.

    Of each column the description and `config.meta.hipaa_mode` are the seeds'. Other keys of a
    column and columns that no view has are kept; comments inside a column that changes are not.
    """
    path = find_yaml(workspace, destination)
    text = None if path is None else workspace.yaml(path)
    if path is None or text is None:
        return
    for place, model in enumerate(text.get(["models"]) or []):
        name, _, view = str(model.get("name")).rpartition("__")
        if name != destination or view not in ALL_VIEWS:
            continue
        where: list[str | int] = ["models", place, "columns"]
        items = text.items(where)
        text.set_items(where, _merged(items, column_documentation(plans, destination, view)))
    workspace.set_yaml(path, text)


def column_documentation(
    plans: Mapping[str, Plan], destination: str, view: str
) -> list[dict[str, Any]]:
    """Describe the columns of a view as dbt YAML, for all environments at once.

    Args:
        plans: the plan of each environment.
        destination: name of the destination.
        view: which of its views.
    """
    by_environment: dict[str, dict[str, ViewColumn]] = {}
    for environment, plan in plans.items():
        if destination in plan.destinations:
            found = plan.destinations[destination]
            columns = (found.views | found.latest_views).get(view, [])
            by_environment[environment] = {column.name: column for column in columns}
    names = dict.fromkeys(name for columns in by_environment.values() for name in columns)
    return [_documented(name, by_environment) for name in names]


def _documented(name: str, by_environment: dict[str, dict[str, ViewColumn]]) -> dict[str, Any]:
    found = {
        environment: columns[name]
        for environment, columns in by_environment.items()
        if name in columns
    }
    facts = {environment: _facts(column) for environment, column in found.items()}
    meta: dict[str, Any] = {}
    for key in dict.fromkeys(key for values in facts.values() for key in values):
        values = {environment: known[key] for environment, known in facts.items() if key in known}
        first = next(iter(values.values()))
        is_same = len(values) == len(facts) and all(value == first for value in values.values())
        meta[key] = first if is_same else values
    if len(found) < len(by_environment):
        meta["environments"] = sorted(found)
    texts = {environment: _description(column) for environment, column in found.items()}
    if len(set(texts.values())) == 1:
        description = next(iter(texts.values()))
    else:
        description = " ".join(
            f"In {environment}: {text.rstrip('.')}." for environment, text in texts.items()
        )
    return {
        "name": without_jinja(name),
        "description": without_jinja(description),
        "config": OneLine(meta={META: _without_jinja(meta)}),
    }


def _facts(column: ViewColumn) -> dict[str, Any]:
    facts: dict[str, Any] = {"property_list": column.property_list}
    if column.path:
        facts["property"] = column.path
    if column.treatment != ENVELOPE:
        facts["treatment"] = column.treatment
    if column.normalize != "none":
        facts["normalize"] = column.normalize
    if column.guard:
        facts["guard"] = column.guard
    if column.scope is not None and "/" in column.scope:
        facts["mask_scope"] = "property"
    if column.events is not None:
        facts["events"] = list(column.events)
    return facts


def _description(column: ViewColumn) -> str:
    if column.property_list == ENVELOPE and column.name in _ENVELOPE:
        text = _ENVELOPE[column.name]
        if column.name == "row_id":
            return _LATEST_ROW_IDS.get(column.masked_column.partition("__")[0], text)
        if column.name in ENVELOPE_IDS:
            text = f"{text[:-1]}, {_ID_FORMS.get(column.treatment, column.treatment)}."
        return text
    return column.reason or f"Property {column.path}, for which no reason is given."


def _merged(items: Sequence[Item], documented: Sequence[dict[str, Any]]) -> list[Item]:
    by_name = {
        str(item.data.get("name")).casefold(): item
        for item in items
        if isinstance(item.data, dict)
    }
    merged: list[Item] = []
    for column in documented:
        known = by_name.pop(str(column["name"]).casefold(), None)
        if known is None:
            merged.append(Item(column))
            continue
        data = {**known.data, **column}
        config = OneLine(known.data.get("config") or {})
        config["meta"] = {**(config.get("meta") or {}), **column["config"]["meta"]}
        data["config"] = config
        merged.append(known if data == known.data else Item(data))
    written_before = [
        item
        for item in items
        if not isinstance(item.data, dict)
        or (str(item.data.get("name")).casefold() in by_name and not _is_ours_alone(item.data))
    ]
    return [*merged, *(_without_our_meta(item) for item in written_before)]


def _is_ours_alone(data: dict[str, Any]) -> bool:
    """Whether nobody added anything to a column that the seeds once had."""
    config = data.get("config") or {}
    return (
        set(data) <= {"name", "description", "config"}
        and set(config) == {"meta"}
        and set(config["meta"] or {}) == {META}
    )


def _without_our_meta(item: Item) -> Item:
    if not isinstance(item.data, dict):
        return item
    meta = (item.data.get("config") or {}).get("meta") or {}
    if META not in meta:
        return item
    kept = {key: value for key, value in meta.items() if key != META}
    config = {key: value for key, value in item.data["config"].items() if key != "meta"}
    if kept:
        config["meta"] = kept
    data = {key: value for key, value in item.data.items() if key != "config"}
    return Item({**data, "config": OneLine(config)} if config else data)


def _described(content: bytes) -> set[str]:
    try:
        data = yaml.safe_load(content)
    except yaml.YAMLError:
        return set()
    models = data.get("models") if isinstance(data, dict) else None
    return {str(model.get("name")) for model in models or [] if isinstance(model, dict)}


def _without_jinja(value: Any) -> Any:
    if isinstance(value, str):
        return without_jinja(value)
    if isinstance(value, list):
        return [_without_jinja(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_jinja(item) for key, item in value.items()}
    return value


def _model_yaml(
    workspace: Workspace, destination: str, display_name: str, view: str
) -> dict[str, Any]:
    calls = _CALLS.get(view, f"The {view} view of the calls,")
    received = f"as {without_jinja(display_name)} may receive them"
    return {
        "name": f"{destination}__{view}",
        "description": (
            f"{calls}, {received}; one row for each of them."
            if view in LATEST_VIEWS
            else f"{calls} {received}; its columns are the allowlist's."
        ),
        "data_tests": OneLineList([f"{workspace.layout.macro_prefix}{CHECK}"]),
    }


def _new_yaml(
    workspace: Workspace,
    destination: str,
    display_name: str,
    views: Sequence[str],
    owner: Mapping[str, str],
) -> str:
    name = without_jinja(display_name)
    models = [_model_yaml(workspace, destination, display_name, view) for view in views]
    exposure = {
        "name": destination,
        "label": name,
        "type": "application",
        "maturity": "high",
        "description": f"What {name} receives, published by the build that tested it.",
        "owner": dict(owner),
        "depends_on": [f"ref('{destination}__{view}')" for view in views],
    }
    return f"version: 2\n\nmodels:\n{dump(models, INDENT)}\nexposures:\n{dump([exposure], INDENT)}"


def _add_to_yaml(
    workspace: Workspace, text: YamlText, destination: str, display_name: str, view: str
) -> None:
    text.append(["models"], _model_yaml(workspace, destination, display_name, view))
    for place, exposure in enumerate(text.get(["exposures"]) or []):
        if exposure.get("name") == destination:
            text.append(["exposures", place, "depends_on"], f"ref('{destination}__{view}')")
