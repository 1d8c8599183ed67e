"""Single mutations of sound seed files: what a slip of the hand, or a lost file, makes of them."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

LEGAL: Mapping[str, tuple[str, ...]] = {
    "supports_server_side": ("true", "false"),
    "supports_client_side": ("true", "false"),
    "connection_mode": ("server_side", "client_side"),
    "restrict_phi": ("true", "false"),
    "baa_expires_on": ("2030-12-31", "2039-12-31"),
    "mask_scope": ("*", "shared", "destination", "property"),
    "timestamp_precision": ("exact", "hour", "month", "none"),
    "consent_categories": ("ads", "ads;stats", "stats,ads", ";"),
    "consent_strategy": ("and", "or", "all"),
    "honor_opt_outs": ("true", "false", "no"),
    "integration_names": ("GA", "Analytics;GA;Other", ";"),
    "property_list": ("event", "user", "group", "context", "envelope"),
    "treatment": (
        "allow",
        "mask",
        "surrogate",
        "deny",
        "year",
        "month",
        "round(1)",
        "truncate(9)",
    ),
    "normalize": ("none", "email", "lower"),
    "data_type": ("text", "integer", "number", "boolean", "date", "json"),
    "guard": ("none", "warn", "block"),
    "expires_on": ("2026-01-01", "2030-12-31", "2026-02-30"),
    "retain_days": ("7", "3650", "0"),
    "zip3": ("999",),
}
"""Other values that a column may have, and some that it may not."""


@dataclass(frozen=True)
class Mutation:
    """One change of the files.

    Attributes:
        name: what changes, for messages.
        kind: the kind of change.
        file: the file's name.
        column: the column, where it is of one.
        apply: makes the change in a folder of a project.
    """

    name: str
    kind: str
    file: str
    column: str
    apply: Callable[[Path], None]


def of_cells(seeds: Path) -> Iterator[Mutation]:
    """Yield every mutation of a cell of the seeds in a folder."""
    for path in sorted(seeds.glob("*.csv")):
        header, *rows = _table(path)
        for line, row in enumerate(rows, start=2):
            for number, column in enumerate(header):
                beside = [
                    rows[other][number] for other in (line - 3, line - 1) if 0 <= other < len(rows)
                ]
                for kind, cell in _other_cells(column, row[number], beside, row, number):
                    changed = [*row[:number], cell, *row[number + 1 :]]
                    table = [header, *rows[: line - 2], changed, *rows[line - 1 :]]
                    name = f"{path.name}, line {line}, {column} {row[number]!r} -> {cell!r}"
                    yield _text(path, name, f"cell {kind}", table, column)


def _other_cells(
    column: str, cell: str, beside: list[str], row: list[str], number: int
) -> Iterator[tuple[str, str]]:
    middle = len(cell) // 2
    swapped = cell[: middle - 1] + cell[middle - 1 : middle + 1][::-1] + cell[middle + 1 :]
    others = [
        ("deleted", ""),
        ("with a letter dropped", cell[:middle] + cell[middle + 1 :]),
        ("with letters swapped", swapped if middle else cell),
        ("in another case", cell.swapcase()),
        ("with a blank", cell + "\N{NO-BREAK SPACE}" if cell else ""),
        ("made *", "*"),
        *(("made its neighbour's", other) for other in (*beside, row[number - 1])),
        *(("made another legal one", other) for other in LEGAL.get(column, ())),
    ]
    found: dict[str, str] = {}
    for kind, other in others:
        if other != cell:
            found.setdefault(other, kind)
    for other, kind in found.items():
        yield kind, other


def of_rows(seeds: Path) -> Iterator[Mutation]:
    """Yield every mutation of a row: deleted, or there twice."""
    for path in sorted(seeds.glob("*.csv")):
        header, *rows = _table(path)
        for number in range(len(rows)):
            name = f"{path.name}, line {number + 2}"
            kept = [*rows[:number], *rows[number + 1 :]]
            yield _text(path, f"{name} deleted", "row deleted", [header, *kept])
            twice = [*rows[: number + 1], *rows[number:]]
            yield _text(path, f"{name} duplicated", "row duplicated", [header, *twice])


def of_headers(seeds: Path) -> Iterator[Mutation]:
    """Yield every mutation of a header, and every column left out."""
    for path in sorted(seeds.glob("*.csv")):
        header, *rows = _table(path)
        for number, column in enumerate(header):
            for kind, other in (
                ("misspelt", column[:-1]),
                ("in another case", column.upper()),
                ("with a blank", column.replace("_", " ") + " x"),
                ("removed", ""),
            ):
                names = [*header[:number], other, *header[number + 1 :]]
                name = f"{path.name}, header {column!r} -> {other!r}"
                yield _text(path, name, f"header {kind}", [names, *rows], column)
            table = [[*row[:number], *row[number + 1 :]] for row in (header, *rows)]
            yield _text(path, f"{path.name} without {column}", "column removed", table, column)


def of_files(seeds: Path) -> Iterator[Mutation]:
    """Yield every mutation of a whole file: cut short, emptied, or not where it was."""
    for path in sorted(seeds.glob("*.csv")):
        content = path.read_bytes()
        lines = content.splitlines(keepends=True)
        for count, line in enumerate(lines):
            above = b"".join(lines[:count])
            name = f"{path.name} cut short at line {count + 1}"
            yield _bytes(path, name, "file cut short", above)
            yield _bytes(
                path, f"{name}, within it", "file cut short", above + line[: len(line) // 2]
            )
            yield _bytes(path, f"{name}, before its end", "file cut short", above + line[:-2])
        for place in (f"more/{path.name}", f"../data/{path.name}", f"{path.stem}.CSV",
                      f"{path.stem.title()}.csv", f"{path.name}.bak", f"{path.stem[:-1]}.csv",
                      f".{path.name}"):  # fmt: skip
            yield Mutation(
                f"{path.name} moved to {place}",
                "file moved",
                path.name,
                place,
                _move(path.name, place),
            )
        yield Mutation(f"{path.name} missing", "file missing", path.name, "", _remove(path.name))
        for kind, link in (("file", _link), ("folder", _link_folder), ("nothing", _link_nowhere)):
            name = f"{path.name} behind a link to a {kind}"
            yield Mutation(name, "file behind a link", path.name, kind, link(path.name))


def _table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _text(path: Path, name: str, kind: str, table: list[list[str]], column: str = "") -> Mutation:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    return _bytes(path, name, kind, text.getvalue().encode(), column)


def _bytes(path: Path, name: str, kind: str, content: bytes, column: str = "") -> Mutation:
    return Mutation(
        name, kind, path.name, column, lambda seeds: _written(seeds / path.name, content)
    )


def _written(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _move(name: str, place: str) -> Callable[[Path], None]:
    def move(seeds: Path) -> None:
        target = seeds / place
        target.parent.mkdir(exist_ok=True)
        (seeds / name).rename(target)

    return move


def _remove(name: str) -> Callable[[Path], None]:
    return lambda seeds: (seeds / name).unlink()


def _link(name: str) -> Callable[[Path], None]:
    def link(seeds: Path) -> None:
        target = seeds.parent / f"real_{name}"
        (seeds / name).rename(target)
        (seeds / name).symlink_to(target)

    return link


def _link_folder(name: str) -> Callable[[Path], None]:
    def link(seeds: Path) -> None:
        target = seeds.parent / "real_folder"
        target.mkdir()
        (seeds / name).rename(target / name)
        (seeds / "linked").symlink_to(target)

    return link


def _link_nowhere(name: str) -> Callable[[Path], None]:
    def link(seeds: Path) -> None:
        (seeds / name).unlink()
        (seeds / name).symlink_to(seeds.parent / "nowhere.csv")

    return link


def made(mutation: Mutation, sound: Path, folder: Path) -> Path:
    """Make a mutation in a copy of the sound seeds; return the copy."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(sound, folder / "seeds")
    mutation.apply(folder / "seeds")
    return folder / "seeds"
