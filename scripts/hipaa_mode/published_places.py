"""Where a project has published to: a line a place, in a file beside the masking key.

`<key file>.published` holds `["<folder>", "<environment>"]` a line, as JSON. Forgetting a key, and
an emergency stop, must look at all of them, and not only where the variables of today lead.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hipaa_mode.errors import PublishingError
from hipaa_mode.folders import FILE_MODE, environment_folder
from hipaa_mode.keys import key_file
from hipaa_mode.names import is_environment


@dataclass(frozen=True, order=True)
class Place:
    """A folder that was published to, and an environment in it."""

    root: Path
    environment: str

    @property
    def folder(self) -> Path:
        """The environment's folder; builds never remove it."""
        return environment_folder(self.root, self.environment)


def list_file(environ: Mapping[str, str], default_key: Path | None = None) -> Path | None:
    """Return the file of places; None where the masking key is in a variable."""
    path = key_file(environ, default_key)
    return None if path is None else path.with_name(f"{path.name}.published")


def incomplete(path: Path | None, looked_in: Iterable[Path]) -> str:
    """Say that there may be more places than are known; blank where a list of them is kept.

    The path is that of the list; None for a key in a variable.
    """
    if path is not None and path.exists():
        return ""
    why = (
        "For a key in a variable, no list of the folders that were published to is kept"
        if path is None
        else f"{path}, the list of the folders that were published to, is not there"
    )
    folders = ", ".join(str(folder) for folder in sorted(set(looked_in)))
    return f"{why}, so only {folders} was looked in"


def note(environ: Mapping[str, str], root: Path, environment: str) -> None:
    """Write a place down, unless it is known.

    Raises:
        PublishingError: it can't be written down.
    """
    path = list_file(environ)
    place = Place(root, environment)
    if path is None or place in known(environ):
        return
    line = json.dumps([str(root), environment]) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(line.encode())
    except OSError as error:
        raise PublishingError(
            f"{path} can't be written ({error.strerror}), so that `hipaa-mode key forget` and "
            f"`hipaa-mode stop` will not know of {root} by themselves"
        ) from None


def known(environ: Mapping[str, str], default_key: Path | None = None) -> list[Place]:
    """Return the places that were published to, in order.

    Raises:
        PublishingError: the file can't be read.
    """
    path = list_file(environ, default_key)
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        found = [None]
    for item in found:
        is_pair = isinstance(item, list) and len(item) == 2
        if not is_pair or not isinstance(item[0], str) or not is_environment(item[1]):
            raise PublishingError(
                f"{path} can't be read: it says which folders were published to. Restore it, or "
                "write them down there as one JSON pair a line: a folder and an environment"
            )
    return sorted({Place(Path(root), environment) for root, environment in found})
