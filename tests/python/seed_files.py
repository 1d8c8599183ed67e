"""Configuration seeds for tests: a sound one to start from, and rows to add to it."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hipaa_mode.configuration import Configuration, read_configuration
from hipaa_mode.plan import Plan, make_plan
from hipaa_mode.seeds import SEED_COLUMNS, Fault

TODAY = dt.date(2026, 3, 10)

DEFAULT_CELLS: dict[str, dict[str, str]] = {
    "destination_types": {
        "destination_type": "analytics",
        "display_name": "Analytics",
        "supports_server_side": "true",
        "supports_client_side": "true",
    },
    "destinations": {
        "environment": "dev",
        "destination": "ga4",
        "destination_type": "analytics",
        "connection_mode": "server_side",
    },
    "allowed_events": {"environment": "*", "destination": "ga4", "event": "Signed In"},
    "allowed_properties": {
        "environment": "*",
        "destination": "ga4",
        "property_list": "event",
        "treatment": "allow",
        "reason": "Says nothing of a person",
        "approved_by": "privacy@clinic.example",
    },
    "small_zip3_areas": {"census_year": "2020", "zip3": "036"},
}


def label(seed: str) -> str:
    """Return how messages name a seed's file."""
    return f"seeds/{seed}.csv"


@dataclass
class Seeds:
    """Rows of the five seeds. A cell that a row does not name is its default, or blank."""

    rows: dict[str, list[dict[str, str]]] = field(
        default_factory=lambda: {seed: [] for seed in SEED_COLUMNS}
    )

    def add(self, seed: str, **cells: str) -> int:
        """Add a row; return its line in the file."""
        blank = dict.fromkeys(SEED_COLUMNS[seed], "")
        self.rows[seed].append(blank | DEFAULT_CELLS[seed] | cells)
        return len(self.rows[seed]) + 1

    def replace(self, seed: str, **cells: str) -> int:
        """Change cells of a seed's first row; return its line in the file."""
        self.rows[seed][0] |= cells
        return 2

    def write(self, folder: Path) -> dict[str, Path]:
        """Write the files; return them by seed."""
        files: dict[str, Path] = {}
        for seed, columns in SEED_COLUMNS.items():
            files[seed] = folder / f"{seed}.csv"
            with files[seed].open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(self.rows[seed])
        return files

    def read(self, folder: Path) -> Configuration:
        """Write the files and read them as a configuration."""
        return read_files(self.write(folder))

    def plan(
        self,
        folder: Path,
        environment: str = "dev",
        today: dt.date = TODAY,
        models: Iterable[str] | None = None,
    ) -> Plan:
        """Write the files, read them and resolve them for an environment."""
        return make_plan(self.read(folder), environment, today, models)


def read_files(files: dict[str, Path]) -> Configuration:
    return read_configuration(files, {seed: label(seed) for seed in SEED_COLUMNS})


def minimal_seeds() -> Seeds:
    """One restricted destination that receives one property on one event."""
    seeds = Seeds()
    seeds.add("destination_types")
    seeds.add("destinations")
    seeds.add("allowed_events")
    seeds.add("allowed_properties", property="plan")
    seeds.add("small_zip3_areas")
    return seeds


def the_fault(faults: Iterable[Fault], problem: str) -> Fault:
    """Return the one fault whose problem holds the text, after checking that it is complete."""
    found = [fault for fault in faults if problem in fault.problem]
    assert len(found) == 1, [str(fault) for fault in faults]
    [fault] = found
    assert fault.file
    assert fault.remedy.strip()
    assert not fault.problem.endswith(".")
    assert not fault.remedy.endswith(".")
    assert str(fault).endswith(f": {fault.problem}. {fault.remedy}.")
    if fault.line is not None:
        assert str(fault).startswith(f"{fault.file}, line {fault.line}: ")
    return fault
