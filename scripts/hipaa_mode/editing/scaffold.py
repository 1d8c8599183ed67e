"""The models of a destination: one line each, and the YAML that describes and tests them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from hipaa_mode.configuration import ALL_VIEWS, LATEST_VIEWS
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.editing.yaml_text import INDENT, OneLineList, YamlText, dump, without_jinja

CHECK = "holds_only_what_is_allowed"
"""The test that every destination view has: all eight checks in one query. Without them a
destination is not published."""

_CALLS = {
    "events": "Track, page and screen calls",
    "identifies": "Identify calls",
    "groups": "Group calls",
    "users": "The latest values of each user, and when one last changed",
    "groups_latest": "The latest values of each group, and when one last changed",
}


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
    name = without_jinja(display_name)
    text = workspace.yaml(path) or _new_yaml(str(path), destination, name, owner)
    for view in missing:
        text.append(["models"], _model_yaml(workspace, f"{destination}__{view}", view, name))
        for place, exposure in enumerate(text.get(["exposures"]) or []):
            if exposure.get("name") == destination:
                text.append(["exposures", place, "depends_on"], f"ref('{destination}__{view}')")
    workspace.set_yaml(path, text)


def remove_models(workspace: Workspace, destination: str) -> None:
    """Remove a destination's models and what describes them; what else is there stays."""
    names = {f"{destination}__{view}" for view in ALL_VIEWS}
    path = find_yaml(workspace, destination)
    for model, file in workspace.destination_models().items():
        if model in names:
            workspace.write(file, None)
    text = workspace.yaml(path) if path else None
    if path is None or text is None:
        return
    data = text.data()
    models = data.get("models") or []
    exposures = data.get("exposures") or []
    others = [model for model in models if model.get("name") not in names]
    other_exposures = [item for item in exposures if item.get("name") != destination]
    known = {"version", "models", "exposures"}
    if not others and not other_exposures and set(data) <= known:
        workspace.write(path, None)
    else:
        workspace.notes.append(
            f"{path} describes other things too and stays: remove from it what is about "
            f"{destination}"
        )


def remove_model(workspace: Workspace, destination: str, view: str) -> None:
    """Remove one of a destination's models, and what its YAML says of it."""
    name = f"{destination}__{view}"
    workspace.write(workspace.destination_models()[name], None)
    path = find_yaml(workspace, destination)
    text = workspace.yaml(path) if path else None
    if path is None or text is None:
        return
    text.remove(["models"], lambda model: model.get("name") == name)
    for place, _ in enumerate(text.get(["exposures"]) or []):
        text.remove(
            ["exposures", place, "depends_on"],
            lambda ref: f"'{name}'" in str(ref).replace('"', "'"),
        )
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


def _described(content: bytes) -> set[str]:
    try:
        data = yaml.safe_load(content)
    except yaml.YAMLError:
        return set()
    models = data.get("models") if isinstance(data, dict) else None
    return {str(model.get("name")) for model in models or [] if isinstance(model, dict)}


def _model_yaml(workspace: Workspace, model: str, view: str, tool: str) -> dict[str, Any]:
    calls = _CALLS.get(view, f"The {view} view of the calls,")
    received = f"as {tool} may receive them"
    return {
        "name": model,
        "description": (
            f"{calls}, {received}; one row for each of them."
            if view in LATEST_VIEWS
            else f"{calls} {received}; its columns are the allowlist's."
        ),
        "data_tests": OneLineList([f"{workspace.layout.macro_prefix}{CHECK}"]),
    }


def _new_yaml(label: str, destination: str, tool: str, owner: Owner | None) -> YamlText:
    """Make a file with the destination's exposure, and none of its models yet."""
    exposure = {
        "name": destination,
        "label": tool,
        "type": "application",
        "maturity": "high",
        "description": f"What {tool} receives, published by the build that tested it.",
        "owner": owner.as_yaml() if owner else {},
    }
    exposures = dump([exposure], INDENT)
    return YamlText(f"version: 2\n\nmodels:\n\nexposures:\n{exposures}", label)
