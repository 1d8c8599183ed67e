"""Which engine the run that is at work uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hipaa_mode.engines import POSTGRES, SPARK, Engine, running_adapter

if TYPE_CHECKING:
    import duckdb


def engine_of(connect: Callable[[], duckdb.DuckDBPyConnection]) -> Engine:
    """Return the engine of the run; outside of one, DuckDB.

    Args:
        connect: opens a connection of DuckDB.
    """
    try:
        adapter = running_adapter()
    except LookupError:
        adapter = None
    if adapter is not None and adapter.type() == POSTGRES:
        from hipaa_mode.engines.postgres import Postgres

        return Postgres(adapter)
    if adapter is not None and adapter.type() == SPARK:
        from hipaa_mode.engines.spark import Spark

        return Spark(adapter)
    from hipaa_mode.engines.duckdb import DuckDb

    return DuckDb(connect)
