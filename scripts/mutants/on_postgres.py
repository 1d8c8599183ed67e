"""Faults of macros and models once more, on PostgreSQL: docs/mutants_postgres.md.

    python scripts/mutants/on_postgres.py                 # all of them, and the document
    python scripts/mutants/on_postgres.py --only 'scope'  # those with this in their name
    python scripts/mutants/on_postgres.py --missing       # those without a row

Each is looked at by the layer that catches it on DuckDB, then by the others. Starts a server of
its own. Exit code 1 if a fault is caught by no layer, or the sound copy is not.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from fault import CHECK, CONSTRUCTION, EXPERIMENT, PROOF, TESTS, Fault
from faults import FAULTS
from forks import Forks, forks
from layers import Inspection
from postgres_project import NAMED, RAW, PostgresProject
from postgres_server import Server, run_server
from rich.console import Console
from rich.markup import escape
from sandbox import REPOSITORY, Edit, Sandbox

DOCUMENT = REPOSITORY / "docs/mutants_postgres.md"
DATABASE = "mutants"
LAYERS = (CONSTRUCTION, TESTS, PROOF, EXPERIMENT)
ON_POSTGRES = ("--target", "postgres")
LONGEST_SAID = 110
CRASHED = re.compile(r"NOT published: .*: \w+ failed;")

_MACRO = re.compile(r"{%-? macro (\w+)\(")
_OF_OTHERS = ("duckdb__", "spark__")
_OF_DUCKDB = "create or replace macro hipaa_functions"


def is_of_postgres(fault: Fault, root: Path = REPOSITORY) -> bool:
    """Whether a fault changes SQL that PostgreSQL runs: no macro of another engine."""
    return (
        bool(fault.edits)
        and fault.layer != CHECK
        and all(_is_shared(edit, root) for edit in fault.edits)
    )


def _is_shared(edit: Edit, root: Path) -> bool:
    if _OF_DUCKDB in edit.new:
        return False
    if not edit.file.startswith(("macros/", "models/")) or "functions" in edit.file:
        return False
    path = root / edit.file
    text = path.read_text("utf-8") if edit.old and path.exists() else ""
    names = _MACRO.findall(text[: text.find(edit.old)]) if text else []
    return not (names and names[-1].startswith(_OF_OTHERS))


class PostgresSandbox(Sandbox):
    """A copy of the project whose database is on a server; one is there at a time."""

    options_of_selftest = ON_POSTGRES

    def __init__(self, folder: Path, server: Forks, postgres: Server) -> None:
        super().__init__(folder, server)
        self.postgres = postgres
        self.project.environment |= {
            "HIPAA_MODE_RAW_CALLS": RAW,
            "PGHOST": "127.0.0.1",
            "PGPORT": str(postgres.port),
            "PGUSER": postgres.user,
            "PGDATABASE": DATABASE,
        }

    def at(self, folder: Path) -> PostgresSandbox:
        """Return the sandbox that is in another folder."""
        return PostgresSandbox(folder, self.server, self.postgres)

    def dbt(self, command: str, *arguments: str) -> tuple[int, str]:
        """Run dbt on the server; before a build the database is made anew."""
        if command == "build":
            self._make_database()
        given = ("--vars", "{" + NAMED + "}")
        return super().dbt(command, *ON_POSTGRES, *given, *arguments)

    def _make_database(self) -> None:
        self.postgres.run(f"drop database if exists {DATABASE} with (force);")
        self.postgres.create_database(DATABASE)
        made = PostgresProject(self.project.folder, server=self.postgres, base=DATABASE)
        made.ask(f"create schema raw; create table {RAW} (message bytea)")
        made.load()


def caught(inspection: Inspection) -> tuple[str, str]:
    """Return the layer that catches a fault, and what it says; blank where none does.

    That nothing was published since a model failed is no finding: its SQL may be none here.
    """
    fault = inspection.fault
    for layer in dict.fromkeys((fault.layer, *LAYERS)):
        if found := [line for line in inspection.by(layer) if not CRASHED.match(line)]:
            said = next((line for line in found if re.search(fault.expects, line)), found[0])
            return layer, said
    return "", ""


Rows = dict[str, tuple[str, str]]


def as_markdown(rows: Mapping[str, tuple[str, str]]) -> str:
    """Write the document: of each fault the layer that caught it, and what that said."""
    lines = [
        "# Faults put in on purpose, on PostgreSQL",
        "",
        f"Written by `python scripts/mutants/on_postgres.py`. These {len(rows)} faults of "
        "mutants.md change SQL that PostgreSQL runs, too.",
        "Each is looked at by the layer that catches it on DuckDB, and where that finds nothing "
        "by the others.",
        "",
        "| fault | caught by | which says |",
        "| --- | --- | --- |",
        *(f"| {name} | {layer} | {_cell(said)} |" for name, (layer, said) in rows.items()),
        "",
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    text = text if len(text) <= LONGEST_SAID else text[: LONGEST_SAID - 1] + "…"
    return text.replace("|", "\\|").replace("<", "&lt;")


def read_rows() -> Rows:
    """Return the rows of the document."""
    text = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    found = re.findall(r"^\| (.+?) \| (.+?) \| (.*) \|$", text, re.MULTILINE)[2:]
    return {
        name: (layer, said.replace("\\|", "|").replace("&lt;", "<")) for name, layer, said in found
    }


def main() -> int:
    """Run the faults; the exit code is 1 where one is not caught."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", help="part of the names of the faults to run")
    parser.add_argument("--missing", action="store_true", help="only faults without a row")
    parser.add_argument("--seconds", type=float, help="begin with none after so many")
    arguments = parser.parse_args()
    all_of_them = [fault for fault in FAULTS if is_of_postgres(fault)]
    rows = read_rows()
    chosen = [
        fault
        for fault in all_of_them
        if any(part in fault.name for part in arguments.only or [""])
        and not (arguments.missing and fault.name in rows)
    ]
    console = Console(highlight=False, soft_wrap=True)
    survivors, began = 0, time.monotonic()
    with (
        forks() as server,
        tempfile.TemporaryDirectory(prefix="hipaa_mode_mutants_") as name,
        run_server(Path(name)) as postgres,
    ):
        sound = PostgresSandbox(Path(name) / "sound", server, postgres)
        PostgresSandbox.write(sound.folder)
        code, output = sound.dbt("build")
        if code:
            console.print(f"[red]the sound copy is not built[/]: {escape(output[-2000:])}")
            return 1
        for number, fault in enumerate(chosen):
            if arguments.seconds and time.monotonic() - began > arguments.seconds:
                break
            inspection = Inspection(sound, Path(name) / str(number), fault)
            rows[fault.name] = layer, said = caught(inspection)
            inspection.remove()
            console.print(f"{escape(fault.name)}: {layer or '[red]NOT CAUGHT[/]'}: {escape(said)}")
            if not layer:
                survivors += 1
                del rows[fault.name]
            DOCUMENT.write_text(as_markdown(_in_order(rows, all_of_them)), encoding="utf-8")
    return 1 if survivors else 0


def _in_order(rows: Rows, faults: Iterable[Fault]) -> Rows:
    return {fault.name: rows[fault.name] for fault in faults if fault.name in rows}


if __name__ == "__main__":
    sys.exit(main())
