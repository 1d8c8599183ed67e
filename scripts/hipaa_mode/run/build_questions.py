"""What models, tests and their macros ask while a run goes on."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from hipaa_mode import publishing, raw_ids
from hipaa_mode.errors import HipaaModeError, PublishingError
from hipaa_mode.partitions import Partition
from hipaa_mode.plan import Plan, ViewColumn
from hipaa_mode.raw_calls import RawLines, RawLocation
from hipaa_mode.raw_files import KnownFile, are_many, as_known, as_read, plan_reading
from hipaa_mode.run import found_people
from hipaa_mode.run.checked_columns import CheckedColumns, Column, checked_columns
from hipaa_mode.run.connection import this_connection
from hipaa_mode.run.file_writer import write_days, write_file
from hipaa_mode.run.finished_files import DIGITS, are_small, column_bytes, have_few_texts
from hipaa_mode.run.kept_calls import MASKED, READ
from hipaa_mode.run.plan_texts import PlanCopy, PlanTexts
from hipaa_mode.run.readers import (
    LINES_AGAIN_VIEW,
    RAW_LINES_VIEW,
    STEP_VIEWS,
    VALUES_IN_FILE,
    VALUES_IN_MEMORY,
)
from hipaa_mode.run.state import Run, place_of
from hipaa_mode.run.stored import PART_OF_CALLS, TableState
from hipaa_mode.run.view_files import BuiltView, WritePlan

MADE_OF_VALUES = ("masked_events", "masked_identifies", "masked_groups", "token_bridge")
"""Models that are made of the values of calls, which calls_read does not store."""

KEPT_BYTES = 2 * 1024 * 1024
"""Files of so many bytes are read once for all checks, and larger ones again for each: to read a
few of their columns takes less time than to keep all."""


@dataclass(frozen=True)
class RawCalls:
    """Where the raw calls are: their kind, the parts of a table's name, the view of files."""

    kind: str
    table: list[str]
    view: str


@dataclass(frozen=True)
class FilesToRead:
    """What a run reads; see `raw_files.Reading`.

    Attributes:
        is_kept: whether calls of other files are kept, in no table of this engine's.
    """

    removed: list[int]
    read: int
    unchanged: int
    is_kept: bool = False


@dataclass(frozen=True)
class KeptRows:
    """Rows that an earlier build kept: their relation, and numbers of raw files that are gone."""

    view: str
    removed: list[int]


@dataclass(frozen=True)
class CsvRows:
    """A seed's file: the names of its columns, and its rows."""

    names: list[str]
    rows: list[list[str | None]]


@dataclass(frozen=True)
class CountedIds:
    """The table of the ids of all calls, and the condition that it has those of this run."""

    table: str
    is_complete: str


@dataclass(frozen=True)
class FoundPeople:
    """Where the ids of suppressed people are, and the condition that they are those of this run.

    Attributes:
        steps: of the query that reads them; blank where they are in a table.
    """

    relation: str
    is_complete: str
    steps: str = ""


@dataclass(frozen=True)
class Upkeep:
    """How a table is brought up to date.

    Attributes:
        fingerprint: of all that its stored rows are made with.
        since: the run whose rows it still has; None where it is made anew.
        rebuilt_number: the run that makes it anew, or did.
        threads: with how many threads the engine is to work; 0 where it does.
    """

    fingerprint: str
    run_number: int
    since: int | None
    rebuilt_number: int
    threads: int


class BuildQuestions(Run):
    """Each method is a question: its arguments are what a macro sends, its answer what it gets."""

    def plan(self, part: str | None = None, **configured: Any) -> Any:
        """Return the plan: the run's own, or that of the seeds that a request names.

        Args:
            part: the field that is wanted alone; None for all of them.
            configured: nothing, or see `Configured`.
        """
        texts = self._texts_of(self._plan_for(configured))
        return PlanCopy(texts.parts) if part is None else json.loads(texts.parts[part])

    def destination(self, destination: str, **configured: Any) -> Any:
        """Return one destination's part of the plan, or none if the environment has none."""
        texts = self._texts_of(self._plan_for(configured))
        return json.loads(texts.destinations.get(destination, "null"))

    def _texts_of(self, plan: Plan) -> PlanTexts:
        if self._plan_texts is None or self._plan_texts[0] is not plan:
            self._plan_texts = (plan, PlanTexts.of(plan))
        return self._plan_texts[1]

    def run_number(self) -> int:
        """Return the number of the run: higher than that of every run before."""
        return self._run_number

    def bridged_keys(self) -> list[str]:
        """Return the retired keys that old tokens are bridged from, by fingerprint.

        Those that stored tokens were made with, and that are at hand.
        """
        return self._bridged_keys()

    def raw_calls(self, location: str, column: str | None = None, **_: object) -> RawCalls:
        """Settle where the raw calls are, when first asked for."""
        found = self._locate(location, column)
        return RawCalls(found.kind, list(found.table), RAW_LINES_VIEW)

    def plan_reading(self, known: Sequence[Mapping[str, Any]], last_number: int) -> FilesToRead:
        """Settle which files are read.

        Args:
            known: rows of the warehouse's table of files: see `KnownFile`.
            last_number: the highest number that a file ever had.
        """
        location = self._begin_reading()
        files = [KnownFile(**row) for row in known]
        is_kept = self._kept is not None and READ in self._kept_models
        if self._kept is not None and is_kept:
            files, last_number = list(self._kept.files), self._kept.last_number
        elif self._kept is not None:
            self._noted.append(
                "all raw calls are read: the key or the calls' place changed, or --full-refresh"
            )
        reading = plan_reading(location, files, last_number)
        read = {file.number for file in reading.files}
        self._kept_files = [file for file in files if file.number not in {*reading.removed, *read}]
        self._removed = list(reading.removed)
        self.raw_lines.files = reading.files
        self.engine.read_raw_lines(RAW_LINES_VIEW, self.raw_lines)
        self._has_many_values = location.kind == "table" or are_many(reading.files)
        return FilesToRead(self._removed, len(read), reading.unchanged, is_kept)

    def has_many_values(self) -> bool:
        """Tell whether the values of the calls that the run reads are in a file, compressed."""
        return self._has_many_values

    def values_database(self) -> str:
        """Return the database that has the values of the calls that the run reads.

        In memory they cost least; but many would leave little of it to what is made of them.
        """
        return VALUES_IN_FILE if self._has_many_values else VALUES_IN_MEMORY

    def read_again(self, known: Sequence[Mapping[str, Any]]) -> list[int]:
        """Settle that what is known is read again, and nothing else; return the files' numbers."""
        location = self._begin_reading()
        as_read = {file.path: file for file in (KnownFile(**row) for row in known)}
        self.raw_lines.files = tuple(
            replace(file, size=as_read[file.path].size, number=as_read[file.path].number)
            for file in location.files
            if file.path in as_read and file.size >= as_read[file.path].size
        )
        return [file.number for file in self.raw_lines.files]

    def lines_again(self, paths: Sequence[str], known: Sequence[Mapping[str, Any]]) -> str:
        """Let the connection that asks read files again, as far as they were read.

        Args:
            known: rows of the warehouse's table of files: see `KnownFile`.

        Returns:
            Name of the view that has their lines.

        Raises:
            RawCallsError: one is gone or changed since, or the calls are those of a table.
        """
        location = self._location()
        files = as_read(location, paths, [KnownFile(**row) for row in known])
        lines = RawLines(location, files, self._run_number)
        this_connection().register(LINES_AGAIN_VIEW, lines)
        return LINES_AGAIN_VIEW

    def _location(self) -> RawLocation:
        if self.raw_lines.location is None:
            raise HipaaModeError("The raw calls were not looked for. Keep model calls_read")
        return self.raw_lines.location

    def _begin_reading(self) -> RawLocation:
        location = self._location()
        self.raw_lines.run_number = self._run_number
        self.raw_lines.line_counts.clear()
        return location

    def files_read(self) -> list[KnownFile]:
        """Return the files that were just read, for the table of files.

        Also those whose calls are kept, where the table is made anew.
        """
        files = self.raw_lines.files or ()
        read = [as_known(file, self.raw_lines.line_counts) for file in files]
        if not self._keeps_calls:
            return read
        self._files_now = [*self._kept_files, *read]
        return self._files_now

    def note_run(self) -> str:
        """Write down what the environment is built from; return it for the database."""
        return self._state.note(self._run_number).as_json()

    def say(self, line: str) -> None:
        """Note what the run says at its end."""
        self._noted.append(line)

    def table_state(self, name: str) -> TableState | None:
        """Return how a table of the restricted zone was built last; none where it was not."""
        return self._stored.state(name)

    def upkeep(
        self,
        name: str,
        sql: str,
        meta: Mapping[str, Any],
        is_part: bool,
        is_anew: bool,
        keeps_nothing: bool = False,
    ) -> Upkeep:
        """Say how a table is brought up to date.

        It is made anew where its query, the functions that this calls, the key or the environment
        is not what the stored rows were made with.

        Args:
            meta: what the model says of itself; see macro `update_table`.
            is_part: whether the run reads only a part of the calls.
            is_anew: whether it is to be made anew in any case.
            keeps_nothing: whether rows that an earlier build kept are not to be used.
        """
        compared = "" if meta.get("query_may_change") else sql
        column, raw = "", self.raw_lines.location
        if meta.get("reads_raw_calls") and raw is not None:
            # No query names the column of Parquet files, nor a table that is read row by row, nor
            # the values that are stored.
            coded = self._started_plan().coded_values
            column = ".".join(filter(None, (*raw.table, raw.column, *coded)))
            is_anew = is_anew or (raw.kind == "table" and not self.engine.knows_rows)
        known = (self._environment, self._stored_key(), column, compared)
        parts = (*map(str, known), self.engine.hash_of_called(compared))
        fingerprint = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        if is_part:
            fingerprint = PART_OF_CALLS
        state = self._stored.state(name)
        follows, followed_by = meta.get("follows", ()), meta.get("followed_by", ())
        threads = self._files.threads if self._files.use_all_threads() else 0
        if is_anew or self._stored.must_rebuild(name, fingerprint, follows, followed_by):
            state = None
        rebuilt = state.rebuilt_number if state else self._run_number
        if self._kept is not None and not keeps_nothing and self._goes_on(name, fingerprint):
            rebuilt = self._kept.tables[name].rebuilt_number
        return Upkeep(
            fingerprint,
            self._run_number,
            state.run_number if state else None,
            rebuilt,
            threads,
        )

    def _goes_on(self, name: str, fingerprint: str) -> bool:
        """Settle whether a model goes on from the rows that an earlier build kept of it."""
        if self._kept is None or name not in self._kept.tables:
            return False
        if self._kept.tables[name].fingerprint != fingerprint:
            return False
        if name in MASKED and not (READ in self._kept_models and self._started_plan().scopes):
            return False
        self._kept_models.add(name)
        return True

    def keeps_calls(self) -> bool:
        """Whether calls are kept for the next build by files of the session's; see `kept_rows`."""
        return self._keeps_calls and self._location().kind != "table"

    def kept_rows(self, name: str) -> KeptRows | None:
        """Return the rows that an earlier build kept of a model; none where it is made anew.

        Args:
            name: of the model, or of the table of the calls that it was made of.
        """
        if name.replace("made_of_", "masked_") not in self._kept_models:
            return None
        return KeptRows(self._session_engine.view_of_kept(name), self._removed)

    def make_temporary(self, name: str, sql: str) -> None:
        """Find the rows of a query for others; see macro `make_temporary_table`."""
        self._session_engine.make_temporary(name, sql)

    def lines_of(self, name: str, paths: Sequence[str], known: Sequence[Mapping[str, Any]]) -> str:
        """Let the session read files again for a model, as `lines_again` does for a connection."""
        files = as_read(self._location(), paths, [KnownFile(**row) for row in known])
        view = f"{STEP_VIEWS}lines_{name}"
        self.engine.read_raw_lines(view, RawLines(self._location(), files, self._run_number))
        return view

    def note_table(self, name: str, fingerprint: str, rebuilt_number: int) -> bool:
        """Note that this run brought a table up to date, or made it anew.

        Returns:
            Whether nothing needs the values of the calls that were read any more.
        """
        self._stored.note(name, TableState(fingerprint, self._run_number, rebuilt_number))
        made = map(self._stored.state, MADE_OF_VALUES)
        return name in MADE_OF_VALUES and all(
            state is not None and state.run_number == self._run_number for state in made
        )

    def changed_days(self, view: str) -> list[tuple[str | None, int]] | None:
        """Return the days of a view whose rows came or went; none where nobody said so yet."""
        return self._changed_days.get(view)

    def know_changed_days(self, view: str, days: list[tuple[str | None, int]]) -> None:
        """Take the days of a view whose rows came or went, each with the number of the run."""
        self._changed_days[view] = days

    def plan_partitions(
        self,
        root: str,
        environment: str,
        destination: str,
        view: str,
        calls_view: str,
        query: str,
        counts: Sequence[tuple[str | None, int]],
        models_at_once: int,
        is_whole: bool = False,
    ) -> WritePlan:
        """Settle which files of a view are written; remember it for its tests and for the end.

        Args:
            view: name of the view's model.
            calls_view: the view of calls that its values come from.
            counts: rows of each day or coarser period.
            is_whole: whether it is one file: its rows are of no day.
        """
        place = place_of(root, environment)
        table = f"masked_{calls_view}"
        state = self._stored.state(table)
        manifest = publishing.manifest_of(*place, destination) or {}
        published_by = int(manifest.get("run_number") or 0)
        built = BuiltView(
            destination=destination,
            view=view,
            query=query,
            key_fingerprint=self._stored_key(),
            unchanged_since=state.rebuilt_number if state else self._run_number,
            is_of_this_warehouse=self._stored.was_brought_up_to_date(table, published_by),
            counts=counts,
            changed_days=self._changed_days.get(calls_view, ()),
            models_at_once=models_at_once,
            is_whole=is_whole,
            is_in_order=self._is_in_order(state, view),
        )
        plan = self._started_plan().destinations[destination]
        return self._files.plan(*place, built, plan, manifest)

    def _is_in_order(self, state: TableState | None, view: str) -> bool:
        """Whether a view's rows are stored by day and its own row id: see macro `masked_order`.

        They are while its masked table has what it was made with, and nothing that came later.
        """
        is_new = state is not None and state.rebuilt_number == self._run_number
        scopes = [column.scope for column in self._columns_of(view) if column.name == "row_id"]
        return is_new and scopes == self._started_plan().scopes[:1]

    def _columns_of(self, view: str) -> list[ViewColumn]:
        destination, _, of = view.rpartition("__")
        return self._started_plan().destinations[destination].columns(of)

    def write_days(self, view: str, query: str) -> list[str]:
        """Write a view's files of days from one scan, if its rows come in their order.

        Args:
            query: of all of their rows.

        Returns:
            Names of the files; none where the rows came in another order, and each is to be
            written by itself.

        Raises:
            PublishingError: the rows can't be read.
        """
        paths = self._files.paths_of_days(view)
        with self._rows_to_write(view, query) as rows:
            is_written = write_days(rows, paths, self._tokens_of(view))
        return list(paths) if is_written else []

    def write_file(self, view: str, name: str, query: str) -> None:
        """Write one of a view's files.

        Args:
            name: of the file, without its ending.
            query: of its rows, in their order.

        Raises:
            PublishingError: the rows can't be read.
        """
        path = self._files.path(view, name)
        with self._rows_to_write(view, query) as rows:
            write_file(rows, path, self._tokens_of(view))

    def _tokens_of(self, view: str) -> set[str]:
        return {c.name for c in self._columns_of(view) if c.treatment in DIGITS}

    @contextlib.contextmanager
    def _rows_to_write(self, view: str, query: str) -> Iterator[pa.RecordBatchReader]:
        """Read rows by the very connection that the view's model has, which was checked."""
        try:
            with self.engine.read_here(query) as rows:
                yield rows
        except (duckdb.Error, pa.ArrowException) as error:
            # Its text could quote a value.
            raise PublishingError(
                f"The files of {view} can't be written ({type(error).__name__}), so they were not "
                "put in place. Run dbt build again"
            ) from None

    def tested_partitions(self, view: str) -> list[Partition] | None:
        """Return the partitions of a view that are about to be published; none for all of it."""
        return self._files.tested(view)

    def all_days(self, view: str) -> Partition | None:
        """Return the period of all files of days that a view writes; none where it writes none."""
        return self._files.all_days(view)

    def view_of_files(self, files: list[str], all_columns: bool) -> str:
        """Return a relation of the rows of files; see `SessionEngine`."""
        return self._session_engine.view_of_files(files, all_columns)

    def tested_files(self, view: str) -> list[str] | None:
        """Return the files of a view that are about to be published; none where it wrote none."""
        return self._files.tested_files(view)

    def has_small_files(self, view: str) -> bool:
        """Whether the files of a view that are about to be published are best read once."""
        return are_small(self._files.tested_files(view) or (), KEPT_BYTES)

    def has_few_texts(self, view: str, columns: list[str]) -> bool:
        """Whether the different texts of some columns of these files can be held at once."""
        files = self._files.tested_files(view)
        return files is not None and have_few_texts(column_bytes(files), columns)

    def create_tables(self, schema: str, tables: Mapping[str, str]) -> None:
        """Make tables that the build keeps, each with its columns; see `SessionEngine`."""
        self._session_engine.create_tables(schema, tables)

    def keeps_tables(self) -> bool:
        """Whether what a build makes is there for the next one."""
        return self.engine.keeps_tables

    def reach(self, step: str, name: str, start: str, further: str, steps: str) -> None:
        """Find all ids of a recursive step; see macro `reached`."""
        self._session_engine.reach(step, name, start, further, steps)

    def keep(self, step: str, name: str, sql: str) -> None:
        """Find the rows of a step of a query once; see macro `kept_step`."""
        self._session_engine.keep(step, name, sql)

    def delete_rows(self, table: str, condition: str) -> None:
        """Take rows of such a table away, where no statement does that."""
        self._ask(f"delete from {table} where {condition}")

    def check_connection(self) -> None:
        """Refuse a connection that may change what the reviewed SQL means."""
        if faults := self.engine.connection_faults(masks=True):
            raise HipaaModeError("\n".join(faults))

    def checked_columns(
        self,
        columns: Sequence[Mapping[str, Any]],
        checks: list[str],
        is_restricted: bool,
        left_out: list[str],
    ) -> CheckedColumns:
        """Return which of a view's columns some checks read; see `checked_columns`."""
        names = [field.name for field in fields(Column)]
        read = [Column(**{name: item[name] for name in names}) for item in columns]
        return checked_columns(read, checks, is_restricted, left_out)

    def count_ids(self) -> CountedIds:
        """Count the ids of all calls, so that no check needs to; see `raw_ids.count_new`."""
        counted = self._count_ids()
        return CountedIds(counted, raw_ids.is_counted_up_to(counted, self._run_number))

    def lists_people(self) -> bool:
        """Tell whether anybody is suppressed."""
        return bool(self._ask(f"select 1 from {self._table('suppressed_users')} limit 1"))

    def find_people(self, query: str, listed: str, may_be_known: bool) -> FoundPeople:
        """Find the ids of suppressed people, once in a run; see `run.found_people`.

        Args:
            query: of the kinds and ids.
            listed: a query of the keyed hash of the list.
            may_be_known: whether those that an earlier run found will do.
        """
        relation = self._find_people(query, listed, may_be_known)
        is_complete = found_people.is_found_up_to(relation, self._run_number)
        return FoundPeople(relation, is_complete)

    def ids_of_calls(
        self,
        calls: str,
        names: list[str],
        minimum_length: int,
        spellings: dict[str, list[str]],
        is_counted: bool,
    ) -> str:
        """Return a query of the ids of all usable calls; see `raw_ids.count_of_calls`."""
        return raw_ids.count_of_calls(
            calls,
            names,
            minimum_length,
            spellings,
            self.engine.different_texts,
            is_counted,
            before_rows=not self.engine.joins_on_calls,
        )

    def judged_values(
        self, shown: str, people: str, identifiers: str, spellings: list[str]
    ) -> str:
        """Return a query that judges values that some id equals; see `raw_ids.judged_values`."""
        return raw_ids.judged_values(
            shown,
            people,
            identifiers,
            spellings=spellings,
            before_joins=not self.engine.joins_on_calls,
        )

    def json_texts(self, text: str) -> str:
        """Return SQL of all texts in a JSON text; see `raw_ids.json_texts`."""
        return raw_ids.json_texts(text)

    def hash_of_functions(self, sql: str) -> str:
        """Return the hash of the functions that SQL calls; see `Engine.hash_of_called`."""
        return self.engine.hash_of_called(sql)

    def publishes_files(self) -> bool:
        """Whether destinations get files; else each gets a schema of tables."""
        return self.engine.publishes_files

    def csv_rows(self, file: str) -> CsvRows:
        """Return the rows of a seed's file, blank cells as None."""
        with Path(file).open(encoding="utf-8-sig", newline="") as lines:
            names, *rows = list(csv.reader(lines)) or [[]]
        return CsvRows(names, [[cell or None for cell in row] for row in rows if row])
