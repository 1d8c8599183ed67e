"""What commands need of a dbt project: what its seeds say, and dbt itself."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import sys
from pathlib import Path

from hipaa_mode.configuration import Configuration, read_configuration
from hipaa_mode.errors import MissingFileError
from hipaa_mode.plan import Plan, make_plan
from hipaa_mode.seeds import SEED_COLUMNS

DESTINATION_MODEL = re.compile(r"hipaa_mode\.destination_(?:events|identifies|groups)\b")


def read_plan(project: Path, environment: str) -> Plan:
    """Read a project's seeds and destination models and resolve them for an environment."""
    files = {seed: project / "seeds" / f"{seed}.csv" for seed in SEED_COLUMNS}
    labels = {seed: f"seeds/{seed}.csv" for seed in SEED_COLUMNS}
    configuration: Configuration = read_configuration(files, labels)
    models = [
        path.stem
        for path in sorted((project / "models").rglob("*.sql"))
        if DESTINATION_MODEL.search(path.read_text(encoding="utf-8"))
    ]
    today = dt.datetime.now(dt.timezone.utc).date()
    return make_plan(configuration, environment, today, models)


def dbt_command() -> str:
    """Return the dbt that is installed beside this package, or else the one on the path.

    Raises:
        MissingFileError: there is neither.
    """
    beside = Path(sys.executable).with_name("dbt")
    found = str(beside) if beside.exists() else shutil.which("dbt")
    if found is None:
        raise MissingFileError("dbt is not installed beside hipaa-mode. Install dbt-core")
    return found
