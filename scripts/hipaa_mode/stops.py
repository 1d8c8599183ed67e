"""Emergency stops: destinations that nothing is published to until somebody lifts the stop.

A row of `stopped_destinations.csv` stops a destination, or `*` all of them, in an environment or
`*` in all. Builds read it when they start, and again before each destination's files are put in
place.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from hipaa_mode.seeds import OPTIONAL_SEEDS, Fault, SeedRow, add_optional_seeds, read_seed

SEED = "stopped_destinations"
COLUMNS = OPTIONAL_SEEDS[SEED]
ANY = "*"


@dataclass(frozen=True)
class Stop:
    """One row: what is stopped, and why."""

    environment: str
    destination: str
    reason: str
    stopped_on: str
    stopped_by: str

    def applies(self, environment: str, destination: str) -> bool:
        """Whether it stops a destination of an environment."""
        return self.environment in (environment, ANY) and self.destination in (destination, ANY)

    @property
    def text(self) -> str:
        """Since when and why, as people are shown it: `stopped since 2026-03-01: A complaint`."""
        since = f" since {self.stopped_on}" if self.stopped_on else ""
        return f"stopped{since}" + (f": {self.reason}" if self.reason else "")

    @classmethod
    def of(cls, row: SeedRow) -> Stop:
        """Return what a row says, unchecked."""
        return cls(*(row.word(column) for column in COLUMNS))


def stopped_in(
    stops: Iterable[Stop], environment: str, destinations: Iterable[str]
) -> dict[str, Stop]:
    """Return the stopped ones of an environment's destinations, each with its first row."""
    listed = list(stops)
    found: dict[str, Stop] = {}
    for name in sorted(destinations):
        stop = next((stop for stop in listed if stop.applies(environment, name)), None)
        if stop is not None:
            found[name] = stop
    return found


def read_stops(
    seed_files: Mapping[str, Path], labels: Mapping[str, str]
) -> tuple[list[Stop], list[Fault]]:
    """Read the stops as they are on disk now; what can't be read is told and stops nothing.

    Args:
        seed_files: the seeds that dbt loads; the list of stops is looked for beside them.
    """
    files, names = dict(seed_files), dict(labels)
    faults = add_optional_seeds(files, names)
    if SEED not in files:
        return [], faults
    rows = read_seed(SEED, files[SEED], names[SEED], faults)
    return [Stop.of(row) for row in rows or []], faults


def with_stop(text: str | None, stop: Stop) -> str:
    """Return the seed's text with one more row; as it was where the same is stopped already."""
    place = (stop.environment, stop.destination)
    if any((known.environment, known.destination) == place for known in _stops(text)):
        return str(text)
    before = ",".join(COLUMNS) + "\n" if text is None or not text.strip() else text
    if not before.endswith("\n"):
        before += "\n"
    header = next(csv.reader([before.splitlines()[0].removeprefix("\ufeff")]))
    values = dict(zip(COLUMNS, astuple(stop), strict=True))
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(values.get(column.strip(), "") for column in header)
    return before + line.getvalue()


def without_stops(text: str, environment: str | None, destination: str) -> str:
    """Return the seed's text without the rows of a destination.

    Args:
        environment: whose rows; None for those of every environment.
        destination: the destination as the rows name it, or `*`.
    """
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    header = [cell.strip() for cell in rows[0]] if rows else list(COLUMNS)
    kept = [rows[0] if rows else header]
    for cells in rows[1:]:
        row = {name: cell.strip() for name, cell in zip(header, cells)}
        is_named = row.get("destination") == destination
        if not (is_named and environment in (None, row.get("environment"))):
            kept.append(cells)
    output = io.StringIO()
    csv.writer(output, lineterminator="\n").writerows(kept)
    return output.getvalue()


def _stops(text: str | None) -> list[Stop]:
    rows = list(csv.DictReader(io.StringIO((text or "").removeprefix("\ufeff"), newline="")))
    return [Stop(*((row.get(column) or "").strip() for column in COLUMNS)) for row in rows]
