"""What the figures were made with and on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "polars-hash", "pyarrow")


def versions() -> dict[str, str]:
    """Return the versions of what runs, by name."""
    found = {"python": platform.python_version()}
    found |= {name: importlib.metadata.version(name) for name in PACKAGES}
    if shutil.which("node") is None:
        return found
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return found | {"node": node.stdout.strip().removeprefix("v")}


def machine() -> dict[str, str | int | float]:
    """Describe the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(memory / (1 << 30), 1),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"
