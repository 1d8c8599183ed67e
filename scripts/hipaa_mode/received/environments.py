"""The environments that a lock is over: all that a project can be built in, as far as is known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from hipaa_mode.configuration import ANY, Configuration
from hipaa_mode.names import is_environment
from hipaa_mode.plan import make_plan
from hipaa_mode.project import destination_models, read_seeds, today
from hipaa_mode.project_settings import named_environments
from hipaa_mode.received.description import Description, describe
from hipaa_mode.received.lock_file import write_lock

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
        *named_environments(project),
        *_published(project),
        *(locked["environments"] if locked else ()),
    }
    return sorted(name for name in found if is_environment(name))


def describe_project(
    project: Path, locked: Description | None, also: Iterable[str] = ()
) -> Description:
    """Describe what the destinations of a project receive, in every environment of it.

    Args:
        locked: what its lock says; None where it has none.
        also: more environments, which nothing in the project names.

    Raises:
        ConfigurationError: a build of one of them would find faults.
        MissingFileError: the folder is no dbt project.
    """
    also = list(also)
    configuration = read_seeds(project, also)
    environments = {*known_environments(project, configuration, locked), *also}
    return describe(configuration, environments, today(), destination_models(project))


def lock_project(project: Path, also: Iterable[str] = ()) -> None:
    """Agree to what a project's seeds say, unseen: for copies of our own, which reach nobody.

    Environments with faults are left out, for the build to say what is wrong; see
    `describe_project`.

    Raises:
        LockFileError: the lock can't be written.
    """
    also = list(also)
    configuration, models = read_seeds(project, also), destination_models(project)
    if configuration.faults:
        return
    sound = [
        environment
        for environment in {*known_environments(project, configuration, None), *also}
        if not make_plan(configuration, environment, today(), models).faults
    ]
    write_lock(project, describe(configuration, sound, today(), models))


def rows_environments(configuration: Configuration) -> set[str]:
    """Return the environments that some row of a seed names."""
    found = {environment for environment, _ in configuration.listed}
    found |= {row.environment for row in configuration.allowed_events}
    found |= {row.environment for row in configuration.allowed_properties}
    found |= {*configuration.retain_days, *configuration.optional_lists.suppressed}
    return found - {ANY}


def _published(project: Path) -> Iterator[str]:
    root = project / (os.environ.get("HIPAA_MODE_PUBLISHED") or "published")
    for manifest in root.glob(f"*/*/{MANIFEST}"):
        yield manifest.parent.parent.name
