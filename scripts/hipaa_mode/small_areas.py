"""The ZIP areas where few people live, and the census that counted them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from hipaa_mode.seeds import Fault, SeedRow

YEARS_BEFORE_COUNTS = 3
"""So long after a census its counts by ZIP area are out: those of April 2020 came in May 2023."""


@dataclass(frozen=True)
class SmallAreas:
    """What `small_zip3_areas.csv` lists.

    Attributes:
        areas: three digits each, in the order of the file.
        census: year of the census that the list is made from; None where the file says none.
        row: the first row; None in an empty list.
    """

    areas: tuple[str, ...] = ()
    census: int | None = None
    row: SeedRow | None = None

    def age_warning(self, today: dt.date) -> list[Fault]:
        """Say that the list is not of the newest census; nothing where it is, or is empty."""
        newest = newest_census(today)
        if self.row is None or (self.census is not None and self.census >= newest):
            return []
        problem = f"the list of small areas is of the census of {self.census}"
        if self.census is None:
            problem = "the list of small areas does not say of which census it is"
        return [
            self.row.fault(
                f"{problem}; 45 CFR 164.514(b)(2)(i)(B) asks for current figures",
                f"Take the list of the census of {newest}, with its year in `census_year`",
            )
        ]


def newest_census(today: dt.date) -> int:
    """Return the year of the last decennial census whose counts by ZIP area are out."""
    return (today.year - YEARS_BEFORE_COUNTS) // 10 * 10


def read_small_areas(rows: Sequence[SeedRow], faults: list[Fault]) -> SmallAreas:
    """Read the rows; a faulty one is left out and its fault added."""
    areas: list[str] = []
    census: int | None = None
    for row in rows:
        area, year = row.word("zip3"), row.word("census_year")
        if not re.fullmatch("[0-9]{3}", area):
            faults.append(row.fault("`zip3` is not three digits", "Write the leading zeros too"))
        elif year and not re.fullmatch("[12][0-9]{2}0", year):
            faults.append(row.fault("`census_year` is no year of a census", "Write it as 2020"))
        elif year != rows[0].word("census_year"):
            faults.append(
                row.fault(
                    "`census_year` is not that of the first row",
                    "Write one year in all rows: areas are small by one census",
                )
            )
        else:
            areas.append(area)
            census = int(year) if year else None
    return SmallAreas(tuple(areas), census, rows[0] if rows else None)
