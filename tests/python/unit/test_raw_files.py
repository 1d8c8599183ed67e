"""A build reads what the warehouse does not have, and forgets what is no longer there."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hipaa_mode.errors import RawCallsError
from hipaa_mode.raw_calls import RawFile, RawLines, RawLocation, locate
from hipaa_mode.raw_files import (
    MANY_BYTES,
    SAMPLE_BYTES,
    KnownFile,
    Reading,
    are_many,
    as_known,
    as_read,
    plan_reading,
)

Message = tuple[int, int, str]


class Warehouse:
    """Reads a folder as builds do, one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[int, KnownFile] = {}
        self.messages: dict[int, list[Message]] = {}
        self.last_number = 0

    def build(self) -> Reading:
        location = locate("*", self.folder)
        reading = plan_reading(location, self.known.values(), self.last_number)
        self.last_number = max((self.last_number, *(file.number for file in reading.files)))
        lines = RawLines(location, reading.files)
        for number in reading.removed:
            del self.known[number], self.messages[number]
        rows = pa.RecordBatchReader.from_stream(lines).read_all().to_pylist()
        for row in rows:
            message = (row["file_number"], row["line_number"], row["message"])
            self.messages.setdefault(row["file_number"], []).append(message)
        for file in reading.files:
            self.messages.setdefault(file.number, [])
            self.known[file.number] = as_known(file, lines.line_counts)
        return reading

    def texts(self) -> list[tuple[int, str]]:
        return sorted(m[1:] for messages in self.messages.values() for m in messages)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def test_a_file_is_read_once(warehouse: Warehouse) -> None:
    (warehouse.folder / "a").write_bytes(b"one\ntwo\n")
    assert len(warehouse.build().files) == 1
    again = warehouse.build()
    assert (again.files, again.removed, again.unchanged) == ((), (), 1)
    assert warehouse.texts() == [(1, "one"), (2, "two")]


def test_a_file_that_grew_is_read_on(warehouse: Warehouse) -> None:
    path = warehouse.folder / "a"
    path.write_bytes(b"\xef\xbb\xbfone\n\ntwo\n")
    warehouse.build()
    with path.open("ab") as file:
        file.write(b"three\nfour")
    [part] = warehouse.build().files
    assert (part.start, part.first_line, part.number) == (12, 4, 1)
    assert warehouse.texts() == [(1, "one"), (3, "two"), (4, "three"), (5, "four")]


def test_a_file_whose_last_line_had_no_end_is_read_again(warehouse: Warehouse) -> None:
    path = warehouse.folder / "a"
    path.write_bytes(b"one\ntw")
    warehouse.build()
    with path.open("ab") as file:
        file.write(b"o\n")
    assert warehouse.build().removed == (1,)
    assert warehouse.texts() == [(1, "one"), (2, "two")]


@pytest.mark.parametrize(
    "content", [b"two\nthree\n", b"on\n", b"uno\ndos\n", b"oneX\ntwo\nthree\n", b""]
)
def test_a_file_that_changed_otherwise_is_read_again(warehouse: Warehouse, content: bytes) -> None:
    path = warehouse.folder / "a"
    path.write_bytes(b"one\ntwo\n")
    warehouse.build()
    path.write_bytes(content)
    reading = warehouse.build()
    assert reading.removed == (1,)
    assert [text for _, text in warehouse.texts()] == content.decode().split()


def test_a_touched_file_is_read_again(warehouse: Warehouse) -> None:
    path = warehouse.folder / "a"
    path.write_bytes(b"one\n")
    warehouse.build()
    os.utime(path, ns=(1, 1))
    assert warehouse.build().removed == (1,)
    assert warehouse.texts() == [(1, "one")]


def test_the_calls_of_a_file_that_is_gone_go_too(warehouse: Warehouse) -> None:
    for name in ("a", "b"):
        (warehouse.folder / name).write_text(f"{name}\n")
    warehouse.build()
    (warehouse.folder / "a").unlink()
    assert warehouse.build().removed == (1,)
    assert warehouse.texts() == [(1, "b")]


def test_a_number_is_not_given_again(warehouse: Warehouse) -> None:
    for name in ("a", "b"):
        (warehouse.folder / name).write_text(f"{name}\n")
    warehouse.build()
    (warehouse.folder / "b").unlink()
    warehouse.build()
    (warehouse.folder / "c").write_text("c\n")
    assert [file.number for file in warehouse.build().files] == [3]


def test_compressed_and_parquet_files_are_read_whole_again(warehouse: Warehouse) -> None:
    path = warehouse.folder / "a.gz"
    path.write_bytes(gzip.compress(b"one\n"))
    warehouse.build()
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert warehouse.build().removed == (1,)
    assert warehouse.texts() == [(1, "one"), (2, "two")]
    path.unlink()
    for texts in (["one"], ["one", "two"]):
        pq.write_table(pa.table({"message": texts}), warehouse.folder / "a.parquet")
        warehouse.build()
        assert [text for _, text in warehouse.texts()] == texts


def test_growth_after_a_change_within_the_sampled_bytes_is_no_growth(
    warehouse: Warehouse,
) -> None:
    path = warehouse.folder / "a"
    long = b"x" * (3 * SAMPLE_BYTES) + b"\n"
    path.write_bytes(b"one\n" + long)
    warehouse.build()
    path.write_bytes(b"two\n" + long + b"three\n")
    assert warehouse.build().removed == (1,)


def test_a_file_that_is_gone_when_it_was_read_stops_the_run(warehouse: Warehouse) -> None:
    path = warehouse.folder / "a"
    path.write_bytes(b"one\n")
    [file] = locate("*", warehouse.folder).files
    path.unlink()
    with pytest.raises(RawCallsError, match="is gone since the run began"):
        as_known(file, {})


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "replace", "remove", "compress"]),
        st.sampled_from(["a", "b", "c"]),
        st.lists(st.sampled_from(["one", "two", "", "three"]), max_size=3),
    ),
    max_size=8,
).filter(lambda steps: any(what != "remove" for what, _, _ in steps))


@settings(max_examples=60)
@given(STEPS)
def test_after_any_changes_the_warehouse_has_what_a_new_one_reads(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, list[str]]]
) -> None:
    folder = tmp_path_factory.mktemp("files")
    warehouse = Warehouse(folder)
    (folder / "always").write_text("here\n")
    for clock, (what, name, lines) in enumerate(steps):
        path = folder / name
        content = "".join(f"{line}\n" for line in lines).encode()
        if what == "append":
            is_gzip = path.exists() and path.read_bytes()[:2] == b"\x1f\x8b"
            with path.open("ab") as file:
                file.write(gzip.compress(content) if is_gzip else content)
        elif what == "replace":
            path.write_bytes(content)
        elif what == "compress":
            path.write_bytes(gzip.compress(content))
        elif path.exists():
            path.unlink()
        if path.exists():
            os.utime(path, ns=(clock + 1, clock + 1))
        warehouse.build()
        fresh = Warehouse(folder)
        fresh.build()
        assert warehouse.texts() == fresh.texts()


def test_a_file_is_read_again_as_far_as_it_was_read(warehouse: Warehouse) -> None:
    (warehouse.folder / "a").write_bytes(b"one\n")
    warehouse.build()
    with (warehouse.folder / "a").open("ab") as file:
        file.write(b"two\n")
    location = locate("*", warehouse.folder)
    [again] = as_read(location, [str(warehouse.folder / "a")], warehouse.known.values())
    lines = RawLines(location, (again,))
    rows = pa.RecordBatchReader.from_stream(lines).read_all().to_pylist()
    assert [(row["file_number"], row["message"]) for row in rows] == [(1, "one")]


def test_what_is_not_as_it_was_is_not_read_again(warehouse: Warehouse) -> None:
    for name in ("a", "b"):
        (warehouse.folder / name).write_bytes(b"one\n")
    warehouse.build()
    first, second = (str(warehouse.folder / name) for name in ("a", "b"))
    known = list(warehouse.known.values())
    (warehouse.folder / "a").write_bytes(b"another\n")
    location = locate("*", warehouse.folder)
    assert [file.number for file in as_read(location, [second], known)] == [2]
    (warehouse.folder / "c").write_bytes(b"new\n")
    for path in (first, str(warehouse.folder / "c")):
        with pytest.raises(RawCallsError, match="changed or is gone since it was read"):
            as_read(locate("*", warehouse.folder), [path], known)
    (warehouse.folder / "a").unlink()
    with pytest.raises(RawCallsError, match="a changed or is gone since it was read"):
        as_read(locate("*", warehouse.folder), [first], known)
    table = RawLocation("table", table=("raw", "calls"))
    assert as_read(table, [], known) == ()
    with pytest.raises(RawCallsError, match="from a table"):
        as_read(table, ["raw.calls"], known)


def test_many_calls_are_known_by_the_bytes_that_are_read() -> None:
    half = RawFile("a.ndjson", MANY_BYTES // 2)
    assert not are_many([])
    assert not are_many([half])
    assert are_many([half, half])
    assert not are_many([RawFile("a.ndjson", MANY_BYTES, start=1)])
    assert are_many([RawFile("a.ndjson.GZ", MANY_BYTES // 10 + 1)])
    assert are_many([RawFile("a.parquet", MANY_BYTES // 10 + 1)])
