"""How a build grows with the number of destinations, and what dbt takes for each.

    python scripts/benchmark/many_destinations.py --destinations 10 100 --calls 1 10000 100000

Builds the same calls for so many destinations, each with 40 properties of its own choice, prints
the times and the ratios and writes them as Markdown, with JSON beside it. One call shows what
dbt and the database take for a destination whatever is in it.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from contestants import DBT, ENVIRONMENT, PROJECT, Command, Job, copy_project
from machine import machine, versions
from report import Result, provenance
from rich.console import Console

from hipaa_mode.keys import generate_key
from hipaa_mode.received.environments import lock_project
from run import run_command

PROPERTIES = 120
PROPERTIES_EACH = 40
TREATMENTS = ("allow", "allow", "allow", "mask", "truncate(4)")
EVENTS = ("Visit", "Purchase", "Search")
DAYS = 30

console = Console()


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--destinations", type=int, nargs=2, default=[10, 100], metavar="N")
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 10_000, 100_000])
    parser.add_argument(
        "--output", type=Path, default=PROJECT / "docs" / "benchmark_destinations.md"
    )
    arguments = parser.parse_args()
    facts: dict[str, Any] = {
        "command": "python scripts/benchmark/many_destinations.py "
        f"--destinations {' '.join(map(str, arguments.destinations))} "
        f"--calls {' '.join(map(str, arguments.calls))}",
        "date": dt.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(False),
        "properties_each": PROPERTIES_EACH,
        "days": DAYS,
        "sizes": [measure(calls, arguments.destinations) for calls in arguments.calls],
    }
    arguments.output.write_text(as_markdown(facts), encoding="utf-8")
    arguments.output.with_suffix(".json").write_text(
        json.dumps(facts, indent=2) + "\n", encoding="utf-8"
    )
    console.print(f"Written: {arguments.output} and .json", highlight=False)
    return 0


def measure(calls: int, numbers: list[int]) -> dict[str, Any]:
    """Build so many calls for each number of destinations."""
    found = []
    with tempfile.TemporaryDirectory(prefix="hipaa_mode_destinations_") as temporary:
        folder = Path(temporary)
        raw_calls = folder / "calls.ndjson"
        write_wide_calls(raw_calls, calls)
        for number in numbers:
            job = Job(folder / str(number), raw_calls, generate_key())
            result = Result(str(number), f"{number} destinations, {calls:,} calls")
            job.folder.mkdir()
            run_command(prepare(job, number), job, result)
            nodes = json.loads(
                (job.folder / "project/target/run_results.json").read_text("utf-8")
            )["results"]
            found.append(
                {
                    "destinations": number,
                    "seconds": result.typical_seconds,
                    "processor_seconds": result.processor_seconds[0],
                    "peak_mib": result.peak_mib,
                    "nodes": len(nodes),
                }
            )
            shutil.rmtree(job.folder)
    few, many = found
    more = many["destinations"] - few["destinations"]
    size = {
        "calls": calls,
        "results": found,
        "ratio": many["seconds"] / few["seconds"],
        "seconds_per_destination": (many["seconds"] - few["seconds"]) / more,
        "processor_seconds_per_destination": (
            (many["processor_seconds"] - few["processor_seconds"]) / more
        ),
    }
    console.print(
        f"  {size['ratio']:.2f} times as long, "
        f"{size['seconds_per_destination']:.2f} s a destination",
        highlight=False,
    )
    return size


def as_markdown(facts: dict[str, Any]) -> str:
    """Return the figures as a page."""
    few, many = (result["destinations"] for result in facts["sizes"][0]["results"])
    lines = [
        "# Many destinations",
        "",
        *provenance(facts),
        "",
        f"Each destination has one view of {facts['properties_each']} properties, its own choice "
        f"of {PROPERTIES}, of which a fifth is masked, and one test of seven checks; a file for "
        f"each of {facts['days']} days. The whole `dbt build` in a new database, dbt's parsing of "
        "the project included. One call shows what dbt and the database take for a destination "
        "whatever is in it.",
        "",
        f"| calls | {few} destinations | {many} destinations | ratio | seconds a destination | "
        "CPU seconds a destination | peak MiB |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for size in facts["sizes"]:
        first, last = size["results"]
        lines.append(
            f"| {size['calls']:,} | {first['seconds']:.1f} s | {last['seconds']:.1f} s | "
            f"{size['ratio']:.2f} | {size['seconds_per_destination']:.2f} | "
            f"{size['processor_seconds_per_destination']:.2f} | {last['peak_mib']:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def prepare(job: Job, count: int) -> Command:
    """Make a project of so many destinations."""
    project = copy_project(job, "*unit_test*")
    names = [f"tool_{number:03d}" for number in range(count)]
    dice = random.Random(count)
    write_seed(
        project,
        "destinations",
        [
            {
                "environment": "*",
                "destination": name,
                "destination_type": "mixpanel",
                "connection_mode": "server_side",
                "description": "A tool of the benchmark",
            }
            for name in names
        ],
    )
    write_seed(
        project,
        "allowed_events",
        [{"environment": "*", "destination": "*", "event": event} for event in EVENTS],
    )
    write_seed(
        project,
        "allowed_properties",
        [
            {
                "environment": "*",
                "destination": name,
                "property_list": "event",
                "property": f"property_{number}",
                "treatment": TREATMENTS[number % len(TREATMENTS)],
                "reason": "Benchmark property",
                "approved_by": "benchmark@clinic.example",
            }
            for name in names
            for number in sorted(dice.sample(range(PROPERTIES), PROPERTIES_EACH))
        ],
    )
    for name in names:
        models = project / "models/destination_views" / name
        models.mkdir(parents=True)
        model = f"{{{{ hipaa_mode.destination_events('{name}') }}}}\n"
        (models / f"{name}__events.sql").write_text(model)
        (models / f"_{name}.yml").write_text(
            "version: 2\nmodels:\n"
            f"  - name: {name}__events\n    data_tests: [holds_only_what_is_allowed]\n"
        )
    lock_project(project, [ENVIRONMENT])
    published = job.folder / "published"
    return Command(
        (*DBT, "build", "--target", ENVIRONMENT),
        project,
        {
            "HIPAA_MODE_KEY": job.key,
            "HIPAA_MODE_RAW_CALLS": str(job.raw_calls),
            "HIPAA_MODE_DATABASE": str(project / "restricted/benchmark.duckdb"),
            "HIPAA_MODE_PUBLISHED": str(published),
        },
        {n: str(published / ENVIRONMENT / n / f"{n}__events/*.parquet") for n in names},
    )


def write_seed(project: Path, seed: str, rows: list[dict[str, str]]) -> None:
    """Write rows in place of those of a seed, with its columns."""
    path = project / "seeds" / f"{seed}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_wide_calls(path: Path, count: int) -> None:
    """Write track calls of which each has a third of all properties."""
    dice = random.Random(count)
    shapes = [sorted(dice.sample(range(PROPERTIES), PROPERTIES // 3)) for _ in range(50)]
    first = dt.datetime(2026, 1, 5)
    step = dt.timedelta(days=DAYS) / count
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            call = {
                "type": "track",
                "event": EVENTS[number % len(EVENTS)],
                "messageId": f"m{number}",
                "userId": f"patient-{dice.randrange(count // 10 + 1)}",
                "timestamp": (first + number * step).isoformat() + "Z",
                "properties": {
                    f"property_{place}": f"value {dice.randrange(1000)}"
                    for place in shapes[number % len(shapes)]
                },
            }
            file.write(json.dumps(call, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    sys.exit(main())
