"""Files that are written whole or not at all, and seen to the disk."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

NOT_SUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def replace(path: Path, content: bytes, mode: int) -> None:
    """Give a file its content in one step; after a crash it has the old one or the new one.

    Raises:
        OSError: it can't be written, and is as it was.
    """
    aside = write_beside(path, content, mode)
    try:
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def write_beside(path: Path, content: bytes, mode: int) -> Path:
    """Write a new file in a file's folder, from where a rename can put it in place."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.chmod(name, mode)
            os.fsync(file.fileno())
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def sync(path: Path) -> None:
    """See the content of a file, or the names in a folder, to the disk."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems see folders to the disk by themselves, and refuse to be asked.
        if error.errno not in NOT_SUPPORTED:
            raise
    finally:
        os.close(descriptor)
