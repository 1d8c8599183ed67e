"""Where a project's files of a name are, below its folders of seeds.

dbt says nothing of files that it does not load, and one that is not found must never be taken for
one that is not there: a list of people would be a list of nobody.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader in C where PyYAML was built with it: ten times faster."""

ENDING = ".csv"
PROJECT_FILE = "dbt_project.yml"
LONGEST_HEADER = 10_000


@dataclass
class Found:
    """What a search came to.

    Attributes:
        files: the files of each name, in order; links to nothing among them.
        misnamed: files that must be meant for one of these names, and the name each is meant for.
        unsearched: folders that can't be listed.
    """

    files: dict[str, list[Path]] = field(default_factory=dict)
    misnamed: list[tuple[Path, str]] = field(default_factory=list)
    unsearched: list[Path] = field(default_factory=list)


def search(folders: Collection[Path], wanted: Mapping[str, Collection[str]]) -> Found:
    """Look for CSV files below folders, following links as dbt does.

    Args:
        folders: where to look; one need not be there.
        wanted: the name of each file, without `.csv`, and the columns that tell it where it goes
            by another name.
    """
    found = Found()
    for path in _files(folders, found.unsearched):
        name, ending = os.path.splitext(path.name)
        if ending == ENDING and name in wanted:
            found.files.setdefault(name, []).append(path)
        elif ending.lower() == ENDING:
            meant = _meant(path, name.lower(), wanted)
            found.misnamed += [(path, meant)] if meant else []
    return found


def _files(folders: Collection[Path], unsearched: list[Path]) -> Iterator[Path]:
    seen: set[str] = set()
    for top in sorted(folder for folder in folders if folder.exists()):
        for folder, below, names in os.walk(
            top, followlinks=True, onerror=lambda error: unsearched.append(Path(error.filename))
        ):
            real = os.path.realpath(folder)
            if real in seen:
                # Here by another way already: a link to a folder above, or a folder within one.
                below.clear()
                continue
            seen.add(real)
            below.sort()
            yield from (Path(folder, name) for name in sorted(names))


def _meant(path: Path, name: str, wanted: Mapping[str, Collection[str]]) -> str:
    """Return the name that a file of another one is meant for; blank where it is none."""
    if name in wanted:
        return name
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            header = next(csv.reader([file.readline(LONGEST_HEADER)]), [])
    except (OSError, csv.Error):
        return ""
    columns = {cell.strip().lower() for cell in header}
    return next((meant for meant, needed in wanted.items() if columns >= set(needed)), "")


def seed_folders(project: Path) -> list[Path]:
    """Return the folders of seeds that dbt_project.yml names; none where it can't be told."""
    paths = read_yaml(project / PROJECT_FILE).get("seed-paths")
    named = [str(path) for path in paths] if isinstance(paths, list) else []
    # What Jinja would make of a name is not asked.
    return [project / name for name in named if "{" not in name]


def read_yaml(file: Path) -> dict[str, Any]:
    """Return the keys of a YAML file, without rendering; none where it can't be read."""
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}
