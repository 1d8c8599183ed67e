"""Servers of other engines, started once for all tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import postgres_server
import pytest
import spark_session
from postgres_server import Server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Give a PostgreSQL server."""
    if postgres_server.find_programs() is None:
        must_run = postgres_server.must_run()
        (pytest.fail if must_run else pytest.skip)(postgres_server.CAN_NOT_RUN)
    with (
        tempfile.TemporaryDirectory(prefix="hipaa_mode_postgres_") as folder,
        postgres_server.run_server(Path(folder)) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a Spark session."""
    if not spark_session.can_run():
        must_run = spark_session.must_run()
        (pytest.fail if must_run else pytest.skip)(spark_session.CAN_NOT_RUN)
    with spark_session.run_session(tmp_path_factory.mktemp("spark")) as session:
        yield session
