"""Writes the rows of a view to Parquet files.

Not by `copy`: where rows are stored in the order of the files, one scan gives all of them, at half
of what a statement a file takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROWS_AT_ONCE = 20_480
"""Rows that are read together."""

ROWS_OF_GROUP = 122_880
"""Rows of a file that are encoded together."""


def write_file(rows: pa.RecordBatchReader, path: str, tokens: Collection[str]) -> None:
    """Write rows to one file, in the order in which they come.

    Args:
        tokens: the columns of tokens; see `_options`.
    """
    with _File(path, rows.schema, tokens) as file:
        for batch in rows:
            file.add(batch)


def write_days(
    rows: pa.RecordBatchReader, paths: Mapping[str, str], tokens: Collection[str]
) -> bool:
    """Write the rows of each day to a file of its own, if they come in the order of the files.

    Args:
        rows: `timestamp` and `row_id` are among their columns.
        paths: of the files, by day, ISO 8601.
        tokens: the columns of tokens; see `_options`.

    Returns:
        Whether they came so: by day, each of a day that has a file, and those of a day by row id.
        If not, what is in the files is worth nothing.
    """
    left = sorted(paths, reverse=True)
    day, last = "", ""
    with ExitStack() as opened:
        for batch in rows:
            for of_day, of_file in _by_day(batch):
                if of_day != day:
                    opened.close()
                    day, last = of_day, ""
                    if not left or left.pop() != day:
                        return False
                    file = opened.enter_context(_File(paths[day], rows.schema, tokens))
                row_ids = of_file["row_id"]
                if not _go_on(row_ids, last):
                    return False
                last = row_ids[-1].as_py()
                file.add(of_file)
    return not left


def _by_day(rows: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yield the rows of each day, as long as it lasts."""
    days = pc.run_end_encode(pc.cast(rows["timestamp"], pa.date32()))
    start = 0
    for end, day in zip(days.run_ends.to_pylist(), days.values.to_pylist(), strict=True):
        yield ("" if day is None else day.isoformat()), rows.slice(start, end - start)
        start = end


def _go_on(row_ids: pa.Array, last: str) -> bool:
    """Whether row ids rise, from the last one on."""
    if row_ids.null_count or row_ids[0].as_py() < last:
        return False
    return not pc.any(pc.less(row_ids[1:], row_ids[:-1])).as_py()


class _File:
    """A Parquet file that is being written; gone if that fails, so that its space is free."""

    def __init__(self, path: str, schema: pa.Schema, tokens: Collection[str]) -> None:
        self._rows: list[pa.RecordBatch] = []
        self._count = 0
        self._path = Path(path)
        self._file = pa.OSFile(path, "wb")
        self._writer = pq.ParquetWriter(self._file, schema, **_options(schema, tokens))

    def __enter__(self) -> _File:
        return self

    def __exit__(self, error: object, *_: object) -> None:
        is_whole = False
        try:
            with self._file, self._writer:
                if error is None:
                    self._write()
            is_whole = error is None
        finally:
            if not is_whole:
                self._path.unlink(missing_ok=True)

    def add(self, rows: pa.RecordBatch) -> None:
        self._rows.append(rows)
        self._count += len(rows)
        if self._count >= ROWS_OF_GROUP:
            self._write()

    def _write(self) -> None:
        if self._count:
            self._writer.write_table(pa.Table.from_batches(self._rows), ROWS_OF_GROUP)
            self._rows, self._count = [], 0


def _options(schema: pa.Schema, tokens: Collection[str]) -> dict[str, Any]:
    """Return how a file is written: nothing but its columns is in it.

    Tokens are too many to be worth a dictionary, and times of one day too alike. The least and the
    greatest text of a column say nothing of where a reader finds one, but of row ids they do: rows
    are in their order.
    """
    encodings: dict[str, str] = {}
    with_dictionary: list[str] = []
    with_statistics = [
        field.name
        for field in schema
        if field.name == "row_id" or not (pa.types.is_string(field.type) or _is_list(field))
    ]
    for field in schema:
        path = f"{field.name}.list.element" if _is_list(field) else field.name
        if field.name in tokens:
            encodings[path] = "DELTA_LENGTH_BYTE_ARRAY"
        elif pa.types.is_timestamp(field.type):
            encodings[path] = "DELTA_BINARY_PACKED"
        else:
            with_dictionary.append(path)
    return {
        "compression": "zstd",
        "compression_level": 1,
        "data_page_version": "2.0",
        "use_dictionary": with_dictionary,
        "column_encoding": encodings,
        "write_statistics": with_statistics,
        "store_schema": False,
    }


def _is_list(field: pa.Field) -> bool:
    return bool(pa.types.is_list(field.type))
