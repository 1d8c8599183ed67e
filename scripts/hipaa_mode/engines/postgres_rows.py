"""Queries of PostgreSQL: parameters, rows as Arrow has them, and texts as COPY takes them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg2.extensions
import pyarrow as pa

from hipaa_mode.run.file_writer import ROWS_AT_ONCE

_ROWS = "hipaa_mode_rows"
"""The cursor that rows are read by."""

_TYPES: Mapping[int, pa.DataType] = {
    16: pa.bool_(),
    20: pa.int64(),
    25: pa.string(),
    701: pa.float64(),
    1082: pa.date32(),
    1114: pa.timestamp("us"),
}
"""Types of columns, by the number that PostgreSQL has for them."""

_LISTS = {1000: 16, 1009: 25, 1016: 20, 1022: 701, 1115: 1114, 1182: 1082}
"""Types of lists, with those of their elements."""

_OTHER = pa.large_string()
_PARAMETER = re.compile(r"\$(\w+)")


def with_parameters(sql: str) -> str:
    """Return SQL whose parameters, `$name`, stand as the client library has them."""
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))


@contextlib.contextmanager
def rows_of(cursor: Any, query: str) -> Iterator[pa.RecordBatchReader]:
    """Have the rows of a query, in a transaction that there is or one of their own."""
    status = cursor.connection.info.transaction_status
    is_alone = status == psycopg2.extensions.TRANSACTION_STATUS_IDLE
    if is_alone:
        cursor.execute("begin")
    try:
        cursor.execute(f"declare {_ROWS} no scroll cursor for {query}")
        yield _as_arrow(cursor)
        cursor.execute(f"close {_ROWS}")
    finally:
        if is_alone:
            cursor.execute("rollback")


def copied_line(values: Iterable[str | None]) -> str:
    """Return a row of texts as COPY reads it."""
    return "\t".join(map(_copied, values)) + "\n"


def _as_arrow(cursor: Any) -> pa.RecordBatchReader:
    """Return the rows of the cursor that was declared."""
    fetch = f"fetch forward {ROWS_AT_ONCE} from {_ROWS}"
    cursor.execute(fetch)
    schema = pa.schema(
        [(column.name, _arrow_type(column.type_code)) for column in cursor.description]
    )

    def batches() -> Iterator[pa.RecordBatch]:
        while rows := cursor.fetchall():
            columns = zip(zip(*rows, strict=True), schema.types, strict=True)
            yield pa.record_batch([_array(*column) for column in columns], schema=schema)
            cursor.execute(fetch)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _arrow_type(type_code: int) -> pa.DataType:
    """Return the type of a column by that of PostgreSQL: one that no view may have for others."""
    if type_code in _LISTS:
        return pa.list_(_TYPES[_LISTS[type_code]])
    return _TYPES.get(type_code, _OTHER)


def _array(values: Sequence[Any], arrow: pa.DataType) -> pa.Array:
    if arrow == _OTHER:
        values = [None if value is None else str(value) for value in values]
    return pa.array(values, arrow)


def _copied(value: str | None) -> str:
    if value is None:
        return r"\N"
    escaped = value.replace("\\", r"\\").replace("\t", r"\t")
    return escaped.replace("\n", r"\n").replace("\r", r"\r")
