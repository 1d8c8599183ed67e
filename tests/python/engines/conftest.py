"""Servers of other engines, started once for all tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import postgres_server
import pytest
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
