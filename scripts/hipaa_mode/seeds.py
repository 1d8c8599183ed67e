"""Reading the configuration seeds: CSV text to rows that know where they stand."""

from __future__ import annotations

import csv
import difflib
import io
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hipaa_mode.seed_search import search, seed_folders

SEED_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "destination_types": (
        "destination_type",
        "display_name",
        "supports_server_side",
        "supports_client_side",
        "required_properties",
        "integration_names",
    ),
    "destinations": (
        "environment",
        "destination",
        "destination_type",
        "connection_mode",
        "restrict_phi",
        "baa_reference",
        "baa_expires_on",
        "mask_scope",
        "timestamp_precision",
        "consent_categories",
        "consent_strategy",
        "honor_opt_outs",
        "description",
    ),
    "allowed_events": ("environment", "destination", "event", "sent_as"),
    "allowed_properties": (
        "environment",
        "destination",
        "property_list",
        "event",
        "property",
        "treatment",
        "normalize",
        "data_type",
        "guard",
        "mask_scope",
        "column_name",
        "reason",
        "approved_by",
        "expires_on",
    ),
    "small_zip3_areas": ("census_year", "zip3"),
}
"""The seeds that make up the configuration, and the columns of each."""

OPTIONAL_SEEDS: Mapping[str, tuple[str, ...]] = {
    "environments": ("environment", "retain_days"),
    "suppressed_users": ("environment", "user_id", "requested_on", "reference"),
    "stopped_destinations": (
        "environment",
        "destination",
        "reason",
        "stopped_on",
        "stopped_by",
    ),
}
"""Files that a project need not have, and the columns of each. dbt loads none of them."""

ALIKE = 0.85
"""How like a name one is that was meant to be it."""

OPTIONAL_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "destination_types": ("integration_names",),
    "destinations": ("consent_categories", "consent_strategy", "honor_opt_outs"),
    "allowed_properties": ("guard", "mask_scope"),
    "small_zip3_areas": ("census_year",),
    "suppressed_users": ("reference",),
}
"""Columns that a file may lack, as one of an earlier version does; their cells are blank."""


class SeedFile(Protocol):
    """What a seed is read from: a path, or what a file would hold."""

    def read_bytes(self) -> bytes:
        """Return the content; OSError where there is none."""


@dataclass(frozen=True)
class SeedContent:
    """What a seed's file would hold; None where there would be none."""

    content: bytes | None

    def read_bytes(self) -> bytes:
        """Return the content."""
        if self.content is None:
            raise FileNotFoundError
        return self.content


@dataclass(frozen=True)
class Fault:
    """One thing wrong in the configuration.

    Attributes:
        file: the seed's file, or the place at fault when it is no seed.
        line: line of the file, 1 for the header; None when the whole file is at fault.
        problem: what is wrong.
        remedy: what to do about it.
        destination: the destination that it is about; `*` for all of them.
    """

    file: str
    line: int | None
    problem: str
    remedy: str
    destination: str = field(default="*", compare=False)

    def __str__(self) -> str:
        """Write the fault as one line of a report."""
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.problem}. {self.remedy}."


@dataclass(frozen=True)
class SeedRow:
    """One row of a seed: its cells as text, and where it stands."""

    file: str
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """Return the cell's text exactly as written."""
        return self.cells[column]

    def word(self, column: str) -> str:
        """Return a cell that holds a keyword or an identifier, without blanks around it."""
        return self.cells[column].strip()

    @property
    def where(self) -> str:
        """The file and line, for messages."""
        return f"{self.file}, line {self.line}"

    def fault(self, problem: str, remedy: str) -> Fault:
        """Describe something wrong with this row."""
        destination = self.cells.get("destination", "*").strip()
        return Fault(self.file, self.line, problem, remedy, destination)


def add_optional_seeds(files: dict[str, Path], labels: dict[str, str]) -> list[Fault]:
    """Add the optional seeds that a project has: dbt tells nothing of what it does not load.

    Args:
        files: the file of each seed that was found; those found now are added.
        labels: how messages name each file, relative to the project's folder; added to as well.

    Returns:
        What is wrong: a seed that is there more than once, or by another name.
    """
    if "destinations" not in files:
        return []
    beside, label = files["destinations"], Path(labels["destinations"])
    project, shown = beside.parent, label.parent
    folders = {project}
    depth = len(label.parts)
    if depth > 1 and not label.is_absolute() and beside.parts[-depth:] == label.parts:
        # All of the project's folders of seeds: what is not found must not count as not there.
        project, shown = beside.parents[depth - 1], Path()
        folders = {project / Path(other).parts[0] for other in labels.values()}
        folders.update(seed_folders(project))

    def name(path: Path) -> str:
        return str(shown / os.path.relpath(path, project))

    columns = {
        seed: set(columns).difference(OPTIONAL_COLUMNS.get(seed, ()))
        for seed, columns in OPTIONAL_SEEDS.items()
    }
    found = search(folders, columns)
    faults = [
        Fault(name(folder), None, "the folder can't be read", "Let the build read it")
        for folder in found.unsearched
    ]
    for path, seed in found.misnamed:
        problem = f"the file is a {seed}.csv by its columns or name, but is not called so"
        faults.append(Fault(name(path), None, problem, f"Name it {seed}.csv, or take it away"))
    for seed, paths in sorted(found.files.items()):
        if seed not in files:
            files[seed] = paths[0]
            labels[seed] = name(paths[0])
        for other in paths[1:]:
            faults.append(Fault(name(other), None, f"there is a second {seed}.csv", "Keep one"))
    return faults


def read_seed(seed: str, path: SeedFile, label: str, faults: list[Fault]) -> list[SeedRow] | None:
    """Read one seed file; what can't be read is added to `faults`.

    Returns:
        The rows that can be read; None where the file or its header can't.

    Args:
        seed: name of the seed, a key of `SEED_COLUMNS` or `OPTIONAL_SEEDS`.
        path: the CSV file.
        faults: list that receives what is wrong.
    """
    columns = {**SEED_COLUMNS, **OPTIONAL_SEEDS}[seed]
    return read_csv(path, label, columns, OPTIONAL_COLUMNS.get(seed, ()), faults)


def read_csv(
    path: SeedFile,
    label: str,
    columns: tuple[str, ...],
    optional: tuple[str, ...],
    faults: list[Fault],
    may_have_others: bool = False,
) -> list[SeedRow] | None:
    """Read a CSV file with these columns, of which it may lack the optional ones; see `read_seed`.

    Where it may have others, as an export may, one that is almost called like ours is a fault all
    the same. What is added to `faults` quotes no cell.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError:
        faults.append(Fault(label, None, "the file can't be read", "Restore the seed"))
        return None
    except UnicodeDecodeError:
        faults.append(Fault(label, None, "the file is not UTF-8", "Save it as UTF-8"))
        return None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[SeedRow] = []
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if header is None:
                header = [cell.strip() for cell in cells]
                wrong = _header_faults(header, columns, optional, may_have_others, label)
                faults += wrong
                if wrong:
                    return None
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                faults.append(
                    Fault(
                        label,
                        start,
                        f"the row has {len(cells)} cells, the header has {len(header)}",
                        "Give every column a cell, and put text with commas in double quotes",
                    )
                )
                continue
            absent = dict.fromkeys(optional, "")
            rows.append(SeedRow(label, start, absent | dict(zip(header, cells))))
    except csv.Error:
        faults.append(Fault(label, line, "the row is not CSV", "Check its quotes"))
    if header is None:
        faults.append(
            Fault(label, None, "the file is empty", "Give it the header " + ",".join(columns))
        )
        return None
    return rows


def _header_faults(
    header: list[str],
    columns: tuple[str, ...],
    optional: tuple[str, ...],
    may_have_others: bool,
    label: str,
) -> list[Fault]:
    known = (*columns, *optional) if may_have_others else columns
    missing = [column for column in columns if column not in header and column not in optional]
    repeated = sorted({column for column in header if header.count(column) > 1})
    others = [column for column in header if column not in known and not missing]
    if may_have_others:
        others = [column for column in others if nearest(column, known)]
    as_one = f"Write a column as one of {', '.join(columns)}, or remove it"
    said = (
        ([f"`{column}`" for column in missing], "the header lacks ", "Add the missing columns"),
        (
            [f"`{column}`" for column in repeated],
            "the header repeats ",
            "Keep one column of each name",
        ),
        ([f"column `{column}`" for column in others], "nothing reads ", as_one),
    )
    return [
        Fault(label, 1, problem + ", ".join(names), remedy)
        for names, problem, remedy in said
        if names
    ]


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the one of some names that a misspelt one was meant to be; None if it is another."""
    folded = {re.sub(r"[\W_]+", "", known.lower()): known for known in names}
    asked = re.sub(r"[\W_]+", "", name.lower())
    close = difflib.get_close_matches(asked, folded, n=1, cutoff=ALIKE)
    return folded[close[0]] if close else None
