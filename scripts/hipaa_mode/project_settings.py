"""What a project's dbt_project.yml and profiles.yml say, read as they are, without rendering."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hipaa_mode import PACKAGE
from hipaa_mode.engines import DUCKDB
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.seed_search import read_yaml
from hipaa_mode.seeds import Fault
from hipaa_mode.settings import plugin_faults, project_variable_faults

PROJECT_FILE = "dbt_project.yml"
PLUGIN = "hipaa_mode.plugin"


def settings_faults(project: Path) -> list[Fault]:
    """Return what is wrong with a project's variables and with the plugin in its profile."""
    settings = read_yaml(project / PROJECT_FILE)
    variables = settings.get("vars")
    faults = project_variable_faults(
        variables if isinstance(variables, dict) else {},
        str(settings.get("name") or ""),
        PROJECT_FILE,
    )
    for output in _outputs(settings, profiles_file(project)).values():
        for config in _plugin_configs(output):
            faults += [fault for fault in plugin_faults(config) if fault not in faults]
    return faults


def target_names(project: Path, folder: str | None = None) -> frozenset[str]:
    """Return the names of the targets of a project's profile.

    Args:
        folder: folder of profiles.yml; None for the one that dbt takes by itself.
    """
    return frozenset(_outputs(read_yaml(project / PROJECT_FILE), profiles_file(project, folder)))


def named_environments(project: Path) -> frozenset[str]:
    """Return the environments that a project's profile, the plugin in it and its variable name."""
    outputs = _outputs(read_yaml(project / PROJECT_FILE), profiles_file(project))
    configs = [config for output in outputs.values() for config in _plugin_configs(output)]
    named = [variable(project, "hipaa_mode__environment")]
    named += [config.get("environment") for config in configs]
    return frozenset(outputs) | {name for name in named if isinstance(name, str)}


def profiles_file(project: Path, folder: str | Path | None = None) -> Path:
    """Return the profiles.yml that dbt reads: named, of the environment, the project's, home's."""
    folder = folder or os.environ.get("DBT_PROFILES_DIR")
    if folder:
        return Path(folder).absolute() / "profiles.yml"
    beside, home = project / "profiles.yml", Path.home() / ".dbt" / "profiles.yml"
    return home if home.is_file() and not beside.is_file() else beside


def engine_of(project: Path, target: str) -> str:
    """Return the type of a target's database; DuckDB's where no profile tells."""
    settings = read_yaml(project / PROJECT_FILE)
    output = _outputs(settings, profiles_file(project)).get(target, {})
    return str(output.get("type", DUCKDB))


def rendered_target(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return a target of profiles.yml with what its Jinja stands for.

    Raises:
        ConfigurationError: dbt would not take it.
    """
    from dbt.config.renderer import ProfileRenderer
    from dbt_common.context import set_invocation_context
    from dbt_common.exceptions import DbtBaseException

    set_invocation_context(dict(os.environ))
    try:
        return dict(ProfileRenderer({}).render_data(dict(output)))
    except DbtBaseException as error:
        # Its text may have the password.
        raise target_refused(error) from None


def target_refused(error: Exception) -> ConfigurationError:
    """Return what is said of a target that dbt does not take."""
    return ConfigurationError(
        f"The target of profiles.yml is not one that dbt takes ({type(error).__name__}). See "
        "what dbt debug says of it"
    )


def variable(project: Path, name: str) -> str | None:
    """Return a dbt variable as dbt_project.yml has it; None where it has none."""
    settings = read_yaml(project / PROJECT_FILE)
    variables = settings.get("vars")
    if not isinstance(variables, dict):
        return None
    # In the package's own project its name is a scope of variables too, and the stronger one.
    own = variables.get(PACKAGE) if settings.get("name") == PACKAGE else None
    for scope in (own, variables):
        if isinstance(scope, dict) and isinstance(scope.get(name), str) and scope[name].strip():
            return str(scope[name])
    return None


def _outputs(settings: Mapping[str, Any], file: Path) -> dict[str, dict[str, Any]]:
    profile = read_yaml(file).get(str(settings.get("profile")))
    outputs = profile.get("outputs") if isinstance(profile, dict) else None
    if not isinstance(outputs, dict):
        return {}
    return {str(name): output for name, output in outputs.items() if isinstance(output, dict)}


def _plugin_configs(output: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    plugins = output.get("plugins")
    for plugin in plugins if isinstance(plugins, list) else ():
        config = plugin.get("config") if isinstance(plugin, dict) else None
        if isinstance(config, dict) and plugin.get("module") == PLUGIN:
            yield config
