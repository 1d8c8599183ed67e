"""Writing the files of one change: all of them, or none."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hipaa_mode.errors import HipaaModeError
from hipaa_mode.files import replace, sync, write_beside

if sys.platform != "win32":
    import fcntl

STATE_FOLDER = ".hipaa_mode"
JOURNAL = "unfinished_edit.json"
LOCK = "edit.lock"
NEW_FILE_MODE = 0o644


class EditConflictError(HipaaModeError):
    """A file is no longer what the change was made from. Nothing was written."""


class EditWriteError(HipaaModeError):
    """A file could not be written. All files are as they were."""


@dataclass(frozen=True)
class FileChange:
    """A file before and after; None where it does not exist.

    `path` is relative to the project's folder.
    """

    path: PurePosixPath
    before: bytes | None
    after: bytes | None

    @property
    def action(self) -> str:
        """What happens to the file: added, changed or removed."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


_Staged = tuple[FileChange, Path | None]
"""A change and the file, beside its own, that holds the new content."""


def write_changes(root: Path, changes: Sequence[FileChange]) -> None:
    """Write the files of a change.

    New contents are written beside their files first and moved into place when all of them are
    there. Should the process be killed in between, a journal in `.hipaa_mode/` lets the next
    command put back what was moved: see `recover`.

    Raises:
        EditConflictError: a file changed since it was read.
        EditWriteError: a file can't be written.
    """
    with _locked(root):
        _recover(root)
        for change in changes:
            if content_of(root / change.path) != change.before:
                raise EditConflictError(
                    f"{change.path} was changed by someone else meanwhile. Nothing was written: "
                    "run the command again"
                )
        _write(root, changes)


def recover(root: Path) -> list[str]:
    """Undo a change that was interrupted; return the files that were put back."""
    if not (root / STATE_FOLDER / JOURNAL).exists():
        return []
    with _locked(root):
        return _recover(root)


def _write(root: Path, changes: Sequence[FileChange]) -> None:
    journal = root / STATE_FOLDER / JOURNAL
    staged: list[_Staged] = []
    try:
        for change in changes:
            staged.append((change, _stage(root, change)))
        replace(journal, _journal_text(root, staged), 0o600)
        for change, new in staged:
            target = (root / change.path).resolve()
            if new is None:
                target.unlink()
                _remove_empty_folders(root, target.parent)
            else:
                os.replace(new, target)
                sync(target.parent)
    except BaseException as error:
        for _, new in staged:
            if new is not None:
                new.unlink(missing_ok=True)
                _remove_empty_folders(root, new.parent)
        _recover(root)
        if isinstance(error, OSError):
            raise _cant_be_written(error) from None
        raise
    journal.unlink()


def _stage(root: Path, change: FileChange) -> Path | None:
    """Write the new content beside its file, where a rename can put it in place."""
    if change.after is None:
        return None
    target = (root / change.path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = target.stat().st_mode & 0o777 if target.exists() else NEW_FILE_MODE
    return write_beside(target, change.after, mode)


def _journal_text(root: Path, staged: Sequence[_Staged]) -> bytes:
    """Write down what recovery needs: what was there before, and what may be left over."""
    content = [
        {
            "path": str(change.path),
            "before": None
            if change.before is None
            else base64.b64encode(change.before).decode("ascii"),
            "left_over": None if new is None else os.path.relpath(new, root),
        }
        for change, new in staged
    ]
    return json.dumps(content).encode()


def _recover(root: Path) -> list[str]:
    journal = root / STATE_FOLDER / JOURNAL
    if not journal.exists():
        return []
    restored: list[str] = []
    for entry in json.loads(journal.read_text(encoding="utf-8")):
        if entry["left_over"] is not None:
            (root / entry["left_over"]).unlink(missing_ok=True)
        target = (root / entry["path"]).resolve()
        before = None if entry["before"] is None else base64.b64decode(entry["before"])
        if content_of(target) == before:
            continue
        restored.append(entry["path"])
        if before is None:
            target.unlink()
            _remove_empty_folders(root, target.parent)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            mode = target.stat().st_mode & 0o777 if target.exists() else NEW_FILE_MODE
            replace(target, before, mode)
    journal.unlink()
    return restored


def content_of(path: Path) -> bytes | None:
    """Return what a file holds; None if it does not exist."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _remove_empty_folders(root: Path, folder: Path) -> None:
    """Remove a folder that was left empty, as git would, and those above it."""
    while folder.is_dir() and root in folder.parents and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    folder = root / STATE_FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise _cant_be_written(error) from None
    with lock:
        if sys.platform != "win32":
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _cant_be_written(error: OSError) -> EditWriteError:
    file = error.filename or "A file"
    return EditWriteError(f"{file} can't be written ({error.strerror}). Nothing was changed")
