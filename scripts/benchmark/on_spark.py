"""Builds the benchmark's calls on Spark and on DuckDB, and compares what they publish.

    python scripts/benchmark/on_spark.py                               # 10 million calls, local[2]
    python scripts/benchmark/on_spark.py --share 0.01                  # a small try
    python scripts/benchmark/on_spark.py --cluster                     # on two workers of 2 GiB
    python scripts/benchmark/on_spark.py --cluster --kill-after 60     # of which one is killed

Prints wall time, and CPU time and peak memory of all processes. The exit code is 1 if a build
failed, or rows, values or tokens differ. Needs Linux, and the project set up with Spark: see
docs/spark.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import glob
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from agreement import disagreements, output_facts
from calls import write_calls
from contestants import ENVIRONMENT, Command, Job, prepare_hipaa_mode
from processes import Watch
from rich.console import Console
from spark_cluster import Cluster, started

from hipaa_mode.keys import generate_key

CALLS = 10_000_000
WORKERS = 2
WORKER_MEMORY = "2g"
EXECUTOR_MEMORY = "1200m"
"""Of a worker's memory the Python processes of its executor get the rest."""

LOG_LINES_SHOWN = 40

console = Console(highlight=False)


def main() -> int:
    """Build on both, compare; return the exit code."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="hipaa_mode_on_spark_") as name:
        folder = Path(name)
        raw_calls = folder / "calls.ndjson"
        calls = max(round(CALLS * arguments.share), 1)
        write_calls(raw_calls, calls)
        console.print(f"{calls:,} calls, {raw_calls.stat().st_size / 1e9:.2f} GB")
        key = generate_key()
        embedded = prepare_hipaa_mode(_job(folder / "duckdb", raw_calls, key))
        if not run("DuckDB", embedded, folder):
            return 1
        job = _job(folder / "spark", raw_calls, key)
        if not arguments.cluster:
            command = prepare(job, {})
            return _compared(embedded, command, run("Spark", command, folder))
        with started(folder, WORKERS, WORKER_MEMORY) as cluster:
            command = prepare(
                job,
                {
                    "spark.master": cluster.url,
                    "spark.executor.memory": EXECUTOR_MEMORY,
                    "spark.executor.cores": "1",
                },
            )
            is_built = run("Spark", command, folder, cluster, arguments.kill_after)
            return _compared(embedded, command, is_built)


def prepare(job: Job, parameters: dict[str, str]) -> Command:
    """Copy the project for Spark, with other parameters of the session than profiles.yml has."""
    command = prepare_hipaa_mode(job)
    profiles = command.folder / "profiles.yml"
    read = yaml.safe_load(profiles.read_text("utf-8"))
    read["hipaa_mode"]["outputs"]["spark"]["server_side_parameters"] |= {
        "spark.ui.showConsoleProgress": "false",
        **parameters,
    }
    profiles.write_text(yaml.safe_dump(read), "utf-8")
    build = command.arguments[: command.arguments.index("--target")]
    variables = f"{{hipaa_mode__environment: {ENVIRONMENT}}}"
    spark = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    return dataclasses.replace(
        command,
        arguments=(*build, "--target", "spark", "--vars", variables),
        environ=command.environ | spark,
    )


def run(
    title: str,
    command: Command,
    folder: Path,
    cluster: Cluster | None = None,
    kill_after: float | None = None,
) -> bool:
    """Run a build and print what it took; say whether it came to its end."""
    log = folder / f"{title}.log"
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env=command.full_environ(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        sessions = [process.pid, *(other.pid for other in (cluster.processes if cluster else []))]
        with Watch(*sessions) as watch:
            killing = _later(kill_after, cluster.kill_worker) if cluster else None
            code = process.wait()
            if killing is not None:
                killing.cancel()
        seconds = time.perf_counter() - began
    missing = [pattern for pattern in command.outputs.values() if not glob.glob(pattern)]
    if code or missing:
        lines = log.read_text("utf-8", "replace").splitlines()
        console.print("\n".join(lines[-LOG_LINES_SHOWN:]), markup=False)
        why = f"exit code {code}" if code else "an output is missing"
        console.print(f"{title}: failed, {why}")
        return False
    console.print(
        f"{title}: {seconds:.1f} s, {watch.processor_seconds:.1f} CPU s, "
        f"{watch.peak_bytes / (1 << 30):.2f} GiB, load {os.getloadavg()[0]:.1f}"
    )
    return True


def _later(seconds: float | None, do: Callable[[], None]) -> threading.Timer | None:
    if seconds is None:
        return None
    timer = threading.Timer(seconds, do)
    timer.start()
    return timer


def _job(folder: Path, raw_calls: Path, key: str) -> Job:
    folder.mkdir()
    return Job(folder, raw_calls, key)


def _compared(embedded: Command, other: Command, is_built: bool) -> int:
    if not is_built:
        return 1
    one, two = (
        {name: output_facts(path) for name, path in command.outputs.items()}
        for command in (embedded, other)
    )
    found = disagreements(one, two, same_tokens=True)
    for difference in found:
        console.print(f"[red]DIFFERENT[/]: {difference}")
    if not found:
        console.print("The rows, values and tokens are the same.")
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--share", type=float, default=1.0, help="part of the calls, for a try")
    parser.add_argument("--cluster", action="store_true", help="on a cluster of two workers")
    parser.add_argument(
        "--kill-after", type=float, metavar="SECONDS", help="kill a worker so long after the start"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
