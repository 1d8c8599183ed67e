"""A private folder for copies of a project, with raw calls in them, that does not outlive its use.

It is removed when the command ends that made it; what one that was killed left, the next removes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hipaa_mode.errors import ConfigurationError

if sys.platform != "win32":
    import fcntl

LOCK = ".lock"
"""File of a folder that its command holds as long as it is at work."""


@contextlib.contextmanager
def private_folder(prefix: str, place: Path | None) -> Iterator[Path]:
    """Have a folder of nobody else's.

    Args:
        prefix: what its name begins with, as that of all folders of the command.
        place: where it is; None for where temporary files are.

    Raises:
        ConfigurationError: it can't be made there.
    """
    where = place or Path(tempfile.gettempdir())
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_left(prefix, where)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=where))
    except OSError as error:
        raise ConfigurationError(
            f"No folder for copies of the project can be made in {where}: {error.strerror}. Let "
            "the user that runs the command write there"
        ) from None
    with _held(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, which is there only when it is held."""
    with (folder / f"{LOCK}.new").open("wb") as lock:
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                (folder / f"{LOCK}.new").rename(folder / LOCK)
        yield


def _remove_left(prefix: str, where: Path) -> None:
    """Remove the folders of commands that were killed."""
    if sys.platform == "win32":
        return
    for folder in where.glob(f"{prefix}*"):
        if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
            continue
        with contextlib.suppress(OSError), (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
