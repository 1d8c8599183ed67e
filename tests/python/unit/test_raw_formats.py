"""Raw files by what is in them: which are decompressed, and what the others are called."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from hipaa_mode.errors import RawCallsError
from hipaa_mode.raw_calls import RawFile, first_bytes, read_lines
from hipaa_mode.raw_files import as_known
from hipaa_mode.raw_formats import SNIFFED_BYTES, likely_kind, unreadable_kind

CALL = b'{"type": "track", "email": "jane@example.com"}\n'
CALLS = CALL * 5_000
SKIPPED = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"


def zstd(content: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(content).to_pybytes()
    return packed


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "zst": zstd,
}


def pinned(folder: Path, name: str, content: bytes) -> RawFile:
    path = folder / name
    path.write_bytes(content)
    return RawFile(str(path), len(content))


def lines_in(file: RawFile) -> list[str]:
    return [text for batch in read_lines(file) for text in batch["message"].to_pylist()]


def refusal(file: RawFile) -> str:
    with pytest.raises(RawCallsError) as caught:
        lines_in(file)
    assert file.path in str(caught.value)
    assert "jane" not in str(caught.value)
    return str(caught.value)


class TestCompressed:
    """gzip, zstd and bzip2 are read whatever a file is called, to their end or not at all."""

    @pytest.mark.parametrize("packed", PACKERS)
    @pytest.mark.parametrize("name", ["calls.ndjson", "calls", "calls.ndjson.gz", "calls.zst"])
    def test_it_is_known_by_its_first_bytes(self, packed: str, name: str, tmp_path: Path) -> None:
        file = pinned(tmp_path, name, PACKERS[packed](CALLS))
        assert lines_in(file) == CALLS.decode().splitlines()

    @pytest.mark.parametrize("packed", PACKERS)
    def test_several_in_one_file_are_read_one_after_the_other(
        self, packed: str, tmp_path: Path
    ) -> None:
        pack = PACKERS[packed]
        content = pack(CALLS[:100_001]) + pack(b"") + pack(CALLS[100_001:])
        assert lines_in(pinned(tmp_path, "calls", content)) == CALLS.decode().splitlines()

    def test_frames_of_zstd_that_are_to_be_skipped_are(self, tmp_path: Path) -> None:
        content = SKIPPED + zstd(b"one\ntw") + SKIPPED + zstd(b"o\n")
        assert lines_in(pinned(tmp_path, "calls", content)) == ["one", "two"]

    @pytest.mark.parametrize("packed", PACKERS)
    @pytest.mark.parametrize("kept", [-1, -5, -9, 30, 14])
    @pytest.mark.parametrize("is_second", [False, True])
    def test_one_that_is_cut_short_is_refused(
        self, packed: str, kept: int, is_second: bool, tmp_path: Path
    ) -> None:
        pack = PACKERS[packed]
        content = pack(CALL) * is_second + pack(CALLS)[:kept]
        assert "can't be read to its end" in refusal(pinned(tmp_path, "calls", content))

    @pytest.mark.parametrize("packed", PACKERS)
    def test_rubbish_after_it_is_refused(self, packed: str, tmp_path: Path) -> None:
        content = PACKERS[packed](CALLS) + b"jane, rubbish"
        assert "can't be read to its end" in refusal(pinned(tmp_path, "calls", content))

    @pytest.mark.parametrize("packed", PACKERS)
    def test_a_flipped_bit_is_refused(self, packed: str, tmp_path: Path) -> None:
        content = bytearray(bz2.compress(CALLS) if packed == "bz2" else PACKERS[packed](CALLS))
        content[len(content) // 2] ^= 0x10
        if packed == "zst":
            # Arrow writes no checksum: not all damage can be seen.
            content[4] ^= 0xFF
        refusal(pinned(tmp_path, "calls", bytes(content)))

    @pytest.mark.parametrize("packed", PACKERS)
    def test_it_is_read_as_far_as_it_went_when_the_run_began(
        self, packed: str, tmp_path: Path
    ) -> None:
        file = pinned(tmp_path, "calls", PACKERS[packed](b"one\n"))
        with Path(file.path).open("ab") as stream:
            stream.write(PACKERS[packed](b"two\n"))
        assert lines_in(file) == ["one"]

    @pytest.mark.parametrize("packed", PACKERS)
    def test_it_is_read_anew_when_it_grew(self, packed: str, tmp_path: Path) -> None:
        file = pinned(tmp_path, "calls", PACKERS[packed](b"one\n"))
        assert as_known(file, {file.path: 1}).can_grow is False

    def test_one_that_was_compressed_twice_is_refused(self, tmp_path: Path) -> None:
        content = gzip.compress(zstd(CALLS))
        assert "compressed twice" in refusal(pinned(tmp_path, "calls", content))


def _zip(name: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, CALLS)
    return target.getvalue()


def _tar() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("jane.ndjson"), io.BytesIO())
    return target.getvalue()


def _sqlite(folder: Path) -> bytes:
    with sqlite3.connect(folder / "x.db") as connection:
        connection.execute("create table jane (x)")
    return (folder / "x.db").read_bytes()


OTHERS = {
    "an xz file": lzma.compress(CALLS),
    "a zip archive": _zip("jane.ndjson"),
    "an Excel workbook": _zip("xl/workbook.xml"),
    "a tar archive": _tar(),
    "an Avro file": b"Obj\x01\x04\x16avro.schema jane",
    "an ORC file": b"ORC\x0a\x0bjane",
    "a Parquet file": b"PAR1\x15\x04jane",
    "text in UTF-16": CALLS.decode().encode("utf-16"),
    "text in UTF-32": CALLS.decode().encode("utf-32"),
    "a file encrypted with openssl": b"Salted__12345678jane",
    "a file encrypted with PGP": b"-----BEGIN PGP MESSAGE-----\njane",
    "an Office file": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1jane",
}


class TestOthers:
    """What can't be read is named for what it is, and none of it is shown."""

    @pytest.mark.parametrize("kind", OTHERS)
    @pytest.mark.parametrize("packed", [None, "gz", "zst"])
    @pytest.mark.parametrize("name", ["calls.ndjson", "calls.ndjson.gz"])
    def test_it_is_named(self, kind: str, packed: str | None, name: str, tmp_path: Path) -> None:
        content = OTHERS[kind] if packed is None else PACKERS[packed](OTHERS[kind])
        message = refusal(pinned(tmp_path, name, content))
        assert kind.removeprefix("an Office") in message.replace("another Office", "")

    def test_a_database_is_named(self, tmp_path: Path) -> None:
        assert "an SQLite database" in refusal(pinned(tmp_path, "calls", _sqlite(tmp_path)))

    @pytest.mark.parametrize("content", [b"", b"\n", CALL, b"\xef\xbb\xbf" + CALL, b"ob", b" {}"])
    def test_lines_are_lines(self, content: bytes) -> None:
        assert unreadable_kind(content) is None

    @pytest.mark.parametrize(
        ("content", "kind"),
        [
            (b'[{"type": "track"}]', "a JSON array"),
            (b'\xef\xbb\xbf\n [\n{"type": "track"}]', "a JSON array"),
            (b'{"batch": [{"type": "track"}]}\n', "the body of a batch request"),
            (b'{"sentAt": "2026", "batch":[', "the body of a batch request"),
            (b'{\n  "type": "track"\n}', "JSON over several lines"),
            (b'{"kind": 1}\n', "JSON of another shape than calls"),
            (b"user_id,email\n1,jane@example.com\n", "CSV"),
            (b'"user_id";"email"\n1;2\n', "CSV"),
            (b"user_id\temail\r\n1\t2\n", "CSV"),
            (b"<html>", "XML or HTML"),
            (b"hello there\n", "text that is not JSON"),
            (b"\x00\x01\x02", "binary, encrypted or not UTF-8"),
            (b"caf\xe9,x\n", "binary, encrypted or not UTF-8"),
            (b"a,b\n" + "é".encode() * SNIFFED_BYTES, "CSV"),
            (b"x" + b"\xe9" * SNIFFED_BYTES, "binary, encrypted or not UTF-8"),
            (b"", "binary, encrypted or not UTF-8"),
        ],
    )
    def test_text_without_calls_is_named(self, content: bytes, kind: str) -> None:
        assert likely_kind(content[:SNIFFED_BYTES])[0] == kind

    @pytest.mark.parametrize("packed", PACKERS)
    def test_the_first_bytes_are_those_of_the_content(self, packed: str, tmp_path: Path) -> None:
        file = pinned(tmp_path, "calls", PACKERS[packed](b"user_id,email\n"))
        assert first_bytes(file, 7) == b"user_id"
        cut = pinned(tmp_path, "cut", PACKERS[packed](CALLS)[:5])
        assert first_bytes(cut, 7) == b""
