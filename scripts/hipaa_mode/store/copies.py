"""What is in the object store of an environment: copied there, kept for a while, taken away.

Nothing is overwritten or removed but what a file of ours names: a destination's manifest, and the
folders of runs, each of which begins with a list of the files that it is to have.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hipaa_mode.folders import MANIFEST, is_of_layout
from hipaa_mode.names import environment_name, is_destination, is_environment
from hipaa_mode.store.files import ASIDE, Store, StoreError

PLACE_MARK = "_hipaa_mode.json"
RUN_MARK = "_run.json"
AT_WORK = "_at_work.json"

GRACE = dt.timedelta(hours=1)
"""How long a folder stays, for those who are reading it, after a newer one took its place."""

HELD_FOR = dt.timedelta(hours=6)
"""How long a build that was killed elsewhere keeps others from copying."""

FILES_AT_ONCE = 8

_RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
_MADE_BY = {"made_by": "hipaa_mode"}

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Copied:
    """A destination's copy.

    Attributes:
        folder: the folder that its manifest names, relative to the manifest.
        files: how many files were written; 0 where those of before are still right.
        removed: folders of earlier runs that were removed.
        problem: why some are left that are to go; blank where none is.
    """

    folder: str
    files: int
    bytes: int
    removed: tuple[str, ...]
    problem: str = ""


@dataclass
class Removed:
    """What was taken away: destinations, and what was left in their folders as not ours."""

    destinations: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def environments_of(store: Store) -> list[str]:
    """Return the environments that the place has folders of."""
    found = store.listing()
    return sorted(name for name, size in found.items() if size is None and is_environment(name))


class Copies:
    """The copies of one environment.

    Args:
        holder: what tells builds that publish to one folder of one machine from others.

    Raises:
        StoreError: of every method: the store can't be used so, or what is there is not ours.
    """

    def __init__(self, store: Store, environment: str, holder: str = "") -> None:
        self._store = store
        self._environment = environment_name(environment)
        self._holder = holder
        self._token = secrets.token_hex(8)

    def shown(self, destination: str = "") -> str:
        """Return where the environment, or a destination of it, is."""
        return self._store.shown(self._environment, *filter(None, [destination]))

    def open(self) -> None:
        """See that the place is there, and ours; one that is empty becomes ours."""
        self._store.check_bucket()
        if self._is_ours():
            return
        if any(not name.startswith(ASIDE) for name in self._store.listing()):
            raise StoreError(
                f"{self._store.shown()} holds something that no build made: name an empty prefix "
                "in HIPAA_MODE_OBJECT_STORE"
            )
        self._store.put(PLACE_MARK, _as_json(_MADE_BY))

    def is_there(self) -> bool:
        """Tell whether the place is ours; nothing is made."""
        self._store.check_bucket()
        return self._is_ours()

    def _is_ours(self) -> bool:
        return _parsed(self._store.read(PLACE_MARK)).get("made_by") == _MADE_BY["made_by"]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the environment's copies, so that no build of another machine copies meanwhile."""
        found = _parsed(self._store.read(self._path(AT_WORK)))
        since = _moment(found.get("at"))
        is_another = found.get("holder") not in (None, self._holder)
        if is_another and dt.datetime.now(dt.timezone.utc) - since < HELD_FOR:
            raise StoreError(
                f"a build of another folder or machine copies to {self.shown()} since "
                f"{found['at']}: run dbt build again when it has ended. If it was killed, remove "
                f"{self._store.shown(self._environment, AT_WORK)}"
            )
        self._hold()
        try:
            yield
        finally:
            with suppress(StoreError):
                if self._holds():
                    self._store.remove(self._path(AT_WORK))

    def _hold(self) -> None:
        now = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
        content = {**_MADE_BY, "holder": self._holder, "token": self._token, "at": now}
        self._store.put(self._path(AT_WORK), _as_json(content))

    def _holds(self) -> bool:
        return _parsed(self._store.read(self._path(AT_WORK))).get("token") == self._token

    def copy(
        self,
        source: Path,
        manifest: Manifest,
        permit: AbstractContextManager[Any],
    ) -> Copied:
        """Copy a destination's published files, then the manifest that names them.

        Args:
            source: the folder that it is published in.
            permit: entered just before the manifest is written; it may raise to leave what is
                there.
        """
        name, files = str(manifest["destination"]), manifest["files"]
        before = self._manifest(name)
        self._must_hold(name)
        self._hold()
        folder, is_new = str((before or {}).get("folder")), False
        if before is None or not self._has(name, folder, before, files):
            folder, is_new = _folder_of(manifest), True
        try:
            if is_new:
                self._write(name, folder, source, files)
            older = self._older(name, before, folder, source, manifest)
            content = {**manifest, "folder": folder, "older": older}
            with permit:
                self._must_hold(name)
                if not self._is_whole(name, folder, files):
                    raise _meanwhile(self.shown(name))
                self._name(name, content)
        except Exception:
            # Not where the manifest names it after all, or nobody can tell.
            if is_new:
                with suppress(StoreError, OSError):
                    if (self._own_manifest(name) or {}).get("folder") != folder:
                        self._remove_run(name, folder, list(files))
            raise
        problem, removed = "", []
        try:
            removed = self._remove_runs(name, {folder, *older})
        except StoreError as error:
            problem = str(error)
        size = sum(facts["bytes"] for facts in files.values()) if is_new else 0
        return Copied(folder, len(files) if is_new else 0, size, tuple(removed), problem)

    def _name(self, name: str, content: Manifest) -> None:
        """Write a manifest; what a store answers to that may be lost, though it was written."""
        try:
            self._store.put(self._path(name, MANIFEST), _as_json(content))
        except StoreError:
            with suppress(StoreError):
                if self._own_manifest(name) == _parsed(_as_json(content)):
                    return
            raise

    def _must_hold(self, name: str) -> None:
        if not self._holds():
            raise _meanwhile(self.shown(name))

    def _write(
        self, name: str, folder: str, source: Path, files: Mapping[str, Mapping[str, Any]]
    ) -> None:
        mark: dict[str, Any] = {"environment": self._environment, "destination": name}
        mark |= {**_MADE_BY, "folder": folder, "files": sorted(files)}
        self._store.put(self._path(name, folder, RUN_MARK), _as_json(mark))

        def upload(file: str) -> None:
            facts = files[file]
            path = self._path(name, folder, file)
            self._store.upload(source / file, path, facts["bytes"], facts["sha256"])

        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            try:
                list(pool.map(upload, sorted(files)))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _has(self, name: str, folder: str, before: Manifest, files: Manifest) -> bool:
        """Tell whether a folder has these very files already."""
        return _hashes(before["files"]) == _hashes(files) and self._is_whole(name, folder, files)

    def _is_whole(self, name: str, folder: str, files: Manifest) -> bool:
        found = self._store.listing(self._path(name, folder), recursive=True)
        there = {file: size for file, size in found.items() if size is not None}
        is_marked = there.pop(RUN_MARK, None) is not None
        return is_marked and there == {file: facts["bytes"] for file, facts in files.items()}

    def _older(
        self, name: str, before: Manifest | None, folder: str, source: Path, manifest: Manifest
    ) -> dict[str, str]:
        """Return the folders that stay for those who are reading them, each with its end.

        None stays of which a row, or the right to a property, was taken away since.
        """
        if before is None:
            return {}
        same = ("allowlist_fingerprint", "key_fingerprint")
        if any(before.get(fact) != manifest.get(fact) for fact in same):
            return {}
        if not self._has_every_row(name, before, source, manifest["files"]):
            return {}
        now = dt.datetime.now(dt.timezone.utc)
        known = before.get("older")
        older = {str(run): str(end) for run, end in known.items()} if _is_object(known) else {}
        older[str(before["folder"])] = (now + GRACE).isoformat(timespec="seconds")
        return {run: end for run, end in older.items() if run != folder and _moment(end) > now}

    def _has_every_row(
        self, name: str, before: Manifest, source: Path, files: Mapping[str, Mapping[str, Any]]
    ) -> bool:
        """Tell whether every row of the files of before is in the same file of now."""
        for file, facts in before["files"].items():
            if facts["sha256"] == files.get(file, {}).get("sha256"):
                continue
            if file not in files or not is_of_layout(file, name):
                return False
            try:
                there = self._store.row_ids(self._path(name, str(before["folder"]), file))
                now = pq.read_table(source / file, columns=["row_id"]).column("row_id")
            except (StoreError, OSError, pa.ArrowException, KeyError):
                return False
            if not pc.all(pc.is_in(there, value_set=now), min_count=0).as_py():
                return False
        return True

    def withdraw(self, is_gone: Callable[[str], bool]) -> Removed:
        """Take away the destinations that are gone: the manifest first, so that nobody begins."""
        done = Removed()
        for name in self._destinations():
            if not is_gone(name):
                continue
            is_named = self._own_manifest(name) is not None
            if is_named:
                self._store.remove(self._path(name, MANIFEST))
            runs = self._remove_runs(name, ())
            if is_named or runs:
                done.destinations.append(name)
                done.left += [self.shown(name)] if self._clear(name) else []
        return done

    def tidy(self, copied: Collection[str]) -> None:
        """Remove the folders of runs that no manifest names, but of what was copied just now.

        Those of a destination that was held back go without delay: nobody looked at what the
        next files will lack.
        """
        for name in self._destinations():
            if name not in copied:
                manifest = self._own_manifest(name)
                self._remove_runs(name, {str(manifest["folder"])} if manifest else ())

    def _destinations(self) -> list[str]:
        found = self._store.listing(self._environment)
        return sorted(
            name for name, size in found.items() if size is None and is_destination(name)
        )

    def _manifest(self, name: str) -> dict[str, Any] | None:
        """Return the manifest that is there; None where there is none, and the place is free."""
        manifest = self._own_manifest(name)
        if manifest is None:
            found = self._store.listing(self._path(name))
            ours = {run for run, _ in self._runs(name)}
            # Of folders alone, which some stores keep when they are empty, nothing is in the way.
            is_taken = MANIFEST in found or any(
                self._store.listing(self._path(name, other), recursive=True)
                for other in found.keys() - ours
                if found[other] is None
            )
            if is_taken or any(size is not None for size in found.values()):
                raise StoreError(
                    f"{self.shown(name)} holds something that no build of this environment made: "
                    "move it elsewhere"
                )
        return manifest

    def _own_manifest(self, name: str) -> dict[str, Any] | None:
        manifest = _parsed(self._store.read(self._path(name, MANIFEST)))
        named = (manifest.get("destination"), manifest.get("environment"))
        is_ours = named == (name, self._environment) and _RUN.fullmatch(
            str(manifest.get("folder"))
        )
        files = manifest.get("files")
        if not is_ours or not _is_object(files):
            return None
        is_whole = all(_is_object(facts) and "sha256" in facts for facts in files.values())
        return manifest if is_whole else None

    def _runs(self, name: str) -> Iterator[tuple[str, list[str]]]:
        """Return the folders of runs that are ours, and the files that each began with."""
        for folder, size in self._store.listing(self._path(name)).items():
            if size is not None or not _RUN.fullmatch(folder):
                continue
            mark = _parsed(self._store.read(self._path(name, folder, RUN_MARK)))
            of = tuple(mark.get(key) for key in ("environment", "destination", "folder"))
            files = mark.get("files")
            if of == (self._environment, name, folder) and isinstance(files, list):
                yield folder, [file for file in map(str, files) if is_of_layout(file, name)]

    def _remove_runs(self, name: str, keep: Iterable[str]) -> list[str]:
        kept, removed = set(keep), []
        for folder, files in list(self._runs(name)):
            if folder not in kept:
                self._remove_run(name, folder, files)
                removed.append(folder)
        return sorted(removed)

    def _remove_run(self, name: str, folder: str, files: Iterable[str]) -> None:
        """Remove a run's files, and last its mark: until then the folder is known for ours."""
        there = self._store.listing(self._path(name, folder), recursive=True)
        ours = [self._path(name, folder, file) for file in files if file in there]
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            list(pool.map(self._store.remove, ours))
        self._store.remove(self._path(name, folder, RUN_MARK))
        self._store.remove_empty(self._path(name, folder))

    def _clear(self, name: str) -> bool:
        """Remove a destination's folder if it is empty; tell whether something is left in it."""
        found = self._store.listing(self._path(name), recursive=True)
        if any(size is not None for size in found.values()):
            return True
        self._store.remove_empty(self._path(name))
        return False

    def _path(self, *parts: str) -> str:
        return "/".join((self._environment, *parts))


def _meanwhile(shown: str) -> StoreError:
    return StoreError(f"another build, or a stop, changed {shown} meanwhile")


def _folder_of(manifest: Manifest) -> str:
    """Return the name of a run's folder: when its files were published, and by which run."""
    published = _moment(manifest["published_at"]).astimezone(dt.timezone.utc)
    run = re.sub(r"[^0-9a-f]", "", str(manifest["dbt_invocation_id"]).lower())
    return f"{published:%Y%m%dT%H%M%SZ}-{run[:8].ljust(8, '0')}"


def _moment(text: object) -> dt.datetime:
    """Read a moment of a file of ours; long past where it is none."""
    try:
        found = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return dt.datetime.min.replace(tzinfo=dt.timezone.utc)
    return found if found.tzinfo else found.replace(tzinfo=dt.timezone.utc)


def _hashes(files: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: facts["sha256"] for name, facts in files.items()}


def _as_json(content: Manifest) -> bytes:
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def _parsed(content: bytes | None) -> dict[str, Any]:
    """Return the object that a file of ours holds; an empty one where it is none."""
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
