"""Where a project has published to: a line a place, in a file beside the masking key.

`<key file>.published` holds `["<folder>", "<environment>"]` a line, as JSON. Forgetting a key, and
an emergency stop, must look at all of them, and not only where the variables of today lead.
`<key file>.copied` holds the same of places in object stores, for an emergency stop.
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
    if path is None or Place(root, environment) in known(environ):
        return
    _add(path, str(root), environment)


def note_store(environ: Mapping[str, str], uri: str, environment: str) -> None:
    """Write a place in an object store down, unless it is known; see `note`."""
    path = stores_file(environ)
    if path is None or (uri, environment) in stores(environ):
        return
    _add(path, uri, environment)


def _add(path: Path, place: str, environment: str) -> None:
    line = json.dumps([place, environment]) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(line.encode())
    except OSError as error:
        raise PublishingError(
            f"{path} can't be written ({error.strerror}), so that `hipaa-mode key forget` and "
            f"`hipaa-mode stop` will not know of {place} by themselves"
        ) from None


def known(environ: Mapping[str, str], default_key: Path | None = None) -> list[Place]:
    """Return the places that were published to, in order.

    Raises:
        PublishingError: the file can't be read.
    """
    pairs = _pairs(list_file(environ, default_key))
    return sorted({Place(Path(root), environment) for root, environment in pairs})


def stores(environ: Mapping[str, str], default_key: Path | None = None) -> list[tuple[str, str]]:
    """Return the places in object stores that were copied to, each with its environment.

    Raises:
        PublishingError: the file can't be read.
    """
    return sorted(set(_pairs(stores_file(environ, default_key))))


def stores_file(environ: Mapping[str, str], default_key: Path | None = None) -> Path | None:
    """Return the file of places in object stores; None where the masking key is in a variable."""
    path = key_file(environ, default_key)
    return None if path is None else path.with_name(f"{path.name}.copied")


def _pairs(path: Path | None) -> list[tuple[str, str]]:
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
    return [(place, environment) for place, environment in found]
