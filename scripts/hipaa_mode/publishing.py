"""Putting a destination's files in place: all of them at once, or none.

The files of a destination, one for each period of each view, are written aside, in a folder beside
the published one. When all are whole, the files of untouched periods are linked beside them and
the folder is exchanged with the destination's in a single step, so a reader finds the old set or
the new set, and a reader with a file open keeps the file it opened.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from hipaa_mode import folders, locking
from hipaa_mode.errors import PublishingError
from hipaa_mode.files import NOT_SUPPORTED, sync
from hipaa_mode.folders import (
    FILE_MODE,
    FOLDER_MODE,
    MANIFEST,
    UNFINISHED,
    WITHDRAWN,
    destination_folder,
    environment_folder,
    incoming_folder,
    make_private,
    refuse_links,
    remove_ours,
    strangers,
)
from hipaa_mode.names import is_destination
from hipaa_mode.partitions import ENDING
from hipaa_mode.published_access import NO_ACCESS, Access

CLOCK_STEPS = 50
FILES_AT_ONCE = 4

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2


def make_folder(root: Path, environment: str) -> None:
    """Make the folder that an environment is published to, its owner's alone, if it is not there.

    Raises:
        PublishingError: it can't be made, or is a symbolic link.
    """
    folder = environment_folder(root, environment)
    incoming = incoming_folder(root, environment)
    refuse_links(folder, incoming.parent, incoming)
    try:
        make_private(folder)
    except OSError as error:
        raise PublishingError(
            f"Nothing can be published: {error.strerror} ({error.filename}). Fix the cause and "
            "run dbt build again"
        ) from None


def give_access(root: Path, environment: str, access: Access) -> None:
    """Give an environment's folder an access, and what builds published in it; open the way to it.

    Raises:
        PublishingError: it can't be given.
    """
    folder = environment_folder(root, environment)
    if not access.is_set:
        return
    try:
        if not access.lets_through(root):
            access.give(root)
        access.give(folder)
        for published in sorted(folder.iterdir()):
            name = published.name
            if not is_destination(name) or not is_ours(published, environment, name):
                continue
            with locking.alone_in(root):
                # The manifest goes last, so that files are not taken for touched since.
                given = [access.give(path) for path in folders.made_in(published, name)]
                if any(given):
                    _note_the_end(published / MANIFEST)
    except OSError as error:
        raise PublishingError(
            f"{error.filename} can't be given the group and mode that HIPAA_MODE_PUBLISHED_GROUP "
            f"and HIPAA_MODE_PUBLISHED_MODE name: {error.strerror}. Another account made it: give "
            "it to this one (chown), or unset them"
        ) from None


def begin(root: Path, environment: str, destination: str, view: str) -> Path:
    """Make the empty folder that a view's new files are written to.

    Returns:
        The folder; write each file there under its final name plus `UNFINISHED`.

    Raises:
        PublishingError: it can't be made; a folder on the way is a symbolic link; or what is in
            the way is not ours.
    """
    published = destination_folder(root, environment, destination)
    incoming = incoming_folder(root, environment) / destination
    folder = incoming / view
    refuse_links(published.parent, incoming.parent.parent, incoming.parent, incoming, folder)
    refuse_others(published, environment, destination)
    try:
        make_private(published.parent)
        folders.remove_files(folder)
        if found := strangers(incoming, destination):
            raise _not_ours(destination, incoming / found[0])
        make_private(folder)
    except OSError as error:
        raise _failure(destination, error) from None
    return folder


def refuse_others(published: Path, environment: str, destination: str) -> None:
    """Refuse to publish over a folder that is not ours, or in which a link would be replaced.

    Raises:
        PublishingError: it is so.
    """
    refuse_links(published)
    if not published.is_dir() or not any(published.iterdir()):
        if os.path.lexists(published) and not published.is_dir():
            raise _not_ours(destination, published)
        return
    if not is_ours(published, environment, destination):
        raise _not_ours(destination, published)
    refuse_links(*(published / name for name in strangers(published, destination)))


def is_ours(folder: Path, environment: str, destination: str) -> bool:
    """Tell whether a folder's own manifest says that it is a destination's of an environment."""
    return _own_manifest(folder, environment, destination) is not None


def _own_manifest(folder: Path, environment: str, destination: str) -> dict[str, Any] | None:
    if folder.is_symlink() or (folder / MANIFEST).is_symlink():
        return None
    try:
        manifest = read_manifest(folder / MANIFEST)
    except PublishingError:
        return None
    names = (manifest["destination"], manifest.get("environment"))
    return manifest if names == (destination, environment) else None


def finish(
    root: Path,
    environment: str,
    destination: str,
    written: Collection[str],
    kept: Collection[str],
    rows: Mapping[str, int],
    manifest: Mapping[str, Any],
    before_swap: Callable[[], None] = lambda: None,
    access: Access = NO_ACCESS,
) -> dict[str, Any]:
    """Complete a destination's new files, write their manifest and put all in place.

    Args:
        written: final names of the new files, relative to the destination's folder.
        kept: names of published files that stay as they are; both sets get one link to them, so
            that they are neither copied nor changed.
        manifest: what to say of them; the destination, the environment and rows, size and SHA-256
            of each file are added.
        before_swap: called when all is ready and nobody else moves folders of this root; it may
            raise to leave what was published.
        access: who may read the files; where none is set, who could read those before.

    Returns:
        The manifest as written.

    Raises:
        PublishingError: a step failed, or a file has other rows; what was published before is
            still in place.
    """
    incoming = incoming_folder(root, environment) / destination
    published = destination_folder(root, environment, destination)
    refuse_others(published, environment, destination)
    try:
        known = read_manifest(published / MANIFEST)["files"] if kept else {}
        remove_ours(incoming, destination, {name + UNFINISHED for name in written})
        if found := strangers(incoming, destination):
            raise _not_ours(destination, incoming / found[0])
        make_private(incoming)
        _sync_files([incoming / (name + UNFINISHED) for name in written])
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            facts = dict(zip(written, pool.map(lambda name: _complete(incoming / name), written)))
        for name in kept:
            _link(published / name, incoming / name)
            facts[name] = {key: known[name][key] for key in ("rows", "bytes", "sha256")}
        for name, about in facts.items():
            if about["rows"] != rows.get(name):
                raise PublishingError(
                    f"Destination `{destination}` was not published: {name} has {about['rows']} "
                    f"rows where its view has {rows.get(name)}. Its last good files are in place"
                )
        files = {name: {"view": view_of(name), **facts[name]} for name in sorted(facts)}
        named = {"environment": environment, "destination": destination}
        complete = {**manifest, **named, "files": files}
        text = json.dumps(complete, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        _write(incoming / MANIFEST, text.encode())
        for folder in {incoming, *(path.parent for path in incoming.glob("*/*"))}:
            sync(folder)
        _give_access_to_new(published, incoming, written, access)
        with locking.alone_in(root):
            before_swap()
            _put_in_place(incoming, published, destination)
        _note_the_end(published / MANIFEST)
        if folders.remove_if_empty(incoming.parent):
            folders.remove_if_empty(incoming.parent.parent)
    except OSError as error:
        raise _failure(destination, error) from None
    return complete


def finish_killed(root: Path, environment: str, published_by: Mapping[str, int]) -> None:
    """Put manifests in place that a run had no time to, which was killed when it had published.

    Args:
        published_by: the number of the run that published the tables of a destination.

    Raises:
        PublishingError: one can't be put in place.
    """
    for destination, run_number in published_by.items():
        incoming = incoming_folder(root, environment) / destination
        published = destination_folder(root, environment, destination)
        manifest = _own_manifest(incoming, environment, destination)
        if manifest is None or manifest["files"] or manifest.get("run_number") != run_number:
            continue
        refuse_links(published.parent, incoming.parent.parent, incoming.parent)
        refuse_others(published, environment, destination)
        try:
            with locking.alone_in(root):
                _put_in_place(incoming, published, destination)
            _note_the_end(published / MANIFEST)
        except OSError as error:
            raise _failure(destination, error) from None


def _give_access_to_new(
    published: Path, incoming: Path, written: Collection[str], access: Access
) -> None:
    """Give what is about to be put in place the access that is set, or that there was."""
    if access.is_set:
        for path in folders.made_in(incoming, incoming.name):
            access.give(path)
    elif published.exists():
        folders.give_access_of(published, incoming, written)


def _link(published: Path, incoming: Path) -> None:
    """Link a kept file beside the new ones; copy it where the file system can't, or won't."""
    incoming.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
    try:
        os.link(published, incoming, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(published, incoming, follow_symlinks=False)
        _sync_files([incoming])


def discard(root: Path, environment: str) -> None:
    """Remove files that were written aside and are not published."""
    with contextlib.suppress(OSError):
        folders.clear_incoming(root, environment)


@dataclass
class Withdrawal:
    """What withdrawing came to.

    Attributes:
        left: what was left in their folders, since it is not ours.
        problems: what had to stay though it was published by us, and what to do.
    """

    withdrawn: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def withdraw(
    root: Path, environment: str, keep: Iterable[str], standing: Collection[str] = ()
) -> Withdrawal:
    """Remove the published files of every destination of an environment but those to keep.

    Only what is ours is touched: folders whose own manifest names the destination and the
    environment, and of them our files. Also clears what a killed run left behind in the folder for
    incoming files.

    Args:
        standing: destinations that are published as far as the audit log knows: what can't be
            removed of them is told.
    """
    folder = environment_folder(root, environment)
    done = Withdrawal()
    if not folder.is_dir():
        return done
    discard(root, environment)
    kept = set(keep)
    for name in sorted(path.name for path in folder.iterdir()):
        if name in kept or not is_destination(name):
            continue
        if is_ours(folder / name, environment, name):
            withdraw_one(root, environment, name, done)
        elif name in standing and os.path.lexists(folder / name):
            done.problems.append(
                f"{folder / name} was published and has to be withdrawn, but was left: it is a "
                "symbolic link, or its manifest does not say that it is ours. Remove it yourself, "
                "and what it leads to"
            )
    return done


def withdraw_one(root: Path, environment: str, destination: str, done: Withdrawal) -> None:
    """Remove a destination's published files, which are ours; see `withdraw`.

    Raises:
        PublishingError: they can't be removed.
    """
    published = destination_folder(root, environment, destination)
    incoming = incoming_folder(root, environment)
    refuse_links(published.parent, incoming.parent, incoming)
    try:
        with locking.alone_in(root):
            found = strangers(published, destination)
            aside = published
            if not found:
                # Out of the way in one step first, so that nobody finds half of it.
                aside = incoming / f"{destination}{WITHDRAWN}{secrets.token_hex(4)}"
                make_private(incoming)
                published.rename(aside)
                sync(published.parent)
            remove_ours(aside, destination)
        if folders.remove_if_empty(incoming):
            folders.remove_if_empty(incoming.parent)
    except OSError as error:
        raise _failure(destination, error) from None
    done.withdrawn.append(destination)
    done.left += [str(published / name) for name in found]
    links = [published / name for name in found if (published / name).is_symlink()]
    done.problems += [
        f"{path} is a symbolic link: what it leads to was left, and may still hold what was "
        "published. Remove both yourself"
        for path in links
    ]


def read_manifests(root: Path, environment: str) -> list[dict[str, Any]]:
    """Read the manifests of what is published in an environment, by destination.

    Folders that nothing shows to be ours are passed over, other teams' manifests too.

    Raises:
        PublishingError: a manifest can't be read.
    """
    paths = sorted(environment_folder(root, environment).glob(f"*/{MANIFEST}"))
    found = [read_manifest(path) for path in paths if looks_published(path.parent)]
    return [item for item in found if item.get("environment", environment) == environment]


def key_published_under(root: Path, environment: str) -> str:
    """Return the fingerprint of the key that an environment's files hold tokens of; blank if none.

    For messages: where a manifest can't be read, another one tells.
    """
    for path in sorted(environment_folder(root, environment).glob(f"*/{MANIFEST}")):
        with contextlib.suppress(PublishingError):
            if fingerprint := read_manifest(path).get("key_fingerprint"):
                return str(fingerprint)
    return ""


def has_published(root: Path, environment: str) -> bool:
    """Whether anything of an environment looks published."""
    return any(looks_published(path) for path in environment_folder(root, environment).glob("*"))


def looks_published(folder: Path) -> bool:
    """Tell whether a folder in an environment's is a destination's, be it sound or broken.

    It has folders of views, or a manifest that is not another program's.
    """
    if folders.has_views(folder):
        return True
    if not is_destination(folder.name) or not (folder / MANIFEST).is_file():
        return False
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return True
    return isinstance(content, dict) and isinstance(content.get("files"), dict)


def manifest_of(root: Path, environment: str, destination: str) -> dict[str, Any] | None:
    """Read the manifest of a destination; None where nothing, or nothing whole, is published."""
    folder = destination_folder(root, environment, destination)
    return _own_manifest(folder, environment, destination)


def read_manifest(path: Path) -> dict[str, Any]:
    """Read one manifest; see `read_manifests`."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(manifest["destination"], str) or not all(
            isinstance(manifest[part], dict) for part in ("files", "views")
        ):
            raise TypeError
        for facts in manifest["files"].values():
            if not isinstance(facts["bytes"], int) or not isinstance(facts["sha256"], str):
                raise TypeError
    except (OSError, ValueError, TypeError, KeyError):
        raise PublishingError(
            f"{path} is not a manifest. Remove its folder and run dbt build, which publishes the "
            "destination again"
        ) from None
    return dict(manifest)


def check_files(root: Path, environment: str) -> list[str]:
    """Compare published files with their manifests; return one line for every difference."""
    differences: list[str] = []
    published = environment_folder(root, environment)
    for folder in (path for path in sorted(published.glob("*")) if path.is_dir()):
        if not looks_published(folder):
            continue
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


def stamp(root: Path, environment: str, destination: str) -> str:
    """Return what the system says of a destination's manifest: its number and last touch."""
    facts = (destination_folder(root, environment, destination) / MANIFEST).lstat()
    return f"{facts.st_ino}:{facts.st_ctime_ns}"


def changed_files(
    root: Path, environment: str, manifest: Mapping[str, Any], stamped: str | None
) -> dict[str, str | None]:
    """Return the published files that are not as their manifest says: the SHA-256 of each.

    None stands for a file that is missing or is no file any more. Files that the manifest does not
    name count. A file is hashed if it was touched after the manifest; all are, where the manifest
    was touched since it was stamped.

    Args:
        stamped: the manifest's stamp when it was put in place; None where none is known.
    """
    destination = str(manifest["destination"])
    folder = destination_folder(root, environment, destination)
    is_stamped = stamped == stamp(root, environment, destination)
    touched = (folder / MANIFEST).stat().st_ctime_ns if is_stamped else -1
    changed: dict[str, str | None] = {}
    for name in sorted(files_in(folder) | set(manifest["files"])):
        known = manifest["files"].get(name)
        if known is not None and _is_untouched(folder / name, known, touched):
            continue
        digest = _sha256_if_file(folder / name)
        if known is None or digest != known["sha256"]:
            changed[name] = digest
    return changed


def _is_untouched(path: Path, facts: Mapping[str, Any], touched: int) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    is_file = stat.S_ISREG(found.st_mode)
    return is_file and found.st_size == facts["bytes"] and found.st_ctime_ns < touched


def _sha256_if_file(path: Path) -> str | None:
    if path.is_symlink() or not path.is_file():
        return None
    return file_sha256(path)


def keepable_files(
    root: Path, environment: str, destination: str, changed: Collection[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return the published files that are as their manifest says, by name.

    A file that was touched after its manifest is hashed; others are known by their size.
    """
    folder = destination_folder(root, environment, destination)
    manifest = manifest_of(root, environment, destination)
    if manifest is None:
        return {}
    touched = (folder / MANIFEST).stat().st_ctime_ns
    return {
        name: facts
        for name, facts in manifest["files"].items()
        if name not in changed
        and (
            _is_untouched(folder / name, facts, touched)
            or _sha256_if_file(folder / name) == facts["sha256"]
        )
    }


def file_sha256(path: Path) -> str:
    """Hash a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def file_facts(path: Path) -> dict[str, Any]:
    """Return the rows, bytes and SHA-256 of a Parquet file."""
    return {
        "rows": pq.read_metadata(path).num_rows,
        "bytes": path.stat().st_size,
        "sha256": file_sha256(path),
    }


def _complete(path: Path) -> dict[str, Any]:
    unfinished = path.with_name(path.name + UNFINISHED)
    unfinished.chmod(FILE_MODE)
    facts = file_facts(unfinished)
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


def _put_in_place(incoming: Path, published: Path, destination: str) -> None:
    if not published.exists():
        incoming.rename(published)
    elif _exchange(incoming, published):
        # What is not ours goes back to where it was.
        for name in strangers(incoming, destination):
            make_private((published / name).parent)
            (incoming / name).rename(published / name)
        remove_ours(incoming, destination)
    else:
        _replace_one_by_one(incoming, published, destination)
    sync(published.parent)


def _replace_one_by_one(incoming: Path, published: Path, destination: str) -> None:
    """Replace file by file where folders can't be exchanged: each file is still whole.

    The manifest goes last: until it does, its hashes tell that the set is not complete.
    """
    names = sorted(files_in(incoming))
    replaced = 0
    try:
        for name in (*names, MANIFEST):
            _make_like((incoming / name).parent, (published / name).parent)
            os.replace(incoming / name, published / name)
            replaced += 1
    except OSError as error:
        if not replaced:
            raise
        raise PublishingError(
            f"{published} was replaced in part ({error.strerror}): its manifest does not match, "
            "so do not use it. Fix the cause and run dbt build again"
        ) from None
    remove_ours(published, destination, {*names, MANIFEST})
    remove_ours(incoming, destination)


def _make_like(model: Path, folder: Path) -> None:
    """Make a folder with the group and mode of another, unless it is there."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=FOLDER_MODE)
        facts = model.stat()
        if facts.st_gid != folder.stat().st_gid:
            os.chown(folder, -1, facts.st_gid)
        folder.chmod(stat.S_IMODE(facts.st_mode))


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
    if code in NOT_SUPPORTED:
        return False
    raise OSError(code, os.strerror(code))


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


def _note_the_end(manifest: Path) -> None:
    """See that the manifest was touched after every other file of its set.

    The system notes when a file was last touched, which no program can set back: a file of the set
    with the manifest's time or a later one was touched by somebody else. That clock has steps of
    some milliseconds, so its next step is waited for; where steps are longer, as on some network
    file systems, the files are hashed whenever they are looked at.
    """
    folder = manifest.parent
    last = max(
        (path.lstat().st_ctime_ns for path in folder.rglob("*") if path != manifest), default=0
    )
    times = manifest.stat()
    for _ in range(CLOCK_STEPS):
        os.utime(manifest, ns=(times.st_atime_ns, times.st_mtime_ns))
        if manifest.stat().st_ctime_ns > last:
            return
        time.sleep(0.001)


def _not_ours(destination: str, path: Path) -> PublishingError:
    return PublishingError(
        f"Destination `{destination}` was not published: {path} is in the way, and no build of "
        "this environment made it. Move it elsewhere, or set HIPAA_MODE_PUBLISHED to another "
        "folder, and run dbt build again"
    )


def _failure(destination: str, error: OSError) -> PublishingError:
    reason = error.strerror or type(error).__name__
    return PublishingError(
        f"Destination `{destination}` was not published: {reason} ({error.filename}). "
        "Its last good files are in place; fix the cause and run dbt build again"
    )
