"""The plan as macros get it: JSON, of which each that asks reads a copy of its own to change.

A project of many destinations has a long one, so only what somebody looks at is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from hipaa_mode.plan import Plan

NOT_FOR_MACROS = ("rows_without_effect", "column_rows", "event_rows")
FAULTS = ("faults", "warnings")


@dataclass(frozen=True)
class PlanTexts:
    """JSON texts of a plan: each field, and what each destination receives."""

    parts: Mapping[str, str]
    destinations: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan) -> PlanTexts:
        """Write a plan as texts."""
        content = _fields(plan)
        for name in NOT_FOR_MACROS:
            del content[name]
        content |= {name: [str(fault) for fault in content[name]] for name in FAULTS}
        of_each = {name: _text(own) for name, own in content.pop("destinations").items()}
        joined = ", ".join(f"{_text(name)}: {text}" for name, text in sorted(of_each.items()))
        parts = {name: _text(value) for name, value in content.items()}
        return cls({"destinations": f"{{{joined}}}", **parts}, of_each)


class PlanCopy(Mapping[str, Any]):
    """A plan's fields, each read from its text when somebody first looks at it.

    Args:
        texts: the JSON text of each field.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._read: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return a field: the same object whenever it is asked for."""
        if name not in self._read:
            self._read[name] = json.loads(self._texts[name])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the fields."""
        return iter(self._texts)

    def __len__(self) -> int:
        """Count the fields."""
        return len(self._texts)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_fields)


def _fields(value: Any) -> dict[str, Any]:
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} can't be written as JSON")
    return {item.name: getattr(value, item.name) for item in fields(value)}
