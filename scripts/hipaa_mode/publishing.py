"""Putting a destination's files in place: all of them at once, or none.

The files of a destination are written aside, in a folder beside the published one. When all
are whole, the folder they fill is exchanged with the destination's in a single step, so a reader
finds the old set or the new set, and a reader with a file open keeps the file it opened.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from hipaa_mode.errors import PublishingError

MANIFEST = "manifest.json"
UNFINISHED = ".unfinished"
"""Ending of a file that is still being written."""

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2


def incoming_folder(root: Path, environment: str) -> Path:
    """Return where new files of an environment are written before they are published.

    A folder beside `root`, where no reader looks; inside it where `root` is a mount of its own,
    since folders can't be exchanged between file systems.
    """
    aside = root.with_name(f".{root.name}.incoming")
    if root.exists() and root.stat().st_dev != root.parent.stat().st_dev:
        aside = root / ".incoming"
    return aside / environment


def begin(root: Path, environment: str, destination: str) -> Path:
    """Make the empty folder that a destination's new files are written to.

    Returns:
        The folder; write each file there under its final name plus `UNFINISHED`.
    """
    try:
        (root / environment).mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        folder = incoming_folder(root, environment) / destination
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=FOLDER_MODE, parents=True)
        for made in (root, root / environment, folder.parent.parent, folder.parent, folder):
            made.chmod(FOLDER_MODE)
    except OSError as error:
        raise _failure(destination, error) from None
    return folder


def finish(
    root: Path,
    environment: str,
    destination: str,
    files: Collection[str],
    manifest: Mapping[str, Any],
) -> dict[str, Any]:
    """Complete a destination's new files, write their manifest and put them all in place.

    Args:
        root: the `published` folder.
        environment: environment of the build.
        destination: destination to publish.
        files: final names of the files written to the folder `begin` made.
        manifest: what to say of them; size and SHA-256 of each file are added.

    Returns:
        The manifest as written.

    Raises:
        PublishingError: a step failed; what was published before is still in place.
    """
    incoming = incoming_folder(root, environment) / destination
    try:
        written_names = {path.name for path in incoming.iterdir()}
        for name in written_names - {name + UNFINISHED for name in files}:
            (incoming / name).unlink()
        sizes = {name: _complete(incoming / name) for name in files}
        written = {**manifest, "files": _described(manifest.get("files", {}), sizes)}
        text = json.dumps(written, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        _write(incoming / MANIFEST, text.encode())
        _sync(incoming)
        _put_in_place(incoming, root / environment / destination)
        _remove_if_empty(incoming.parent)
    except OSError as error:
        raise _failure(destination, error) from None
    return written


def withdraw(root: Path, environment: str, keep: Iterable[str]) -> list[str]:
    """Remove the published files of every destination of an environment but those to keep.

    Also clears what a killed run left behind in the folder for incoming files.

    Returns:
        Names of the destinations withdrawn.
    """
    folder = root / environment
    if not folder.is_dir():
        return []
    incoming = incoming_folder(root, environment)
    shutil.rmtree(incoming, ignore_errors=True)
    kept = set(keep)
    withdrawn: list[str] = []
    for published in sorted(folder.iterdir()):
        if not published.is_dir() or published.is_symlink() or published.name in kept:
            continue
        # Out of the way in one step first, so that nobody finds half of it.
        try:
            incoming.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            published.rename(incoming / published.name)
            _sync(folder)
            shutil.rmtree(incoming)
        except OSError as error:
            raise _failure(published.name, error) from None
        withdrawn.append(published.name)
    _remove_if_empty(incoming)
    return withdrawn


def read_manifests(root: Path, environment: str) -> list[dict[str, Any]]:
    """Read the manifests of what is published in an environment, by destination.

    Raises:
        PublishingError: a manifest can't be read.
    """
    paths = sorted((root / environment).glob(f"*/{MANIFEST}"))
    return [_read_manifest(path) for path in paths]


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(manifest["destination"], str) or not isinstance(manifest["files"], dict):
            raise TypeError
    except (OSError, ValueError, TypeError, KeyError):
        raise PublishingError(
            f"{path} is not a manifest. Publish the destination again with dbt build"
        ) from None
    return dict(manifest)


def check_files(root: Path, environment: str) -> list[str]:
    """Compare published files with their manifests; return one line for every difference."""
    differences: list[str] = []
    folders = [path for path in sorted((root / environment).glob("*")) if path.is_dir()]
    for folder in folders:
        if not (folder / MANIFEST).exists():
            differences.append(f"{folder} has no manifest")
            continue
        manifest = _read_manifest(folder / MANIFEST)
        if manifest["destination"] != folder.name:
            differences.append(f"{folder} is the folder of another destination")
        expected = set(manifest["files"])
        present = {path.name for path in folder.iterdir()} - {MANIFEST}
        differences += [f"{folder / name} is missing" for name in sorted(expected - present)]
        differences += [f"{folder / name} is not ours" for name in sorted(present - expected)]
        for name in sorted(expected & present):
            if file_sha256(folder / name) != manifest["files"][name]["sha256"]:
                differences.append(f"{folder / name} has changed since it was published")
    return differences


def file_sha256(path: Path) -> str:
    """Hash a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _described(
    described: Mapping[str, Mapping[str, Any]], measured: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    return {name: {**described.get(name, {}), **facts} for name, facts in measured.items()}


def _complete(path: Path) -> dict[str, Any]:
    unfinished = path.with_name(path.name + UNFINISHED)
    unfinished.chmod(FILE_MODE)
    descriptor = os.open(unfinished, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    facts = {"bytes": unfinished.stat().st_size, "sha256": file_sha256(unfinished)}
    unfinished.rename(path)
    return facts


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_name(path.name + UNFINISHED)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def _put_in_place(incoming: Path, published: Path) -> None:
    if not published.exists():
        incoming.rename(published)
    elif _exchange(incoming, published):
        shutil.rmtree(incoming)
    else:
        _replace_one_by_one(incoming, published)
    _sync(published.parent)


def _replace_one_by_one(incoming: Path, published: Path) -> None:
    """Replace file by file where folders can't be exchanged: each file is still whole.

    The manifest goes last: until it does, its hashes tell that the set is not complete.
    """
    names = sorted(path.name for path in incoming.iterdir() if path.name != MANIFEST)
    replaced = 0
    try:
        for name in (*names, MANIFEST):
            os.replace(incoming / name, published / name)
            replaced += 1
    except OSError as error:
        if not replaced:
            raise
        raise PublishingError(
            f"{published} was replaced in part ({error.strerror}): its manifest does not match, "
            "so do not use it. Mend the cause and run dbt build again"
        ) from None
    for stale in published.iterdir():
        if stale.name not in names and stale.name != MANIFEST:
            stale.unlink()
    incoming.rmdir()


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders in one step; False where the system can't."""
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        result = library.renameat2(
            _AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE
        )
    elif sys.platform == "darwin" and hasattr(library, "renamex_np"):
        result = library.renamex_np(os.fsencode(first), os.fsencode(second), _RENAME_SWAP)
    else:
        return False
    if result == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code))


def _remove_if_empty(folder: Path) -> None:
    """Remove a folder for incoming files, and the one it is in, unless another build uses them."""
    for empty in (folder, folder.parent):
        with contextlib.suppress(OSError):
            empty.rmdir()


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failure(destination: str, error: OSError) -> PublishingError:
    reason = error.strerror or type(error).__name__
    return PublishingError(
        f"Destination `{destination}` was not published: {reason} ({error.filename}). "
        "Its last good files are in place; mend the cause and run dbt build again"
    )
