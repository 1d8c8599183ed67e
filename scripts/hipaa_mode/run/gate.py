"""What stands between the files that a run finished and those that are published."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hipaa_mode.errors import PublishingError
from hipaa_mode.folders import UNFINISHED
from hipaa_mode.partitions import PartitionPlan
from hipaa_mode.plan import Plan
from hipaa_mode.publishing import file_sha256
from hipaa_mode.run.finished_files import FileChecker, FinishedView, Problem, Reader
from hipaa_mode.run.permission import Permission

AT_ONCE = 2
"""Destinations that are looked at together, while files of others are put in place."""

SUPPRESSED = "suppressed_users"
"""The seed that changes no plan, and yet what may leave."""


@dataclass(frozen=True)
class FinishedDestination:
    """A destination's finished files.

    Attributes:
        partitions: which files of each view were written.
        folder: where they are.
        published: where the destination's files of earlier runs are.
        denied_rows: by view, the query of the row ids that it may not have.
    """

    partitions: Sequence[PartitionPlan]
    folder: Path
    published: Path
    denied_rows: Mapping[str, str]


class Gate:
    """Decides at the end of a run, by the plan that it began with.

    Args:
        seeds: hashes of the seeds, taken before the plan was made of them; see `hash_seeds`.
        seeds_now: takes them once more.
        plan_now: makes the plan once more.

    Attributes:
        permissions: which destinations may be published, and what their checks overlook.
    """

    def __init__(
        self,
        plan: Plan,
        seeds: Mapping[str, str],
        seeds_now: Callable[[], Mapping[str, str]],
        plan_now: Callable[[], Plan],
    ) -> None:
        self._plan = plan
        self._seeds = seeds
        self._seeds_now = seeds_now
        self._plan_now = plan_now
        self.permissions: Mapping[str, Permission] = {}
        normalizations: dict[str, list[str]] = {}
        for id_ in plan.normalized_ids.values():
            normalizations.setdefault(id_.name, []).append(id_.normalize)
        self._files = FileChecker(normalizations)
        self._reading_ids = threading.Lock()
        self._looking = ThreadPoolExecutor(AT_ONCE)
        self._looks: dict[str, Future[list[Problem]]] = {}

    @property
    def coincidences(self) -> dict[str, dict[str, int]]:
        """How many values were taken for no leak of ids, by view and column."""
        return self._files.coincidences

    def close(self) -> None:
        """Look at nothing more, and forget the ids of the calls."""
        self._looking.shutdown(cancel_futures=True)
        self._files.close()

    def look_at(
        self, finished: Mapping[str, FinishedDestination], read: Callable[[str], Reader], ids: str
    ) -> None:
        """Begin to look once more at what is about to be put in place.

        Args:
            finished: by destination, in the order in which they will be asked for.
            read: gives the rows of a query; see `Engine.read`.
            ids: a query of the ids of calls; see `ids_of_calls`.
        """
        for name, of_destination in finished.items():
            look = self._looking.submit(self._look, name, of_destination, read, ids)
            self._looks[name] = look

    def look_here(
        self, name: str, finished: FinishedDestination, read: Callable[[str], Reader], ids: str
    ) -> None:
        """Look at one destination in this thread, whose connection alone may see its rows.

        Raises:
            PublishingError: they can't be read.
        """
        self._looks[name] = Future()
        self._looks[name].set_result(self._look(name, finished, read, ids))

    def _look(
        self, name: str, finished: FinishedDestination, read: Callable[[str], Reader], ids: str
    ) -> list[Problem]:
        exceptions = self._permitted(name).exceptions
        problems: list[Problem] = []
        for plan in finished.partitions:
            if plan.written:
                with self._reading_ids:
                    if not self._files.has_ids:
                        with read(ids) as rows:
                            self._files.add_ids(rows)
            view = FinishedView(
                name=plan.view,
                view=plan.view.rpartition("__")[2],
                files=[finished.folder / (file + UNFINISHED) for file in plan.written],
                rows=sum(plan.rows[file] for file in plan.written),
                left_out=frozenset(exceptions[plan.view].columns),
                shortest_id=exceptions[plan.view].shortest_id,
                kept=[finished.published / file for file in plan.keep],
            )
            denied = finished.denied_rows.get(plan.view, "")
            problems += self._files.check(
                self._plan.destinations[name], view, functools.partial(read, denied)
            )
        return problems

    def check(self, name: str) -> None:
        """Let a destination through that was looked at, with the seeds as they were.

        Raises:
            PublishingError: it may not be put in place; the text says why.
        """
        look = self._looks.pop(name, None)
        problems = look.result() if look else []
        self.check_permission(name)
        if look is None:
            raise PublishingError(f"Destination `{name}` was not looked at")
        if problems:
            raise PublishingError(
                "its finished files are not what the allowlist says, though its tests passed: "
                + "; ".join(str(problem) for problem in problems)
            )

    def check_permission(self, name: str) -> Permission:
        """Return what the run's own tests permit; the seeds still say the same.

        Raises:
            PublishingError: it may not be put in place.
        """
        permission = self._permitted(name)
        self._check_seeds(name)
        return permission

    def _permitted(self, name: str) -> Permission:
        permission = self.permissions.get(name)
        if permission is None or permission.reasons or not permission.is_selected:
            raise PublishingError(f"This run may not publish destination `{name}`")
        return permission

    def _check_seeds(self, name: str) -> None:
        """Refuse a destination of which the seeds say something else than when the run began."""
        seeds = self._seeds_now()
        if seeds == self._seeds:
            return
        plan = self._plan_now()
        if (
            plan.faults
            or plan.destinations.get(name) != self._plan.destinations[name]
            or plan.retained_from != self._plan.retained_from
            or plan.person_normalizations != self._plan.person_normalizations
            or seeds.get(SUPPRESSED) != self._seeds.get(SUPPRESSED)
        ):
            changed = sorted({seed for seed, _ in seeds.items() ^ self._seeds.items()})
            raise PublishingError(
                f"the seeds ({', '.join(changed)}) were changed while the run went on, and say "
                "something else of it now. Run dbt build again"
            )


def hash_seeds(files: Mapping[str, Path]) -> dict[str, str]:
    """Hash seeds by name; one that is not there is left out."""
    return {seed: file_sha256(path) for seed, path in files.items() if path.is_file()}
