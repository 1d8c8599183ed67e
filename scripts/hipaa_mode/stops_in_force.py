"""Emergency stops as commands show them: since when, why, and whether their files are gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hipaa_mode import publishing
from hipaa_mode.display import printable
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.folders import environment_folder
from hipaa_mode.project import read_seeds
from hipaa_mode.stops import SEED, Stop


@dataclass(frozen=True)
class InForce:
    """The stops of an environment.

    Attributes:
        stopped: the destinations that are stopped, each with its row.
        unknown: why there may be more; blank where all are known.
    """

    stopped: dict[str, Stop] = field(default_factory=dict)
    unknown: str = ""


def in_force(project: Path, environment: str) -> InForce:
    """Read which destinations of an environment a project's seeds stop, whatever else is wrong."""
    try:
        configuration = read_seeds(project, [environment])
    except HipaaModeError as error:
        return InForce({}, f"What is stopped is not known: {error}")
    faults = [fault for fault in configuration.faults if SEED in str(fault).lower()]
    unknown = f"More may be stopped: {faults[0]}" if faults else ""
    return InForce(configuration.stopped(environment), unknown)


def lines(stopped: Mapping[str, Stop]) -> list[str]:
    """Return a line for each stopped destination."""
    return [f"{name}: {printable(stop.text)}" for name, stop in stopped.items()]


def still_published(root: Path, environment: str, stopped: Iterable[str]) -> list[str]:
    """Return a line for each stopped destination whose files readers still find."""
    folder = environment_folder(root, environment)
    return [
        f"{folder / name} is still there though {name} is stopped. Run dbt build, or hipaa-mode "
        f"stop {name} --environment {environment} --reason …, which withdraws it at once"
        for name in stopped
        if publishing.looks_published(folder / name)
    ]
