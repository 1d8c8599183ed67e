"""Compares what two builds published, file by file: no change of the code should show.

    HIPAA_MODE_KEY=… HIPAA_MODE_PUBLISHED=/tmp/before dbt build   # at one commit
    HIPAA_MODE_KEY=… HIPAA_MODE_PUBLISHED=/tmp/after dbt build    # at the other, anew
    python scripts/benchmark/compare_published.py /tmp/before /tmp/after

With one key and the same calls all Parquet files are the same but for surrogates: they are random.
Exit code 1 if anything else differs.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq


def main() -> int:
    """Compare the files and print what differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path, help="folder that the first build published to")
    parser.add_argument("after", type=Path, help="folder of the second")
    parser.add_argument("--random", nargs="*", default=(), help="columns that hold surrogates")
    arguments = parser.parse_args()
    before, after = (hashes(folder) for folder in (arguments.before, arguments.after))
    different = {
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    }
    columns: Counter[str] = Counter()
    for name in sorted(different):
        if name not in before or name not in after:
            columns[f"{name} is in one of them alone"] += 1
            continue
        columns.update(columns_that_differ(arguments.before / name, arguments.after / name))
    print(f"{len(before)} and {len(after)} files, {len(different)} differ")
    for column, files in sorted(columns.items()):
        print(f"  {column}: {files} files")
    return 1 if columns.keys() - set(arguments.random) else 0


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every Parquet file below a folder, by its path from there."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def columns_that_differ(before: Path, after: Path) -> list[str]:
    """Return the columns in which two files differ; `rows` for what no column shows."""
    one, other = (pq.ParquetFile(path).read() for path in (before, after))
    if one.schema != other.schema:
        return ["schema"]
    found = [name for name in one.column_names if not one[name].equals(other[name])]
    return found or ["rows"]


if __name__ == "__main__":
    sys.exit(main())
