"""The published copies of the bridge from old tokens to new ones: a file a destination, if asked.

`published/<environment>/<destination>.token_bridge.parquet`, beside the destination's folder and
not in it: it tells nothing of the calls. Whoever holds tokens of before a rotation of the masking
key wants it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from hipaa_mode.errors import PublishingError
from hipaa_mode.partitions import ENDING
from hipaa_mode.publishing import (
    FILE_MODE,
    UNFINISHED,
    file_sha256,
    incoming_folder,
    make_incoming,
)

NAME = f".token_bridge{ENDING}"
"""Ending of a copy's name."""


def copy_of(root: Path, environment: str, destination: str) -> Path:
    """Return where the copy for a destination is."""
    return root / environment / f"{destination}{NAME}"


def begin(root: Path, environment: str, destination: str) -> Path:
    """Return the file to write a destination's copy to, before it is put in place.

    Raises:
        PublishingError: its folder can't be made.
    """
    folder = incoming_folder(root, environment)
    try:
        make_incoming(folder)
    except OSError as error:
        raise _failure(destination, error) from None
    return folder / f"{destination}{NAME}{UNFINISHED}"


def finish(root: Path, environment: str, destination: str) -> dict[str, Any]:
    """Put a copy in place of the one there was; return its rows, bytes and SHA-256.

    Raises:
        PublishingError: it can't be put in place; the last copy still is.
    """
    written = begin(root, environment, destination)
    try:
        written.chmod(FILE_MODE)
        facts = {
            "rows": pq.read_metadata(written).num_rows,
            "bytes": written.stat().st_size,
            "sha256": file_sha256(written),
        }
        written.replace(copy_of(root, environment, destination))
    except OSError as error:
        raise _failure(destination, error) from None
    return facts


def remove(root: Path, environment: str, destination: str) -> bool:
    """Remove a destination's copy; tell whether there was one.

    Raises:
        PublishingError: it can't be removed.
    """
    try:
        copy_of(root, environment, destination).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _failure(destination, error) from None
    return True


def copies(root: Path, environment: str) -> list[str]:
    """Return the destinations of an environment that have a copy."""
    with contextlib.suppress(FileNotFoundError):
        paths = (root / environment).glob(f"*{NAME}")
        return sorted(path.name.removesuffix(NAME) for path in paths)
    return []


def remove_others(root: Path, environment: str, keep: set[str]) -> None:
    """Remove the copies of destinations that an environment no longer has."""
    for destination in copies(root, environment):
        if destination not in keep:
            remove(root, environment, destination)


def _failure(destination: str, error: OSError) -> PublishingError:
    return PublishingError(
        f"The token bridge of `{destination}` was not published: {error.strerror} "
        f"({error.filename}). Mend the cause and run dbt build again"
    )
