"""The benchmark's figures as a table on the terminal and as Markdown."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

MIB = 1 << 20
NODES_SHOWN = 12


@dataclass
class Result:
    """Every run of one contestant at one size."""

    name: str
    title: str
    seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)
    agrees: bool | None = None

    @property
    def typical_seconds(self) -> float:
        """Median wall time."""
        return statistics.median(self.seconds)

    @property
    def peak_mib(self) -> float:
        """Largest peak memory of all runs."""
        return max(self.peak_bytes) / MIB


@dataclass
class Size:
    """The results at one number of calls."""

    calls: int
    first_deliveries: int
    bytes_per_call: float
    rows_per_destination: int
    results: dict[str, Result]
    startup: Result
    nodes: list[tuple[str, float]]

    def ratio(self, name: str) -> float:
        """How many times as fast as a contestant hipaa_mode is."""
        return self.results[name].typical_seconds / self.results["hipaa_mode"].typical_seconds

    def ratios(self) -> list[tuple[str, float]]:
        """Return the ratios the benchmark is about; of two SQL variants, the faster counts."""
        found: list[tuple[str, float]] = []
        sql = [name for name in ("sql_view", "sql_table") if name in self.results]
        if sql:
            fastest = min(sql, key=lambda name: self.results[name].typical_seconds)
            found.append((f"{self.results[fastest].title} (the faster)", self.ratio(fastest)))
        for name, result in self.results.items():
            if name not in ("hipaa_mode", *sql):
                found.append((result.title, self.ratio(name)))
        return found

    def rows(self) -> list[tuple[str, ...]]:
        """Return the cells of the table, a row a contestant."""
        rows = [self._row(result, self.calls) for result in self.results.values()]
        rows.append(self._row(self.startup, 0))
        return rows

    def _row(self, result: Result, calls: int) -> tuple[str, ...]:
        has_ratio = calls and result.name != "hipaa_mode"
        return (
            result.title,
            f"{result.typical_seconds:,.1f}",
            f"{calls / result.typical_seconds:,.0f}" if calls else "",
            f"{result.peak_mib:,.0f}",
            f"{statistics.median(result.processor_seconds):,.1f}",
            f"{self.ratio(result.name):.2f}x" if has_ratio else "",
            {True: "same", False: "DIFFERENT", None: ""}[result.agrees],
        )


HEADINGS = (
    "contestant",
    "seconds",
    "calls/s",
    "peak MiB",
    "CPU s",
    "ratio",
    "output",
)


METHOD = (
    "Every contestant reads the same file of newline-delimited JSON and writes the same three "
    "outputs: the calls of 18 allowed events, de-duplicated, each with its envelope (ids masked, "
    "timestamps at the destination's precision) and 8 properties, of which 3 are masked, 3 "
    "generalised and 2 passed as they are.",
    "",
    "- **hipaa_mode**: the whole `dbt build`, with its seven tests on each destination's view, "
    "the seeds' tests and publishing; Parquet, zstd.",
    "- **SQL**: the project in `scripts/benchmark/hand_written/`, the whole `dbt build` with the "
    "usual tests: `->>` per column, `sha256(key || value)` per identifier; Parquet, snappy. Its "
    "staging model is a view or a table; the faster of the two is the peer.",
    "- **Python**, **Node**: `per_call.py` and `per_call.mjs`, one process, no packages, no "
    "tests; newline-delimited JSON. They parse and mask a call once for the three destinations. "
    "*Isolated*: each destination's function masks for itself, as customer-data platforms run "
    "them.",
    "- **hipaa_mode, no calls**: the same build of an empty file: dbt's start-up and its fixed "
    "time a node, contained in hipaa_mode's time.",
    "",
    "*seconds* is the wall time of the whole command; dbt parses its project anew each time. "
    "*peak MiB* is the maximum resident set size of the largest process (`os.wait4`); each "
    "contestant is one process. *ratio* is the contestant's time over hipaa_mode's: above 1, "
    "hipaa_mode is faster. *output* is `same` where, in every destination, the rows, a checksum "
    "of all unmasked values, and how many values and different values each masked column has "
    "are equal to hipaa_mode's; and, save for the SQL, which hashes otherwise, a checksum of "
    "the tokens and of whole rows.",
)


def print_size(console: Console, size: Size) -> None:
    """Print one size's table and the ratios."""
    table = Table(title=f"{size.calls:,} calls, {size.bytes_per_call:.0f} bytes each")
    for place, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if 0 < place < len(HEADINGS) - 1 else "left")
    for row in size.rows():
        table.add_row(*row)
    console.print(table)
    for title, ratio in size.ratios():
        console.print(f"hipaa_mode vs {title}: {ratio:.2f}x", highlight=False)


def as_markdown(facts: dict[str, Any], sizes: list[Size]) -> str:
    """Write the whole report."""
    machine = facts["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    lines = [
        "# Benchmark",
        "",
        f"Made by `{facts['command']}` on {facts['date']}; the raw figures are beside this file, "
        "in JSON.",
        "",
        f"- Machine: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}; load average before: "
        f"{machine['load_average_before']}",
        f"- Versions: {versions}",
        f"- Runs of each: {facts['repeat']}"
        + (", medians shown, largest peak" if facts["repeat"] > 1 else ""),
        "",
        *METHOD,
    ]
    for size in sizes:
        lines += [
            "",
            f"## {size.calls:,} calls",
            "",
            f"{size.bytes_per_call:.0f} bytes each; {size.calls - size.first_deliveries:,} are "
            f"redeliveries; {size.rows_per_destination:,} rows a destination.",
            "",
            "| " + " | ".join(HEADINGS) + " |",
            "| --- |" + " ---: |" * (len(HEADINGS) - 2) + " --- |",
        ]
        lines += ["| " + " | ".join(row) + " |" for row in size.rows()]
        lines += ["", "| hipaa_mode vs | ratio |", "| --- | ---: |"]
        lines += [f"| {title} | {ratio:.2f} |" for title, ratio in size.ratios()]
        lines += [
            "",
            "Where hipaa_mode's time goes; two nodes run at once:",
            "",
            "| node | seconds |",
            "| --- | ---: |",
        ]
        lines += [f"| {name} | {seconds:.1f} |" for name, seconds in size.nodes[:NODES_SHOWN]]
    return "\n".join(lines) + "\n"
