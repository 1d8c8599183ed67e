"""The state of a project that a preview is made from: two of one digest give the same preview."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from hipaa_mode.keys import DEFAULT_KEY_FILE, key_file
from hipaa_mode.project import today
from hipaa_mode.project_settings import profiles_file
from hipaa_mode.selftest.builds import FILES, folders_of, read_settings

_SUFFIXES = (".sql", ".csv", ".yml", ".yaml", ".py", ".md")
_NO_PART = ("__pycache__", "target", "logs", "node_modules", "site-packages")


def digest(project: Path, changed: Mapping[PurePosixPath, bytes | None]) -> str:
    """Hash all that a preview depends on: files, settings, the key and the day.

    Args:
        changed: what files of the project hold in place of what they do, by their paths in it;
            None for those that are not to be there.

    Raises:
        MissingFileError: the folder is no dbt project.
    """
    found = hashlib.sha256(str(today()).encode())

    def add(name: str, content: bytes | None) -> None:
        found.update(f"{len(name)}:{name}".encode("utf-8", "surrogateescape"))
        found.update(b"-" if content is None else b"%d:%b" % (len(content), content))

    on_disk = {PurePosixPath(os.path.relpath(file, project)): file for file in _files(project)}
    for path in sorted(on_disk.keys() | changed.keys()):
        content = changed[path] if path in changed else _content(on_disk[path])
        if content is not None:
            add(str(path), content)
    outside = (profiles_file(project), key_file(os.environ, project / DEFAULT_KEY_FILE))
    for file in outside:
        add(str(file), None if file is None else _content(file))
    for name, value in sorted(os.environ.items()):
        if name.startswith(("HIPAA_MODE_", "DBT_")):
            add(name, os.fsencode(value))
    return found.hexdigest()


def _files(project: Path) -> Iterator[Path]:
    """Return the files that a preview's copy takes; without the lock, since it has its own."""
    yield from (project / name for name in FILES)
    for folder in folders_of(read_settings(project)):
        for place, folders, files in os.walk(project / folder, followlinks=True):
            folders[:] = [
                name for name in folders if not name.startswith(".") and name not in _NO_PART
            ]
            yield from (Path(place, name) for name in files if name.endswith(_SUFFIXES))


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
