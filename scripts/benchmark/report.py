"""The page of the benchmark, its plot, and the row of the README that quotes it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from destinations import DAYS, FEW, MANY, NUMBERS, PROPERTIES, PROPERTIES_EACH
from sections import BY_DESTINATIONS, COMPARED, OF_DEMO

MIB = 1 << 20
OURS = "hipaa_mode"
STARTUP = ("startup", "hipaa_mode, no calls")
INCREMENT = ("increment", "hipaa_mode, 1 % new calls")
UNCHANGED = ("unchanged", "hipaa_mode, no new calls")
OUR_OTHERS = (STARTUP[0], INCREMENT[0], UNCHANGED[0])
SECONDS, PROCESSOR = "seconds", "processor_seconds"
HEADINGS = (
    "contestant",
    "seconds",
    "CPU s",
    "calls/s",
    "peak MiB",
    "ratio",
    "CPU",
    "load",
    "output",
)

METHOD = (
    "Every contestant reads the same file of newline-delimited JSON and writes the same three "
    "outputs: the calls of 18 allowed events, de-duplicated, each with its envelope (ids masked, "
    "timestamps at the destination's precision) and 8 properties, of which 3 are masked, 3 "
    "generalised and 2 passed as they are.",
    "",
    "- **hipaa_mode**: the whole `dbt build`, with its checks of each destination's view, the "
    "seeds' tests and publishing; Parquet, zstd.",
    "- **SQL**: the project in `scripts/benchmark/hand_written/`, the whole `dbt build` with the "
    "usual tests: `->>` per column, `sha256(key || value)` per identifier; Parquet, snappy. Its "
    "staging model is a view or a table. The same DuckDB as hipaa_mode's.",
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
    "*CPU s* are the user and system seconds of its processes. *peak MiB* is the maximum resident "
    "set size of the largest process (`os.wait4`), the largest of all runs; each contestant is "
    "one process. *ratio* and *CPU* are the contestant's seconds and CPU seconds over "
    "hipaa_mode's: above 1, hipaa_mode is faster. *load* is the machine's load average before the "
    "runs, the highest of them. *output* is `same` where, in every destination, the rows, a "
    "checksum of all unmasked values, and how many values and different values each masked column "
    "has are equal to hipaa_mode's; and, save for the SQL, which hashes otherwise, a checksum of "
    "the tokens and of whole rows. Before a section each contestant runs once on few calls, "
    "unmeasured.",
)

Facts = Mapping[str, Any]


def as_markdown(facts: Facts, drawing: str) -> str:
    """Write the page; `drawing` is the file of the plot beside it."""
    sections = facts["sections"]
    lines = [
        "# Benchmark",
        "",
        "Written by `python scripts/benchmark/run.py`; the raw figures are beside it, in JSON.",
        "Of several runs the median is shown.",
        "",
        f"![Seconds per million calls]({drawing})",
        "",
        *METHOD,
    ]
    for section in COMPARED:
        if section.name in sections:
            lines += ["", *_of_size(sections[section.name])]
    lines += _of_growth(sections)
    lines += _of_destinations(sections)
    lines += _of_demo(sections)
    return "\n".join(lines) + "\n"


def _of_size(section: Facts) -> Iterator[str]:
    yield f"## {section['calls']:,} calls"
    yield ""
    yield _provenance(section)
    yield (
        f"{section.get('bytes_per_call', 0):.0f} bytes each; "
        f"{section['calls'] - section.get('first_deliveries', 0):,} are redeliveries."
    )
    yield ""
    yield "| " + " | ".join(HEADINGS) + " |"
    yield "| --- |" + " ---: |" * (len(HEADINGS) - 2) + " --- |"
    for name in section["runs"]:
        yield "| " + " | ".join(_cells(section, name)) + " |"
    share = _share_of_increment(section)
    if share is not None:
        yield ""
        yield (
            f"A build with 1 % new calls costs {share:.1%} of a full one, both without the time "
            "of a build that finds nothing new."
        )
    if section.get("nodes"):
        yield ""
        yield "Where hipaa_mode's time goes; two nodes run at once:"
        yield ""
        yield "| node | seconds |"
        yield "| --- | ---: |"
        for name, seconds in section["nodes"]:
            yield f"| {name} | {seconds:.1f} |"


def _provenance(section: Facts) -> str:
    machine = section["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in section["versions"].items())
    runs = max(map(len, section["runs"].values()))
    return (
        f"{'One run' if runs == 1 else f'{runs} runs'} of each on {section['date']}: "
        f"{machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}; {versions}."
    )


def _cells(section: Facts, name: str) -> tuple[str, ...]:
    title, runs = section["titles"][name], section["runs"][name]
    load = f"{max(run['load'] for run in runs):.1f}" if all("load" in r for r in runs) else ""
    seconds, processor = median(section, name), median(section, name, PROCESSOR)
    if seconds is None or processor is None:
        failure = next((run["failed"] for run in runs if "failed" in run), "not measured")
        return (title, "failed", failure, "", "", "", "", load, "")
    is_peer = name not in (OURS, *OUR_OTHERS)
    output = {True: "same", False: "DIFFERENT", None: ""}[section["agrees"].get(name)]
    return (
        title,
        f"{seconds:,.1f}",
        f"{processor:,.1f}",
        f"{section['calls'] / seconds:,.0f}" if name not in OUR_OTHERS else "",
        f"{max(run.get('peak_bytes', 0) for run in runs) / MIB:,.0f}",
        _ratio(section, name, SECONDS) if is_peer else "",
        _ratio(section, name, PROCESSOR) if is_peer else "",
        load,
        output,
    )


def median(section: Facts, name: str, measure: str = SECONDS) -> float | None:
    """Return the median of a contestant's runs; None where it did not run, or failed once."""
    runs = section["runs"].get(name, ())
    if not runs or any("failed" in run for run in runs):
        return None
    return statistics.median(run[measure] for run in runs)


def _ratio(section: Facts, name: str, measure: str) -> str:
    theirs, ours = median(section, name, measure), median(section, OURS, measure)
    return f"{theirs / ours:.2f}x" if theirs and ours else ""


def _share_of_increment(section: Facts) -> float | None:
    """What 1 % new calls cost of a full build, each without the time of a build of none."""
    found = [median(section, name) for name in (OURS, *OUR_OTHERS)]
    if None in found:
        return None
    full, startup, increment, unchanged = (value or 0.0 for value in found)
    return (increment - unchanged) / (full - startup)


def exponent(sections: Facts) -> float | None:
    """Fit seconds = a * calls ^ b to hipaa_mode's builds without their start-up; return b."""
    points = []
    for section in COMPARED:
        found = sections.get(section.name)
        full = found and median(found, OURS)
        startup = found and median(found, STARTUP[0])
        if full and startup and full > startup:
            points.append((math.log(found["calls"]), math.log(full - startup)))
    if len(points) < 2:
        return None
    middle = [statistics.fmean(axis) for axis in zip(*points)]
    above = sum((x - middle[0]) * (y - middle[1]) for x, y in points)
    return above / sum((x - middle[0]) ** 2 for x, _ in points)


def _of_growth(sections: Facts) -> Iterator[str]:
    fitted = exponent(sections)
    if fitted is not None:
        yield ""
        yield "## Growth"
        yield ""
        yield (
            f"hipaa_mode's time without start-up grows with the calls to the power of "
            f"{fitted:.2f} (least squares over the sizes above)."
        )


def _of_destinations(sections: Facts) -> Iterator[str]:
    measured = [sections[s.name] for s in BY_DESTINATIONS if s.name in sections]
    if not measured:
        return
    few, many = NUMBERS
    yield ""
    yield "## Many destinations"
    yield ""
    yield _provenance(measured[-1])
    yield (
        f"Each destination has one view of {PROPERTIES_EACH} properties, its own choice of "
        f"{PROPERTIES}, of which a fifth is masked, and one test of all checks; a file for each "
        f"of {DAYS} days. The whole `dbt build` in a new database. One call shows what dbt and "
        "the database take for a destination whatever is in it."
    )
    yield ""
    yield (
        f"| calls | {few} destinations | {many} destinations | ratio | seconds a destination | "
        "CPU seconds a destination | peak MiB |"
    )
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for section in measured:
        yield _row_of_destinations(section, many - few)


def _row_of_destinations(section: Facts, more: int) -> str:
    first, last = median(section, FEW.name), median(section, MANY.name)
    first_cpu = median(section, FEW.name, PROCESSOR)
    last_cpu = median(section, MANY.name, PROCESSOR)
    calls = f"| {section['calls']:,} "
    if first is None or last is None or first_cpu is None or last_cpu is None:
        return calls + "| failed | | | | | |"
    peak = max(run["peak_bytes"] for run in section["runs"][MANY.name]) / MIB
    return (
        f"{calls}| {first:.1f} s | {last:.1f} s | {last / first:.2f} | "
        f"{(last - first) / more:.2f} | {(last_cpu - first_cpu) / more:.2f} | {peak:,.0f} |"
    )


def _of_demo(sections: Facts) -> Iterator[str]:
    section = sections.get(OF_DEMO.name)
    if not section:
        return
    yield ""
    yield "## The demo"
    yield ""
    yield _provenance(section)
    yield (
        f"`dbt build` of the project as it is, with dbt's unit tests, on its {section['calls']:,} "
        "calls, and again."
    )
    yield ""
    yield "| build | seconds | CPU s | peak MiB | load |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for name in section["runs"]:
        title, seconds, processor, _, peak, _, _, load, _ = _cells(section, name)
        build = title.removeprefix(f"{OURS}, ")
        yield f"| {build} | {seconds} | {processor} | {peak} | {load} |"


def readme_row(facts: Facts) -> str:
    """Return the row of the README that quotes three figures."""
    sections = facts["sections"]
    quoted = [
        f"{section.calls // 1_000_000} M calls in {seconds:,.0f} s"
        for section in COMPARED
        if section.name in sections and (seconds := median(sections[section.name], OURS))
    ]
    return (
        "| know how fast it is | [docs/benchmark.md](docs/benchmark.md): "
        f"{', '.join(quoted)} on two cores, tests and publishing included |"
    )


WIDTH, LEFT, BAR, GAP = 720, 190, 16, 34
OUR_COLOUR, THEIR_COLOUR = "#1b6ca8", "#b9c2c9"


def plot(facts: Facts) -> str:
    """Draw seconds per million calls as SVG: a bar a contestant, a group a size."""
    groups = []
    for section in COMPARED:
        found = facts["sections"].get(section.name)
        if found:
            each = (
                (name, median(found, name)) for name in found["runs"] if name not in OUR_OTHERS
            )
            bars = [
                (found["titles"][name], name == OURS, value * 1_000_000 / found["calls"])
                for name, value in each
                if value
            ]
            groups.append((f"{found['calls']:,} calls", bars))
    longest = max((value for _, bars in groups for *_, value in bars), default=1.0)
    parts: list[str] = []
    y = 40
    for heading, bars in groups:
        parts.append(f'<text x="10" y="{y + 4}" font-weight="bold">{heading}</text>')
        y += 12
        for title, is_ours, value in bars:
            long = (WIDTH - LEFT - 70) * value / longest
            colour = OUR_COLOUR if is_ours else THEIR_COLOUR
            parts += [
                f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(title)}</text>',
                f'<rect x="{LEFT}" y="{y}" width="{long:.1f}" height="14" fill="{colour}"/>',
                f'<text x="{LEFT + long + 6:.1f}" y="{y + 12}">{value:.1f} s</text>',
            ]
            y += BAR
        y += GAP
    title = "Seconds per million calls: shorter is faster"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" '
            'font-family="sans-serif" font-size="12" role="img">',
            f'<title>{title}</title><rect width="{WIDTH}" height="{y}" fill="white"/>',
            f'<text x="10" y="20" font-size="15">{title}</text>',
            *parts,
            "</svg>",
            "",
        ]
    )
