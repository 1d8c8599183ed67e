"""Projects of many destinations, each with 40 properties of its own choice of 120."""

from __future__ import annotations

import csv
import datetime as dt
import json
import random
from pathlib import Path

from contestants import DBT, ENVIRONMENT, Command, Contestant, Job, copy_project

from hipaa_mode.received.environments import lock_project

PROPERTIES = 120
PROPERTIES_EACH = 40
TREATMENTS = ("allow", "allow", "allow", "mask", "truncate(4)")
EVENTS = ("Visit", "Purchase", "Search")
DAYS = 30
NUMBERS = (10, 100)


def prepare(job: Job, count: int) -> Command:
    """Make a project of so many destinations."""
    project = copy_project(job, "destination_views", "*unit_test*")
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


FEW, MANY = (
    Contestant(
        f"destinations_{count}",
        f"{count} destinations",
        False,
        lambda job, count=count: prepare(job, count),  # type: ignore[misc]
        is_compared=False,
    )
    for count in NUMBERS
)
