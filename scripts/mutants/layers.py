"""The layers that must catch a fault, in the order in which a fault meets them.

Each layer looks at a copy of the project with a fault in it and returns what it has to say: a
line for everything it found, none if it found nothing.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import checks
import pyarrow.parquet as pq
from checks import MODELS_ONLY
from fault import CANARIES, CHECK, CONSTRUCTION, EXPERIMENT, PROOF, TESTS, Fault
from project import KEY, subkey
from sandbox import Sandbox

_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$", re.MULTILINE)

LAYERS = (CONSTRUCTION, TESTS, PROOF, EXPERIMENT, CANARIES, CHECK)


class Inspection:
    """A copy of the project with one fault, looked at layer by layer."""

    def __init__(
        self,
        sound: Sandbox,
        folder: Path,
        fault: Fault,
        with_fault: bool = True,
        with_project: bool = True,
    ) -> None:
        """Make the copy.

        Args:
            sound: the project without the fault.
            folder: where to make the copy.
            fault: the fault.
            with_fault: False leaves the fault out and keeps what surrounds it.
            with_project: False copies the package alone, which does for tests of Python.
        """
        edits = (*fault.around, *(fault.edits if with_fault else ()))
        self.fault = fault
        if with_project:
            self.sandbox = sound.copy(folder, edits, is_built=fault.is_built or bool(fault.sql))
        else:
            self.sandbox = sound.copy_of_package(folder, edits)
        if fault.sql and with_fault:
            self.sandbox.sql(*fault.sql)
        self._built: tuple[int, str] | None = None

    def remove(self) -> None:
        """Remove the copy."""
        shutil.rmtree(self.sandbox.folder)

    def by(self, layer: str) -> list[str]:
        """Return what a layer finds."""
        looks: dict[str, Callable[[], list[str]]] = {
            CONSTRUCTION: self._construction,
            TESTS: self._tests,
            PROOF: self._proof,
            EXPERIMENT: self._experiment,
            CANARIES: self._canaries,
            CHECK: self._check,
        }
        return looks[layer]()

    def _build(self) -> tuple[int, str]:
        if self._built is None:
            results = self.sandbox.project.folder / "target/run_results.json"
            results.unlink(missing_ok=True)
            self._built = self.sandbox.dbt("build")
        return self._built

    def _construction(self) -> list[str]:
        """Build, and return why the package refused to go on; a mere crash is no refusal."""
        code, output = self._build()
        return list(_refusals(output)) if code else []

    def _tests(self) -> list[str]:
        """Build, and return the dbt tests that did not pass."""
        self._build()
        results = self.sandbox.project.results()
        failed = {name: r["status"] for name, r in results.items() if r["status"] != "pass"}
        return [
            f"{name.rstrip('_')} ({status})"
            for name, status in failed.items()
            if status in ("fail", "error") and results[name]["unique_id"].startswith("test.")
        ]

    def _proof(self) -> list[str]:
        """Compile, and return the violations that verify finds."""
        code, output = self.sandbox.dbt("compile", *MODELS_ONLY)
        if code:
            return []
        code, output = self.sandbox.run(
            "hipaa-mode", "verify", "--manifest", "target/manifest.json", "--json"
        )
        if code not in (0, 1):
            return []
        return [
            f"{v['rule']}: {v['view']}{'.' + v['column'] if v['column'] else ''}: {v['problem']}"
            for proof in json.loads(output)
            for v in proof["verdicts"]
            if v["outcome"] == "violation"
        ]

    def _experiment(self) -> list[str]:
        """Run the selftest, and return what interferes or is not shown."""
        _, output = self.sandbox.run(
            *("hipaa-mode", "selftest", "--calls", "raw_calls/*.ndjson"),
            *("--sample", "0", "--json", *self.sandbox.options_of_selftest),
        )
        if "{\n" not in output:
            return []
        outcome = json.loads(output[output.index("{\n") :])
        found: list[str] = list(outcome["problems"])
        for verdict in outcome["destinations"]:
            found += verdict["problems"]
            for item in verdict["differences"]:
                place = f"{item['view']}{'.' + item['column'] if item['column'] else ''}"
                found.append(f"{place}: {item['problem']}")
        return list(dict.fromkeys(found))

    def _canaries(self) -> list[str]:
        """Build with debug logs, and return where planted values and the key are shown."""
        _, output = self.sandbox.dbt("--debug", "--log-level-file", "debug", "build")
        secrets = {
            "the key": KEY,
            "a subkey": subkey("dev", "*"),
            "a subkey ": subkey("dev", "ads"),
        }
        found = []
        for name, content in (*self._shown(), ("the terminal", output.encode())):
            told = content.lower()
            if b"canary" in told:
                found.append(f"a planted value in {name}")
            found += [
                f"{what.strip()} in {name}"
                for what, key in secrets.items()
                if key.encode() in told
            ]
        return list(dict.fromkeys(found))

    def _shown(self) -> Iterator[tuple[str, bytes]]:
        """Yield all that dbt wrote and the package published, the Parquet files decoded."""
        root = self.sandbox.project.folder
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            if not path.is_file() or name.parts[0] not in ("target", "logs", "published"):
                continue
            yield str(name), path.read_bytes()
            if path.suffix == ".parquet":
                yield str(name), repr(pq.ParquetFile(path).read().to_pylist()).encode()

    def _check(self) -> list[str]:
        """Run the check of the project that the fault names, and return what fails of it."""
        if self.fault.check in checks.CHECKS:
            return checks.CHECKS[self.fault.check](self.sandbox)
        options = ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:anyio", "-W", "ignore")
        node = f"tests/python/{self.fault.check}"
        repository = self.sandbox.folder / "repository"
        code, output = self.sandbox.run("pytest", *options, node, folder=repository)
        failed = _FAILED.findall(output)
        if code not in (0, 1) or bool(code) != bool(failed):
            raise RuntimeError(f"the checks did not run: {output[-3000:]}")
        return [found.removeprefix("tests/python/") for found in failed]


def _refusals(output: str) -> Iterator[str]:
    """Yield what errors of the package say: a first line, and the faults it lists."""
    is_ours = False
    for line in output.splitlines():
        text = line.strip()
        if line.startswith(" ") and text.startswith(("hipaa_mode: ", "hipaa_mode could not")):
            is_ours = True
            yield text.removeprefix("hipaa_mode: ")
        elif is_ours and text.startswith("- "):
            yield text.removeprefix("- ")
        else:
            is_ours = False


def first_layer(inspection: Inspection) -> tuple[str, list[str]]:
    """Return the first layer that finds something, and what; a blank name if none does."""
    for layer in LAYERS:
        if layer == CHECK and not inspection.fault.check:
            continue
        found = inspection.by(layer)
        if found:
            return layer, found
    return "", []
