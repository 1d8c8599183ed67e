"""Files of views as they are written: in their order or not at all, and nothing else in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hipaa_mode.run import file_writer
from hipaa_mode.run.file_writer import write_days, write_file

SCHEMA = pa.schema(
    [
        pa.field("row_id", pa.string()),
        pa.field("timestamp", pa.timestamp("us")),
        pa.field("emails", pa.list_(pa.string())),
        pa.field("plan", pa.string()),
        pa.field("price", pa.float64()),
    ]
)
TOKENS = {"row_id", "emails"}
Row = tuple[str | None, str | None]


def batch(rows: Sequence[Row]) -> pa.RecordBatch:
    """Make rows of a view from the first digits of their ids and their times."""
    made = [
        {
            "row_id": None if digits is None else digits.ljust(64, "0"),
            "timestamp": None if time is None else dt.datetime.fromisoformat(time),
            "emails": [(digits or "f").ljust(64, "1"), None],
            "plan": "gold",
            "price": 1.5,
        }
        for digits, time in rows
    ]
    return pa.RecordBatch.from_pylist(made, SCHEMA)


def reader(*batches: Sequence[Row]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(SCHEMA, [batch(rows) for rows in batches])


IN_ORDER: list[list[Row]] = [
    [("a", "1969-12-31T23:59:59"), ("b", "1969-12-31T00:00:00"), ("1", "2026-03-02T05:00:00")],
    [("1", "2026-03-02T04:00:00"), ("2", "2026-03-02T23:00:00")],
    [],
    [("c", "2026-03-04T00:00:00")],
]
DAYS = ("1969-12-31", "2026-03-02", "2026-03-04")


def paths(folder: Path, days: Sequence[str] = DAYS) -> dict[str, str]:
    return {day: str(folder / f"{day}.parquet") for day in days}


def test_each_day_has_its_rows_in_their_order(tmp_path: Path) -> None:
    assert write_days(reader(*IN_ORDER), paths(tmp_path), TOKENS)
    read = [pq.read_table(path)["row_id"].to_pylist() for path in paths(tmp_path).values()]
    assert [[row_id[0] for row_id in day] for day in read] == [["a", "b"], ["1", "1", "2"], ["c"]]
    whole = pa.concat_tables(map(pq.read_table, paths(tmp_path).values()))
    assert whole == pa.Table.from_batches(map(batch, IN_ORDER))


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param([[("2", "2026-03-02"), ("1", "2026-03-02")]], id="row ids fall"),
        pytest.param([[("2", "2026-03-02")], [("1", "2026-03-02")]], id="between batches"),
        pytest.param([[("1", "2026-03-04"), ("2", "2026-03-02")]], id="days fall"),
        pytest.param([[("1", "2026-03-03"), ("2", "2026-03-04")]], id="a day without a file"),
        pytest.param([[("1", "2026-03-02")]], id="a file without rows"),
        pytest.param([[("1", "2026-03-02"), (None, "2026-03-02")]], id="no row id"),
        pytest.param([[("1", "2026-03-02"), ("2", None)]], id="no time"),
        pytest.param(
            [[("1", "2026-03-02"), ("2", "2026-03-04"), ("3", "2026-03-02")]], id="a day again"
        ),
    ],
)
def test_rows_in_another_order_are_not_taken(
    tmp_path: Path, batches: Sequence[Sequence[Row]]
) -> None:
    assert not write_days(reader(*batches), paths(tmp_path, DAYS[1:]), TOKENS)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_a_file_has_all_rows_and_nothing_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(file_writer, "ROWS_OF_GROUP", 3)
    rows: list[Row] = [(str(number), "2026-03-02") for number in reversed(range(count))]
    write_file(reader(rows[:2], rows[2:]), str(tmp_path / "all"), TOKENS)
    with pq.ParquetFile(tmp_path / "all") as file:
        assert file.read() == pa.Table.from_batches([batch(rows)])
        assert file.metadata.num_row_groups == -(-count // 3)
        assert file.metadata.metadata is None
        assert file.schema_arrow.metadata is None
        assert all(field.nullable for field in file.schema_arrow)


def test_only_what_leads_to_rows_has_statistics(tmp_path: Path) -> None:
    write_file(reader([("1", "2026-03-02"), ("2", "2026-03-02")]), str(tmp_path / "all"), TOKENS)
    with pq.ParquetFile(tmp_path / "all") as file:
        group = file.metadata.row_group(0)
        columns = [group.column(place) for place in range(group.num_columns)]
    bounds = {
        c.path_in_schema: c.statistics and (c.statistics.min, c.statistics.max) for c in columns
    }
    day = dt.datetime(2026, 3, 2)
    assert bounds == {
        "row_id": ("1".ljust(64, "0"), "2".ljust(64, "0")),
        "timestamp": (day, day),
        "emails.list.element": None,
        "plan": None,
        "price": (1.5, 1.5),
    }


def test_tokens_have_no_dictionary(tmp_path: Path) -> None:
    write_file(reader([("1", "2026-03-02")]), str(tmp_path / "all"), TOKENS)
    with pq.ParquetFile(tmp_path / "all") as file:
        group = file.metadata.row_group(0)
        columns = [group.column(place) for place in range(group.num_columns)]
    has_dictionary = {item.path_in_schema: item.has_dictionary_page for item in columns}
    assert has_dictionary == {
        **{"row_id": False, "timestamp": False, "emails.list.element": False},
        **{"plan": True, "price": True},
    }
    assert {item.compression for item in columns} == {"ZSTD"}


def test_a_file_that_can_not_be_written_is_gone(tmp_path: Path) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield batch([("1", "2026-03-02"), ("2", "2026-03-03")])
        raise OSError(28, "No space left on device")

    found = paths(tmp_path, ("2026-03-02", "2026-03-03"))
    with pytest.raises(OSError, match="No space left"):
        write_days(pa.RecordBatchReader.from_batches(SCHEMA, batches()), found, TOKENS)
    assert [path.stem for path in tmp_path.iterdir()] == ["2026-03-02"]
