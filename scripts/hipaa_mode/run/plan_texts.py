"""The plan as macros get it: JSON, of which each that asks reads a copy of its own to change.

A project of many destinations has a long one, so whoever asks for a part reads that part alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from hipaa_mode.plan import Plan


@dataclass(frozen=True)
class PlanTexts:
    """JSON texts of a plan: the whole, each field, and what each destination receives."""

    whole: str
    parts: Mapping[str, str]
    destinations: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan) -> PlanTexts:
        """Write a plan as texts."""
        whole = plan.as_json()
        content = json.loads(whole)
        destinations = content["destinations"].items()
        return cls(
            whole,
            {name: json.dumps(value) for name, value in content.items()},
            {name: json.dumps(value) for name, value in destinations},
        )
