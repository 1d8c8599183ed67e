"""Benchmark of hipaa_mode against hand-written SQL and per-call transforms, in one run.

    python scripts/benchmark/run.py --calls 1000000 10000000

Generates the calls, runs every contestant on them in turn, compares their outputs, prints a
table and writes it as Markdown with the raw figures as JSON beside it. Needs the project
installed (`make setup`), Node 18 or later on the path, and for ten million calls some 30 GB
free in the folder for temporary files (TMPDIR names another).
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import glob
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agreement import Facts, disagreements, output_facts
from calls import write_calls, write_new_calls
from contestants import FLOOR, HIPAA_MODE, PEERS, PROJECT, Command, Contestant, Job
from machine import machine, versions
from report import Result, Size, as_markdown, print_exponent, print_size, scaling_plot
from rich.console import Console

from hipaa_mode.keys import generate_key

MEASURE = Path(__file__).with_name("measure.py")
LOG_LINES_SHOWN = 40

console = Console()


class BenchmarkError(Exception):
    """The benchmark can't go on; the message says why."""


def main() -> int:
    """Run the benchmark; the exit code is 1 where a contestant failed or outputs differ."""
    arguments = _arguments()
    try:
        return _benchmark(arguments)
    except BenchmarkError as error:
        console.print(str(error), markup=False, highlight=False)
        return 1


def _arguments() -> argparse.Namespace:
    names = [peer.name for peer in (*PEERS, FLOOR)]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--calls", type=int, nargs="+", default=[1_000_000, 10_000_000], metavar="COUNT"
    )
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, medians shown")
    parser.add_argument(
        "--against", nargs="*", choices=names, default=names, metavar="PEER",
        help="peers to run: " + ", ".join(names),
    )  # fmt: skip
    parser.add_argument("--output", type=Path, default=PROJECT / "docs" / "benchmark.md")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder")
    return parser.parse_args()


def _benchmark(arguments: argparse.Namespace) -> int:
    peers = [peer for peer in (*PEERS, FLOOR) if peer.name in arguments.against]
    needs_node = any(peer.name.startswith("node") for peer in peers)
    if needs_node and shutil.which("node") is None:
        raise BenchmarkError("node is not on the path. Install it, or leave it out: --against")
    facts: dict[str, Any] = {
        "command": _shown_command(arguments),
        "date": dt.date.today().isoformat(),
        "repeat": arguments.repeat,
        "versions": versions(needs_node),
        "machine": machine(),
    }
    sizes: list[Size] = []
    with _temporary_folder(arguments.keep) as folder:
        for calls in arguments.calls:
            size = _run_size(folder / str(calls), calls, [HIPAA_MODE, *peers], arguments)
            print_size(console, size)
            sizes.append(size)
    facts["sizes"] = [asdict(size) for size in sizes]
    print_exponent(console, sizes)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    plot = arguments.output.with_suffix(".svg")
    arguments.output.write_text(as_markdown(facts, sizes, plot.name), encoding="utf-8")
    arguments.output.with_suffix(".json").write_text(
        json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    if len(sizes) > 1:
        plot.write_text(scaling_plot(sizes), encoding="utf-8")
    console.print(f"Written: {arguments.output}, and beside it .json and, of several sizes, .svg")
    different = [r for size in sizes for r in size.results.values() if r.agrees is False]
    return 1 if different else 0


def _shown_command(arguments: argparse.Namespace) -> str:
    """Return the command without what doesn't change the figures."""
    words = ["python", "scripts/benchmark/run.py", "--calls", *map(str, arguments.calls)]
    if arguments.repeat > 1:
        words += ["--repeat", str(arguments.repeat)]
    if len(arguments.against) < len(PEERS) + 1:
        words += ["--against", *arguments.against]
    return " ".join(words)


@contextlib.contextmanager
def _temporary_folder(keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hipaa_mode_benchmark_"))
    try:
        yield folder
    finally:
        if keep:
            console.print(f"Kept: {folder}")
        else:
            shutil.rmtree(folder)


def _run_size(
    folder: Path, calls: int, contestants: list[Contestant], arguments: argparse.Namespace
) -> Size:
    folder.mkdir()
    console.print(f"Generating {calls:,} calls …")
    raw_calls = folder / "calls.ndjson"
    first_deliveries = write_calls(raw_calls, calls)
    raw_bytes = raw_calls.stat().st_size
    empty = folder / "empty.ndjson"
    empty.touch()
    key = generate_key()

    startup = Result("startup", "hipaa_mode, no calls")
    increment = Result("increment", "hipaa_mode, 1 % new calls")
    unchanged = Result("unchanged", "hipaa_mode, no new calls")
    results = {each.name: Result(each.name, each.title) for each in contestants}
    nodes: list[tuple[str, float]] = []
    ours: dict[str, Facts] = {}
    for turn in range(1, arguments.repeat + 1):
        job = Job(folder / f"startup-{turn}", empty, key)
        _measure(HIPAA_MODE, job, startup)
        _clear(job.folder, arguments.keep)
        for contestant in contestants:
            result = results[contestant.name]
            job = Job(folder / f"{contestant.name}-{turn}", raw_calls, key)
            command = _measure(contestant, job, result)
            if turn == 1 and contestant is not FLOOR:
                theirs = {name: output_facts(path) for name, path in command.outputs.items()}
                if contestant is HIPAA_MODE:
                    ours = theirs
                    nodes = _node_seconds(job.folder / "project")
                else:
                    _compare(result, ours, theirs, contestant.same_tokens)
            if contestant is HIPAA_MODE:
                write_new_calls(job.arriving / "new.ndjson", max(calls // 100, 1))
                run_command(command, job, increment)
                run_command(command, job, unchanged)
            _clear(job.folder, arguments.keep)
    if not arguments.keep:
        raw_calls.unlink()
    return Size(
        calls,
        first_deliveries,
        raw_bytes / calls,
        max(int(facts["rows"]) for facts in ours.values()),
        results,
        startup,
        increment,
        unchanged,
        nodes,
    )


def _measure(contestant: Contestant, job: Job, result: Result) -> Command:
    job.folder.mkdir()
    command = contestant.prepare(job)
    _read_through(job.raw_calls)
    run_command(command, job, result)
    return command


def run_command(command: Command, job: Job, result: Result) -> None:
    """Run a command and add what it took to a result.

    Raises:
        BenchmarkError: it failed, or did not write its outputs.
    """
    figures_file, log = job.folder / "figures.json", job.folder / "log.txt"
    finished = subprocess.run(
        [sys.executable, str(MEASURE), str(figures_file), str(log), *command.arguments],
        cwd=command.folder,
        env=command.full_environ(),
    )
    missing = [pattern for pattern in command.outputs.values() if not glob.glob(pattern)]
    if finished.returncode or missing:
        end_of_log = log.read_text(encoding="utf-8", errors="replace").splitlines()
        raise BenchmarkError(
            f"{result.title} failed (exit code {finished.returncode}"
            + (f"; not written: {', '.join(missing)}" if missing else "")
            + "). Its log ends:\n"
            + "\n".join(end_of_log[-LOG_LINES_SHOWN:])
        )
    figures = json.loads(figures_file.read_text(encoding="ascii"))
    result.seconds.append(figures["seconds"])
    result.processor_seconds.append(figures["processor_seconds"])
    result.peak_bytes.append(figures["peak_bytes"])
    console.print(f"  {result.title}: {figures['seconds']:.1f} s", highlight=False)


def _read_through(path: Path) -> None:
    """Read a file once, so that every contestant finds it in the system's cache alike."""
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 22):
            pass


def _compare(
    result: Result, ours: dict[str, Facts], theirs: dict[str, Facts], same_tokens: bool
) -> None:
    differences = disagreements(ours, theirs, same_tokens)
    result.agrees = not differences
    for difference in differences:
        console.print(f"    DIFFERENT: {difference}", highlight=False)


def _node_seconds(project: Path) -> list[tuple[str, float]]:
    """Return dbt's own timings of its nodes, the longest first."""
    run_results = json.loads((project / "target" / "run_results.json").read_text("utf-8"))
    seconds = [
        (str(node["unique_id"]).split(".", 2)[2], float(node["execution_time"]))
        for node in run_results["results"]
    ]
    return sorted(seconds, key=lambda node: -node[1])


def _clear(folder: Path, keep: bool) -> None:
    if not keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
