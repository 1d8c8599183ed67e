"""Faults put in on purpose are caught on PostgreSQL, too; see scripts/mutants/on_postgres.py.

Many are taken through the layers there; here one that a test of the build catches, and one
that `verify` does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from postgres_server import Server
from project import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "scripts/mutants"))

from fault import CONSTRUCTION, PROOF, TESTS
from faults import FAULTS
from forks import forks
from layers import Inspection
from on_postgres import (
    DOCUMENT,
    LAYERS,
    PostgresSandbox,
    as_markdown,
    caught,
    is_of_postgres,
    read_rows,
)
from verdicts import reason

TAKEN = {
    "ids are sent as they are": TESTS,
    "a path is widened to its parent object": PROOF,
}
BY_NAME = {fault.name: fault for fault in FAULTS if is_of_postgres(fault)}


@pytest.fixture(scope="module")
def sound(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresSandbox]:
    folder = tmp_path_factory.mktemp("mutants") / "written"
    with forks() as server:
        PostgresSandbox.write(folder)
        yield PostgresSandbox(folder, server, postgres)


@pytest.mark.parametrize("name", TAKEN)
def test_a_fault_is_caught(sound: PostgresSandbox, tmp_path: Path, name: str) -> None:
    fault = BY_NAME[name]
    assert fault.layer == TAKEN[name]
    found = Inspection(sound, tmp_path / "copy", fault).by(fault.layer)
    assert reason(fault, fault.layer, found)[1] == ""


def test_sql_that_does_not_run_is_no_finding() -> None:
    crashed = (
        "NOT published: `ga4`, its last good files stay: ga4__events failed; a test was skipped"
    )
    said = {CONSTRUCTION: [crashed], PROOF: ["form: of a view"]}
    inspection = SimpleNamespace(
        fault=BY_NAME["ids are sent as they are"], by=lambda layer: said.get(layer, [])
    )
    assert caught(cast(Inspection, inspection)) == (PROOF, "form: of a view")


def test_the_document_is_of_faults_that_there_are() -> None:
    rows = read_rows()
    assert rows.keys() <= BY_NAME.keys()
    assert all(layer in LAYERS and said for layer, said in rows.values())
    assert as_markdown(rows) == DOCUMENT.read_text(encoding="utf-8")


def test_what_another_engine_alone_runs_is_no_fault_here() -> None:
    [masking] = [fault for fault in FAULTS if fault.name == "the masking function is not called"]
    [published] = [fault for fault in FAULTS if fault.name == "a refused run is not recorded"]
    assert not is_of_postgres(masking)
    assert not is_of_postgres(published)
