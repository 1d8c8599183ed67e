"""What commands need of a dbt project: what its seeds say, and dbt itself."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from hipaa_mode.configuration import ANY, Configuration, read_configuration
from hipaa_mode.editing.layout import Layout
from hipaa_mode.errors import ConfigurationError, MissingFileError
from hipaa_mode.plan import Plan, make_plan
from hipaa_mode.project_folder import started_in
from hipaa_mode.project_settings import named_environments, settings_faults, variable
from hipaa_mode.raw_calls import RawLocation, locate
from hipaa_mode.seeds import SEED_COLUMNS, SeedFile, add_optional_seeds
from hipaa_mode.suppression import SUPPRESSED_USERS_VARIABLE, SuppressedUsers, locations_of

DESTINATION_MODEL = re.compile(
    r"hipaa_mode\.destination_(?:events|identifies|groups_latest|groups|users)\b"
    r"|materialized\s*=\s*['\"]destination_view['\"]"
)


def read_plan(project: Path, environment: str, check_models: bool = True) -> Plan:
    """Read a project's seeds and destination models and resolve them for an environment.

    Args:
        check_models: whether destinations and models must be one another's; models are known by
            their one line, so that a hand-written one is not found.
    """
    models = destination_models(project) if check_models else None
    return make_plan(read_seeds(project, [environment]), environment, today(), models)


def refuse_faults(plan: Plan) -> None:
    """Go no further with an environment whose configuration a build would refuse.

    Raises:
        ConfigurationError: it has faults.
    """
    if plan.faults:
        faults = "\n".join(f"- {fault}" for fault in plan.faults)
        raise ConfigurationError(f"The configuration of {plan.environment} has faults:\n{faults}")


def read_seeds(project: Path, environments: Iterable[str] = ()) -> Configuration:
    """Read a project's seeds, as they are on disk.

    Args:
        environments: environments that there are besides those of the seeds and the profile.

    Raises:
        MissingFileError: the folder is no dbt project.
    """
    file = project / "dbt_project.yml"
    if not file.is_file() and not (project / "seeds").is_dir():
        raise MissingFileError(
            f"{file} is missing. Run the command in a dbt project, or name one with --project"
        )
    labels = {seed: f"seeds/{seed}.csv" for seed in SEED_COLUMNS}
    if file.is_file():
        labels = {seed: str(path) for seed, path in Layout.read(project).seeds.items()}
    files = {seed: project / label for seed, label in labels.items()}
    faults = add_optional_seeds(files, labels)
    configuration = configuration_of(project, files, labels, environments)
    configuration.faults += faults
    return configuration


def configuration_of(
    project: Path,
    files: Mapping[str, SeedFile],
    labels: Mapping[str, str],
    environments: Iterable[str] = (),
) -> Configuration:
    """Read a project's seeds from these files, optional ones included; see `read_seeds`."""
    targets = named_environments(project).union(environments)
    configuration = read_configuration(files, labels, targets)
    configuration.faults += settings_faults(project)
    # For its faults: the list itself is for builds alone.
    locations = locations_of(os.environ.get(SUPPRESSED_USERS_VARIABLE))
    configuration.faults += SuppressedUsers().read(
        configuration, ANY, files, labels, locations, Path.cwd()
    )
    return configuration


def today() -> dt.date:
    """Return the date that expiry is measured against: today's in UTC, as in a build."""
    return dt.datetime.now(dt.timezone.utc).date()


def destination_models(project: Path) -> list[str]:
    """Return the names of a project's models that are destination views."""
    return [
        path.stem
        for path in sorted((project / "models").rglob("*.sql"))
        if DESTINATION_MODEL.search(path.read_text(encoding="utf-8"))
    ]


def raw_calls_of(
    project: Path, environment: str, named: str | None = None, column: str | None = None
) -> RawLocation:
    """Locate the raw calls that a build of an environment would read.

    Args:
        environment: the environment, for the demo's calls.
        named: a glob or table named on the command line, which beats the project's variable, the
            environment variable HIPAA_MODE_RAW_CALLS, and the demo's, in this order.
        column: column of Parquet files with the message; None for the project's variable.

    Raises:
        RawCallsError: nothing matches.
    """
    column = column or variable(project, "hipaa_mode__raw_message_column")
    if named:
        return locate(named, started_in(), column)
    by_variable = variable(project, "hipaa_mode__raw_calls")
    by_environment = os.environ.get("HIPAA_MODE_RAW_CALLS")
    if by_environment and not by_variable:
        return locate(by_environment, Path.cwd(), column)
    demo = f"demo/raw_calls/{environment}/*.ndjson.gz"
    return locate(by_variable or demo, project.absolute(), column)


def dbt_command() -> str:
    """Return the dbt that is installed beside this package, or else the one on the path.

    Raises:
        MissingFileError: there is neither.
    """
    beside = Path(sys.executable).with_name("dbt")
    found = str(beside) if beside.exists() else shutil.which("dbt")
    if found is None:
        raise MissingFileError("dbt is not installed beside hipaa-mode. Install dbt-core")
    return found
