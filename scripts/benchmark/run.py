"""Benchmark of hipaa_mode against hand-written SQL and per-call transforms.

    python scripts/benchmark/run.py                        # all that is not measured yet
    python scripts/benchmark/run.py --only 10_million      # this section anew
    python scripts/benchmark/run.py --share 0.02 --output /tmp/try/benchmark.md    # a small try

Generates calls, runs every contestant on them in turn, compares their outputs, and writes the
page, its plot and the raw figures. They are written after each run: started again, it goes on with
what is missing. Figures of other versions are measured anew. Needs the project installed (`make
setup`), Node 18 or later on the path, and for all calls some 60 GB free in the folder for
temporary files (TMPDIR names another).
"""

from __future__ import annotations

import argparse
import datetime as dt
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from agreement import disagreements, output_facts
from calls import write_calls, write_new_calls
from contestants import DEMO, HIPAA_MODE, PROJECT, Command, Contestant, Job
from machine import machine, versions
from report import INCREMENT, STARTUP, UNCHANGED, as_markdown, plot, readme_row
from rich.console import Console
from sections import SECTIONS, Section

from hipaa_mode.keys import generate_key

MEASURE = Path(__file__).with_name("measure.py")
PAGE = PROJECT / "docs" / "benchmark.md"
WARM_UP = 20_000
LOG_LINES_SHOWN = 40

console = Console(highlight=False)


def main() -> int:
    """Run the benchmark; the exit code is 1 where a contestant failed or outputs differ."""
    arguments = _arguments()
    record = Record(arguments.output)
    for section in SECTIONS:
        if arguments.only and section.name not in arguments.only:
            continue
        with tempfile.TemporaryDirectory(prefix="hipaa_mode_benchmark_") as folder:
            Measurement(section, Path(folder), record, arguments).run(anew=bool(arguments.only))
    if arguments.output == PAGE and arguments.share == 1:
        readme = PROJECT / "README.md"
        text = readme.read_text(encoding="utf-8")
        row = readme_row(record.facts)
        readme.write_text(re.sub(r"\| know how fast it is \|.*", lambda _: row, text), "utf-8")
    console.print(f"Written: {arguments.output}, and .json and .svg beside it")
    return 1 if record.is_unsound() else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [section.name for section in SECTIONS]
    parser.add_argument(
        "--only", nargs="+", choices=names, metavar="SECTION",
        help="sections to measure anew: " + ", ".join(names),
    )  # fmt: skip
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, medians shown")
    parser.add_argument("--share", type=float, default=1.0, help="part of the calls, for a try")
    parser.add_argument("--output", type=Path, default=PAGE)
    return parser.parse_args()


class Record:
    """What was measured, in a file of JSON, and the page made of it."""

    def __init__(self, page: Path) -> None:
        self.page = page
        self.path = page.with_suffix(".json")
        self.versions = versions()
        self.facts: dict[str, Any] = {"sections": {}}
        if self.path.exists():
            self.facts = json.loads(self.path.read_text(encoding="utf-8"))

    def section(self, name: str, calls: int, anew: bool) -> dict[str, Any]:
        """Return what is known of a section; nothing where it was measured otherwise."""
        found: dict[str, Any] = self.facts["sections"].get(name, {})
        if anew or (found.get("calls"), found.get("versions")) != (calls, self.versions):
            found = {"calls": calls, "versions": self.versions, "runs": {}, "agrees": {}}
            self.facts["sections"][name] = found
        return found

    def write(self) -> None:
        """Write the figures and the page."""
        self.page.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.facts, indent=1, ensure_ascii=False) + "\n"
        self.path.write_text(text, encoding="utf-8")
        drawing = self.page.with_suffix(".svg")
        drawing.write_text(plot(self.facts), encoding="utf-8")
        self.page.write_text(as_markdown(self.facts, drawing.name), encoding="utf-8")

    def is_unsound(self) -> bool:
        """Whether a contestant failed, or wrote something else."""
        return any(
            not all(section["agrees"].values())
            or any("failed" in run for runs in section["runs"].values() for run in runs)
            for section in self.facts["sections"].values()
        )


class Measurement:
    """One section: its calls, and what each contestant takes for them."""

    def __init__(
        self, section: Section, folder: Path, record: Record, arguments: argparse.Namespace
    ) -> None:
        self.section = section
        self.folder = folder
        self.record = record
        self.repeat = min(arguments.repeat, section.most_runs)
        self.calls = max(round(section.calls * arguments.share), 1)
        self.raw_calls = folder / "calls.ndjson"
        self.empty = folder / "empty.ndjson"
        self.key = generate_key()
        self.found: dict[str, Any] = {}

    def run(self, anew: bool) -> None:
        """Measure what is missing of the section."""
        self.found = self.record.section(self.section.name, self.calls, anew)
        missing = [
            (turn, contestant)
            for turn in range(self.repeat)
            for contestant in self.section.contestants
            if len(self.found["runs"].get(contestant.name, ())) <= turn
        ]
        if not missing:
            return
        console.print(f"[bold]{self.section.name}[/]: {self.calls:,} calls")
        self.found |= {"date": dt.date.today().isoformat(), "machine": machine()}
        self.empty.touch()
        self._warm_up(list(dict.fromkeys(contestant for _, contestant in missing)))
        lines = self._write(self.raw_calls, self.calls)
        self.found |= {
            "first_deliveries": lines,
            "bytes_per_call": self.raw_calls.stat().st_size / self.calls,
        }
        for turn, contestant in missing:
            self._measure(turn, contestant)
            self.record.write()

    def _write(self, path: Path, calls: int) -> int:
        if self.section.write_calls is not None:
            self.section.write_calls(path, calls)
            return calls
        return write_calls(path, calls)

    def _warm_up(self, contestants: list[Contestant]) -> None:
        """Run each once on few calls, unmeasured: programs and libraries are read from disk."""
        few = self.folder / "few.ndjson"
        self._write(few, min(WARM_UP, self.calls))
        for contestant in contestants:
            job = Job(self.folder / "warm-up", few, self.key)
            job.folder.mkdir()
            run_command(contestant.prepare(job), job)
            shutil.rmtree(job.folder)

    def _measure(self, turn: int, contestant: Contestant) -> None:
        job = Job(self.folder / contestant.name, self.raw_calls, self.key)
        job.folder.mkdir()
        command = contestant.prepare(job)
        _read_through(job.raw_calls)
        is_sound = self._add(contestant.name, contestant.title, run_command(command, job))
        if is_sound and turn == 0 and contestant.is_compared:
            facts = {name: output_facts(path) for name, path in command.outputs.items()}
            self._compare(contestant, facts)
        if is_sound and contestant is HIPAA_MODE:
            if turn == 0:
                self.found["nodes"] = _node_seconds(job.folder / "project")
            self._measure_later_builds(command, job)
        if is_sound and contestant is DEMO:
            self._add(*UNCHANGED, run_command(command, job))
        shutil.rmtree(job.folder)

    def _measure_later_builds(self, command: Command, job: Job) -> None:
        write_new_calls(job.arriving / "new.ndjson", max(self.calls // 100, 1))
        self._add(*INCREMENT, run_command(command, job))
        self._add(*UNCHANGED, run_command(command, job))
        none = Job(self.folder / "startup", self.empty, self.key)
        none.folder.mkdir()
        self._add(*STARTUP, run_command(HIPAA_MODE.prepare(none), none))
        shutil.rmtree(none.folder)

    def _add(self, name: str, title: str, figures: dict[str, Any]) -> bool:
        self.found.setdefault("titles", {})[name] = title
        self.found["runs"].setdefault(name, []).append(figures)
        if "failed" in figures:
            console.print(f"  [red]{title} failed: {figures['failed']}[/]")
            return False
        console.print(
            f"  {title}: {figures['seconds']:.1f} s, {figures['processor_seconds']:.1f} CPU s, "
            f"load {figures['load']}"
        )
        return True

    def _compare(self, contestant: Contestant, facts: dict[str, dict[str, str]]) -> None:
        if contestant is HIPAA_MODE:
            self.found["facts"] = facts
            return
        if "facts" in self.found:
            found = disagreements(self.found["facts"], facts, contestant.same_tokens)
            self.found["agrees"][contestant.name] = not found
            for difference in found:
                console.print(f"    [red]DIFFERENT[/]: {difference}", markup=True)


def run_command(command: Command, job: Job) -> dict[str, Any]:
    """Run a command; return what it took, or why it `failed`, and the load before it."""
    figures_file, log = job.folder / "figures.json", job.folder / "log.txt"
    load = round(os.getloadavg()[0], 2)
    finished = subprocess.run(
        [sys.executable, str(MEASURE), str(figures_file), str(log), *command.arguments],
        cwd=command.folder,
        env=command.full_environ(),
    )
    missing = [pattern for pattern in command.outputs.values() if not glob.glob(pattern)]
    if finished.returncode or missing:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        console.print("\n".join(lines[-LOG_LINES_SHOWN:]), markup=False)
        code = finished.returncode
        return {"failed": f"exit code {code}" if code else "an output is missing", "load": load}
    return {**json.loads(figures_file.read_text(encoding="ascii")), "load": load}


def _read_through(path: Path) -> None:
    """Read a file once, so that every contestant finds it in the system's cache alike."""
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 22):
            pass


def _node_seconds(project: Path) -> list[tuple[str, float]]:
    """Return dbt's own timings of its nodes, the longest first."""
    run_results = json.loads((project / "target" / "run_results.json").read_text("utf-8"))
    seconds = [
        (str(node["unique_id"]).split(".", 2)[2], float(node["execution_time"]))
        for node in run_results["results"]
    ]
    return sorted(seconds, key=lambda node: -node[1])[:12]


if __name__ == "__main__":
    sys.exit(main())
