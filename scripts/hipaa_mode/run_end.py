"""What a dbt run took for itself is given back when it ends, also in a process that goes on.

`dbtRunner`, as Airflow's Cosmos, Prefect and Dagster use it, runs dbt in their own process. dbt
would keep the database open there, with the plugin of the first run; we would keep our locks, and
a umask and thresholds of the garbage collector that are not theirs.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt_common.events.event_manager_client import get_event_manager

from hipaa_mode import locking, rewriting
from hipaa_mode.run import current

COMPLETED = "CommandCompleted"
"""The last event of every dbt command, of one that fails too."""

PRIVATE_UMASK = 0o077

RARE_COLLECTION = (50_000, 20, 100)
"""When Python looks for garbage while a run goes on: the objects of a project and its templates
stay, and looking through them again and again took a tenth of a build that finds nothing new."""

_umask_before: int | None = None
_collection_before: tuple[int, int, int] | None = None
_to_rewrite: Path | None = None


def begin() -> None:
    """Make what the run creates private to its user, and look for garbage less, until it ends."""
    global _collection_before, _umask_before
    before = os.umask(PRIVATE_UMASK)
    if _umask_before is None:
        _umask_before = before
    if _collection_before is None:
        _collection_before = gc.get_threshold()
    gc.set_threshold(*RARE_COLLECTION)
    watch()


def watch() -> None:
    """See that `end` is called when the dbt command that runs now has ended."""
    callbacks = get_event_manager().callbacks
    if _on_event not in callbacks:
        callbacks.append(_on_event)


def rewrite_database(file: str) -> None:
    """See that a database file is written anew when the run has ended; one in memory has none."""
    global _to_rewrite
    _to_rewrite = Path(file).absolute() if file else None
    watch()


def end() -> None:
    """Close the database, so that the next run has a plugin of its own; release the locks."""
    global _collection_before, _to_rewrite, _umask_before
    _close_database()
    if _to_rewrite is not None:
        print(f"hipaa_mode: {rewriting.rewrite_apart(_to_rewrite)}", file=sys.stderr, flush=True)
        _to_rewrite = None
    locking.release_all()
    if _umask_before is not None:
        os.umask(_umask_before)
        _umask_before = None
    if _collection_before is not None:
        gc.set_threshold(*_collection_before)
        _collection_before = None


def _on_event(message: Any) -> None:
    if message.info.name == COMPLETED:
        end()


def _close_database() -> None:
    environment = DuckDBConnectionManager._ENV
    if environment is not None and environment.creds.path == ":memory:":
        # What is in memory alone would be lost to the next command.
        return
    if environment is not None:
        with contextlib.suppress(Exception):
            environment.close()
        DuckDBConnectionManager.close_all_connections()
    current.forget()
