"""The settings of the dbt run that this process is, as dbt itself has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hipaa_mode.engines import running_adapter
from hipaa_mode.project_settings import PROJECT_FILE, target_names
from hipaa_mode.seeds import Fault
from hipaa_mode.settings import (
    environment_faults,
    project_variable_faults,
    variable_faults,
)

COMMAND_LINE = "--vars"


def run_faults(environ: Mapping[str, str]) -> list[Fault]:
    """Return what is wrong with the environment variables and dbt variables of the run."""
    faults = environment_faults(environ)
    config = _config()
    if config is None:
        return faults
    faults += variable_faults(config.cli_vars or {}, COMMAND_LINE)
    faults += project_variable_faults(config.vars.to_dict(), config.project_name, PROJECT_FILE)
    for name, package in (config.dependencies or {}).items():
        if name != config.project_name:
            label = f"{PROJECT_FILE} of package {name}"
            faults += project_variable_faults(package.vars.to_dict(), name, label)
    return faults


def run_targets() -> frozenset[str]:
    """Return the names of the targets that the run's profile has."""
    config = _config()
    if config is None:
        return frozenset()
    folder = getattr(config.args, "PROFILES_DIR", None) or getattr(
        config.args, "profiles_dir", None
    )
    named = target_names(Path(config.project_root), str(folder) if folder else None)
    return named | {str(config.target_name)}


def _config() -> Any:
    """Return dbt's configuration of the run; None outside of one, as in a unit test."""
    try:
        return running_adapter().config
    except LookupError:
        return None
