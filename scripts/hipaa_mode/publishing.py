"""Putting a destination's files in place: all of them at once, or none.

The files of a destination, one for each period of each view, are written aside, in a folder beside
the published one. When all are whole, the files of untouched periods are linked beside them and
the folder is exchanged with the destination's in a single step, so a reader finds the old set or
the new set, and a reader with a file open keeps the file it opened.
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
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from hipaa_mode.errors import PublishingError
from hipaa_mode.partitions import ENDING

MANIFEST = "manifest.json"
UNFINISHED = ".unfinished"
"""Ending of a file that is still being written."""

FILES_AT_ONCE = 4
TRIES_TO_MAKE = 100
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


def make_folder(root: Path, environment: str) -> None:
    """Make the folder that an environment is published to, its owner's alone.

    Raises:
        PublishingError: it can't be made.
    """
    try:
        (root / environment).mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for made in (root, root / environment):
            made.chmod(FOLDER_MODE)
    except OSError as error:
        raise PublishingError(
            f"Nothing can be published: {error.strerror} ({error.filename}). Mend the cause and "
            "run dbt build again"
        ) from None


def begin(root: Path, environment: str, destination: str, view: str) -> Path:
    """Make the empty folder that a view's new files are written to.

    Returns:
        The folder; write each file there under its final name plus `UNFINISHED`.
    """
    try:
        (root / environment).mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        folder = incoming_folder(root, environment) / destination / view
        if folder.exists():
            shutil.rmtree(folder)
        make_incoming(folder)
        aside = incoming_folder(root, environment)
        for made in (root, root / environment, aside.parent, aside, folder.parent, folder):
            made.chmod(FOLDER_MODE)
    except OSError as error:
        raise _failure(destination, error) from None
    return folder


def make_incoming(folder: Path) -> None:
    """Make a folder for incoming files.

    A build of another environment that ends just now may take the folder around it away between
    two steps: then once more.
    """
    for _ in range(TRIES_TO_MAKE):
        with contextlib.suppress(FileNotFoundError):
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            return
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def finish(
    root: Path,
    environment: str,
    destination: str,
    written: Collection[str],
    kept: Collection[str],
    rows: Mapping[str, int],
    manifest: Mapping[str, Any],
) -> dict[str, Any]:
    """Complete a destination's new files, write their manifest and put all in place.

    Args:
        root: the `published` folder.
        environment: environment of the build.
        destination: destination to publish.
        written: final names of the new files, relative to the destination's folder.
        kept: names of published files that stay as they are; both sets get one link to them, so
            that they are neither copied nor changed.
        rows: rows that each file must have.
        manifest: what to say of them; rows, size and SHA-256 of each file are added.

    Returns:
        The manifest as written.

    Raises:
        PublishingError: a step failed, or a file has other rows; what was published before is
            still in place.
    """
    incoming = incoming_folder(root, environment) / destination
    published = root / environment / destination
    try:
        known = read_manifest(published / MANIFEST)["files"] if kept else {}
        _remove_others(incoming, {name + UNFINISHED for name in written})
        _sync_files([incoming / (name + UNFINISHED) for name in written])
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            facts = dict(zip(written, pool.map(lambda name: _complete(incoming / name), written)))
        for name in kept:
            _link(published / name, incoming / name)
            facts[name] = {key: known[name][key] for key in ("rows", "bytes", "sha256")}
        for name, told in facts.items():
            if told["rows"] != rows.get(name):
                raise PublishingError(
                    f"Destination `{destination}` was not published: {name} has {told['rows']} "
                    f"rows where its view has {rows.get(name)}. Its last good files are in place"
                )
        files = {name: {"view": view_of(name), **facts[name]} for name in sorted(facts)}
        complete = {**manifest, "files": files}
        text = json.dumps(complete, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        _write(incoming / MANIFEST, text.encode())
        for folder in {incoming, *(path.parent for path in incoming.glob("*/*"))}:
            _sync(folder)
        _put_in_place(incoming, published)
        _remove_if_empty(incoming.parent)
    except OSError as error:
        raise _failure(destination, error) from None
    return complete


def _remove_others(folder: Path, names: Collection[str]) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            with contextlib.suppress(OSError):
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in names:
            path.unlink()


def _link(published: Path, incoming: Path) -> None:
    incoming.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
    try:
        os.link(published, incoming)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV):
            raise
        shutil.copy2(published, incoming)


def discard(root: Path, environment: str) -> None:
    """Remove files that were written aside and are not published."""
    incoming = incoming_folder(root, environment)
    shutil.rmtree(incoming, ignore_errors=True)
    _remove_if_empty(incoming.parent)


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
            make_incoming(incoming)
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
    return [read_manifest(path) for path in paths]


def manifest_of(root: Path, environment: str, destination: str) -> dict[str, Any] | None:
    """Read the manifest of a destination; None where nothing, or nothing whole, is published."""
    path = root / environment / destination / MANIFEST
    try:
        return read_manifest(path)
    except PublishingError:
        return None


def read_manifest(path: Path) -> dict[str, Any]:
    """Read one manifest; see `read_manifests`."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(manifest["destination"], str) or not isinstance(manifest["files"], dict):
            raise TypeError
        if "views" not in manifest:
            # Before files were split by day, each was a view.
            manifest["views"] = {view_of(name): facts for name, facts in manifest["files"].items()}
            for name, facts in manifest["files"].items():
                manifest["files"][name] = {**facts, "view": view_of(name)}
        if not isinstance(manifest["views"], dict):
            raise TypeError
        for facts in manifest["files"].values():
            if not isinstance(facts["bytes"], int) or not isinstance(facts["sha256"], str):
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
        manifest = read_manifest(folder / MANIFEST)
        if manifest["destination"] != folder.name:
            differences.append(f"{folder} is the folder of another destination")
        expected = set(manifest["files"])
        present = files_in(folder)
        differences += [f"{folder / name} is missing" for name in sorted(expected - present)]
        differences += [f"{folder / name} is not ours" for name in sorted(present - expected)]
        for name in sorted(expected & present):
            if file_sha256(folder / name) != manifest["files"][name]["sha256"]:
                differences.append(f"{folder / name} has changed since it was published")
    return differences


def view_of(file: str) -> str:
    """Return the view that a published file belongs to, from its name."""
    return file.partition("/")[0].removesuffix(ENDING)


def files_in(folder: Path) -> set[str]:
    """Return the names of a destination's published files, relative to its folder."""
    paths = (path for path in folder.rglob("*") if not path.is_dir())
    return {path.relative_to(folder).as_posix() for path in paths} - {MANIFEST}


def keepable_files(root: Path, environment: str, destination: str) -> dict[str, dict[str, Any]]:
    """Return the published files that are as their manifest says, by name.

    A file that was written to after its manifest is hashed; others are known by their size.
    """
    folder = root / environment / destination
    manifest = manifest_of(root, environment, destination)
    if manifest is None:
        return {}
    written_at = (folder / MANIFEST).stat().st_mtime_ns
    kept: dict[str, dict[str, Any]] = {}
    for name, facts in manifest["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != facts["bytes"]:
            continue
        if path.stat().st_mtime_ns > written_at and file_sha256(path) != facts["sha256"]:
            continue
        kept[name] = facts
    return kept


def file_sha256(path: Path) -> str:
    """Hash a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _complete(path: Path) -> dict[str, Any]:
    unfinished = path.with_name(path.name + UNFINISHED)
    unfinished.chmod(FILE_MODE)
    facts = {
        "rows": pq.read_metadata(unfinished).num_rows,
        "bytes": unfinished.stat().st_size,
        "sha256": file_sha256(unfinished),
    }
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
    names = sorted(files_in(incoming))
    replaced = 0
    try:
        for name in (*names, MANIFEST):
            (published / name).parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
            os.replace(incoming / name, published / name)
            replaced += 1
    except OSError as error:
        if not replaced:
            raise
        raise PublishingError(
            f"{published} was replaced in part ({error.strerror}): its manifest does not match, "
            "so do not use it. Mend the cause and run dbt build again"
        ) from None
    _remove_others(published, {*names, MANIFEST})
    shutil.rmtree(incoming)


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


def _sync_files(paths: Sequence[Path]) -> None:
    """See the content of files to the disk: their file system at once where that can be asked."""
    library = ctypes.CDLL(None, use_errno=True)
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            can_sync_all = len(paths) > FILES_AT_ONCE and hasattr(library, "syncfs")
            if can_sync_all and library.syncfs(descriptor) == 0:
                return
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


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
