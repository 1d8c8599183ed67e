"""Publishing of a destination's files step by step, and what is published then."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hipaa_mode import publishing, token_bridges
from hipaa_mode.folders import MANIFEST, UNFINISHED
from hipaa_mode.publishing import begin, finish

Files = dict[str, bytes]

OTHERS = [group for group in os.getgroups() if group != os.getegid()]
A_GROUP = os.getegid() + 1 if os.geteuid() == 0 else next(iter(OTHERS), os.getegid())
"""A group that this process may give, of its own where it is not root's."""


def parquet(text: str, rows: int = 1) -> bytes:
    """A small Parquet file: publishing counts its rows."""
    file = io.BytesIO()
    pq.write_table(pa.table({"text": [text] * rows}), file)
    return file.getvalue()


EVENTS = "ga4__events/2026-03-01.parquet"


GROUPS = "ga4__groups/undated.parquet"


IDENTIFIES = "ga4__identifies/undated.parquet"


OLD = {EVENTS: parquet("old events"), GROUPS: parquet("old groups", 0)}


NEW = {EVENTS: parquet("new events!", 2), IDENTIFIES: parquet("new identifies")}


def publish(
    root: Path, files: Files, destination: str = "ga4", kept: tuple[str, ...] = ()
) -> dict[str, Any]:
    files = of(destination, files)
    begin_new(root, files, destination)
    return finish_new(root, files, destination, kept)


def of(destination: str, files: Files) -> Files:
    """The same files with the names that they have at another destination."""
    return {name.replace("ga4__", f"{destination}__"): text for name, text in files.items()}


def finish_new(
    root: Path,
    files: Files,
    destination: str = "ga4",
    kept: tuple[str, ...] = (),
    **options: Any,
) -> dict[str, Any]:
    folder = root / "dev" / destination
    rows = {name: rows_of(content) for name, content in files.items()}
    rows |= {name: pq.read_metadata(folder / name).num_rows for name in kept}
    manifest = {"destination": destination, "views": {}}
    return finish(root, "dev", destination, list(files), kept, rows, manifest, **options)


def rows_of(content: bytes) -> int:
    return int(pq.read_metadata(io.BytesIO(content)).num_rows)


def published(root: Path, destination: str = "ga4") -> Files:
    folder = root / "dev" / destination
    names = (*publishing.files_in(folder), MANIFEST)
    return {name: (folder / name).read_bytes() for name in names}


def data(root: Path, destination: str = "ga4") -> Files:
    files = published(root, destination)
    del files[MANIFEST]
    return files


def begin_new(root: Path, files: Files, destination: str = "ga4") -> None:
    views = dict.fromkeys(name.partition("/")[0] for name in files) or {"ga4__events": None}
    folders = {view: begin(root, "dev", destination, view) for view in views}
    for name, content in files.items():
        view, _, file = name.partition("/")
        (folders[view] / (file + UNFINISHED)).write_bytes(content)


def write_bridge(root: Path, destination: str, text: str = "bridge") -> None:
    path = token_bridges.begin(root, "dev", destination)
    pq.write_table(pa.table({name: [text] for name in token_bridges.COLUMNS}), path)


Tree = dict[str, object]


def tree(folder: Path) -> Tree:
    """All that is in a folder, links not followed, with modes, inodes and content."""
    return {
        str(path.relative_to(folder)): (
            stat.S_IMODE(path.lstat().st_mode),
            path.lstat().st_ino,
            os.readlink(path) if path.is_symlink() else path.is_file() and path.read_bytes(),
        )
        for path in sorted(folder.rglob("*"))
    }
