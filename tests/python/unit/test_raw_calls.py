"""Raw calls: what a location names, and that every line of a file comes back with its number."""

from __future__ import annotations

import gzip
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hipaa_mode import raw_calls
from hipaa_mode.errors import ExitCode, RawCallsError
from hipaa_mode.raw_calls import (
    SCHEMA,
    RawFile,
    RawLines,
    RawLocation,
    locate,
    read_lines,
    read_parquet,
)
from hipaa_mode.raw_formats import unreadable_kind

Line = tuple[int, str | None, bytes | None]


def write(path: Path, content: bytes) -> RawFile:
    path.write_bytes(content)
    return RawFile(str(path), len(content))


def lines_of(file: RawFile) -> list[Line]:
    """Read a file's lines: number, text, and the bytes of a line that is no text."""
    return listed(file, read_lines(file))


def rows_of(file: RawFile, column: str | None = None) -> list[Line]:
    """Read a Parquet file's messages, as lines are read."""
    return listed(file, read_parquet(file, column))


def listed(file: RawFile, batches: Iterator[pa.RecordBatch]) -> list[Line]:
    found: list[Line] = []
    for batch in batches:
        assert batch.schema == SCHEMA
        for row in batch.to_pylist():
            assert row["source_file"] == file.path
            found.append((row["line_number"], row["message"], row["unreadable"]))
    return found


def read(folder: Path, content: bytes) -> list[Line]:
    return lines_of(write(folder / "calls.ndjson", content))


def names(location: RawLocation) -> list[str]:
    return [Path(file.path).name for file in location.files]


def parquet_file(path: Path, **columns: Any) -> RawFile:
    pq.write_table(pa.table(columns or {"message": ["{}"]}), path)
    return RawFile(str(path), path.stat().st_size)


# Locations.


def test_a_glob_names_its_files_in_order_with_their_sizes(tmp_path: Path) -> None:
    for name, size in (("b.ndjson", 2), ("a.ndjson", 1), ("c.txt", 3)):
        (tmp_path / name).write_bytes(b"x" * size)
    location = locate("*.ndjson", tmp_path)
    assert location.kind == "lines"
    assert [(file.path, file.size, file.number) for file in location.files] == [
        (str(tmp_path / "a.ndjson"), 1, 1),
        (str(tmp_path / "b.ndjson"), 2, 2),
    ]
    modified = [(tmp_path / name).stat().st_mtime_ns for name in ("a.ndjson", "b.ndjson")]
    assert [file.modified_at for file in location.files] == modified


def test_a_glob_goes_down_folders_and_takes_no_folder_for_a_file(tmp_path: Path) -> None:
    (tmp_path / "2026" / "03.ndjson").mkdir(parents=True)
    (tmp_path / "2026" / "03.ndjson" / "01.ndjson").write_bytes(b"{}")
    assert names(locate("**/*.ndjson", tmp_path)) == ["01.ndjson"]


def test_a_single_file_is_named_by_a_relative_or_whole_path(tmp_path: Path) -> None:
    (tmp_path / "calls").write_bytes(b"{}")
    modified = (tmp_path / "calls").stat().st_mtime_ns
    file = RawFile(str(tmp_path / "calls"), 2, modified_at=modified)
    expected = RawLocation("lines", (file,))
    assert locate("calls", tmp_path) == expected
    assert locate(f" {tmp_path / 'calls'} ", tmp_path.parent) == expected


def test_a_file_whose_name_holds_glob_characters_is_itself(tmp_path: Path) -> None:
    (tmp_path / "calls[1].ndjson").write_bytes(b"{}")
    (tmp_path / "calls1.ndjson").write_bytes(b"{}")
    assert names(locate("calls[1].ndjson", tmp_path)) == ["calls[1].ndjson"]


def test_a_glob_in_a_folder_whose_name_holds_glob_characters_finds_its_files(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project [1]"
    folder.mkdir()
    (folder / "calls.ndjson").write_bytes(b"{}")
    assert names(locate("*.ndjson", folder)) == ["calls.ndjson"]


def test_plain_and_gzip_files_are_both_lines(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b"{}")
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(b"{}"))
    location = locate("*", tmp_path)
    assert (location.kind, names(location)) == ("lines", ["a.ndjson", "b.ndjson.gz"])


@pytest.mark.parametrize("name", ["a.parquet", "a.PARQUET", "a.pq"])
def test_parquet_files_are_parquet(name: str, tmp_path: Path) -> None:
    parquet_file(tmp_path / name)
    location = locate("*", tmp_path)
    assert (location.kind, names(location)) == ("parquet", [name])


def test_files_of_two_kinds_are_refused(tmp_path: Path) -> None:
    parquet_file(tmp_path / "a.parquet")
    (tmp_path / "b.ndjson").write_bytes(b"{}")
    with pytest.raises(RawCallsError, match="both Parquet and other files"):
        locate("*", tmp_path)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("calls", ("calls",)),
        ("raw.calls", ("raw", "calls")),
        ("warehouse.raw.calls", ("warehouse", "raw", "calls")),
        ('"raw calls"', ("raw calls",)),
        ('"a.b".calls', ("a.b", "calls")),
        ('"say ""hi"""."Calls"', ('say "hi"', "Calls")),
        ("größe.calls_1$", ("größe", "calls_1$")),
        ('raw."calls.json"', ("raw", "calls.json")),
    ],
)
def test_a_name_that_no_file_has_is_a_table(
    name: str, parts: tuple[str, ...], tmp_path: Path
) -> None:
    assert locate(name, tmp_path) == RawLocation("table", table=parts)


@pytest.mark.parametrize(
    "location",
    [
        "*.ndjson",
        "calls.ndjson",
        "calls.parquet",
        "calls.json.gz",
        "raw/calls",
        "raw\\calls",
        "calls?",
        "calls[0]",
        "a.b.c.d",
        "raw calls",
        "1calls",
        '"calls',
        "calls;",
        "raw..calls",
    ],
)
def test_a_location_that_nothing_matches_says_what_to_set(location: str, tmp_path: Path) -> None:
    with pytest.raises(RawCallsError) as caught:
        locate(location, tmp_path)
    assert f"No file matches {location}" in str(caught.value)
    assert "HIPAA_MODE_RAW_CALLS" in str(caught.value)
    assert caught.value.exit_code == ExitCode.MISSING_FILE


@pytest.mark.parametrize("location", ["", "  "])
def test_no_location_says_what_to_set(location: str, tmp_path: Path) -> None:
    with pytest.raises(RawCallsError, match=r"No raw calls are named\. .*HIPAA_MODE_RAW_CALLS"):
        locate(location, tmp_path)


@pytest.mark.parametrize("form", ["{}", "{}/", "../{}"])
def test_a_folder_is_refused(form: str, tmp_path: Path) -> None:
    folder = tmp_path / "raw calls"
    folder.mkdir()
    (folder / "calls.ndjson").write_bytes(b"{}")
    base = tmp_path / "elsewhere" if form.startswith("..") else tmp_path
    base.mkdir(exist_ok=True)
    with pytest.raises(RawCallsError, match="No file matches"):
        locate(form.format(folder.name), base)


# Lines.


def test_lines_come_with_their_numbers(tmp_path: Path) -> None:
    assert read(tmp_path, b'{"a": 1}\n{"b": "\xc3\xa9"}\n') == [
        (1, '{"a": 1}', None),
        (2, '{"b": "é"}', None),
    ]


def test_a_last_line_without_a_line_feed_counts(tmp_path: Path) -> None:
    assert read(tmp_path, b"one\ntwo") == [(1, "one", None), (2, "two", None)]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert read(tmp_path, b"") == []
    assert read(tmp_path, b"\n\n") == []


def test_blank_lines_are_left_out_but_counted(tmp_path: Path) -> None:
    content = "\n \none\n\t\u00a0\r\n\r\n\ntwo\n".encode()
    assert read(tmp_path, content) == [(3, "one", None), (7, "two", None)]


def test_a_carriage_return_before_the_line_feed_is_no_part_of_the_call(tmp_path: Path) -> None:
    content = b"one\r\ntwo\rstill two\r\nthree"
    assert read(tmp_path, content) == [
        (1, "one", None),
        (2, "two\rstill two", None),
        (3, "three", None),
    ]


def test_a_byte_order_mark_at_the_start_is_no_part_of_the_call(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    content = mark + b"one\n" + mark + b"two\n"
    assert read(tmp_path, content) == [(1, "one", None), (2, "\ufefftwo", None)]


def test_blanks_inside_and_around_a_call_stay(tmp_path: Path) -> None:
    assert read(tmp_path, b"  {  }  \n") == [(1, "  {  }  ", None)]


@pytest.mark.parametrize(
    "line",
    [
        b"\xff",
        b"caf\xe9",
        b'{"a": "\xc3"}',
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_a_line_that_is_not_utf_8_is_kept_as_its_bytes(line: bytes, tmp_path: Path) -> None:
    content = b"before\n" + line + b"\nafter\n"
    assert read(tmp_path, content) == [
        (1, "before", None),
        (2, None, line),
        (3, "after", None),
    ]


def test_a_nul_character_is_kept(tmp_path: Path) -> None:
    assert read(tmp_path, b"a\x00b\n\x00\n") == [(1, "a\x00b", None), (2, "\x00", None)]


def test_other_line_breaks_of_unicode_do_not_break_a_line(tmp_path: Path) -> None:
    text = "a\u2028b\u0085c\vd\fe"
    assert read(tmp_path, text.encode() + b"\n") == [(1, text, None)]


def test_gzip_is_known_by_its_first_bytes_and_not_by_its_name(tmp_path: Path) -> None:
    assert read(tmp_path, gzip.compress(b"one\n\ntwo")) == [(1, "one", None), (3, "two", None)]
    plain = write(tmp_path / "plain.gz", b"one\n")
    assert lines_of(plain) == [(1, "one", None)]


def test_gzip_of_several_members_is_read_to_its_end(tmp_path: Path) -> None:
    content = gzip.compress(b"one\ntw") + gzip.compress(b"o\nthree\n")
    assert read(tmp_path, content) == [(1, "one", None), (2, "two", None), (3, "three", None)]


@pytest.mark.parametrize("block", [3, 4, 7, 64])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_line_longer_than_a_block_is_read_whole(
    block: int, compressed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_calls, "BLOCK_BYTES", block)
    content = b"\xef\xbb\xbf" + b"short\n" + "é".encode() * 500 + b"\r\n" + b"x" * 1000
    stored = gzip.compress(content) if compressed else content
    assert read(tmp_path, stored) == [
        (1, "short", None),
        (2, "é" * 500, None),
        (3, "x" * 1000, None),
    ]


def expected_lines(lines: list[bytes]) -> list[Line]:
    """Say what must be read of lines, with Python's own decoder."""
    found: list[Line] = []
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            found.append((number, None, line))
            continue
        if text.strip():
            found.append((number, text, None))
    return found


BYTE_LINES = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(str.encode),
        st.sampled_from([b"", b" ", b"\t", b'{"a": 1}', b"\xff", b"\x00", b"\xed\xa0\x80"]),
    ).map(lambda line: line.replace(b"\n", b"").rstrip(b"\r")),
    max_size=12,
).filter(
    lambda lines: (
        not lines
        or not (lines[0].startswith(b"\xef\xbb\xbf") or unreadable_kind(b"\n".join(lines)))
    )
)


@given(BYTE_LINES, st.integers(1, 40), st.booleans(), st.booleans(), st.booleans())
@example([b"", b"", b"x", b""], 1, False, False, False)
def test_every_line_that_is_not_blank_comes_back_once_in_order(
    lines: list[bytes], block: int, ends: bool, windows: bool, compressed: bool
) -> None:
    separator = b"\r\n" if windows and not any(map(is_unreadable, lines)) else b"\n"
    content = separator.join(lines) + (separator if ends else b"")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_calls, "BLOCK_BYTES", block)
        stored = gzip.compress(content, mtime=0) if compressed else content
        assert read(Path(folder), stored) == expected_lines(lines)


def is_unreadable(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return True
    return False


# Files that change, or end too early.


@pytest.mark.parametrize("block", [3, 4096])
def test_a_file_that_grows_is_read_as_far_as_it_went(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_calls, "BLOCK_BYTES", block)
    (tmp_path / "calls.ndjson").write_bytes(b"one\ntwo\n")
    [file] = locate("calls.ndjson", tmp_path).files
    with Path(file.path).open("ab") as stream:
        stream.write(b"three\n")
    assert lines_of(file) == [(1, "one", None), (2, "two", None)]


def test_a_gzip_file_that_grows_is_read_as_far_as_it_went(tmp_path: Path) -> None:
    (tmp_path / "calls.gz").write_bytes(gzip.compress(b"one\n"))
    [file] = locate("calls.gz", tmp_path).files
    with Path(file.path).open("ab") as stream:
        stream.write(gzip.compress(b"two\n"))
    assert lines_of(file) == [(1, "one", None)]


def refusal(file: RawFile) -> str:
    with pytest.raises(RawCallsError) as caught:
        lines_of(file)
    assert file.path in str(caught.value)
    assert "can't be read to its end" in str(caught.value)
    return str(caught.value)


def test_a_file_that_shrank_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "calls.ndjson", b"one\ntwo\n")
    Path(file.path).write_bytes(b"one\n")
    refusal(file)


def test_a_file_that_went_away_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "calls.ndjson", b"one\n")
    Path(file.path).unlink()
    refusal(file)


@pytest.mark.parametrize("kept", [2, 10, 20, -9, -4, -1])
def test_a_truncated_gzip_file_is_refused_by_name(kept: int, tmp_path: Path) -> None:
    content = gzip.compress(b'{"email": "jane@example.com"}\n' * 50)[:kept]
    message = refusal(write(tmp_path / "calls.ndjson.gz", content))
    assert "jane" not in message


@pytest.mark.parametrize("place", [2, 10, 20, -8, -1])
def test_a_gzip_file_with_a_flipped_byte_is_refused_by_name(place: int, tmp_path: Path) -> None:
    content = bytearray(gzip.compress(b"one\ntwo\nthree\n" * 50))
    content[place] ^= 0xFF
    refusal(write(tmp_path / "calls.ndjson.gz", bytes(content)))


def test_rubbish_after_gzip_is_refused_by_name(tmp_path: Path) -> None:
    refusal(write(tmp_path / "calls.ndjson.gz", gzip.compress(b"one\n") + b"rubbish"))


# Parquet files.


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.dictionary(pa.int32(), pa.string()),
    ],
    ids=str,
)
def test_every_row_of_a_text_column_is_a_message(kind: pa.DataType, tmp_path: Path) -> None:
    texts = ["{}", None, "", " ", "é\r\n\x00", "😀"]
    encoded = [None if text is None else text.encode() for text in texts]
    is_binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    column = pa.array(encoded if is_binary else texts).cast(kind)
    file = parquet_file(tmp_path / "a.parquet", message=column)
    assert rows_of(file) == [(number, text, None) for number, text in enumerate(texts, 1)]


def test_rows_are_numbered_through_all_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_calls, "ROWS_AT_A_TIME", 7)
    texts = [f"call {number}" for number in range(1, 51)]
    file = parquet_file(tmp_path / "a.parquet", message=texts)
    assert len(list(read_parquet(file))) > 5
    assert rows_of(file) == [(number, f"call {number}", None) for number in range(1, 51)]


@pytest.mark.parametrize("is_text", [False, True])
def test_bytes_that_are_not_utf_8_are_kept_as_they_are(is_text: bool, tmp_path: Path) -> None:
    column = pa.array([b"{}", b"caf\xe9", None, b"\xff"])
    if is_text:
        column = pa.Array.from_buffers(pa.string(), len(column), column.buffers())
    file = parquet_file(tmp_path / "a.parquet", message=column)
    assert rows_of(file) == [
        (1, "{}", None),
        (2, None, b"caf\xe9"),
        (3, None, None),
        (4, None, b"\xff"),
    ]


def test_the_message_is_in_its_column_or_the_only_one(tmp_path: Path) -> None:
    several = parquet_file(tmp_path / "a.parquet", id=[1], message=["right"], other=["wrong"])
    assert rows_of(several) == [(1, "right", None)]
    alone = parquet_file(tmp_path / "b.parquet", payload=["right"])
    assert rows_of(alone) == [(1, "right", None)]


@pytest.mark.parametrize("name", ["payload", "raw.message", "Message", "größe", 'a"b'])
def test_another_column_can_be_named(name: str, tmp_path: Path) -> None:
    columns = {"message": ["wrong"], name: ["right"]}
    file = parquet_file(tmp_path / "a.parquet", **columns)
    assert rows_of(file, name) == [(1, "right", None)]


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"a": ["x"], "b": ["y"]}, None),
        ({"message": ["x"]}, "payload"),
        ({"message": ["x"]}, "Message"),
    ],
)
def test_a_file_without_the_column_for_the_message_is_refused(
    columns: dict[str, list[Any]], wanted: str | None, tmp_path: Path
) -> None:
    file = parquet_file(tmp_path / "a.parquet", **columns)
    with pytest.raises(RawCallsError, match=f"has no column `{wanted or 'message'}`") as caught:
        rows_of(file, wanted)
    assert file.path in str(caught.value)
    assert "hipaa_mode__raw_message_column" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1], "int64"),
        ([{"secret": "x"}], "struct"),
        ([["x"]], "list"),
        (pa.array([[("secret", "x")]], pa.map_(pa.string(), pa.string())), "map"),
    ],
)
@pytest.mark.parametrize("is_named", [False, True])
def test_a_column_of_another_type_than_text_is_refused_by_its_type(
    values: Any, kind: str, is_named: bool, tmp_path: Path
) -> None:
    file = parquet_file(tmp_path / "a.parquet", message=values, payload=["x"])
    with pytest.raises(
        RawCallsError, match=f"holds no text but {kind}\\. Write .* JSON"
    ) as caught:
        rows_of(file, "message" if is_named else None)
    assert file.path in str(caught.value)
    assert "hipaa_mode__raw_message_column" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_column_of_duckdbs_json_type_is_text(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            'copy (select \'{"type": "track"}\'::json as message, 1 as id union all '
            f"select null, 2) to '{path}' (format parquet)"
        )
    assert pq.read_schema(path).field("message").type != pa.string()
    file = RawFile(str(path), path.stat().st_size)
    assert rows_of(file) == [(1, '{"type": "track"}', None), (2, None, None)]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not Parquet: jane@example.com", None])
def test_a_file_that_is_not_parquet_is_refused_by_name(
    content: bytes | None, tmp_path: Path
) -> None:
    file = parquet_file(tmp_path / "a.parquet", message=["jane@example.com"] * 100)
    whole = Path(file.path).read_bytes()
    Path(file.path).write_bytes(whole[:-20] if content is None else content)
    [file] = locate("*.parquet", tmp_path).files
    with pytest.raises(RawCallsError, match="can't be read to its end") as caught:
        rows_of(file)
    assert file.path in str(caught.value)
    assert "jane" not in str(caught.value)


def test_a_parquet_file_that_was_replaced_is_refused(tmp_path: Path) -> None:
    parquet_file(tmp_path / "a.parquet", message=["one"])
    [file] = locate("*.parquet", tmp_path).files
    parquet_file(tmp_path / "a.parquet", message=["one", "two", "three and a longer one"])
    with pytest.raises(RawCallsError):
        rows_of(file)


# The stream that DuckDB scans.


def scanned(lines: RawLines, query: str) -> list[tuple[object, ...]]:
    connection = duckdb.connect()
    connection.register("raw_lines", lines)
    return connection.execute(query).fetchall()


def two_files(folder: Path) -> RawLines:
    write(folder / "a.ndjson", b"one\n\ntwo\n\xff\n")
    write(folder / "b.ndjson.gz", gzip.compress(b"three"))
    return RawLines(locate("*", folder))


def test_sql_can_scan_the_lines_again_with_the_same_result(tmp_path: Path) -> None:
    connection = duckdb.connect()
    connection.register("raw_lines", two_files(tmp_path))
    query = "select * exclude (run_number) from raw_lines order by source_file, line_number"
    first = connection.execute(query).fetchall()
    a, b = str(tmp_path / "a.ndjson"), str(tmp_path / "b.ndjson.gz")
    assert first == [
        (1, a, 1, "one", None),
        (1, a, 3, "two", None),
        (1, a, 4, None, b"\xff"),
        (2, b, 1, "three", None),
    ]
    assert connection.execute(query).fetchall() == first
    joined = "select count(*) from raw_lines join raw_lines as again using (message)"
    assert connection.execute(joined).fetchall() == [(3,)]


def test_sql_can_scan_a_few_columns_in_another_order(tmp_path: Path) -> None:
    query = "select line_number, message from raw_lines where unreadable is null order by all"
    assert scanned(two_files(tmp_path), query) == [(1, "one"), (1, "three"), (3, "two")]


def test_lines_settled_after_they_were_registered_are_seen(tmp_path: Path) -> None:
    lines = RawLines()
    connection = duckdb.connect()
    connection.register("raw_lines", lines)
    assert connection.execute("select count(*) from raw_lines").fetchall() == [(0,)]
    lines.location = two_files(tmp_path).location
    assert connection.execute("select count(*) from raw_lines").fetchall() == [(4,)]


def test_a_table_has_no_lines(tmp_path: Path) -> None:
    lines = RawLines(locate("some.table", tmp_path))
    assert scanned(lines, "select count(*) from raw_lines") == [(0,)]


def test_sql_can_scan_parquet_files_again_with_the_same_result(tmp_path: Path) -> None:
    parquet_file(tmp_path / "a.parquet", message=["one", "two"])
    parquet_file(tmp_path / "b.parquet", message=["three"])
    connection = duckdb.connect()
    connection.register("raw_lines", RawLines(locate("*.parquet", tmp_path)))
    query = "select line_number, message, unreadable from raw_lines order by source_file, 1"
    first = connection.execute(query).fetchall()
    assert first == [(1, "one", None), (2, "two", None), (1, "three", None)]
    assert connection.execute(query).fetchall() == first


def test_the_column_named_with_the_location_is_read(tmp_path: Path) -> None:
    parquet_file(tmp_path / "a.parquet", message=["wrong"], payload=["right"])
    lines = RawLines(locate("*.parquet", tmp_path, "payload"))
    assert scanned(lines, "select message from raw_lines") == [("right",)]


def test_sql_is_told_which_file_can_not_be_read(tmp_path: Path) -> None:
    write(tmp_path / "a.ndjson.gz", gzip.compress(b"one\ntwo\n" * 100)[:-8])
    lines = RawLines(locate("*", tmp_path))
    with pytest.raises(duckdb.Error, match=r"a\.ndjson\.gz can't be read to its end"):
        scanned(lines, "select count(message) from raw_lines")


def test_a_large_file_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_calls, "BLOCK_BYTES", 1 << 14)
    content = io.BytesIO()
    for number in range(1, 20_001):
        content.write(f'{{"number": {number}}}\n'.encode())
    file = write(tmp_path / "calls.ndjson", content.getvalue())
    assert len(list(read_lines(file))) > 10
    lines = lines_of(file)
    assert lines == [(number, f'{{"number": {number}}}', None) for number in range(1, 20_001)]
