"""What is counted of a property: never more than fits in a few kilobytes, however many calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from hipaa_mode.inventory.values import kinds_of_number, kinds_of_text

SKETCH_SIZE = 1024
"""Different values that are counted one by one; above it their number is an estimate, whose
standard error is about 3 % (k minimum values: Bar-Yossef and others, 2002)."""

_HASHES = 2.0**64


class DistinctCount:
    """Counts different values by the smallest of their 64-bit hashes."""

    def __init__(self) -> None:
        self._smallest = np.empty(0, np.uint64)
        self._is_full = False

    def add(self, values: Iterable[object]) -> None:
        """Count values, whose texts are what tells them apart."""
        texts = [value if isinstance(value, str) else str(value) for value in values]
        # A lone half of a surrogate pair has no UTF-8.
        safe = [t if t.isascii() else t.encode("utf-8", "replace").decode() for t in texts]
        self._merge(pl.Series(safe, dtype=pl.String).hash(0).to_numpy())

    def merge(self, other: DistinctCount) -> None:
        """Add what another one has counted."""
        self._is_full |= other._is_full
        self._merge(other._smallest)

    def _merge(self, hashes: np.ndarray) -> None:
        every = np.unique(np.concatenate((self._smallest, hashes)))
        self._is_full |= len(every) > SKETCH_SIZE
        self._smallest = every[:SKETCH_SIZE].copy()

    @property
    def is_estimate(self) -> bool:
        """Whether there are too many for the count to be exact."""
        return self._is_full

    @property
    def count(self) -> int:
        """How many different values there are, or about how many."""
        if not self._is_full:
            return len(self._smallest)
        return round((SKETCH_SIZE - 1) * _HASHES / (float(self._smallest[-1]) + 1))


@dataclass
class PropertyCounts:
    """What was seen of one property.

    Attributes:
        calls: calls in which it has a value that is not null.
        values: values that are not null; more than the calls where it is in an array.
        types: how many values of each JSON type, nulls included.
        looks: how many values look like each kind of identifier.
        first_day: day (yyyy-mm-dd) of the first call that has it, of those with a time.
        last_day: day of the last one.
    """

    calls: int = 0
    values: int = 0
    types: Counter[str] = field(default_factory=Counter)
    looks: Counter[str] = field(default_factory=Counter)
    distinct: DistinctCount = field(default_factory=DistinctCount)
    first_day: str = ""
    last_day: str = ""

    def add_values(self, values: list[str | int | float | bool]) -> None:
        """Count scalars."""
        self.values += len(values)
        for value, times in Counter(values).items():
            if isinstance(value, str):
                self.types["text"] += times
                kinds = kinds_of_text(value)
            else:
                kinds = () if isinstance(value, bool) else kinds_of_number(value)
            for kind in kinds:
                self.looks[kind] += times
        for kind_of_value, times in Counter(map(type, values)).items():
            if kind_of_value is not str:
                self.types[_TYPES[kind_of_value]] += times
        self.distinct.add(set(values))

    def merge(self, other: PropertyCounts) -> None:
        """Add what was seen of another property."""
        self.calls += other.calls
        self.values += other.values
        self.types += other.types
        self.looks += other.looks
        self.distinct.merge(other.distinct)
        days = [day for day in (self.first_day, other.first_day) if day]
        self.first_day = min(days, default="")
        self.last_day = max(self.last_day, other.last_day)


_TYPES: dict[type, str] = {bool: "boolean", int: "whole number", float: "number"}
