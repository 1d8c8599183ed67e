"""A Spark session of the tests' own, in this process and its Java machine."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hipaa_mode.engines.spark import REQUIRED

CAN_NOT_RUN = (
    "Spark did not run: it needs Python 3.11 or later, the extra [spark] and Java 17 "
    "(Debian: apt-get install default-jre-headless)"
)


def must_run() -> bool:
    """Whether a missing Spark is a failure: on CI, where a skipped test would hide it."""
    return os.environ.get("CI", "").lower() in ("1", "true") and sys.version_info >= (3, 11)


def can_run() -> bool:
    """Whether Spark and Java are installed."""
    return importlib.util.find_spec("pyspark") is not None and shutil.which("java") is not None


@contextlib.contextmanager
def run_session(folder: Path) -> Iterator[Any]:
    """Start a session that writes into a folder alone, and end it afterwards."""
    from pyspark.sql import SparkSession

    java = f"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.io.tmpdir={folder}"
    settings = {
        **REQUIRED,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.driver.extraJavaOptions": java,
        "spark.local.dir": str(folder),
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    # Its workers are to have the packages of this process.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()
