"""A CSV seed as text: rows are added, changed and removed, and nothing else moves.

What is not touched keeps its bytes: byte order mark, line endings, quotes, blank lines, columns
that hipaa_mode does not know. A line that starts with `#` is no comment to dbt, whose seed loader
takes it for a row, nor to `hipaa_mode.seeds`, which calls it a fault; so comments live in columns
such as `reason` and `description`, or in one of your own.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hipaa_mode.errors import ConfigurationError

BYTE_ORDER_MARK = "\ufeff"
_SPECIAL = frozenset(',"\r\n')
_ENDING = re.compile(r"(?:\r\n|\n|\r)\Z")
_CELL = re.compile(r'(?:^|,)((?:"(?:[^"]|"")*")?[^,]*)')


class UneditableSeedError(ConfigurationError):
    """The seed can't be edited as it stands. The text says where and what to do."""


@dataclass(frozen=True)
class _Record:
    """One record of the file: its text, how its line ends, and the line it starts in."""

    text: str
    ending: str
    line: int
    cells: tuple[str, ...]

    @property
    def is_blank(self) -> bool:
        return not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True)
class SeedText:
    """A seed file; every edit returns a new one.

    Attributes:
        label: how messages name the file.
    """

    label: str
    _has_mark: bool
    _records: tuple[_Record, ...]

    @classmethod
    def parse(cls, content: bytes, label: str) -> SeedText:
        """Take the file apart.

        Raises:
            UneditableSeedError: the file is not UTF-8, not CSV, or has no header.
        """
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise UneditableSeedError(f"{label} is not UTF-8. Save it as UTF-8") from None
        has_mark = text.startswith(BYTE_ORDER_MARK)
        records = tuple(_records(text[1:] if has_mark else text, label))
        if not records:
            raise UneditableSeedError(f"{label} is empty. Give it a header")
        columns = [cell.strip() for cell in records[0].cells]
        if len(set(columns)) < len(columns) or not any(columns):
            raise UneditableSeedError(
                f"{label}, line 1: the header is blank or repeats a column. Fix the header"
            )
        return cls(label, has_mark, records)

    def as_bytes(self) -> bytes:
        """Put the file together again."""
        text = "".join(record.text + record.ending for record in self._records)
        return ((BYTE_ORDER_MARK if self._has_mark else "") + text).encode("utf-8")

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in the file's order."""
        return tuple(cell.strip() for cell in self._records[0].cells)

    @property
    def rows(self) -> dict[int, dict[str, str]]:
        """The rows by the line they start in; blank lines and malformed rows are left out."""
        return {
            record.line: dict(zip(self.columns, record.cells))
            for record in self._records[1:]
            if not record.is_blank and len(record.cells) == len(self.columns)
        }

    def add(self, cells: Mapping[str, str], after: int | None = None) -> SeedText:
        """Add a row after the one that starts in a line, or after the last one.

        Columns that `cells` does not name are blank.

        Raises:
            UneditableSeedError: the file lacks a column that has a value.
        """
        self._check_columns(cells)
        written = [
            _written(cells.get(name, ""), self._is_quoted(place), len(self.columns) == 1)
            for place, name in enumerate(self.columns)
        ]
        position = self._last_row() if after is None else self._position(after)
        records = list(self._records)
        before = records[position]
        is_last = position == len(records) - 1
        ending = before.ending if is_last else self._ending()
        records[position] = replace(before, ending=before.ending or self._ending())
        records.insert(position + 1, _Record(",".join(written), ending, 0, ()))
        return self._with(records)

    def change(self, line: int, cells: Mapping[str, str]) -> SeedText:
        """Change cells of the row that starts in a line; its other cells keep their bytes.

        Raises:
            UneditableSeedError: the file lacks a column that has a value.
        """
        self._check_columns(cells)
        position = self._position(line)
        records = list(self._records)
        record = records[position]
        raw = _split(record.text)
        for place, name in enumerate(self.columns):
            if name not in cells or cells[name] == record.cells[place]:
                continue
            old = record.cells[place]
            quoted = raw[place].startswith('"') and not _needs_quotes(old)
            raw[place] = _written(
                cells[name], quoted or self._is_quoted(place), len(self.columns) == 1
            )
        records[position] = replace(record, text=",".join(raw))
        return self._with(records)

    def remove(self, line: int) -> SeedText:
        """Remove the row that starts in a line."""
        position, records = self._position(line), list(self._records)
        removed = records.pop(position)
        # A blank line is its ending: without one it would be gone too.
        if position == len(records) and not records[-1].is_blank:
            records[-1] = replace(records[-1], ending=removed.ending)
        return self._with(records)

    def _with(self, records: list[_Record]) -> SeedText:
        text = "".join(record.text + record.ending for record in records)
        return replace(self, _records=tuple(_records(text, self.label)))

    def _position(self, line: int) -> int:
        return [record.line for record in self._records].index(line)

    def _last_row(self) -> int:
        return max(
            position for position, record in enumerate(self._records) if not record.is_blank
        )

    def _ending(self) -> str:
        endings = Counter(record.ending for record in self._records if record.ending)
        return endings.most_common(1)[0][0] if endings else "\n"

    def _is_quoted(self, place: int) -> bool:
        """Whether the file puts the cells of a column in quotes even where it need not."""
        written = [
            _split(record.text)[place]
            for record in self._records
            if len(record.cells) == len(self.columns)
        ]
        return all(cell.startswith('"') for cell in written)

    def _check_columns(self, cells: Mapping[str, str]) -> None:
        missing = [name for name, value in cells.items() if value and name not in self.columns]
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            raise UneditableSeedError(
                f"{self.label}, line 1: the header lacks {names}. Add the column to the file"
            )


def _records(text: str, label: str) -> Iterator[_Record]:
    """Cut the text into records exactly where the reader of `hipaa_mode.seeds` does."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    start = 1
    reader = csv.reader(lines(), strict=True)
    try:
        for cells in reader:
            whole = "".join(taken)
            taken.clear()
            bare = _ENDING.sub("", whole)
            if cells and _decoded(bare) != cells:
                raise csv.Error
            yield _Record(bare, whole[len(bare) :], start, tuple(cells))
            start = reader.line_num + 1
    except csv.Error:
        raise UneditableSeedError(
            f"{label}, line {start}: the row is not CSV. Check its quotes"
        ) from None


def _split(text: str) -> list[str]:
    """Cut a record's text into its cells as they are written, quotes included."""
    return _CELL.findall(text)


def _decoded(text: str) -> list[str]:
    return [
        cell[1:-1].replace('""', '"') if cell.startswith('"') else cell for cell in _split(text)
    ]


def _needs_quotes(value: str) -> bool:
    return any(character in _SPECIAL for character in value)


def _written(value: str, quoted: bool, is_alone: bool) -> str:
    # One blank cell would be a blank line.
    if quoted or _needs_quotes(value) or (is_alone and not value.strip()):
        return '"' + value.replace('"', '""') + '"'
    return value
