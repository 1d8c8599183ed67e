"""The environments that a lock is over: all that a project can be built in, as far as is known."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from hipaa_mode.configuration import ANY, Configuration
from hipaa_mode.project import destination_models, read_seeds, today
from hipaa_mode.received.description import Description, describe

_NAME = re.compile(r"[A-Za-z0-9_-]+")
MANIFEST = "manifest.json"


def known_environments(
    project: Path, configuration: Configuration, locked: Description | None
) -> list[str]:
    """Return the environments of a project, in order.

    They are those that a row of the seeds names, the targets of the profile, those with something
    published, and those that the lock has already: with destinations listed for `*` alone, no
    other place may name them.
    """
    found = {
        *rows_environments(configuration),
        *_targets(project),
        *_published(project),
        *(locked["environments"] if locked else ()),
    }
    return sorted(name for name in found if _NAME.fullmatch(name))


def describe_project(
    project: Path, locked: Description | None, also: Iterable[str] = ()
) -> Description:
    """Describe what the destinations of a project receive, in every environment of it.

    Args:
        project: folder of the dbt project.
        locked: what its lock says; None where it has none.
        also: more environments, which nothing in the project names.

    Raises:
        ConfigurationError: a build of one of them would find faults.
        MissingFileError: the folder is no dbt project.
    """
    configuration = read_seeds(project)
    environments = {*known_environments(project, configuration, locked), *also}
    return describe(configuration, environments, today(), destination_models(project))


def rows_environments(configuration: Configuration) -> set[str]:
    """Return the environments that some row of a seed names."""
    found = {environment for environment, _ in configuration.listed}
    found |= {row.environment for row in configuration.allowed_events}
    found |= {row.environment for row in configuration.allowed_properties}
    found |= {*configuration.retain_days, *configuration.optional_lists.suppressed}
    return found - {ANY}


def _targets(project: Path) -> Iterator[str]:
    """Yield the profile's targets, and the environments that their plugins are told of.

    The file is read as it is: what Jinja would make of a name, or of a secret, is not asked.
    """
    settings = _yaml(project / "dbt_project.yml")
    profile = _get(_profiles(project), settings.get("profile"))
    for target, output in _get(profile, "outputs").items():
        yield str(target)
        plugins = output.get("plugins") if isinstance(output, dict) else None
        for plugin in plugins if isinstance(plugins, list) else ():
            yield str(_get(_get(plugin, "config"), "environment") or "")
    variables = _get(settings, "vars")
    for scope in (variables, _get(variables, "hipaa_mode"), _get(variables, settings.get("name"))):
        yield str(scope.get("hipaa_mode__environment") or "")


def _profiles(project: Path) -> dict[Any, Any]:
    named = os.environ.get("DBT_PROFILES_DIR")
    folders = [Path(named)] if named else [project, Path.home() / ".dbt"]
    files = [folder / "profiles.yml" for folder in folders]
    return next((_yaml(file) for file in files if file.is_file()), {})


def _yaml(file: Path) -> dict[Any, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _get(content: Any, name: Any) -> Any:
    """Return what a mapping has under a name; an empty mapping where it has nothing."""
    return (content.get(name) if isinstance(content, dict) else None) or {}


def _published(project: Path) -> Iterator[str]:
    root = project / (os.environ.get("HIPAA_MODE_PUBLISHED") or "published")
    for manifest in root.glob(f"*/*/{MANIFEST}"):
        yield manifest.parent.parent.name
