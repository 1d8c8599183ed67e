"""How a view is split into files: one a day, or a coarser period where times are coarser.

The period is that of `timestamp` as the destination sees it, so a file's name tells nothing that
its rows do not. A build writes the files of the periods it touched and keeps the others. A few
calls that claim thousands of different days do not make thousands of files: see `MOST_FILES`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNDATED = "undated"
"""File of rows without a time, or with one before the year 1 or after 9999."""

ALL = "all"
"""The only file of a view whose times are not shown."""

ENDING = ".parquet"
FORMAT = 2
"""Version of the layout of published files; others are written anew."""

MOST_FILES = 2_000
"""Files of a view, more than five years of days; with more its files are of months, then years."""

_PERIODS = {"month": "month", "year": "year", "none": "none"}


def period(precision: str) -> str:
    """Return the period of a file, `day`, `month`, `year` or `none`, for a time's precision."""
    return _PERIODS.get(precision, "day")


@dataclass(frozen=True)
class Partition:
    """The rows of one file.

    Attributes:
        name: name of the file without its ending.
        first: first day of the period, ISO 8601; None for `UNDATED` and `ALL`.
        after: first day after it.
    """

    name: str
    first: str | None = None
    after: str | None = None

    @classmethod
    def of(cls, day: str | None, period: str) -> Partition:
        """Return the partition that a day belongs to; None is a row without a time."""
        if period == "none":
            return cls(ALL)
        if day is None:
            return cls(UNDATED)
        date = dt.date.fromisoformat(day[:10])
        if period == "day":
            first, after = date, date.toordinal() + 1
        elif period == "month":
            first = date.replace(day=1)
            after = first.toordinal() + 32
            after -= _day_of_month(after) - 1
        else:
            first = date.replace(month=1, day=1)
            after = first.toordinal() + 366
            after -= _day_of_month(after) - 1
        length = {"day": 10, "month": 7, "year": 4}[period]
        return cls(first.isoformat()[:length], first.isoformat(), _as_iso(after))


def _day_of_month(ordinal: int) -> int:
    # Beyond the last day that Python knows only the first month is ever asked for.
    over = ordinal - dt.date.max.toordinal()
    return over if over > 0 else dt.date.fromordinal(ordinal).day


def _as_iso(ordinal: int) -> str:
    if ordinal > dt.date.max.toordinal():
        return "10000-01-01"
    return dt.date.fromordinal(ordinal).isoformat()


@dataclass(frozen=True)
class PartitionPlan:
    """Which files of a view a build writes, and which it keeps.

    Attributes:
        view: the view's name.
        write: the partitions to write.
        keep: names of published files to keep, relative to the destination's folder.
        rows: rows that each file must have, by its name.
        is_whole: whether everything is written.
    """

    view: str
    write: tuple[Partition, ...]
    keep: tuple[str, ...]
    rows: Mapping[str, int]
    is_whole: bool

    def file(self, partition: Partition) -> str:
        """Return the file of a partition, relative to the destination's folder."""
        return f"{self.view}/{partition.name}{ENDING}"

    @property
    def written(self) -> list[str]:
        """Names of the files that are written."""
        return [self.file(partition) for partition in self.write]


def plan_partitions(
    view: str,
    period: str,
    counts: Iterable[Sequence[Any]],
    changed: Iterable[str | None] | None,
    published: Mapping[str, Mapping[str, Any]],
) -> PartitionPlan:
    """Decide which files of a view are written.

    Args:
        view: the view's name.
        period: the period of a file; see `period`.
        counts: pairs of a day of the period (None: without a time) and the view's rows of it.
        changed: days whose rows changed since the view was published; None for all.
        published: the view's published files that may be kept, by name, each with its `rows`.
    """
    counts = list(counts)
    period = _coarse_enough(period, {day for day, _ in counts})
    rows: dict[Partition, int] = {}
    for day, count in counts:
        partition = Partition.of(day, period)
        rows[partition] = rows.get(partition, 0) + int(count)
    if not rows:
        rows[Partition(ALL if period == "none" else UNDATED)] = 0
    touched = None if changed is None else {Partition.of(day, period) for day in changed}
    plan = PartitionPlan(
        view, (), (), {f"{view}/{p.name}{ENDING}": n for p, n in rows.items()}, touched is None
    )
    write: list[Partition] = []
    keep: list[str] = []
    for partition, count in rows.items():
        known = published.get(plan.file(partition))
        is_same = known is not None and known.get("rows") == count
        if touched is None or partition in touched or not is_same:
            write.append(partition)
        else:
            keep.append(plan.file(partition))
    write.sort(key=lambda partition: partition.name)
    return PartitionPlan(view, tuple(write), tuple(sorted(keep)), plan.rows, touched is None)


def _coarse_enough(period: str, days: set[str | None]) -> str:
    """Return the period, or the first coarser one in which there are not too many files."""
    periods = ("day", "month", "year")
    for coarser in periods[periods.index(period) :] if period in periods else ():
        if len({Partition.of(day, coarser) for day in days}) <= MOST_FILES:
            return coarser
    return "none" if len(days) > MOST_FILES else period
