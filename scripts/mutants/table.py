"""docs/mutants.md: the table of faults and of the layer that catches each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fault import MEANING, Fault
from faults import FAULTS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/mutants.md"
COMMAND = "python scripts/mutants/run.py"
LONGEST_SAID = 110


@dataclass(frozen=True)
class Caught:
    """A fault, the first layer that caught it, and what it said."""

    fault: Fault
    layer: str
    said: str


def as_markdown(caught: Mapping[str, Caught]) -> str:
    """Write the document from its rows by the names of the faults, in the table's order."""
    rows = [caught[fault.name] for fault in FAULTS if fault.name in caught]
    counts = Counter(row.layer for row in rows)
    lines = [
        "# Faults put in on purpose",
        "",
        f"Written by `{COMMAND}`. Each of these {len(rows)} faults is a small change of a copy of "
        "the product: of its",
        "macros, models, seeds, plugin, Python package, publishing, audit log or of the proof "
        "itself. The layers look at",
        "the copy in this order, and the first that finds the fault is named, with what it says. "
        "The sound copy passes",
        "them all. `pytest tests/python/build/test_mutants.py` looks that each still changes what "
        "it should, and takes all",
        "that tests of Python catch through it again, and some of those that take a build.",
        "",
        "| layer | what it means that it catches a fault | faults |",
        "| --- | --- | ---: |",
        *(f"| {layer} | {meaning} | {counts[layer]} |" for layer, meaning in MEANING.items()),
        "",
        "| fault | in | caught by | which says |",
        "| --- | --- | --- | --- |",
        *(
            f"| {row.fault.name} | {row.fault.area} | {row.layer} | {_cell(row.said)} |"
            for row in rows
        ),
        "",
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    text = text if len(text) <= LONGEST_SAID else text[: LONGEST_SAID - 1] + "…"
    return text.replace("|", "\\|").replace("<", "&lt;")


def read_rows(document: Path) -> dict[str, Caught]:
    """Return the rows of a document by the names of their faults; none if there is no document.

    Rows of faults that the table no longer has are left out.
    """
    text = document.read_text(encoding="utf-8") if document.exists() else ""
    rows = re.findall(r"^\| (.+?) \| .+? \| (.+?) \| (.*) \|$", text, re.MULTILINE)
    faults = {fault.name: fault for fault in FAULTS}
    return {
        name: Caught(faults[name], layer, said.replace("\\|", "|").replace("&lt;", "<"))
        for name, layer, said in rows
        if name in faults
    }
