"""Servers of other engines, started once for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import postgres_server
import pytest
from postgres_server import Server


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a PostgreSQL server."""
    if postgres_server.find_programs() is None:
        must_run = postgres_server.must_run()
        (pytest.fail if must_run else pytest.skip)(postgres_server.CAN_NOT_RUN)
    with postgres_server.run_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server
