"""Which files of a destination's views a run writes, and what of it is put in place at its end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hipaa_mode import audit, publishing
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.folders import UNFINISHED
from hipaa_mode.partitions import ENDING, FORMAT, Partition, PartitionPlan, period, plan_partitions
from hipaa_mode.plan import DestinationPlan

ROWS_FOR_ALL_THREADS = 1_000_000
"""A view that writes so many rows keeps all threads at work; see macros/engine/threads.sql."""


@dataclass(frozen=True)
class BuiltView:
    """A destination view as it stands now, and what could make files of before differ from it.

    Attributes:
        destination: the destination.
        view: name of the view's model.
        query: fingerprint of its SQL.
        key_fingerprint: the key that its tokens are made with.
        unchanged_since: number of the run that last made the masked table anew.
        is_of_this_warehouse: whether the warehouse knows the run that published it.
        counts: rows of each day or coarser period.
        changed_days: days whose rows came or went, each with the number of the last such run.
        models_at_once: how many models dbt builds at once.
        is_whole: whether it is one file: its rows are of no day.
        is_in_order: whether its rows are stored by day, and those of a day by its own row id.
    """

    destination: str
    view: str
    query: str
    key_fingerprint: str
    unchanged_since: int
    is_of_this_warehouse: bool
    counts: Sequence[tuple[str | None, int]]
    changed_days: Sequence[tuple[str | None, int]]
    models_at_once: int
    is_whole: bool = False
    is_in_order: bool = False


@dataclass(frozen=True)
class FileToWrite:
    """A file of a view that is about to be written; see `partitions.Partition`."""

    name: str
    first: str | None
    after: str | None
    path: str


@dataclass(frozen=True)
class WritePlan:
    """What a view's model writes.

    Attributes:
        write: the files.
        days: the period of those files of days that one scan may give; None where none may.
        kept: how many of those that are published stay as they are.
        threads: with how many of the database's threads.
    """

    write: tuple[FileToWrite, ...]
    days: Partition | None
    kept: int
    threads: int


class ViewFiles:
    """The files of a run's views.

    Args:
        threads: threads of the database.
        views: how many destination views the project has.
    """

    def __init__(self, threads: int = 1, views: int = 1) -> None:
        self.threads = threads
        self.changed: audit.Changes = {}
        """Published files that are not as a run left them, by destination."""
        self._in_use = threads
        self._views = views
        self._partitions: dict[str, PartitionPlan] = {}
        self._queries: dict[str, str] = {}
        self._paths: dict[str, dict[str, str]] = {}

    def plan(
        self,
        root: Path,
        environment: str,
        built: BuiltView,
        destination: DestinationPlan,
        manifest: Mapping[str, Any],
    ) -> WritePlan:
        """Settle which files of a view are written; remember it for its tests and for the end.

        Files are kept only where nothing but their rows can have changed since they were
        published, as the destination's manifest says; it is empty where nothing is.
        """
        precision = "none" if built.is_whole else period(destination.timestamp_precision)
        changed: list[str | None] | None = None
        kept: dict[str, dict[str, Any]] = {}
        if may_keep_files(manifest, built, destination.fingerprint):
            since = int(manifest["run_number"])
            changed = [day for day, number in built.changed_days if int(number) > since]
            changed_files = self.changed.get(destination.name, {})
            kept = publishing.keepable_files(root, environment, destination.name, changed_files)
        partitions = plan_partitions(built.view, precision, built.counts, changed, kept)
        self._partitions[built.view] = partitions
        self._queries[built.view] = built.query
        folder = publishing.begin(root, environment, destination.name, built.view)
        threads = self._threads_for(partitions, built.models_at_once)
        days = _days_of(partitions) if built.is_in_order else []
        if partitions.write:
            # One thread gives rows in their order.
            self._in_use = 1 if days else threads
        write = tuple(
            FileToWrite(**asdict(item), path=str(folder / f"{item.name}{ENDING}{UNFINISHED}"))
            for item in partitions.write
        )
        self._paths[built.view] = {file.name: file.path for file in write}
        whole = Partition("days", days[0].first, days[-1].after) if days else None
        return WritePlan(write, whole, len(partitions.keep), threads)

    def use_all_threads(self) -> bool:
        """Note that the engine works with all threads again; return whether it did with fewer."""
        has_fewer = self._in_use != self.threads
        self._in_use = self.threads
        return has_fewer

    def _threads_for(self, partitions: PartitionPlan, models_at_once: int) -> int:
        """Return how many of the database's threads write a view, others being written too."""
        if sum(partitions.rows[name] for name in partitions.written) >= ROWS_FOR_ALL_THREADS:
            return self.threads
        return max(1, self.threads // max(1, min(models_at_once, self._views)))

    def tested(self, view: str) -> list[Partition] | None:
        """Return the partitions of a view that are about to be published; None for all of it."""
        partitions = self._partitions.get(view)
        if partitions is None or partitions.is_whole:
            return None
        return list(partitions.write)

    def tested_files(self, view: str) -> list[str] | None:
        """Return the new files of a view; None where this run planned none."""
        paths = self._paths.get(view)
        return None if paths is None else list(paths.values())

    def path(self, view: str, name: str) -> str:
        """Return where a new file of a view is written, by its name.

        Raises:
            HipaaModeError: none of this name is.
        """
        if name not in self._paths.get(view, {}):
            raise HipaaModeError(f"The file {name} of {view} is not one that this run writes")
        return self._paths[view][name]

    def paths_of_days(self, view: str) -> dict[str, str]:
        """Return where the new files of a view's days are written, by day."""
        days = _days_of(self._partitions[view]) if view in self._partitions else []
        return {day.name: self._paths[view][day.name] for day in days}

    def all_days(self, view: str) -> Partition | None:
        """Return the period of a view's new files of days; None where it has none."""
        days = _days_of(self._partitions[view])
        return Partition("days", days[0].first, days[-1].after) if days else None

    def of(self, views: Collection[str]) -> list[PartitionPlan]:
        """Return what was planned for some views."""
        return [self._partitions[view] for view in views]

    def manifest(self, described: Mapping[str, Any], run_number: int) -> dict[str, Any]:
        """Return a manifest as it is published, from what is known of its destination."""
        views = {
            plan.view: {
                **described["views"][plan.view],
                "query": self._queries[plan.view],
                "rows": sum(plan.rows.values()),
                "files": len(plan.rows),
                "files_written": len(plan.write),
            }
            for plan in self.of(described["views"])
        }
        return {
            **described,
            "views": views,
            "format": FORMAT,
            "run_number": run_number,
            "published_at": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        }


def _days_of(partitions: PartitionPlan) -> list[Partition]:
    """Return those of the written files that have the rows of one day."""
    return [item for item in partitions.write if item.name == item.first]


def manifest_of_tables(
    described: Mapping[str, Any], rows: Mapping[str, int], schema: str
) -> dict[str, Any]:
    """Return a manifest of views that are published as tables of a schema.

    Args:
        rows: of each view.
    """
    views = {
        view: {**described["views"][view], "rows": count, "files": 0, "files_written": 0}
        for view, count in rows.items()
    }
    return {
        **described,
        "views": views,
        "schema": schema,
        "format": FORMAT,
        "published_at": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
    }


def may_keep_files(manifest: Mapping[str, Any], built: BuiltView, allowlist: str) -> bool:
    """Tell whether nothing but rows can have changed of a view since it was published.

    Args:
        manifest: of what is published; empty where nothing is.
        built: the view as it is now.
        allowlist: fingerprint of what its destination may receive now.
    """
    return bool(
        manifest.get("format") == FORMAT
        and manifest.get("allowlist_fingerprint") == allowlist
        and manifest.get("key_fingerprint") == built.key_fingerprint
        and built.is_of_this_warehouse
        and int(manifest.get("run_number") or 0) >= built.unchanged_since
        and manifest.get("views", {}).get(built.view, {}).get("query") == built.query
    )
