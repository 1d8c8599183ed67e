"""What a build leaves for the next one where an engine has no tables of its own: its calls.

Calls as they were read, without their values, and as they were masked. A later build reads the raw
files that changed and masks the calls whose place, key or denials are not what they were; it keeps
the rows of all others.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import hipaa_mode
from hipaa_mode.raw_files import KnownFile
from hipaa_mode.run.stored import TableState

READ = "calls_read"
MASKED = ("masked_events", "masked_identifies", "masked_groups")
MODELS = (READ, *MASKED)
"""The models whose rows are kept."""

MADE_OF = tuple(f"made_of_{name.removeprefix('masked_')}" for name in MASKED)
"""Tables of the calls that the masked ones were made of: keys, places and denials."""

_PACKAGES = ("pyspark", "pyarrow", "polars-hash", "duckdb", "dbt-core", "dbt-spark")


@dataclass(frozen=True)
class KeptCalls:
    """What is known of kept rows.

    Attributes:
        made_with: digest of the code and the configuration that made them.
        run_numbers: the runs that made them, one from the other, since all changed days are known;
            the last is the latest.
        tables: how each model of `MODELS` was built.
        files: the raw files that were read.
        last_number: the highest number that a raw file ever had.
    """

    made_with: str
    run_numbers: tuple[int, ...]
    tables: Mapping[str, TableState]
    files: tuple[KnownFile, ...]
    last_number: int

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> KeptCalls:
        """Return what `as_json` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        tables = {name: TableState(**content["tables"][name]) for name in MODELS}
        return cls(
            made_with=str(content["made_with"]),
            run_numbers=tuple(map(int, content["run_numbers"])),
            tables=tables,
            files=tuple(KnownFile(**file) for file in content["files"]),
            last_number=int(content["last_number"]),
        )

    def rows_of_builds(self) -> list[tuple[str, str, int, int]]:
        """Return what its runs did to the masked tables, as `Tables` takes it."""
        return [
            (name, state.fingerprint, number, state.rebuilt_number)
            for name, state in self.tables.items()
            if name in MASKED
            for number in self.run_numbers
        ]


def run_numbers(
    before: KeptCalls | None, run_number: int, published: Iterable[int]
) -> tuple[int, ...]:
    """Return the runs that made the rows which a run keeps.

    Only those since the first that something is published of: what an earlier one published, and
    comes back from a backup, is written anew. So changed days of before can be forgotten.

    Args:
        before: what it went on from; None where it made all anew.
        published: the runs that the destinations are published of.
    """
    runs = (*before.run_numbers, run_number) if before else (run_number,)
    since = min((*published, run_number))
    return tuple(number for number in runs if number >= since)


def digest_of_code(texts: Iterable[str]) -> str:
    """Return the digest of all code that rows are made with.

    Args:
        texts: macros and models.
    """
    digest = hashlib.sha256(platform.python_version().encode())
    folder = Path(hipaa_mode.__file__).parent
    for file in sorted((*folder.rglob("*.py"), *folder.rglob("*.sql"))):
        digest.update(f"\0{file.relative_to(folder)}\0".encode() + file.read_bytes())
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            digest.update(f"\0{name} {importlib.metadata.version(name)}".encode())
    for text in texts:
        digest.update(b"\0" + text.encode())
    return digest.hexdigest()
