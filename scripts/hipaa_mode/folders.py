"""Which folders and files are ours: nothing else is removed, replaced or given other modes.

    <root>/<environment>/audit_log.jsonl
                        /run_record.json
                        /<destination>/manifest.json
                                      /<destination>__<view>/<period>.parquet
                        /<destination>.token_bridge.parquet

and the same, unfinished, in the folder for incoming files. A destination's folder is ours if its
own manifest names the destination and the environment. Symbolic links are never ours: to replace
one would leave what it leads to as it was.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from hipaa_mode.errors import PublishingError
from hipaa_mode.names import destination_name, environment_name, is_destination, is_environment
from hipaa_mode.partitions import ALL, ENDING, UNDATED
from hipaa_mode.published_access import Access

MANIFEST = "manifest.json"
UNFINISHED = ".unfinished"
"""Ending of a file that is still being written."""

WITHDRAWN = ".withdrawn-"
"""What follows a destination's name where its folder was put out of readers' way."""

FOLDER_MODE = 0o700
FILE_MODE = 0o600
TRIES_TO_MAKE = 100

_UNFINISHED_BRIDGE = f".token_bridge{ENDING}{UNFINISHED}"
_OURS = re.compile(
    rf"(?:{UNDATED}|{ALL}|[0-9]{{4,5}}(?:-[0-9]{{2}}){{0,2}}){re.escape(ENDING)}"
    rf"(?:{re.escape(UNFINISHED)})?"
)
_MANIFESTS = re.compile(rf"{re.escape(MANIFEST)}(?:{re.escape(UNFINISHED)})?")


def real_root(root: Path) -> Path:
    """Return the folder to publish to with every link on the way to it resolved.

    A root may be a link: it is resolved once, so that all of a run goes to one folder.

    Raises:
        PublishingError: its links lead in a circle.
    """
    try:
        return root.resolve()
    except (OSError, RuntimeError):
        raise PublishingError(f"{root} can't be resolved. Correct HIPAA_MODE_PUBLISHED") from None


def environment_folder(root: Path, environment: str) -> Path:
    """Return the folder that an environment is published to; refuses a name that is none."""
    return root / environment_name(environment)


def destination_folder(root: Path, environment: str, destination: str) -> Path:
    """Return the folder that a destination is published to; refuses names that are none."""
    return environment_folder(root, environment) / destination_name(destination)


def environments_in(root: Path) -> list[str]:
    """Return the environments that there are folders of."""
    return sorted(
        path.name for path in root.glob("*") if path.is_dir() and is_environment(path.name)
    )


def incoming_folder(root: Path, environment: str) -> Path:
    """Return where new files of an environment are written before they are published.

    A folder beside `root`, where no reader looks; inside it where `root` is a mount of its own,
    since folders can't be exchanged between file systems.
    """
    aside = root.with_name(f".{root.name}.incoming")
    if root.exists() and root.stat().st_dev != root.parent.stat().st_dev:
        aside = root / ".incoming"
    return aside / environment_name(environment)


def make_private(folder: Path) -> None:
    """Make a folder and those around it, each its owner's alone; one that exists stays as it is.

    A build of another environment that ends just now may take an empty folder around it away
    between two steps: then once more.
    """
    for attempt in range(TRIES_TO_MAKE + 1):
        missing = itertools.takewhile(lambda path: not path.exists(), folder.parents)
        try:
            for path in [*reversed(list(missing)), folder]:
                path.mkdir(mode=FOLDER_MODE, exist_ok=True)
            return
        except FileNotFoundError:
            if attempt == TRIES_TO_MAKE:
                raise


def refuse_links(*paths: Path) -> None:
    """Refuse a folder or file of ours that is a symbolic link.

    Raises:
        PublishingError: one is.
    """
    for path in paths:
        if path.is_symlink():
            raise PublishingError(
                f"{path} is a symbolic link. Neither it nor what it leads to was changed, which "
                "may still hold what was published before, people since suppressed included. "
                "Remove what it leads to and the link, or set HIPAA_MODE_PUBLISHED to the real "
                "folder, and run dbt build again"
            )


def strangers(folder: Path, destination: str) -> list[str]:
    """Return what a destination's folder holds that we do not put there, relative to it.

    Links count, and so do files in our own places that have other names than ours.
    """
    found: list[str] = []
    for entry in _entries(folder):
        # Each as it is found: other views of the destination are being written meanwhile.
        if _is_view(entry, destination):
            inside = _entries(Path(entry.path))
            found += [
                f"{entry.name}/{inner.name}" for inner in inside if not _is_file(inner, _OURS)
            ]
        elif not _is_file(entry, _MANIFESTS):
            found.append(entry.name)
    return found


def remove_ours(folder: Path, destination: str, keep: Collection[str] = ()) -> bool:
    """Remove our files from a destination's folder, the manifest last, and what is left empty.

    Until the manifest goes, the folder is known for ours. What to keep is named relative to it.
    Returns whether it is gone.
    """
    for view in _views(folder, destination):
        remove_files(view, keep)
        remove_if_empty(view)
    for manifest in _manifests(folder):
        if manifest.name not in keep:
            manifest.unlink(missing_ok=True)
    return remove_if_empty(folder)


def remove_files(view: Path, keep: Collection[str] = ()) -> None:
    """Remove our files from a view's folder, but those to keep, named `<view>/<file>`."""
    for path in _files(view):
        if f"{view.name}/{path.name}" not in keep:
            path.unlink(missing_ok=True)


def made_in(folder: Path, destination: str) -> list[Path]:
    """Return what builds made of a destination's folder: itself first, the manifest last."""
    views = _views(folder, destination)
    files = [path for view in views for path in _files(view)]
    return [folder, *views, *files, *_manifests(folder)]


def has_views(folder: Path) -> bool:
    """Tell whether a folder in the place of a destination's has folders of its views."""
    if folder.is_symlink() or not is_destination(folder.name):
        return False
    return bool(_views(folder, folder.name))


def is_of_layout(name: str, destination: str) -> bool:
    """Tell whether a build could have made a file of this name in a destination's folder."""
    view, _, file = name.partition("/")
    return view.startswith(f"{destination}__") and _OURS.fullmatch(file) is not None


def clear_incoming(root: Path, environment: str) -> None:
    """Remove what builds left in an environment's folder for incoming files; leave the rest."""
    incoming = incoming_folder(root, environment)
    if incoming.is_symlink() or incoming.parent.is_symlink():
        return
    for entry in _entries(incoming):
        destination = entry.name.partition(".")[0]
        if entry.is_dir(follow_symlinks=False):
            if entry.name == destination or entry.name.startswith(destination + WITHDRAWN):
                remove_ours(Path(entry.path), destination)
        elif entry.is_file(follow_symlinks=False) and entry.name.endswith(_UNFINISHED_BRIDGE):
            Path(entry.path).unlink(missing_ok=True)
    if remove_if_empty(incoming):
        remove_if_empty(incoming.parent)


def remove_if_empty(folder: Path) -> bool:
    """Remove a folder that is empty; return whether it is gone."""
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not os.path.lexists(folder)


def give_access_of(published: Path, incoming: Path, names: Iterable[str]) -> None:
    """Give new files the access that somebody gave to the folder they take the place of.

    Its mode and group go to the new folder and the folders of views, and without the right to
    enter to the files. Where its group can't be given, all stays its owner's alone.
    """
    before = published.stat()
    access = Access(before.st_gid, stat.S_IMODE(before.st_mode) | FOLDER_MODE)
    files = [incoming / name for name in (*names, MANIFEST)]
    with contextlib.suppress(OSError):
        for path in [incoming, *{path.parent for path in files} - {incoming}, *files]:
            access.give(path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def _is_view(entry: os.DirEntry[str], destination: str) -> bool:
    return entry.name.startswith(f"{destination}__") and entry.is_dir(follow_symlinks=False)


def _is_file(entry: os.DirEntry[str], names: re.Pattern[str]) -> bool:
    return names.fullmatch(entry.name) is not None and entry.is_file(follow_symlinks=False)


def _views(folder: Path, destination: str) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder) if _is_view(entry, destination)]


def _files(folder: Path, names: re.Pattern[str] = _OURS) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder) if _is_file(entry, names)]


def _manifests(folder: Path) -> list[Path]:
    return _files(folder, _MANIFESTS)
