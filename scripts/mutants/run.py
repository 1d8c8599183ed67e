"""Puts every fault of faults.py into a copy of the product and writes which layer caught it.

    python scripts/mutants/run.py                  # all of them, and docs/mutants.md
    python scripts/mutants/run.py --only 'hook'    # those with this in their name, and their rows
    python scripts/mutants/run.py --missing        # those without a row, as after a run cut short

Needs the project installed (`make setup`). Exit code 1 if a fault is caught by no layer, by
another than faults.py says, or for another reason; or if a layer finds something in the sound
copy. Such a fault has no row in the document, which the tests miss. A run of some faults leaves
the rows of the others as they are.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fault import CHECK, Fault
from faults import FAULTS
from forks import forks
from layers import LAYERS, Inspection, first_layer
from rich.console import Console
from rich.markup import escape
from sandbox import Sandbox
from table import DOCUMENT, Caught, as_markdown, read_rows
from verdicts import reason

console = Console(highlight=False, soft_wrap=True)


def main() -> int:
    """Run the faults; the exit code is 1 where one is not caught as it should be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", action="append", help="part of the names of the faults to run; may be repeated"
    )
    parser.add_argument(
        "--missing", action="store_true", help="only the faults that have no row in the document"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="faults at a time")
    arguments = parser.parse_args()
    parts = arguments.only or [""]
    rows = read_rows(DOCUMENT) if arguments.only or arguments.missing else {}
    chosen = [
        fault
        for fault in FAULTS
        if any(part in fault.name for part in parts)
        and not (arguments.missing and fault.name in rows)
    ]
    for fault in chosen:
        rows.pop(fault.name, None)
    with forks() as server, tempfile.TemporaryDirectory(prefix="hipaa_mode_mutants_") as folder:
        sound = Sandbox.create(Path(folder) / "sound", server)
        if not _is_sound(sound, Path(folder)):
            return 1
        lock = threading.Lock()

        def look(number: int) -> str:
            row, problem = _caught(sound, Path(folder) / str(number), chosen[number])
            if not problem:
                with lock:
                    rows[row.fault.name] = row
                    DOCUMENT.write_text(as_markdown(rows), encoding="utf-8")
            return problem

        with ThreadPoolExecutor(arguments.jobs) as pool:
            problems = list(pool.map(look, range(len(chosen))))
    DOCUMENT.write_text(as_markdown(rows), encoding="utf-8")
    wrong = sum(bool(problem) for problem in problems)
    told = f"{len(chosen) - wrong} of {len(chosen)} faults are caught as they should be"
    console.print(f"[{'red' if wrong else 'green'}]{told}.[/] {DOCUMENT} has {len(rows)} rows")
    return 1 if wrong else 0


def _is_sound(sound: Sandbox, folder: Path) -> bool:
    """Tell whether every layer passes the copy without a fault."""
    inspection = Inspection(sound, folder / "without a fault", Fault("", "", "", ""))
    found = {layer: inspection.by(layer) for layer in LAYERS if layer != CHECK}
    for layer, lines in found.items():
        if lines:
            console.print(f"[red]{layer} finds something in the sound copy[/]: {lines}")
    return not any(found.values())


def _caught(sound: Sandbox, folder: Path, fault: Fault) -> tuple[Caught, str]:
    """Take a fault through the layers; say what is wrong with how it was caught, if so."""
    started = time.monotonic()
    try:
        inspection = Inspection(sound, folder, fault)
        layer, found = first_layer(inspection)
        said, problem = reason(fault, layer, found)
        inspection.remove()
    except (RuntimeError, ValueError, OSError, KeyError) as error:
        # One fault that can't be looked at does not cost the work on the others.
        layer, said, problem = "", "", f"{type(error).__name__}: {error}"
    by = layer or "[red]NOT CAUGHT[/]"
    console.print(f"{escape(fault.name)}: {by} ({time.monotonic() - started:.0f} s)")
    if problem:
        console.print(f"    [red]{escape(problem)}[/]")
    return Caught(fault, layer, said), problem


if __name__ == "__main__":
    sys.exit(main())
