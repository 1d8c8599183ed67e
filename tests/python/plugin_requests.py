"""Requests to the plugin without dbt, and their answers."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from seed_files import TODAY, Seeds, label, minimal_seeds

from hipaa_mode.keys import KEY_VARIABLE
from hipaa_mode.run.session import Session
from hipaa_mode.seeds import SEED_COLUMNS

KEY = "8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d"


WITH_KEY = {KEY_VARIABLE: KEY}


def result(session: Session, action: str, **request: Any) -> Any:
    """Ask as a macro does, and return the answer as one would write it to JSON."""
    found = getattr(session, action)(**json.loads(json.dumps(request)))
    return [_written(item) for item in found] if isinstance(found, list) else _written(found)


def _written(found: Any) -> Any:
    return asdict(found) if is_dataclass(found) and not isinstance(found, type) else found


def configuration(folder: Path, seeds: Seeds | None = None) -> dict[str, Any]:
    files = (seeds or minimal_seeds()).write(folder)
    return {
        "environment": "dev",
        "today": str(TODAY),
        "seed_files": {seed: str(path) for seed, path in files.items()},
        "seed_labels": {seed: label(seed) for seed in SEED_COLUMNS},
        "models": ["ga4__events"],
    }
