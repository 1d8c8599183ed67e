"""Editing a seed as text: what is not touched keeps its bytes, and what is written reads back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hipaa_mode.editing.seed_text import SeedText, UneditableSeedError
from hipaa_mode.seeds import Fault, read_seed

SEED = "allowed_events"
COLUMNS = ("environment", "destination", "event", "sent_as")
LABEL = f"seeds/{SEED}.csv"

# What a CSV file can hold: quotes, commas, line breaks, blanks, and text of any script.
cell = st.text(
    st.one_of(
        st.sampled_from(list('",\r\n \t;#*\'"')),
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    ),
    max_size=8,
)
# A seed's own row: not blank, or it would be no row.
new_row = st.tuples(st.sampled_from(["dev", "prod", "*"]), cell, cell, cell)


def quoted(value: str, always: bool) -> str:
    if always or any(character in value for character in ',"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


@st.composite
def files(draw: st.DrawFn, uniform: bool = False) -> bytes:
    """A seed file as people and spreadsheets write them: columns in any order."""
    columns = draw(st.permutations(COLUMNS))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    always = draw(st.booleans())
    text = ",".join(quoted(column, always) for column in columns) + ending
    for _ in range(draw(st.integers(0, 6))):
        if not uniform:
            ending = draw(st.sampled_from([ending, ending, "\n", "\r\n"]))
            if draw(st.integers(0, 4)) == 0:
                text += draw(st.sampled_from(["", " ", ",,"])) + ending
        cells = [draw(st.sampled_from(["dev", "prod"])), *(draw(cell) for _ in columns[1:])]
        loose = draw(st.booleans()) if not uniform else False
        text += ",".join(quoted(value, always or loose) for value in cells) + ending
    if draw(st.booleans()):
        text = text.removesuffix("\n").removesuffix("\r")
    mark = "\ufeff" if draw(st.booleans()) else ""
    return (mark + text).encode()


def parse(content: bytes) -> SeedText:
    return SeedText.parse(content, LABEL)


def read(content: bytes, folder: Path) -> list[dict[str, str]]:
    """The rows as the build reads them."""
    path = folder / f"{SEED}.csv"
    path.write_bytes(content)
    faults: list[Fault] = []
    rows = read_seed(SEED, path, LABEL, faults)
    assert rows is not None and faults == [], [str(fault) for fault in faults]
    return [dict(row.cells) for row in rows]


def lines(content: bytes) -> list[str]:
    """The file's records as text, without line endings at their ends."""
    text = content.decode("utf-8-sig")
    taken: list[str] = []
    found: list[str] = []

    def source() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    for _ in csv.reader(source(), strict=True):
        found.append("".join(taken).removesuffix("\n").removesuffix("\r"))
        taken.clear()
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seeds")


@given(content=files())
def test_a_file_that_is_not_edited_keeps_its_bytes(content: bytes) -> None:
    assert parse(content).as_bytes() == content


@given(content=files())
def test_rows_and_lines_are_those_of_the_reader(content: bytes, folder: Path) -> None:
    path = folder / f"{SEED}.csv"
    path.write_bytes(content)
    rows = read_seed(SEED, path, LABEL, [])
    assert rows is not None
    assert parse(content).rows == {row.line: dict(row.cells) for row in rows}


@given(content=files(), row=new_row, data=st.data())
def test_a_row_added_and_removed_leaves_the_bytes_as_they_were(
    content: bytes, row: tuple[str, ...], data: st.DataObject
) -> None:
    seed = parse(content)
    after = data.draw(st.sampled_from([None, *seed.rows]))
    added = seed.add(dict(zip(COLUMNS, row)), after)
    place = len(seed.rows) if after is None else sorted(seed.rows).index(after) + 1
    assert added.remove(sorted(added.rows)[place]).as_bytes() == content


@given(content=files(), row=new_row, data=st.data())
def test_adding_touches_no_other_row_and_reads_back(
    content: bytes, row: tuple[str, ...], data: st.DataObject, folder: Path
) -> None:
    seed = parse(content)
    after = data.draw(st.sampled_from([None, *seed.rows]))
    cells = dict(zip(COLUMNS, row))
    result = seed.add(cells, after).as_bytes()
    before, now = lines(content), lines(result)
    assert len(now) == len(before) + 1
    places = [place for place in range(len(now)) if now[:place] + now[place + 1 :] == before]
    assert places
    old, new = read(content, folder), read(result, folder)
    whole = dict.fromkeys(seed.columns, "") | cells
    place = len(old) if after is None else sorted(seed.rows).index(after) + 1
    assert new == [*old[:place], whole, *old[place:]]
    assert result.startswith(b"\xef\xbb\xbf") == content.startswith(b"\xef\xbb\xbf")
    assert result.endswith((b"\n", b"\r")) == content.endswith((b"\n", b"\r")) or row[-1]


@given(content=files(), data=st.data())
def test_changing_touches_one_row_and_no_other_cell(
    content: bytes, data: st.DataObject, folder: Path
) -> None:
    seed = parse(content)
    assume(seed.rows)
    line = data.draw(st.sampled_from(sorted(seed.rows)))
    column = data.draw(st.sampled_from(seed.columns[1:]))
    assume(seed.rows[line]["environment"].strip() or column != "environment")
    value = data.draw(cell)
    result = seed.change(line, {column: value}).as_bytes()
    before, now = lines(content), lines(result)
    changed = [place for place in range(len(before)) if before[place] != now[place]]
    assert len(before) == len(now) and len(changed) <= 1
    old, new = read(content, folder), read(result, folder)
    place = sorted(seed.rows).index(line)
    expected = [*old[:place], old[place] | {column: value}, *old[place + 1 :]]
    assert new == [row for row in expected if any(text.strip() for text in row.values())]


@given(content=files(uniform=True), data=st.data())
def test_a_change_and_its_reverse_give_the_same_bytes(content: bytes, data: st.DataObject) -> None:
    seed = parse(content)
    assume(seed.rows)
    line = data.draw(st.sampled_from(sorted(seed.rows)))
    column = data.draw(st.sampled_from([name for name in seed.columns if name != "environment"]))
    old = seed.rows[line][column]
    changed = seed.change(line, {column: data.draw(cell)})
    assume(line in changed.rows)
    assert changed.change(line, {column: old}).as_bytes() == content


@given(content=files(uniform=True), data=st.data())
def test_a_row_removed_and_added_again_gives_the_same_bytes(
    content: bytes, data: st.DataObject
) -> None:
    seed = parse(content)
    rows = sorted(seed.rows)
    assume(len(rows) > 1)
    place = data.draw(st.integers(1, len(rows) - 1))
    removed = seed.remove(rows[place])
    again = removed.add(seed.rows[rows[place]], after=sorted(removed.rows)[place - 1])
    assert again.as_bytes() == content


@given(content=files(), data=st.data())
def test_removing_touches_no_other_row(content: bytes, data: st.DataObject, folder: Path) -> None:
    seed = parse(content)
    assume(seed.rows)
    line = data.draw(st.sampled_from(sorted(seed.rows)))
    result = seed.remove(line).as_bytes()
    before, now = lines(content), lines(result)
    assert any(before[:place] + before[place + 1 :] == now for place in range(len(before)))
    place = sorted(seed.rows).index(line)
    old = read(content, folder)
    assert read(result, folder) == old[:place] + old[place + 1 :]


def test_a_blank_line_before_a_last_row_without_ending_stays() -> None:
    content = b"environment,destination,event,sent_as\ndev,ga4,Home,\n\ndev,crm,Home,"
    removed = parse(content).remove(4).as_bytes()
    assert removed == content.removesuffix(b"dev,crm,Home,")


def test_the_row_stands_where_it_was_asked_for() -> None:
    seed = parse(b"environment,destination,event,sent_as\ndev,ga4,Home,\ndev,crm,Home,\n")
    added = seed.add({"environment": "dev", "destination": "ga4", "event": "Search"}, after=2)
    assert added.as_bytes().decode().splitlines()[1:] == [
        "dev,ga4,Home,",
        "dev,ga4,Search,",
        "dev,crm,Home,",
    ]


def test_a_comment_line_is_kept_though_it_is_a_fault_for_the_reader() -> None:
    content = b"environment,destination,event,sent_as\n# ours\ndev,ga4,Home,\n"
    seed = parse(content)
    assert list(seed.rows) == [3]
    assert seed.remove(3).as_bytes() == content.removesuffix(b"dev,ga4,Home,\n")


def test_a_column_that_the_file_lacks_is_asked_for() -> None:
    with pytest.raises(UneditableSeedError, match="line 1: the header lacks `guard`"):
        parse(b"environment,event\n").add({"environment": "dev", "guard": "warn"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"environment,event,event\n", "repeats a column"),
        (b'environment,event\ndev,"Home\n', "line 2: the row is not CSV"),
        (b'environment,event\ndev,"Home"x\n', "line 2: the row is not CSV"),
    ],
)
def test_what_cant_be_edited_is_told(content: bytes, message: str) -> None:
    with pytest.raises(UneditableSeedError, match=message):
        parse(content)


def test_a_cell_in_quotes_stays_in_quotes() -> None:
    seed = parse(b'environment,destination,event,sent_as\ndev,"ga4","Home",start\n')
    changed = seed.change(2, {"event": "Search", "sent_as": "find"})
    assert changed.as_bytes().splitlines()[1] == b'dev,"ga4","Search",find'
