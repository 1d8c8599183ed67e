"""The benchmark's figures as a table on the terminal and as Markdown."""

from __future__ import annotations

import math
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
    increment: Result
    unchanged: Result
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
            if name not in ("hipaa_mode", "floor", *sql):
                found.append((result.title, self.ratio(name)))
        if "floor" in self.results:
            found.append(("floor (at most 1)", self.ratio("floor")))
        return found

    def rows(self) -> list[tuple[str, ...]]:
        """Return the cells of the table, a row a contestant."""
        rows = [self._row(result, self.calls) for result in self.results.values()]
        rows += [self._row(each, 0) for each in (self.startup, self.increment, self.unchanged)]
        return rows

    @property
    def share_of_increment(self) -> float:
        """What 1 % new calls cost of a full build, each without the time of a build of none."""
        full = self.results["hipaa_mode"].typical_seconds - self.startup.typical_seconds
        return (self.increment.typical_seconds - self.unchanged.typical_seconds) / full

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
    "- **hipaa_mode, 1 % new calls**: the next build, after a hundredth as many calls arrived in "
    "a file of their own: of the next day, one in twenty of an earlier one. **No new calls**: "
    "the one after.",
    "- **floor**: DuckDB alone reads the calls, parses each once for 15 paths and writes one "
    "Parquet file: nothing is typed, masked, filtered, de-duplicated, tested or published.",
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
    console.print(
        f"1 % new calls cost {size.share_of_increment:.1%} of a full build, without start-up"
    )


def exponent(sizes: list[Size]) -> float | None:
    """Fit seconds = a * calls ^ b to the builds without their start-up; return b."""
    points = [
        (
            math.log(size.calls),
            math.log(size.results["hipaa_mode"].typical_seconds - size.startup.typical_seconds),
        )
        for size in sizes
    ]
    if len(points) < 2:
        return None
    middle = [statistics.fmean(axis) for axis in zip(*points)]
    above = sum((x - middle[0]) * (y - middle[1]) for x, y in points)
    return above / sum((x - middle[0]) ** 2 for x, _ in points)


def print_exponent(console: Console, sizes: list[Size]) -> None:
    """Print how the cost grows with the number of calls."""
    fitted = exponent(sizes)
    if fitted is not None:
        console.print(f"Cost grows with the number of calls to the power of {fitted:.2f}")


PLOT_WIDTH, PLOT_HEIGHT, MARGIN = 640, 400, 60
COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#7b2d8b", "#b08900", "#444444", "#2a9d8f", "#999999")


def scaling_plot(sizes: list[Size]) -> str:
    """Draw seconds against calls, both logarithmic, as SVG: a line a contestant."""
    lines = {name: result.title for name, result in sizes[0].results.items()}
    x_values = [math.log10(size.calls) for size in sizes]
    y_values = [math.log10(r.typical_seconds) for size in sizes for r in size.results.values()]
    low_x, high_x = min(x_values) - 0.1, max(x_values) + 0.1
    low_y, high_y = math.floor(min(y_values)), math.ceil(max(y_values))

    def place(calls: float, seconds: float) -> tuple[float, float]:
        across = (math.log10(calls) - low_x) / (high_x - low_x)
        up = (math.log10(seconds) - low_y) / (high_y - low_y)
        return (
            MARGIN + across * (PLOT_WIDTH - 4 * MARGIN),
            PLOT_HEIGHT - MARGIN - up * (PLOT_HEIGHT - 2 * MARGIN),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {PLOT_WIDTH} {PLOT_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{PLOT_WIDTH}" height="{PLOT_HEIGHT}" fill="white"/>',
        f'<text x="{MARGIN}" y="30" font-size="15">Seconds of a whole run, by calls</text>',
    ]
    for power in range(low_y, high_y + 1):
        x, y = place(10**low_x, 10**power)
        right = PLOT_WIDTH - 3 * MARGIN
        parts.append(f'<line x1="{x}" x2="{right}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 8}" y="{y + 4}" text-anchor="end">{10**power:g} s</text>')
    for size in sizes:
        x, y = place(size.calls, 10**low_y)
        parts.append(f'<text x="{x}" y="{y + 20}" text-anchor="middle">{size.calls:,}</text>')
    for name, colour in zip(lines, COLOURS):
        points = [
            place(size.calls, size.results[name].typical_seconds)
            for size in sizes
            if name in size.results
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    for row, ((_, title), colour) in enumerate(zip(lines.items(), COLOURS)):
        y = 60 + 20 * row
        x = PLOT_WIDTH - 3 * MARGIN + 10
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{x + 16}" y="{y}">{title}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def provenance(facts: dict[str, Any]) -> list[str]:
    """Return the lines that tell how, when and on what a page's figures were made."""
    machine = facts["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return [
        f"Made by `{facts['command']}` on {facts['date']}; the raw figures are beside this file, "
        "in JSON.",
        "",
        f"- Machine: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}; load average before: "
        f"{machine['load_average_before']}",
        f"- Versions: {versions}",
    ]


def as_markdown(facts: dict[str, Any], sizes: list[Size], plot: str) -> str:
    """Write the whole report; `plot` is the file of the plot beside it."""
    lines = [
        "# Benchmark",
        "",
        *provenance(facts),
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
            f"A build with 1 % new calls costs {size.share_of_increment:.1%} of a full one, both "
            "without the time of a build that finds no new calls.",
        ]
        lines += [
            "",
            "Where hipaa_mode's time goes; two nodes run at once:",
            "",
            "| node | seconds |",
            "| --- | ---: |",
        ]
        lines += [f"| {name} | {seconds:.1f} |" for name, seconds in size.nodes[:NODES_SHOWN]]
    fitted = exponent(sizes)
    if fitted is not None:
        lines += [
            "",
            "## Growth",
            "",
            f"hipaa_mode's time without start-up grows with the calls to the power of "
            f"{fitted:.2f} (least squares over {', '.join(f'{size.calls:,}' for size in sizes)} "
            "calls).",
            "",
            f"![Seconds by calls]({plot})",
        ]
    return "\n".join(lines) + "\n"
