"""Faults put in on purpose are caught, each by the layer that docs/mutants.md names.

The table is scripts/mutants/faults.py; `python scripts/mutants/run.py` takes every fault through
all layers in order, half an hour's work, and writes the document. Here every fault must still
change what it says, and many meet the layer that caught them there once more: all that tests of
Python catch, and those of `TAKEN`, which take a build.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "scripts/mutants"))

from checks import CHECKS
from fault import CHECK, MEANING, PROOF, TESTS, Fault
from faults import FAULTS
from forks import forks
from layers import LAYERS, Inspection
from sandbox import Edit, Sandbox
from table import DOCUMENT, as_markdown, read_rows
from verdicts import reason

SOUND = Fault("the sound project", "", "", "")
BY_NAME = {fault.name: fault for fault in FAULTS}
OF_PYTHON = [fault.name for fault in FAULTS if fault.is_of_python]
TAKEN = (
    "a column is added by hand",
    "a macro stands in for a function of the engine",
    "elements of a masked list are sent as they are",
    "properties that are not listed are allowed",
    "latest values: calls of nobody are somebody's",
    "latest values: the hour when one changed is told, and not the day",
    "a property of one event is shown on all",
    "surrogates are not different",
    "latest values: calls of one day are in the order of their hours, and verify takes it",
    "a subkey is in the compiled SQL",
    "latest values: verify takes any query over the calls",
    "a destination is published though a test warned",
    "rows are published in the order of arrival",
)
"""Of the faults that take a build some of each layer, of macros, models, Python and proof."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with forks() as server:
        yield Sandbox.create(tmp_path_factory.mktemp("mutants") / "sound", server)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sound project as it is before anything is built."""
    folder = tmp_path_factory.mktemp("mutants") / "written"
    Sandbox.write(folder)
    return folder


class TestTable:
    """The table and the document."""

    def test_the_document_has_a_row_for_every_fault_with_its_layer(self) -> None:
        caught = read_rows(DOCUMENT)
        assert {name: row.layer for name, row in caught.items()} == {
            fault.name: fault.layer for fault in FAULTS
        }
        assert len(FAULTS) == len(BY_NAME) >= 60
        assert {fault.layer for fault in FAULTS} == set(MEANING) == set(LAYERS)
        assert as_markdown(caught) == DOCUMENT.read_text(encoding="utf-8")

    @pytest.mark.parametrize("name", BY_NAME)
    def test_every_fault_changes_what_is_there(self, written: Path, name: str) -> None:
        fault = BY_NAME[name]
        texts: dict[Path, str] = {}
        for edit in (*fault.around, *fault.edits):
            place = edit.place(written)
            before = texts.get(place) or (place.read_text("utf-8") if place.exists() else "")
            texts[place] = edit.made_of(before)
            assert texts[place] != before
        assert fault.edits or fault.sql
        assert fault.expects
        assert bool(fault.check) == (fault.layer == CHECK)

    def test_text_that_is_not_there_once_is_no_fault(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("one two two")
        for old in ("two", "three"):
            with pytest.raises(ValueError, match="and not once"):
                Edit("file", old, "x").apply(path)
        Edit("file", "one", "three").apply(path)
        assert path.read_text() == "three two two"

    def test_what_is_said_must_be_said_by_the_layer_that_is_named(self) -> None:
        fault = Fault("", "", PROOF, "scope: ads")
        assert reason(fault, PROOF, ["x", "scope: ads__events"]) == ("scope: ads__events", "")
        assert reason(fault, PROOF, ["form: ads"])[
            1
        ] == "verify does not say 'scope: ads' but " + ("['form: ads']")
        assert "no layer caught it, and not verify" in reason(fault, "", [])[1]
        assert "dbt test caught it, and not verify" in reason(fault, TESTS, ["scope: ads"])[1]


class TestSound:
    """Without a fault no layer finds anything, and no check fails."""

    def test_every_layer_passes_with_all_that_surrounds_faults(
        self, sound: Sandbox, tmp_path: Path
    ) -> None:
        """All surroundings at once: they are independent of one another."""
        around = dict.fromkeys(edit for fault in FAULTS for edit in fault.around)
        fault = Fault("all surroundings", "", "", "", around=tuple(around))
        inspection = Inspection(sound, tmp_path / "copy", fault)
        found = {layer: inspection.by(layer) for layer in LAYERS if layer != CHECK}
        assert not any(found.values()), found

    @pytest.mark.parametrize(
        "check", [BY_NAME[name].check for name in TAKEN if BY_NAME[name].check in CHECKS]
    )
    def test_a_check_passes(self, sound: Sandbox, tmp_path: Path, check: str) -> None:
        fault = next(fault for fault in FAULTS if fault.check == check)
        inspection = Inspection(sound, tmp_path / "copy", fault, with_fault=False)
        assert inspection.by(CHECK) == []


class TestOfPython:
    """Faults that tests of Python catch: all of them."""

    @pytest.fixture(scope="class")
    @classmethod
    def package(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
        with forks() as server:
            folder = tmp_path_factory.mktemp("mutants") / "package"
            Sandbox.write(folder)
            sandbox = Sandbox(folder, server)
            # So that no copy needs to compile the tests.
            options = ("--collect-only", "-p", "no:cacheprovider", "-p", "no:xdist")
            files = {BY_NAME[name].check.partition("::")[0] for name in OF_PYTHON}
            tests = [f"tests/python/{file}" for file in sorted(files)]
            sandbox.run("pytest", *options, *tests, folder=folder / "repository")
            yield sandbox

    @pytest.mark.parametrize("name", OF_PYTHON)
    def test_one_is_caught(self, package: Sandbox, tmp_path: Path, name: str) -> None:
        fault = BY_NAME[name]
        inspection = Inspection(package, tmp_path / "copy", fault, with_project=False)
        assert reason(fault, CHECK, inspection.by(CHECK))[1] == ""
        inspection.remove()


@pytest.mark.parametrize("name", TAKEN)
def test_a_fault_is_caught(sound: Sandbox, tmp_path: Path, name: str) -> None:
    fault = BY_NAME[name]
    found = Inspection(sound, tmp_path / "copy", fault).by(fault.layer)
    assert reason(fault, fault.layer, found)[1] == ""
