"""Raw calls: finding the files, and reading messages that may hold anything.

DuckDB's own readers stop at, or skip, a message that is not UTF-8 or not JSON, forget its line,
or quote it in an error. These readers keep every message with its file and number, and leave
judging it to SQL.
"""

from __future__ import annotations

import contextlib
import glob
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hipaa_mode.errors import RawCallsError
from hipaa_mode.raw_formats import (
    LONGEST_MAGIC,
    PARQUET_MAGIC,
    SNIFFED_BYTES,
    Readable,
    decompressed,
    unreadable_kind,
)

BLOCK_BYTES = 2 << 20
"""Bytes read at a time; a longer line is read whole all the same."""

ROWS_AT_A_TIME = 16_384
"""Rows of a Parquet file read at a time."""

SCHEMA = pa.schema(
    [
        ("file_number", pa.int32()),
        ("source_file", pa.dictionary(pa.int32(), pa.string())),
        ("line_number", pa.int64()),
        ("run_number", pa.int64()),
        ("message", pa.large_string()),
        ("unreadable", pa.large_binary()),
    ]
)
"""Columns of the raw lines: `message` where the line is UTF-8, `unreadable` where it is not."""

_PARQUET = (".parquet", ".pq")
_LINES = (".ndjson", ".jsonl", ".json", ".log", ".txt", ".gz", ".zst", ".bz2")
_TABLE = re.compile(r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)(?:\.(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)){0,2}')
_TABLE_PART = re.compile(r'"(?:[^"]|"")+"|[^.]+')


@dataclass(frozen=True)
class RawFile:
    """A file of raw calls and how much of it this run reads.

    Attributes:
        size: bytes up to which it is read.
        number: what the warehouse calls it; a file keeps its number.
        start: byte that reading starts at, where what stands before was read earlier.
        first_line: number of the first line that is read.
        modified_at: time of its last change when it was found, in nanoseconds since 1970.
    """

    path: str
    size: int
    number: int = 1
    start: int = 0
    first_line: int = 1
    modified_at: int = 0


@dataclass(frozen=True)
class RawLocation:
    """Where the raw calls are, as pinned when the run starts.

    Files are pinned with their sizes, so that a file that grows or arrives during the run is
    left to the next one, and two readings in one run agree.

    Attributes:
        kind: `lines`, `parquet` or `table`.
        files: the files, sorted by path.
        table: the parts of the table's name.
        column: column of Parquet files that holds the message, if one is named.
    """

    kind: str
    files: tuple[RawFile, ...] = ()
    table: tuple[str, ...] = ()
    column: str | None = None


def locate(location: str, base: Path, column: str | None = None) -> RawLocation:
    """Settle what a location names: a glob of files, or a table.

    Args:
        location: a glob of newline-delimited JSON (plain, gzip, zstd or bzip2) or Parquet files,
            or a table name of up to three parts.
        base: folder that a relative glob starts from.
        column: column of Parquet files that holds the message; None for `message`, or the only
            one.

    Raises:
        RawCallsError: nothing matches, or the files are of two kinds.
    """
    location = location.strip()
    if not location:
        raise RawCallsError("No raw calls are named. " + _REMEDY)
    matches = _matches(location, base)
    if matches:
        return _locate_files(location, matches, column)
    parts = table_parts(location)
    if parts is None or looks_like_file(location):
        raise RawCallsError(f"No file matches {location}. {_REMEDY}")
    return RawLocation("table", table=parts)


def looks_like_file(location: str) -> bool:
    """Whether a text names a file, or a glob of files, rather than a table."""
    return (
        "/" in location
        or "\\" in location
        or glob.has_magic(location)
        or location.lower().endswith((*_PARQUET, *_LINES))
    )


def table_parts(location: str) -> tuple[str, ...] | None:
    """Return the parts of a table's name, up to three; None where it can't be one."""
    if not _TABLE.fullmatch(location):
        return None
    parts = [part.group() for part in _TABLE_PART.finditer(location)]
    return tuple(part[1:-1].replace('""', '"') if part[0] == '"' else part for part in parts)


_REMEDY = (
    "Set HIPAA_MODE_RAW_CALLS, or the variable hipaa_mode__raw_calls, to a glob of "
    "newline-delimited JSON or Parquet files, or to a table"
)


def _matches(location: str, base: Path) -> list[Path]:
    pattern = Path(location).expanduser()
    pattern = pattern if pattern.is_absolute() else base / pattern
    if pattern.is_file():
        return [pattern]
    # Only the location is a pattern: the folder it starts from may have brackets in its name.
    names = glob.glob(str(Path(location).expanduser()), root_dir=base, recursive=True)
    return sorted(path for path in (base / name for name in names) if path.is_file())


def _locate_files(location: str, matches: list[Path], column: str | None) -> RawLocation:
    is_parquet = {path.name.lower().endswith(_PARQUET) for path in matches}
    if len(is_parquet) == 2:
        raise RawCallsError(
            f"{location} matches both Parquet and other files. Name one kind of them"
        )
    for path in matches:
        try:
            str(path).encode("utf-8")
        except UnicodeEncodeError:
            raise RawCallsError(
                f"A file in {path.parent!s} that {location} matches has a name that is not UTF-8. "
                "Rename it".encode("utf-8", "replace").decode()
            ) from None
    files = tuple(_found(path, number) for number, path in enumerate(matches, 1))
    return RawLocation("parquet" if is_parquet == {True} else "lines", files, column=column)


def _found(path: Path, number: int) -> RawFile:
    facts = path.stat()
    return RawFile(str(path), facts.st_size, number, modified_at=facts.st_mtime_ns)


@dataclass
class RawLines:
    """The messages of the pinned files as an Arrow stream; every scan reads from the start.

    DuckDB scans the object through the Arrow PyCapsule interface.

    Attributes:
        location: where the calls are.
        files: the files, or the parts of them, to read; None for all of the location.
        run_number: number of this reading, which every row of it carries.
        line_counts: lines of each file up to where it was read, by path; filled by a scan.
    """

    location: RawLocation | None = None
    files: tuple[RawFile, ...] | None = None
    run_number: int = 1
    line_counts: dict[str, int] = field(default_factory=dict)

    def __arrow_c_schema__(self) -> Any:
        """Export the schema."""
        return SCHEMA.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Export a new stream over all lines."""
        reader = pa.RecordBatchReader.from_batches(SCHEMA, self._batches())
        return reader.__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        location = self.location
        if location is None or location.kind == "table":
            return
        for file in location.files if self.files is None else self.files:
            batches = (
                read_parquet(file, location.column)
                if location.kind == "parquet"
                else read_lines(file, self.line_counts.__setitem__)
            )
            for batch in batches:
                yield _numbered(batch, self.run_number)


def _numbered(batch: pa.RecordBatch, run_number: int) -> pa.RecordBatch:
    column = SCHEMA.get_field_index("run_number")
    numbers = pa.repeat(pa.scalar(run_number, pa.int64()), batch.num_rows)
    return batch.set_column(column, SCHEMA.field(column), numbers)


def read_lines(
    file: RawFile, counted: Callable[[str, int], None] | None = None
) -> Iterator[pa.RecordBatch]:
    """Read a file of newline-delimited text as batches of `SCHEMA`.

    Blank lines are no calls and are left out, though counted. A carriage return before the
    line feed, and a byte order mark at the start, belong to the file and not to the call; only
    of a line that is not UTF-8 every byte is kept.

    Args:
        counted: told the path and the number of lines up to the pinned end, once that is reached.

    Raises:
        RawCallsError: the file can't be read to its pinned end.
    """
    line_number = file.first_line
    for block in _blocks_of_whole_lines(file):
        lines = pc.split_pattern(_without_copy(block), b"\n").values
        numbers = pa.array(np.arange(line_number, line_number + len(lines)))
        line_number += len(lines)
        yield _without_blank_lines(_as_batch(file, numbers, lines))
    if counted is not None:
        counted(file.path, line_number - 1)


def _without_copy(block: bytes | memoryview) -> pa.Array:
    """Make an array of one binary value that is the block itself."""
    ends = pa.array([0, len(block)], pa.int64()).buffers()[1]
    return pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(block)])


def read_parquet(file: RawFile, column: str | None = None) -> Iterator[pa.RecordBatch]:
    """Read the messages of a Parquet file as batches of `SCHEMA`, numbered by row from 1.

    Raises:
        RawCallsError: the file is not Parquet, or has no text column for the message.
    """
    try:
        if Path(file.path).stat().st_size != file.size:
            raise RawCallsError(f"{file.path} changed during the run. Run again")
        with pq.ParquetFile(file.path) as parquet:
            name = _message_column(parquet.schema_arrow, file.path, column)
            row = 1
            for batch in parquet.iter_batches(ROWS_AT_A_TIME, columns=[name]):
                messages = batch.column(0)
                if isinstance(messages, pa.ExtensionArray):
                    messages = messages.storage
                messages = messages.cast(pa.large_binary())
                numbers = pa.array(range(row, row + len(messages)), pa.int64())
                row += len(messages)
                yield _as_batch(file, numbers, messages)
    except (OSError, pa.ArrowException) as error:
        _refuse_other_kinds(file, first_bytes(file, SNIFFED_BYTES), is_parquet=True)
        raise _unreadable_file(file, error) from None


def _message_column(schema: pa.Schema, path: str, column: str | None) -> str:
    wanted = column or "message"
    names: list[str] = schema.names
    found = wanted if wanted in names else names[0] if len(names) == 1 and not column else None
    if found is None:
        raise RawCallsError(
            f"{path} has no column `{wanted}`. Name the column that holds the message with the "
            "variable hipaa_mode__raw_message_column"
        )
    kind = schema.field(found).type
    if not _holds_text(kind):
        raise RawCallsError(
            f"Column `{found}` of {path} holds no text but {_type_name(kind)}. "
            "Write each message as JSON text: DuckDB's to_json(…), Spark's to_json(…)"
        )
    return found


def _holds_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else _stored(kind)
    return any(is_kind(kind) for is_kind in _MESSAGE_TYPES)


def _stored(kind: pa.DataType) -> pa.DataType:
    """Return what values of an extension's type, such as JSON, are stored as."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _type_name(kind: pa.DataType) -> str:
    """Name a type without the names of its fields, of which there may be hundreds."""
    return str(kind).partition("<")[0].partition("(")[0]


_MESSAGE_TYPES = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
)


def _as_batch(file: RawFile, numbers: pa.Array, lines: pa.Array) -> pa.RecordBatch:
    count = len(lines)
    unreadable = pa.nulls(count, pa.large_binary())
    try:
        messages = lines.cast(pa.large_string())
    except pa.ArrowInvalid:
        messages, unreadable = _separate_unreadable(lines)
    places = pa.repeat(pa.scalar(0, pa.int32()), count)
    columns = [
        pa.repeat(pa.scalar(file.number, pa.int32()), count),
        pa.DictionaryArray.from_arrays(places, pa.array([file.path], pa.string())),
        numbers,
        pa.repeat(pa.scalar(1, pa.int64()), count),
        messages,
        unreadable,
    ]
    return pa.record_batch(columns, schema=SCHEMA)


def _without_blank_lines(batch: pa.RecordBatch) -> pa.RecordBatch:
    messages = batch.column("message")
    ordinary = pc.and_(pc.starts_with(messages, "{"), pc.ends_with(messages, "}"))
    if pc.all(pc.fill_null(ordinary, False)).as_py():
        return batch
    messages = pc.utf8_rtrim(messages, characters="\r")
    is_blank = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(messages)), 0)
    column = SCHEMA.get_field_index("message")
    batch = batch.set_column(column, SCHEMA.field(column), messages)
    return batch.filter(pc.invert(pc.fill_null(is_blank, False)))


def _separate_unreadable(lines: pa.Array) -> tuple[pa.Array, pa.Array]:
    messages: list[str | None] = []
    unreadable: list[bytes | None] = []
    for line in lines.to_pylist():
        if line is None:
            messages.append(None)
            unreadable.append(None)
            continue
        try:
            messages.append(line.decode("utf-8"))
            unreadable.append(None)
        except UnicodeDecodeError:
            messages.append(None)
            unreadable.append(line)
    return pa.array(messages, pa.large_string()), pa.array(unreadable, pa.large_binary())


def _blocks_of_whole_lines(file: RawFile) -> Iterator[bytes | memoryview]:
    """Yield the file in blocks that end where a line ends, without the last line feed.

    A line that two readings have parts of is a block of its own: the rest is not copied.
    """
    pieces: list[bytes] = []
    is_start = True
    try:
        with _opened(file) as stream:
            while block := stream.read(BLOCK_BYTES):
                if is_start and not file.start:
                    _refuse_other_kinds(file, block)
                    block = block.removeprefix(b"\xef\xbb\xbf")
                is_start = False
                end = block.rfind(b"\n")
                if end < 0:
                    pieces.append(block)
                    continue
                first = block.find(b"\n")
                yield b"".join((*pieces, block[:first]))
                if first < end:
                    yield memoryview(block)[first + 1 : end]
                pieces = [block[end + 1 :]]
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable_file(file, error) from None
    rest = b"".join(pieces)
    if rest:
        yield rest


def _refuse_other_kinds(file: RawFile, start: bytes, is_parquet: bool = False) -> None:
    kind = unreadable_kind(start)
    if kind is not None and not (is_parquet and start.startswith(PARQUET_MAGIC)):
        raise RawCallsError(
            f"{file.path} is {kind[0]}, which is not read. {kind[1]}, or move it out of the raw "
            "calls' folder"
        )


def _unreadable_file(file: RawFile, error: Exception) -> RawCallsError:
    # The text of some readers' errors quotes what they read.
    return RawCallsError(
        f"{file.path} can't be read to its end ({type(error).__name__}). "
        "Replace the file, or move it out of the raw calls' folder"
    )


class _PinnedFile:
    """Reads a file only as far as it went when it was pinned."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._stream.read(wanted)
        if wanted and not data:
            raise EOFError
        self._left -= len(data)
        return data


@contextlib.contextmanager
def _opened(file: RawFile) -> Iterator[Readable]:
    """Open a pinned file, through what decompresses it where its first bytes say so."""
    with open(file.path, "rb", buffering=0) as raw:
        start = raw.read(min(LONGEST_MAGIC, file.size))
        raw.seek(file.start)
        yield decompressed(start, _PinnedFile(raw, file.size - file.start))


def first_bytes(file: RawFile, count: int) -> bytes:
    """Return the first bytes of what a file holds, decompressed; fewer where it can't be read."""
    pieces: list[bytes] = []
    with (
        contextlib.suppress(OSError, EOFError, zlib.error),
        _opened(replace(file, start=0)) as stream,
    ):
        while count > 0 and (piece := stream.read(count)):
            pieces.append(piece)
            count -= len(piece)
    return b"".join(pieces)
