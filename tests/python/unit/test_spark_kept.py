"""What a build on Spark leaves for the next one is used as it was left, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hipaa_mode import locking
from hipaa_mode.engines import spark_kept
from hipaa_mode.engines.spark import clear_warehouse, take_warehouse
from hipaa_mode.raw_files import KnownFile
from hipaa_mode.run import start_questions
from hipaa_mode.run.kept_calls import (
    MASKED,
    MODELS,
    READ,
    KeptCalls,
    digest_of_code,
    run_numbers,
)
from hipaa_mode.run.session import Session
from hipaa_mode.run.start_questions import StartRequest
from hipaa_mode.run.stored import Tables, TableState

KEPT = KeptCalls(
    made_with="code",
    run_numbers=(1, 2),
    tables={name: TableState(f"of {name}", 2, 1) for name in MODELS},
    files=(KnownFile(3, "calls.ndjson", 10, 5, "sample", 2, True),),
    last_number=7,
)


@pytest.fixture(autouse=True)
def release() -> None:
    locking.release_all()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give the folder that a build has kept something in."""
    take_warehouse(tmp_path)
    keep(tmp_path, KEPT, b"rows")
    return tmp_path / "hipaa_mode" / spark_kept.FOLDER


def keep(warehouse: Path, kept: KeptCalls, rows: bytes) -> None:
    """Keep a table as the end of a build does."""
    table = warehouse / "main_restricted.db" / READ
    codes = warehouse / "hipaa_mode" / "surrogate_codes"
    for folder in (table, codes):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "part-0.parquet").write_bytes(rows)
    place = warehouse / "hipaa_mode" / spark_kept.FOLDER
    spark_kept.put_in_place(place, codes, kept, {READ: table})
    clear_warehouse(warehouse)


def read(place: Path) -> KeptCalls | str:
    return spark_kept.read(place, place.with_name("surrogate_codes"))


def test_what_is_kept_is_found_as_it_was(place: Path) -> None:
    assert read(place) == KEPT
    assert (place / READ / "part-0.parquet").read_bytes() == b"rows"
    assert place.stat().st_mode & 0o077 == 0


def test_what_is_kept_later_takes_its_place(place: Path) -> None:
    later = replace(KEPT, run_numbers=(1, 2, 3))
    keep(place.parent.parent, later, b"other rows")
    assert read(place) == later
    assert (place / READ / "part-0.parquet").read_bytes() == b"other rows"


@pytest.mark.parametrize("has_new", [False, True])
def test_a_build_that_is_killed_while_it_keeps_leaves_one_state(
    place: Path, has_new: bool
) -> None:
    warehouse = place.parent.parent
    place.rename(place.with_name(place.name + spark_kept.BEFORE))
    new = place.with_name(place.name + ".new")
    if has_new:
        new.mkdir()
        (new / "state.json").write_text("half of")
    locking.release_all()
    take_warehouse(warehouse)
    clear_warehouse(warehouse)
    assert read(place) == KEPT
    assert not new.exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda place: (place / "state.json").unlink(), "nothing is kept yet"),
        (lambda place: (place / "state.json").write_text("{"), "can't be read"),
        (lambda place: (place / "state.json").write_text('{"format": 0}'), "another version"),
        (lambda place: (place / READ / "part-0.parquet").unlink(), "not as they were left"),
        (lambda place: (place / READ / "part-1.parquet").write_bytes(b""), "not as they were"),
        (
            lambda place: (place.parent / "surrogate_codes/part-1.parquet").write_bytes(b""),
            "surrogate codes came or went",
        ),
    ],
    ids=["no state", "half of a state", "other format", "file gone", "file more", "other codes"],
)
def test_what_is_not_as_it_was_left_is_not_used(
    place: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(place)
    found = read(place)
    assert isinstance(found, str) and said in found


def test_a_state_that_lacks_a_table_is_not_used(place: Path) -> None:
    state = json.loads((place / "state.json").read_text())
    del state["kept"]["tables"][MASKED[0]]
    (place / "state.json").write_text(json.dumps(state))
    assert read(place) == "what is kept can't be read"


def test_the_digest_of_code_depends_on_every_text() -> None:
    assert digest_of_code(["a", "b"]) == digest_of_code(["a", "b"])
    assert len({digest_of_code(texts) for texts in (["a", "b"], ["ab"], ["b", "a"], [])}) == 4


def test_its_runs_are_known_of_the_masked_tables_alone() -> None:
    tables = Tables(KEPT.rows_of_builds())
    assert tables.was_brought_up_to_date(MASKED[0], 1)
    assert not tables.was_brought_up_to_date(MASKED[0], 3)
    assert tables.state(READ) is None


@pytest.mark.parametrize(
    ("before", "published", "known"),
    [
        (None, [], (9,)),
        (None, [2], (9,)),
        (KEPT, [9, 9], (9,)),
        (KEPT, [9, 2], (2, 9)),
        (KEPT, [1], (1, 2, 9)),
        (KEPT, [], (9,)),
    ],
)
def test_runs_are_known_since_the_first_that_something_is_published_of(
    before: KeptCalls | None, published: list[int], known: tuple[int, ...]
) -> None:
    assert run_numbers(before, 9, published) == known


class OfTests(Session):
    """A run that has kept rows."""

    bridged: tuple[str, ...] = ()

    def __init__(self, scopes: list[str]) -> None:
        super().__init__({})
        self._kept = KEPT
        self._keeps_calls = True
        self._plan_of_tests = SimpleNamespace(scopes=scopes, fingerprint="of a plan")

    def _started_plan(self) -> Any:
        return self._plan_of_tests

    def _bridged_keys(self) -> list[str]:
        return list(self.bridged)


def test_a_masked_table_goes_on_only_if_the_calls_read_did() -> None:
    run = OfTests(["*"])
    assert not run._goes_on(MASKED[0], f"of {MASKED[0]}")
    assert run._goes_on(READ, f"of {READ}")
    assert run._goes_on(MASKED[0], f"of {MASKED[0]}")
    assert not run._goes_on(MASKED[1], "made otherwise")
    assert not run._goes_on("duplicate_calls", "made always")
    assert run.kept_rows(MASKED[1]) is None


def test_calls_that_are_read_otherwise_are_read_anew() -> None:
    run = OfTests(["*"])
    assert not run._goes_on(READ, "made otherwise")
    assert run.kept_rows(READ) is None


def test_no_masked_table_without_row_ids_goes_on() -> None:
    run = OfTests([])
    assert run._goes_on(READ, f"of {READ}")
    assert not run._goes_on(MASKED[0], f"of {MASKED[0]}")


MADE_WITH = digest_of_code(["of a plan", "a macro", "a model"])


@pytest.mark.parametrize(
    ("kept", "wanted", "bridged", "said"),
    [
        (replace(KEPT, made_with=MADE_WITH), True, (), None),
        (replace(KEPT, made_with=MADE_WITH), False, (), ""),
        (replace(KEPT, made_with=MADE_WITH), True, ("a key",), "retired key are bridged"),
        (KEPT, True, (), "configuration, the project's macros or the package changed"),
        ("nothing is kept yet", True, (), "nothing is kept yet"),
    ],
    ids=["usable", "not asked for", "bridged", "other code", "none"],
)
def test_what_can_not_be_used_is_removed_and_the_run_says_why(
    monkeypatch: pytest.MonkeyPatch,
    kept: KeptCalls | str,
    wanted: bool,
    bridged: tuple[str, ...],
    said: str | None,
) -> None:
    forgotten: list[str] = []
    run = OfTests(["*"])
    run._kept, run.bridged = None, bridged
    engine: Any = SimpleNamespace(
        kept_calls=lambda: kept, forget_calls=lambda: forgotten.append("all")
    )
    run._engine = engine
    node = SimpleNamespace(
        resource_type="model",
        package_name="hipaa_mode",
        config=SimpleNamespace(materialized="view"),
        raw_code="a model",
    )
    manifest = SimpleNamespace(
        macros={"m": SimpleNamespace(macro_sql="a macro")},
        nodes={"a": node, "b": SimpleNamespace(resource_type="test")},
    )
    adapter = SimpleNamespace(get_macro_resolver=lambda: manifest)
    monkeypatch.setattr(start_questions, "running_adapter", lambda: adapter)
    run._begin_keeping(StartRequest("dev", "", {}, {}, keeps_calls=wanted, bridges_tokens=True))
    assert (run._kept is None) == (forgotten == ["all"]) == (said is not None)
    assert said is None or said in " ".join(run._noted)
