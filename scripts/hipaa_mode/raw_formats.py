"""What a raw file is, by its first bytes: how it is decompressed, or why it can't be read.

A name says little: objects are stored without endings, and exports with wrong ones.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import re
from typing import Any, Protocol

import pyarrow as pa

SNIFFED_BYTES = 64 << 10
"""How much of the start of a file is looked at."""

LONGEST_MAGIC = 512
"""Bytes that tell how a file is compressed, with some to spare."""

PARQUET_MAGIC = b"PAR1"

_GZIP = b"\x1f\x8b"
_BZ2 = b"BZh"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")

_DECOMPRESS = "Decompress it, or compress it with gzip, zstd or bzip2"
_CONVERT = "Write the calls as newline-delimited JSON, or as Parquet with a column of JSON text"
_DECRYPT = "Decrypt it first"
_RENAME = "Let its name end in .parquet, in a location of Parquet files alone"
_RECODE = "Write it as UTF-8"

_MAGICS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xfd7zXZ\x00", "an xz file", _DECOMPRESS),
    (b"\x04\x22\x4d\x18", "an lz4 file", _DECOMPRESS),
    (b"\xff\x06\x00\x00sNaPpY", "a Snappy file", _DECOMPRESS),
    (b"\x1f\x9d", "a file of compress(1)", _DECOMPRESS),
    (b"LZIP", "an lzip file", _DECOMPRESS),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _DECOMPRESS),
    (b"Rar!\x1a\x07", "a RAR archive", _DECOMPRESS),
    (PARQUET_MAGIC, "a Parquet file", _RENAME),
    (b"PARE", "an encrypted Parquet file", _DECRYPT),
    (b"Obj\x01", "an Avro file", _CONVERT),
    (b"ORC", "an ORC file", _CONVERT),
    (b"ARROW1", "an Arrow file", _CONVERT),
    (b"FEA1", "a Feather file", _CONVERT),
    (b"\xff\xff\xff\xff", "an Arrow stream", _CONVERT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook, or another Office file", _CONVERT),
    (b"SQLite format 3\x00", "an SQLite database", _CONVERT),
    (b"%PDF-", "a PDF", _CONVERT),
    (b"Salted__", "a file encrypted with openssl", _DECRYPT),
    (b"-----BEGIN PGP", "a file encrypted with PGP", _DECRYPT),
    (b"age-encryption.org/", "a file encrypted with age", _DECRYPT),
    (b"\x00\x00\xfe\xff", "text in UTF-32", _RECODE),
    (b"\xff\xfe\x00\x00", "text in UTF-32", _RECODE),
    (b"\xff\xfe", "text in UTF-16", _RECODE),
    (b"\xfe\xff", "text in UTF-16", _RECODE),
)
_ONE_A_LINE = "Write each call on a line of its own"
_TEXTS = tuple(
    (re.compile(pattern), kind, remedy)
    for pattern, kind, remedy in (
        (r"\[", "a JSON array", _ONE_A_LINE),
        (
            r'\{[^{\[]*"batch"\s*:\s*\[',
            "the body of a batch request",
            f"{_ONE_A_LINE}, without the batch around them",
        ),
        (r"\{\s*\n", "JSON over several lines", _ONE_A_LINE),
        (r"\{", "JSON of another shape than calls", "Look at the reasons in rejected_calls"),
        (r"<", "XML or HTML", _CONVERT),
        (
            r"""["']?[^\W\d]\w*["']?(?:[,;|\t][ ]*["']?[^\W\d][\w. ]*["']?)+\r?(?:\n|$)""",
            "CSV",
            _CONVERT,
        ),
    )
)
"""What text without calls begins with, the first that fits."""


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Read up to so many bytes; none at the end."""


def is_compressed(start: bytes) -> bool:
    """Whether a file that begins so is decompressed when it is read."""
    return start.startswith((_GZIP, _BZ2, _ZSTD)) or _ZSTD_SKIPPABLE.match(start) is not None


def decompressed(start: bytes, stream: Readable) -> Readable:
    """Return a stream of what a file holds, given its first bytes and a stream of all of them.

    Several members, frames or streams in one file are read one after the other. Reading on
    raises OSError, EOFError or zlib.error where the file is cut short or damaged.
    """
    file: Any = stream
    if start.startswith(_GZIP):
        return gzip.GzipFile(fileobj=file, mode="rb")
    if start.startswith(_BZ2):
        return _Bz2Stream(stream)
    if is_compressed(start):
        source = pa.PythonFile(_ArrowSource(stream), mode="r")
        unpacked: Readable = pa.CompressedInputStream(source, "zstd")
        return unpacked
    return stream


class _ArrowSource:
    """A stream as Arrow asks for it."""

    closed = False

    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def close(self) -> None:
        self.closed = True


class _Bz2Stream:
    """Decompresses bzip2. `bz2.BZ2File` passes over what follows the last whole stream."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._decompressor: bz2.BZ2Decompressor | None = None
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Read up to so many bytes."""
        while True:
            unit = self._decompressor
            if unit is None:
                self._rest = self._rest or self._stream.read(SNIFFED_BYTES)
                if not self._rest:
                    return b""
                unit = self._decompressor = bz2.BZ2Decompressor()
            data = b""
            if unit.needs_input:
                data = self._rest or self._stream.read(SNIFFED_BYTES)
                self._rest = b""
                if not data:
                    raise EOFError
            content = unit.decompress(data, size)
            if unit.eof:
                self._rest = unit.unused_data
                self._decompressor = None
            if content:
                return content


def unreadable_kind(start: bytes) -> tuple[str, str] | None:
    """Return what a file is that no call can be read from, and what to do; None for any other.

    Args:
        start: its first bytes, decompressed where that is done.
    """
    if is_compressed(start):
        return "compressed twice", "Decompress it once"
    if start.startswith(b"PK\x03\x04"):
        is_excel = b"[Content_Types].xml" in start or b"xl/" in start
        return ("an Excel workbook", _CONVERT) if is_excel else ("a zip archive", _DECOMPRESS)
    for magic, kind, remedy in _MAGICS:
        if start.startswith(magic):
            return kind, remedy
    if start[257:262] == b"ustar":
        return "a tar archive", "Unpack it"
    if start[8:12] == b"DUCK":
        return "a DuckDB database", "Attach it in profiles.yml and name its table"
    return None


def likely_kind(start: bytes) -> tuple[str, str]:
    """Return what a file seems to be none of whose lines is a call, and what to do."""
    known = unreadable_kind(start)
    if known is not None:
        return known
    try:
        text = _decoded(start)
    except UnicodeDecodeError:
        text = ""
    if not text or "\x00" in text:
        return "binary, encrypted or not UTF-8", "Decrypt or recode it: the calls are UTF-8 text"
    text = text.lstrip()
    for pattern, kind, remedy in _TEXTS:
        if pattern.match(text):
            return kind, remedy
    return "text that is not JSON", _CONVERT


def _decoded(start: bytes) -> str:
    """Decode the first bytes of a file; its last character may be cut in two."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    return decoder.decode(start, final=len(start) < SNIFFED_BYTES)
