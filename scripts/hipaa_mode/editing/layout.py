"""Where a dbt project keeps what the editing commands change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hipaa_mode import PACKAGE
from hipaa_mode.errors import ConfigurationError, MissingFileError
from hipaa_mode.seed_search import read_yaml
from hipaa_mode.seeds import SEED_COLUMNS

PROJECT_FILE = PurePosixPath("dbt_project.yml")


@dataclass(frozen=True)
class Layout:
    """Folders and files of a dbt project, relative to its root.

    Attributes:
        root: the project's folder.
        name: the project's name.
        profile: the profile that it uses.
        seeds: the file of each seed, whether it exists or not.
        models: the folder of its models.
    """

    root: Path
    name: str
    profile: str
    seeds: Mapping[str, PurePosixPath]
    models: PurePosixPath

    @classmethod
    def read(cls, root: Path) -> Layout:
        """Read dbt_project.yml.

        Raises:
            MissingFileError: there is none.
            ConfigurationError: it can't be read.
        """
        path = root / PROJECT_FILE
        if not path.is_file():
            raise MissingFileError(
                f"{path} is missing. Run the command in a dbt project, or name one with --project"
            )
        settings = read_yaml(path)
        if not settings.get("name"):
            raise ConfigurationError(f"{path} can't be read, or has no `name`. Fix it first")
        folder = _folder(settings, "seed-paths", "seeds")
        return cls(
            root=root.resolve(),
            name=str(settings["name"]),
            profile=str(settings.get("profile") or ""),
            seeds={seed: _seed_file(root, folder, seed) for seed in SEED_COLUMNS},
            models=_folder(settings, "model-paths", "models"),
        )

    @property
    def macro_prefix(self) -> str:
        """What the name of a generic test of the package begins with in this project."""
        return "" if self.name == PACKAGE else f"{PACKAGE}."

    def destination_folder(self, destination: str) -> PurePosixPath:
        """Return the folder of a destination's models."""
        return self.models / "destination_views" / destination

    def destination_yaml(self, destination: str) -> PurePosixPath:
        """Return the file that describes a destination's models."""
        return self.destination_folder(destination) / f"_{destination}.yml"


def _folder(settings: Mapping[str, Any], key: str, default: str) -> PurePosixPath:
    paths = settings.get(key)
    first = str(paths[0]) if isinstance(paths, list) and paths else default
    if "{" in first:
        # Jinja, as in hipaa_mode's own project file.
        first = default
    folder = PurePosixPath(first)
    if folder.is_absolute() or ".." in folder.parts:
        raise ConfigurationError(
            f"{PROJECT_FILE}: `{key}` leads out of the project. Name a folder of the project first"
        )
    return folder


def _seed_file(root: Path, folder: PurePosixPath, seed: str) -> PurePosixPath:
    """Return the seed's file, wherever below the seed folder it is; dbt takes it from anywhere."""
    direct = folder / f"{seed}.csv"
    if (root / direct).is_file():
        return direct
    found = sorted((root / folder).rglob(f"{seed}.csv"))
    return PurePosixPath(found[0].relative_to(root)) if found else direct
