"""Requests to the plugin without dbt, and their answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seed_files import TODAY, Seeds, label, minimal_seeds

from hipaa_mode.keys import (
    KEY_VARIABLE,
)
from hipaa_mode.plugin import (
    Session,
)
from hipaa_mode.seeds import SEED_COLUMNS

KEY = "8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d"


WITH_KEY = {KEY_VARIABLE: KEY}


def answer(session: Session, action: str, **request: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(session.command(action, json.dumps(request)))
    return found


def result(session: Session, action: str, **request: Any) -> Any:
    found = answer(session, action, **request)
    assert list(found) == ["result"]
    return found["result"]


def configuration(folder: Path, seeds: Seeds | None = None) -> dict[str, Any]:
    files = (seeds or minimal_seeds()).write(folder)
    return {
        "environment": "dev",
        "today": str(TODAY),
        "seed_files": {seed: str(path) for seed, path in files.items()},
        "seed_labels": {seed: label(seed) for seed in SEED_COLUMNS},
        "models": ["ga4__events"],
        "needs_lock": False,
    }
