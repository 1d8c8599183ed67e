"""Reading seed files: what can't be read is told with its file and line, and how to fix it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from seed_files import label, the_fault

from hipaa_mode.seeds import Fault, SeedRow, read_seed

HEADER = "environment,destination,event,sent_as"
SEED = "allowed_events"


def read(folder: Path, content: str | bytes) -> tuple[list[SeedRow] | None, list[Fault]]:
    path = folder / f"{SEED}.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    faults: list[Fault] = []
    return read_seed(SEED, path, label(SEED), faults), faults


def events(rows: list[SeedRow] | None) -> list[tuple[int, str]]:
    assert rows is not None
    return [(row.line, row["event"]) for row in rows]


def test_rows_know_their_file_and_line(tmp_path: Path) -> None:
    rows, faults = read(tmp_path, f"{HEADER}\ndev,ga4,Home,\ndev,ga4,Insurance,\n")
    assert faults == []
    assert rows is not None
    assert events(rows) == [(2, "Home"), (3, "Insurance")]
    assert {row.file for row in rows} == {label(SEED)}


def test_a_cell_that_spans_lines_counts_them_all(tmp_path: Path) -> None:
    rows, faults = read(tmp_path, f'{HEADER}\ndev,ga4,"two\nlines\nmore",\ndev,ga4,Home,\n')
    assert faults == []
    assert events(rows) == [(2, "two\nlines\nmore"), (5, "Home")]


def test_blank_rows_are_no_rows_but_counted(tmp_path: Path) -> None:
    rows, faults = read(tmp_path, f"{HEADER}\n\ndev,ga4,Home,\n , ,,\n\ndev,ga4,Insurance,\n")
    assert faults == []
    assert events(rows) == [(3, "Home"), (6, "Insurance")]


def test_a_file_without_a_last_line_feed_loses_nothing(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, f"{HEADER}\ndev,ga4,Home,")
    assert events(rows) == [(2, "Home")]


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    rows, faults = read(tmp_path, b"\xef\xbb\xbf" + f"{HEADER}\r\ndev,ga4,Größe,\r\n".encode())
    assert faults == []
    assert rows is not None
    assert events(rows) == [(2, "Größe")]
    assert rows[0]["environment"] == "dev"


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    rows, faults = read(tmp_path, " sent_as ,event,destination,environment\nb,a,ga4,dev\n")
    assert faults == []
    assert rows is not None
    assert [rows[0][column] for column in HEADER.split(",")] == ["dev", "ga4", "a", "b"]


@pytest.mark.parametrize("column", ["note", "Sent_as", "sent as", "sent-as", "expires_on", ""])
def test_a_column_that_nothing_reads_is_a_fault(column: str, tmp_path: Path) -> None:
    rows, faults = read(tmp_path, f"{HEADER},{column}\ndev,ga4,a,b,x\n")
    fault = the_fault(faults, f"nothing reads column `{column}`")
    assert (rows, fault.file, fault.line) == (None, label(SEED), 1)
    assert HEADER.split(",")[-1] in fault.remedy


def test_a_cell_is_kept_as_written_and_a_word_without_blanks(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, f"{HEADER}\n dev ,ga4, Home ,\n")
    assert rows is not None
    assert rows[0]["event"] == " Home "
    assert rows[0].word("environment") == "dev"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    rows, faults = read(tmp_path, "environment,destination,event\ndev,ga4,Home\n")
    fault = the_fault(faults, "the header lacks `sent_as`")
    assert (rows, fault.file, fault.line) == (None, label(SEED), 1)
    assert "Add the missing columns" in fault.remedy


def test_all_missing_columns_are_named_in_one_fault(tmp_path: Path) -> None:
    _, faults = read(tmp_path, "environment,evnt\ndev,Home\n")
    assert len(faults) == 1
    the_fault(faults, "`destination`, `event`, `sent_as`")


def test_a_repeated_column_is_named(tmp_path: Path) -> None:
    rows, faults = read(tmp_path, f"{HEADER},event\ndev,ga4,Home,,Other\n")
    fault = the_fault(faults, "the header repeats `event`")
    assert (rows, fault.file, fault.line) == (None, label(SEED), 1)


@pytest.mark.parametrize(
    ("row", "cells"), [("dev,ga4,Home", 3), ("dev,ga4,Home,,", 5), ("dev,ga4,Smith, Jane,x", 5)]
)
def test_a_row_of_too_few_or_too_many_cells_is_told_and_left_out(
    row: str, cells: int, tmp_path: Path
) -> None:
    rows, faults = read(tmp_path, f"{HEADER}\n{row}\ndev,ga4,Insurance,\n")
    fault = the_fault(faults, f"the row has {cells} cells, the header has 4")
    assert (fault.file, fault.line) == (label(SEED), 2)
    assert "double quotes" in fault.remedy
    assert events(rows) == [(3, "Insurance")]


def test_every_row_of_wrong_length_is_told(tmp_path: Path) -> None:
    _, faults = read(tmp_path, f"{HEADER}\na\ndev,ga4,Home,\nb,c\n")
    assert [fault.line for fault in faults] == [2, 4]


@pytest.mark.parametrize("row", ['dev,ga4,"Home,', 'dev,ga4,"Home"s,'])
def test_broken_quotes_are_told_with_the_line_they_start_in(row: str, tmp_path: Path) -> None:
    rows, faults = read(tmp_path, f"{HEADER}\ndev,ga4,Insurance,\n{row}\n")
    fault = the_fault(faults, "the row is not CSV")
    assert (fault.file, fault.line) == (label(SEED), 3)
    assert events(rows) == [(2, "Insurance")]


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    rows, faults = read(tmp_path, f"{HEADER}\ndev,ga4,Größe,\n".encode("latin-1"))
    fault = the_fault(faults, "the file is not UTF-8")
    assert (rows, fault.file, fault.line) == (None, label(SEED), None)
    assert "Save it as UTF-8" in fault.remedy


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_an_empty_file_is_told_what_header_it_needs(content: bytes, tmp_path: Path) -> None:
    rows, faults = read(tmp_path, content)
    fault = the_fault(faults, "the file is empty")
    assert rows is None
    assert HEADER in fault.remedy


def test_a_file_of_its_header_alone_is_sound(tmp_path: Path) -> None:
    assert read(tmp_path, f"{HEADER}\n") == ([], [])


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    faults: list[Fault] = []
    assert read_seed(SEED, tmp_path / "absent.csv", label(SEED), faults) is None
    assert the_fault(faults, "can't be read").file == label(SEED)


def test_no_type_is_given_to_a_column_that_a_seed_may_lack() -> None:
    """The library that reads seeds for dbt warns of a type for a column that is not there."""
    folder = Path(__file__).resolve().parents[3] / "seeds"
    described = yaml.safe_load((folder / "_seeds.yml").read_text())["seeds"]
    assert described
    for seed in described:
        name, types = seed["name"], seed.get("config", {}).get("column_types", {})
        header = (folder / f"{name}.csv").read_text().splitlines()[0].split(",")
        assert types.keys() <= set(header), name
