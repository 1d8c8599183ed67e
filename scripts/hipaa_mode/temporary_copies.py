"""A copy of a project, made of links in a temporary folder, is deleted with what is built in it.

Airflow's Cosmos, for one, runs dbt in such a copy. What a run leaves must lie outside of it: the
folders that are links lead back to the project, and others do not.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hipaa_mode.errors import PublishingError

LINKED = ("dbt_project.yml", "models", "macros", "seeds", "profiles.yml", "dbt_packages")
"""What shows that a folder is a copy made of links: one of these is a link leading out of it."""


def is_temporary_copy(project: Path) -> bool:
    """Tell whether a project's folder is a copy made of links, in a folder for temporary files."""
    folder = project.resolve()
    if not any(folder.is_relative_to(place) for place in _temporary_folders()):
        return False
    links = (folder / name for name in LINKED)
    return any(link.is_symlink() and not _lies_in(link, folder) for link in links)


def refuse_to_keep_in_copy(path: Path, project: Path, what: str, variable: str) -> None:
    """Refuse a place that would be deleted with a temporary copy of the project.

    Args:
        path: the place.
        what: what is kept there, in words.
        variable: the environment variable that names another place.

    Raises:
        PublishingError: the place lies in a temporary copy.
    """
    if _lies_in(path, project.resolve()) and is_temporary_copy(project):
        raise PublishingError(
            f"{what} would be {path}, in a temporary copy of the project that is made of links, "
            "and deleted with it. Nothing was built. Give it a place that stays: "
            f"{variable}=/an/absolute/path"
        )


def _lies_in(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder)


def _temporary_folders() -> set[Path]:
    return {Path(place).resolve() for place in (tempfile.gettempdir(), "/tmp", "/var/tmp")}
