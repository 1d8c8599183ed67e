"""The published copies of the bridge from old tokens to new ones: a file a destination, if asked.

`published/<environment>/<destination>.token_bridge.parquet`, beside the destination's folder and
not in it: it tells nothing of the calls. Whoever holds tokens of before a rotation of the masking
key wants it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hipaa_mode.errors import PublishingError
from hipaa_mode.folders import (
    FILE_MODE,
    UNFINISHED,
    destination_folder,
    environment_folder,
    incoming_folder,
    make_private,
    refuse_links,
)
from hipaa_mode.names import is_destination
from hipaa_mode.partitions import ENDING
from hipaa_mode.published_access import NO_ACCESS, Access
from hipaa_mode.publishing import file_facts

COLUMNS = ["kind", "old_key", "old_token", "new_token"]
NAME = f".token_bridge{ENDING}"
"""Ending of a copy's name."""


def copy_of(root: Path, environment: str, destination: str) -> Path:
    """Return where the copy for a destination is."""
    folder = destination_folder(root, environment, destination)
    return folder.with_name(f"{destination}{NAME}")


def is_ours(path: Path) -> bool:
    """Tell whether a file is a copy that a build made, by its columns."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        return bool(pq.read_schema(path).names == COLUMNS)
    except (OSError, pa.ArrowException):
        return False


def begin(root: Path, environment: str, destination: str) -> Path:
    """Return the file to write a destination's copy to, before it is put in place.

    Raises:
        PublishingError: its folder can't be made.
    """
    folder = incoming_folder(root, environment)
    written = folder / f"{destination}{NAME}{UNFINISHED}"
    refuse_links(copy_of(root, environment, destination), folder.parent, folder, written)
    try:
        make_private(folder)
    except OSError as error:
        raise _failure(destination, error) from None
    return written


def finish(
    root: Path, environment: str, destination: str, access: Access = NO_ACCESS
) -> dict[str, Any]:
    """Put a copy, that who has the access may read, in place; return rows, bytes and SHA-256.

    Raises:
        PublishingError: it can't be put in place, or what is there is not ours; it still is there.
    """
    written = begin(root, environment, destination)
    path = copy_of(root, environment, destination)
    if path.exists() and not is_ours(path):
        raise PublishingError(
            f"The token bridge of `{destination}` was not published: {path} is in the way, and no "
            "build made it. Move it elsewhere and run dbt build again"
        )
    try:
        written.chmod(FILE_MODE)
        access.give(written)
        facts = file_facts(written)
        written.replace(path)
    except OSError as error:
        raise _failure(destination, error) from None
    return facts


def remove(root: Path, environment: str, destination: str) -> bool:
    """Remove a destination's copy; tell whether there was one of ours.

    Raises:
        PublishingError: it can't be removed, or is a symbolic link.
    """
    path = copy_of(root, environment, destination)
    refuse_links(path)
    if not is_ours(path):
        return False
    try:
        path.unlink()
    except OSError as error:
        raise _failure(destination, error) from None
    return True


def copies(root: Path, environment: str) -> list[str]:
    """Return the destinations of an environment that have a copy."""
    with contextlib.suppress(FileNotFoundError):
        paths = environment_folder(root, environment).glob(f"*{NAME}")
        names = sorted(path.name.removesuffix(NAME) for path in paths)
        return [name for name in names if is_destination(name)]
    return []


def remove_others(root: Path, environment: str, keep: set[str]) -> None:
    """Remove the copies of destinations that an environment no longer has."""
    for destination in copies(root, environment):
        if destination not in keep and is_ours(copy_of(root, environment, destination)):
            remove(root, environment, destination)


def _failure(destination: str, error: OSError) -> PublishingError:
    return PublishingError(
        f"The token bridge of `{destination}` was not published: {error.strerror} "
        f"({error.filename}). Fix the cause and run dbt build again"
    )
