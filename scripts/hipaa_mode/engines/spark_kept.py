"""The folder of the warehouse that has what a build leaves for the next one: see `KeptCalls`.

It is put in place in one step, after the session ended: a build that fails or is killed leaves the
last one as it was.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from hipaa_mode.run.kept_calls import KeptCalls

FOLDER = "calls"
"""Name of that folder among the tables of the build."""

BEFORE = ".before"
"""What the name of a folder ends with while another takes its place."""

_NEW = ".new"
_STATE = "state.json"
_FORMAT = 1


def read(place: Path, codes: Path) -> KeptCalls | str:
    """Return what is known of kept rows, or why there are none that can be used.

    Args:
        place: the folder.
        codes: folder of the surrogate codes, which kept rows may have.
    """
    try:
        content = json.loads((place / _STATE).read_text("utf-8"))
        if content["format"] != _FORMAT:
            return "another version of the package kept what there is"
        if content["parts"] != _sizes(place):
            return "kept files are not as they were left"
        if content["codes"] != _sizes(codes):
            return "surrogate codes came or went since"
        return KeptCalls.of_json(content["kept"])
    except FileNotFoundError:
        return "nothing is kept yet"
    except (OSError, KeyError, TypeError, ValueError):
        return "what is kept can't be read"


def put_in_place(place: Path, codes: Path, kept: KeptCalls, tables: Mapping[str, Path]) -> None:
    """Move the files of tables to the folder, in the place of those that it had.

    Args:
        tables: the folder of each table.
    """
    new = place.with_name(place.name + _NEW)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    for name, folder in tables.items():
        folder.rename(new / name)
    content = {
        "format": _FORMAT,
        "parts": _sizes(new),
        "codes": _sizes(codes),
        "kept": kept.as_json(),
    }
    (new / _STATE).write_text(json.dumps(content), "utf-8")
    before = place.with_name(place.name + BEFORE)
    if place.exists():
        place.rename(before)
    new.rename(place)
    shutil.rmtree(before, ignore_errors=True)


def _sizes(folder: Path) -> dict[str, int]:
    """Return the files of rows in a folder, each with its size in bytes."""
    return {
        str(file.relative_to(folder)): file.stat().st_size
        for file in sorted(folder.rglob("*.parquet"))
    }
