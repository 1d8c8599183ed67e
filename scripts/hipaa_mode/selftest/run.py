"""The whole experiment: a base build, two builds of changed calls, and two comparisons.

1. Only what no destination may see is changed: every published byte stays.
2. Masked values are changed too, one to one: everything stays but the tokens, each of which is
   made anew, and the changes planted in allowed values, which must be seen.

A call without a message id has a row id that is a token of its whole text. Such calls stay as
they are in the first comparison, and are there a second time with a message id.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from hipaa_mode.project_settings import variable
from hipaa_mode.raw_calls import RawLocation, read_lines, read_parquet
from hipaa_mode.selftest.allowlist import Allowlist, read_allowlist
from hipaa_mode.selftest.builds import Build, Copies, place_of_copies, target_of
from hipaa_mode.selftest.compare import Comparison, Difference, Published
from hipaa_mode.selftest.messages import SPELLINGS, Call, Object, dump, read_calls
from hipaa_mode.selftest.private_folder import private_folder
from hipaa_mode.selftest.twin import Planted, Twin, make_twin
from hipaa_mode.selftest.warehouses import warehouse_of

SEED = 20260301
GIVEN_ID = "hipaa-mode-selftest"
FOLDER = "hipaa-mode-selftest-"
"""What the names of folders of copies begin with."""


@dataclass
class Verdict:
    """What the experiment says of one destination."""

    destination: str
    differences: list[Difference] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    rows: int = 0
    cells: int = 0
    tokens: int = 0
    recomputed: int = 0
    planted: int = 0
    seen: int = 0
    empty_views: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing interferes, and something was there to show it."""
        return not self.differences and not self.problems and self.rows > 0


@dataclass
class Outcome:
    """What the whole experiment came to."""

    verdicts: list[Verdict] = field(default_factory=list)
    unrestricted: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    calls: int = 0
    left_out: int = 0
    changed: Counter[str] = field(default_factory=Counter)

    @property
    def holds(self) -> bool:
        """Whether every restricted destination is shown to be free of interference."""
        return bool(self.verdicts) and not self.problems and all(v.holds for v in self.verdicts)


def sampled_lines(project: Path, target: str, location: RawLocation, sample: int) -> list[bytes]:
    """Read raw lines, or so many of them drawn at random, in their order; 0 for all.

    Args:
        target: where the table is that the location names, if it is one.
    """
    source = random.Random(SEED)
    kept: list[tuple[int, bytes]] = []
    for number, line in enumerate(map(_on_one_line, _lines(project, target, location))):
        if not sample or len(kept) < sample:
            kept.append((number, line))
        elif (place := source.randrange(number + 1)) < sample:
            kept[place] = (number, line)
    return [line for _, line in sorted(kept)]


def _on_one_line(line: bytes) -> bytes:
    """Write a message without line feeds: in a column they are blanks between JSON values."""
    return line.replace(b"\n", b" ").replace(b"\r", b" ")


def _lines(project: Path, target: str, location: RawLocation) -> Iterator[bytes]:
    if location.kind == "table":
        column = variable(project, "hipaa_mode__raw_message_column")
        yield from warehouse_of(*target_of(project, target)).lines(location.table, column)
    for file in location.files:
        is_parquet = location.kind == "parquet"
        batches = read_parquet(file, location.column) if is_parquet else read_lines(file)
        for batch in batches:
            texts = batch.column("message").to_pylist()
            for text, unreadable in zip(texts, batch.column("unreadable").to_pylist()):
                line = unreadable if text is None else text.encode()
                if line is not None:
                    yield line


def run_selftest(
    project: Path,
    lines: Sequence[bytes],
    environment: str,
    target: str | None = None,
    progress: Callable[[str], None] = lambda what: None,
) -> Outcome:
    """Run the experiment on copies of a project.

    Args:
        progress: told what is being done.
    """
    calls, left_out = read_calls(lines)
    calls, _ = read_calls([*(call.line for call in calls), *_with_given_ids(calls)])
    outcome = Outcome(calls=len(calls), left_out=left_out)
    target = target or environment
    with private_folder(FOLDER, place_of_copies(project, target)) as folder:
        copies = Copies(project, folder, target, environment)
        try:
            _Experiment(copies, outcome).run(calls, progress)
        finally:
            copies.remove_databases()
    return outcome


def _with_given_ids(calls: Iterable[Call]) -> Iterator[bytes]:
    """Give the calls without a message id once more, with one."""
    for number, call in enumerate(calls):
        if call.tree is not None and call.message_id is None:
            members = (
                item for item in call.tree.members if item[0] not in SPELLINGS["message_id"]
            )
            given = ("messageId", f"{GIVEN_ID}-{number}")
            yield dump(Object((*members, given))).encode()


class _Experiment:
    def __init__(self, copies: Copies, outcome: Outcome) -> None:
        self.copies = copies
        self.outcome = outcome

    def run(self, calls: list[Call], progress: Callable[[str], None]) -> None:
        progress("Building a copy of the project: the first of three builds")
        began = time.monotonic()
        lines = {"calls.ndjson": [call.line for call in calls]}
        base_folder = self.copies.create("base", lines, None)
        base = self.copies.build(base_folder)
        seconds = time.monotonic() - began
        if not (base_folder / "target/manifest.json").exists() or not base.published.exists():
            self.outcome.problems += base.notes or ["dbt build failed before anything was built"]
            return
        today = dt.datetime.now(dt.timezone.utc).date()
        allowlist = read_allowlist(base.seeds(), self.copies.environment, today)
        published = Published.read(base.published)
        self._start_verdicts(base, allowlist, published)
        progress("Changing the calls")
        views = [
            view for view in published.tables if view.rpartition("__")[0] in allowlist.destinations
        ]
        unlisted = make_twin(calls, allowlist, views, SEED, with_masked=False)
        masked = make_twin(calls, allowlist, views, SEED + 1, with_masked=True)
        self.outcome.changed = masked.counts
        self.outcome.problems += unchanged((unlisted, masked))
        took = f"the first build took {seconds:.0f} seconds"
        progress(f"Building over the changed calls, twice: {took}")
        twins = {"unlisted": unlisted, "masked": masked}
        folders = {
            name: self.copies.create(name, {"calls.ndjson": twin.lines}, like=base_folder)
            for name, twin in twins.items()
        }
        with ThreadPoolExecutor(self.copies.warehouse.builds_at_once) as pool:
            builds = dict(zip(folders, pool.map(self.copies.build, folders.values())))
        progress("Comparing what was published")
        comparison = Comparison(allowlist, published, self.copies.key, self.copies.environment)
        self._compare(comparison, calls, masked, builds)

    def _start_verdicts(self, base: Build, allowlist: Allowlist, published: Published) -> None:
        self.outcome.unrestricted = sorted(set(published.manifests) - set(allowlist.destinations))
        for name in allowlist.destinations:
            verdict = Verdict(name)
            if name not in published.manifests:
                why = [note for note in base.notes if f"NOT published: `{name}`" in note]
                verdict.problems += why or [
                    "was not published by the build of the calls as they are"
                ]
            verdict.empty_views = [
                view
                for view, table in published.tables.items()
                if view.rpartition("__")[0] == name and table.num_rows == 0
            ]
            self.outcome.verdicts.append(verdict)

    def _compare(
        self, comparison: Comparison, calls: list[Call], masked: Twin, builds: Mapping[str, Build]
    ) -> None:
        unlisted, other = (
            Published.read(builds[name].published) for name in ("unlisted", "masked")
        )
        changed, _ = read_calls(masked.lines)
        found = comparison.exact(unlisted)
        differences, seen = comparison.but_tokens(other, calls, changed, masked.planted)
        found += differences
        for verdict in self.outcome.verdicts:
            name = verdict.destination
            mine = {item for item in found if item.destination == name}
            verdict.differences = sorted(mine, key=lambda it: (it.view, it.column, it.problem))
            self._self_check(verdict, masked.planted, seen)
            for what in ("rows", "cells", "tokens", "recomputed"):
                setattr(verdict, what, comparison.counts[what, name])
            if not verdict.rows and not verdict.problems:
                verdict.problems.append("not proven: no call reached it")

    def _self_check(
        self, verdict: Verdict, planted: Sequence[Planted], seen: set[Planted]
    ) -> None:
        name = verdict.destination
        mine = [item for item in planted if item.view.rpartition("__")[0] == name]
        verdict.planted = len(mine)
        verdict.seen = len([item for item in mine if item in seen])
        verdict.problems += [
            f"`{item.view}`: the comparison did not see the change planted in "
            f"`{'.'.join(item.place)}`"
            for item in mine
            if item not in seen
        ]


def unchanged(twins: Iterable[Twin]) -> list[str]:
    """Say where calls were not changed as they should be: that would show nothing."""
    problems = []
    for twin in twins:
        if not twin.changes_usable_calls:
            problems.append("no call could be changed, so nothing is shown")
        if len(twin.planted) != twin.to_plant:
            missing = twin.to_plant - len(twin.planted)
            problems.append(f"{missing} changes of allowed values could not be planted")
    return list(dict.fromkeys(problems))
