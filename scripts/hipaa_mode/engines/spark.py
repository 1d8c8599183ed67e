"""Spark: functions of the session, tokens by an Arrow function of the session.

The catalog is in memory and the warehouse a private folder of the run's own, so what a build makes
is nobody else's, and goes when it ends. What later runs ask for is kept there: see `KEPT`.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import os
import re
import secrets
import shutil
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from hipaa_mode import functions, locking
from hipaa_mode.engines import (
    SPARK,
    NewTables,
    spark_faults,
    spark_json,
    spark_kept,
    spark_masking,
)
from hipaa_mode.errors import HipaaModeError, PublishingError
from hipaa_mode.quoting import identifier, literal
from hipaa_mode.run.file_writer import ROWS_AT_ONCE, write_file
from hipaa_mode.run.kept_calls import KeptCalls
from hipaa_mode.run.readers import STEP_VIEWS
from hipaa_mode.run.state import tell

if TYPE_CHECKING:
    from hipaa_mode.raw_calls import RawLines

SET: Mapping[str, str] = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.defaultCatalog": "spark_catalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    # Else `${env:…}` in a text of a seed is what the environment has.
    "spark.sql.variable.substitute": "false",
    # Steps that are put together into one take the optimizer minutes.
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.CollapseProject",
    # The driver lists published days by itself: executors would have a task for each.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
}
"""Settings that decide what the reviewed SQL means, or how fast it is: the run makes them."""

REQUIRED: Mapping[str, str] = {
    **SET,
    "spark.sql.catalogImplementation": "in-memory",
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "false",
}
"""The same, and those that a session has from its start: who may see what Spark does."""

DEFAULT = {"spark.ui.enabled": "true", "spark.eventLog.enabled": "false"}

MAY_DIFFER = (
    "spark.sql.warehouse.dir",
    "spark.sql.shuffle.partitions",
    "spark.sql.autoBroadcastJoinThreshold",
    "spark.sql.broadcastTimeout",
    "spark.sql.adaptive.",
    "spark.sql.files.",
    "spark.sql.parquet.compression.codec",
    "spark.sql.execution.arrow.maxRecordsPerBatch",
    "spark.sql.artifact.",
)
"""What settings of `spark.sql` begin with that change neither values nor rows."""

OWN_CATALOGS = ("spark_catalog", "system", "session", "builtin")
"""Names by which Spark finds relations and functions of its own."""

KEPT = ("masking_keys", "run_records", "listed_people", "accepted_lines", "audit_log")
"""Tables of the build that the next one asks for."""

CODES = "surrogate_codes"
"""The model whose rows are kept: a value keeps its code."""

MASK = "hipaa_mask"
CODE = "hipaa_mode_random_code"
OWN = f"{functions.SCHEMA}__"
"""What the names of functions begin with in a session."""

STATE = "hipaa_mode"
"""Folder of the warehouse that has the tables of the build."""

ASIDE = "hipaa_mode_aside"
"""Folder of the warehouse that has what is read once."""

BEFORE = spark_kept.BEFORE
"""What the name of a table's folder ends with while another takes its place."""

DAYS = "changed_days"
"""Table of the days whose rows came or went in builds that went on from kept rows."""

LOCAL = "hipaa_mode_local"
"""Folder of the warehouse that has rows on their way from one step to the next."""

LOGGERS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
"""What PySpark prints errors by, whole, as soon as one is there."""

LOCK = "hipaa_mode.lock"
"""File of the warehouse that says that a build made it, and that one is at work."""

_END = re.compile(r";$", re.MULTILINE)
_COMMENT = re.compile(r"^ *--.*\n?", re.MULTILINE)
_CREATE = re.compile(rf"^create function {functions.SCHEMA}\.", re.MULTILINE)
_CONSTANT = re.compile(r"create .*?\.(\w+)\(\)\s+returns (.*?)\s+return (.*)", re.DOTALL)
_NAME_OR_TEXT = re.compile(
    rf"(\br'[^']*'|'(?:[^'\\]|\\.|'')*'|--[^\n]*|`[^`]*`)|\b{functions.SCHEMA}\.", re.DOTALL
)
_CATALOG = re.compile(r"spark\.sql\.catalog\.(\w+)")
"""A setting of a catalog that is another than the session's own: raw calls may be there."""

_LACKING = re.compile(r"ModuleNotFoundError: No module named '([A-Za-z_]\w*)")
_CALL_OR_TEXT = re.compile(
    rf"\br'[^']*'|'(?:[^'\\]|\\.|'')*'|\b{functions.SCHEMA}\.(?P<name>\w+)\(\)", re.DOTALL
)
_INSERT = re.compile(r"(?:\s|/\*.*?\*/|--[^\n]*\n)*insert\s", re.DOTALL | re.IGNORECASE)
_PARAMETER = re.compile(r"\$(\w+)")
_DELETE = re.compile(r"\s*delete from (\S+)(?: as (\w+))?\s+where (.*)", re.DOTALL)


def in_session(sql: str) -> str:
    """Return SQL that calls the functions by the names that they have in a session.

    A persistent function can't call one of Python, and a temporary one has no schema.
    """
    return _NAME_OR_TEXT.sub(lambda found: found[1] or OWN, sql)


def make_functions(session: Any, text: str | None = None) -> None:
    """Make the functions in a session, and those of Python that they call.

    Args:
        session: a `SparkSession`.
        text: statements that make functions; None for the file of the package.
    """
    spark_json.register(session)
    for statement in statements(functions.read_text(SPARK) if text is None else text):
        session.sql(statement)


def statements(text: str) -> list[str]:
    """Return the statements that make the functions of a text in a session."""
    made = _CREATE.sub(f"create or replace temporary function {functions.SCHEMA}.", text)
    found = _END.split(_COMMENT.sub("", made))
    constants: dict[str, str] = {}
    listed = []
    for statement in filter(str.strip, found):
        listed.append(_with_constants(statement, constants))
        if constant := _CONSTANT.fullmatch(listed[-1].strip()):
            name, kind, body = constant.groups()
            constants[name] = f"cast(({body}) as {kind})"
    return [in_session(statement) for statement in listed]


def _with_constants(sql: str, constants: Mapping[str, str]) -> str:
    """Put what functions without arguments return in the place of their calls.

    Spark would do so for each call anew, with a plan of its own for each.
    """
    return _CALL_OR_TEXT.sub(lambda found: constants.get(found["name"] or "", found[0]), sql)


def take_warehouse(warehouse: Path) -> None:
    """Make the folder of the warehouse, or take one that a build made, for this run alone.

    Raises:
        HipaaModeError: it has files that no build made, or another build is at work in it.
    """
    # Before a run starts dbt has made its schemas: folders without a file.
    own = warehouse / LOCAL
    has_files = any(
        files for folder, _, files in os.walk(warehouse) if not Path(folder).is_relative_to(own)
    )
    if has_files and not (warehouse / LOCK).is_file():
        raise HipaaModeError(
            f"{warehouse} has files that no build made, and a build would remove them. Let "
            "`spark.sql.warehouse.dir` in profiles.yml name a new folder"
        )
    warehouse.mkdir(mode=0o700, parents=True, exist_ok=True)
    locking.hold_folder(warehouse, LOCK, locking.timeout(os.environ), tell)
    warehouse.chmod(0o700)
    for before in (warehouse / STATE).glob(f"*{BEFORE}"):
        table = before.with_suffix("")
        if table.exists():
            shutil.rmtree(before)
        else:
            # A build was killed between two moves.
            before.rename(table)


def clear_warehouse(warehouse: Path, began: float = math.inf) -> None:
    """Remove what builds have left in the warehouse, but for what is kept.

    Args:
        began: when the session did whose rows on their way stay.
    """
    for folder in warehouse.iterdir():
        if folder.name == ASIDE:
            shutil.rmtree(folder)
        elif folder.name in (STATE, LOCAL) or folder.suffix == ".db":
            for left in folder.iterdir():
                if _goes(left, began):
                    # Spark itself takes its own away as it ends.
                    shutil.rmtree(left, ignore_errors=folder.name == LOCAL)


def _goes(left: Path, began: float) -> bool:
    """Tell whether what a build has left in a folder of the warehouse goes."""
    if left.parent.name == STATE:
        return left.name not in (*KEPT, CODES, DAYS, spark_kept.FOLDER)
    return left.parent.name != LOCAL or left.stat().st_mtime < began


class Spark:
    """See `SessionEngine`; it uses the session that dbt has.

    Args:
        adapter: dbt's adapter of the run.
    """

    publishes_files = True
    masks_itself = True
    knows_rows = False
    keeps_tables = False
    may_keep_calls = True
    text_type = "string"
    joins_on_calls = False
    row_count = "count(*)"
    row_order = "first_used_at"

    def __init__(self, adapter: Any) -> None:
        # dbt-spark switches ANSI mode off for every statement; its connections have this dict.
        adapter.config.credentials.server_side_parameters.update(SET)
        from pyspark.sql import SparkSession

        # Where dbt does no more than compile there is none.
        if (session := SparkSession._instantiatedSession) is not None:
            for name, value in SET.items():
                session.conf.set(name, value)
        self._makers: dict[str, Any] = {}
        self._locations: dict[str, Path] = {}
        self._steps: dict[tuple[str, str], str] = {}
        self._changing = threading.Lock()
        self._is_started = False
        self._to_keep: tuple[KeptCalls, dict[str, Path]] | None = None

    @property
    def session(self) -> Any:
        """The session of the thread's connection.

        Raises:
            HipaaModeError: there is none.
        """
        from pyspark.sql import SparkSession

        session = SparkSession._instantiatedSession
        if session is None:
            raise HipaaModeError("Spark has no session. Let dbt open one: method session")
        return session

    @contextlib.contextmanager
    def cursor(self) -> Iterator[_Cursor]:
        """Have a cursor on the session.

        Raises:
            HipaaModeError: Spark can't run a statement.
        """
        with _without_values():
            yield _Cursor(self)

    def ask(self, sql: str, parameters: Mapping[str, object]) -> list[Any]:
        """Return the rows of a query."""
        with self.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    @contextlib.contextmanager
    def read(self, query: str) -> Iterator[pa.RecordBatchReader]:
        """Have the rows of a query: they are written aside, and need not fit into memory."""
        from pyspark.sql.pandas.types import to_arrow_schema

        folder = self.aside()
        with self.cursor():
            rows = self.session.sql(query)
            plain = _plain_schema(to_arrow_schema(rows.schema))
            rows.write.parquet((folder / "rows").as_uri())
            yield pa.RecordBatchReader.from_batches(plain, _batches(folder / "rows", plain))
        shutil.rmtree(folder)

    def read_here(self, query: str) -> contextlib.AbstractContextManager[pa.RecordBatchReader]:
        """Have the rows of a query: all threads have one session."""
        return self.read(query)

    def write_parquet(self, query: str, path: Path) -> None:
        """Write the rows of a query to a file."""
        with self.read(query) as rows:
            write_file(rows, str(path), ())

    def command_faults(self, command: str) -> list[str]:
        """Say of a command of dbt that it can't be run."""
        return spark_faults.command_faults(command)

    def start(self, subkeys: Mapping[str, str], environment: str, fingerprint: str) -> str | None:
        """Take the warehouse, make the functions and register those that mask."""
        file = spark_masking.key_file(os.environ, environment, fingerprint)
        warehouse = self._warehouse()
        session = self.session
        take_warehouse(warehouse)
        clear_warehouse(warehouse, session.sparkContext.startTime / 1000)
        self._is_started = True
        if "PYSPARK_PYTHON" not in os.environ:
            session.sparkContext.pythonExec = sys.executable
        silence(session)
        with self.cursor():
            session.udf.register(MASK, spark_masking.masking(subkeys, file))
            session.udf.register(CODE, spark_masking.coding())
            make_functions(session)
        self._makers = _makers(session)
        run_privately(session, self.with_views, self._changing)
        if file is not None:
            # Else what is wrong with it shows only where a model is made.
            self._try_mask(subkeys)
        return functions.file_hash(SPARK)

    def _try_mask(self, names: Collection[str]) -> None:
        """Have an executor make a token in each scope, of no value of anybody's."""
        scopes = ", ".join(f"('hipaa_mode', {literal(name)})" for name in sorted(names))
        self.session.sql(
            f"select system.session.{MASK}(value, scope) from values {scopes} as t (value, scope)"
        ).collect()

    def end(self) -> None:
        """Stop the session, and remove what it made."""
        if not self._is_started:
            return
        self._is_started = False
        warehouse = self._warehouse()
        self.session.stop()
        if self._to_keep is not None:
            try:
                spark_kept.put_in_place(*_places_of_kept(warehouse), *self._to_keep)
            except OSError as error:
                why = error.strerror or type(error).__name__
                tell(f"the calls could not be kept ({why}): the next build reads more again")
        clear_warehouse(warehouse)

    def kept_calls(self) -> KeptCalls | str:
        """Return what the last build kept; or why there is nothing that can be used."""
        return spark_kept.read(*_places_of_kept(self._warehouse()))

    def forget_calls(self) -> None:
        """Remove what was kept: the next build makes all anew."""
        place, _ = _places_of_kept(self._warehouse())
        for folder in (place, place.with_name(DAYS)):
            shutil.rmtree(folder, ignore_errors=True)

    def keep_calls(self, kept: KeptCalls, tables: Mapping[str, tuple[str, str]]) -> None:
        """See that tables are kept for the next build when this one ends."""
        warehouse = self._warehouse()
        folders = {
            name: warehouse / f"{schema}.db" / table for name, (schema, table) in tables.items()
        }
        self._to_keep = (kept, folders)

    def view_of_kept(self, name: str) -> str:
        """Make a view of the kept rows of a table; return its name."""
        place, _ = _places_of_kept(self._warehouse())
        view = f"{STEP_VIEWS}kept_{name}"
        with self.cursor():
            if not self.session.catalog.tableExists(view):
                rows = self.session.read.parquet((place / name).as_uri())
                rows.createOrReplaceTempView(view)
        return view

    def make_temporary(self, name: str, sql: str) -> None:
        """Write the rows of a query aside, and make a view of them under a name."""
        place = (self.aside() / "rows").as_uri()
        with self.cursor():
            rows = self.session.sql(sql)
            rows.write.parquet(place)
            self.session.read.schema(rows.schema).parquet(place).createOrReplaceTempView(name)

    def _warehouse(self) -> Path:
        """Return the warehouse's folder.

        Raises:
            HipaaModeError: it is not one of this machine.
        """
        named = urlsplit(str(self.session.conf.get("spark.sql.warehouse.dir")))
        path = Path(unquote(named.path))
        if named.scheme not in ("", "file") or named.netloc or not path.is_absolute():
            raise HipaaModeError(
                "the warehouse of Spark is no folder of a file system that is mounted here. Set "
                "`spark.sql.warehouse.dir` in profiles.yml to one of the project's restricted "
                "folder"
            )
        return path

    def connection_faults(self, masks: bool = False) -> list[str]:
        """Say which settings of the session are not as the SQL was reviewed with."""
        session = self.session
        if not hasattr(session, "_jsparkSession"):
            return ["Spark Connect was not proven. Take SPARK_REMOTE, or what asks for it, out"]
        faults = [
            f"`{name}` of the session is `{value}` and has to be `{wanted}`. Say so in "
            "`server_side_parameters` in profiles.yml"
            for name, wanted in REQUIRED.items()
            if (value := session.conf.get(name, DEFAULT.get(name, ""))).lower() != wanted.lower()
        ]
        faults += [
            f"`{name}` of the session was not reviewed, and it can change which rows or values "
            "are let through. Take it out of `server_side_parameters` in profiles.yml, and out of "
            "hooks and models that set it"
            for name in sorted(session.conf.getAll)
            if name.startswith("spark.sql.")
            and name not in REQUIRED
            and not name.startswith(MAY_DIFFER)
            and not _CATALOG.match(name)
        ]
        return [*faults, *self._faults_of_catalogs(), *self._faults_of_local_folder()]

    def _faults_of_catalogs(self) -> list[str]:
        """Say which catalog of the session's would stand in for something of the build's."""
        session = self.session
        found = {match[1] for name in session.conf.getAll if (match := _CATALOG.match(name))}
        if not found:
            return []
        with self.cursor():
            schemas = session.sql("show databases in spark_catalog").collect()
        taken = {*OWN_CATALOGS, *(row[0].lower() for row in schemas)}
        return [
            f"the catalog `{name}` of the session has a name that something of Spark's or of the "
            "build's has. Give it another one in `server_side_parameters` in profiles.yml"
            for name in sorted(found)
            if name.lower() in taken
        ]

    def _faults_of_local_folder(self) -> list[str]:
        """Say where rows on their way from one step to the next would be for others to find.

        On a cluster that is for the workers to say.
        """
        context = self.session.sparkContext
        if not context.master.startswith("local"):
            return []
        wanted = (self._warehouse() / LOCAL).resolve()
        named = os.environ.get("SPARK_LOCAL_DIRS") or context.getConf().get("spark.local.dir", "")
        if named and Path(named).resolve() == wanted:
            return []
        return [
            "`spark.local.dir` of the session, where rows on their way lie, is not the folder "
            f"`{LOCAL}` of the warehouse. Say so in `server_side_parameters` in profiles.yml, and "
            "take SPARK_LOCAL_DIRS out of the environment"
        ]

    def function_fault(self, made: str | None) -> str:
        """Say what may stand in for a function of the package or of the engine."""
        if made is None:
            return "the functions were not made, so nothing was built. Keep the on-run-start hook"
        session = self.session
        with self.cursor():
            makers = _makers(session)
        if makers.keys() != self._makers.keys() or any(
            not makers[name].equals(maker) for name, maker in self._makers.items()
        ):
            return (
                "the functions of the session, which every value passes through, are not those "
                "that were made when the run started. Take out what adds, replaces or drops one"
            )
        return ""

    def hash_of_called(self, sql: str) -> str:
        """Return the hash of the functions that SQL calls: of all, since no file says which."""
        return functions.file_hash(SPARK)

    def create_tables(self, schema: str, tables: Mapping[str, str]) -> None:
        """Make tables of the build, or find those that were kept, each with its columns."""
        folder = self._warehouse() / STATE
        with self.cursor() as cursor:
            for name, columns in tables.items():
                place = folder / name
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                cursor.execute(
                    f"create table if not exists {identifier(schema, name)} "
                    f"({columns.replace('varchar', 'string')}) using parquet "
                    f"location {literal(place.as_uri())}"
                )
                self._locations[f"{schema}.{name}"] = place

    def has_table(self, database: str | None, schema: str, name: str) -> bool:
        """Tell whether there is a table, or one that an earlier build kept."""
        session = self.session
        table = _quoted(schema, name)
        if session.catalog.tableExists(table):
            return True
        warehouse = self._warehouse()
        place = warehouse / STATE / name
        if name not in KEPT or not place.is_dir():
            return False
        take_warehouse(warehouse)
        if not any(place.glob("*.parquet")):
            return False
        with self.cursor():
            session.sql(f"create table {table} using parquet location {literal(place.as_uri())}")
        return True

    def database_of(self, table: Sequence[str], database: str | None) -> str:
        """Return the name of a table's catalog."""
        return table[0] if len(table) > 2 else "spark_catalog"

    def columns(self, parts: Sequence[str]) -> str:
        """Return a query of the columns of a table."""
        name = _quoted(*parts)
        if not self.session.catalog.tableExists(name):
            return "select '' where false"
        return "select * from values " + ", ".join(
            f"({literal(field.lower())})" for field in self.session.table(name).columns
        )

    def temporary_table(self, name: str, query: str) -> str:
        """Return the statement that makes a view of the session."""
        return f"create or replace temporary view {name} as {query}"

    def replaced_table(self, name: str, query: str) -> str:
        """Return the statement that fills a table anew."""
        return f"insert overwrite {name} {query}"

    def together(self, statements: Sequence[str]) -> Sequence[str]:
        """Return statements as they are run one after the other."""
        return statements

    def texts(self, texts: Sequence[str]) -> str:
        """Return SQL of a list of text literals."""
        return f"cast(array({', '.join(map(literal, texts))}) as array<string>)"

    def different_texts(self, texts: Sequence[str]) -> str:
        """Return SQL of the different ones of some texts."""
        return f"explode(array_distinct(array_compact(array({', '.join(texts)}))))"

    def list_people(self, cursor: Any, name: str, people: Any) -> None:
        """Give the session the lists as a view; what is in them is in no SQL text."""
        self._view(name, pa.RecordBatchReader.from_stream(people))

    def read_raw_lines(self, name: str, lines: RawLines) -> None:
        """Give the session the lines of the raw files as a view."""
        self._view(name, pa.RecordBatchReader.from_stream(lines))

    def _view(self, name: str, rows: pa.RecordBatchReader) -> None:
        """Write rows aside, where the executors can read them, and make a view of them."""
        file = self.aside() / f"{name}.parquet"
        plain = _plain_schema(rows.schema)
        with pq.ParquetWriter(file, plain, compression="zstd") as writer:
            for batch in rows:
                writer.write_batch(batch.cast(plain))
        with self.cursor():
            self._files([file.as_uri()], plain).createOrReplaceTempView(name)

    def _files(self, places: Sequence[str], schema: pa.Schema) -> Any:
        """Return rows of files. Spark would start a job to find out what columns they have."""
        from pyspark.sql.pandas.types import from_arrow_schema

        kinds = from_arrow_schema(schema, prefer_timestamp_ntz=True)
        return self.session.read.schema(kinds).parquet(*places)

    def keep(self, step: str, name: str, sql: str) -> None:
        """Write the rows of a query aside, and make a view of them."""
        place = (self.aside() / "rows").as_uri()
        view = _view_name(step)
        with self.cursor():
            session = self.session
            rows = session.sql(sql)
            rows.write.parquet(place)
            session.read.schema(rows.schema).parquet(place).createOrReplaceTempView(view)
        self._steps["", step] = f"{name} as (select * from {view})"

    def reach(self, step: str, name: str, start: str, further: str, steps: str) -> None:
        """Make a view of the ids that a recursive step finds; they are in no SQL text."""
        schema = pa.schema([("id", pa.string())])
        view = _view_name(steps, step)
        latest = f"{view}_latest"

        def ids_of(sql: str) -> set[str]:
            return {row[0] for row in self.session.sql(sql).collect() if row[0] is not None}

        def show(of: str, ids: Collection[str]) -> None:
            rows = pa.record_batch([pa.array(sorted(ids), pa.string())], schema=schema)
            self._view(of, pa.RecordBatchReader.from_batches(schema, [rows]))

        with self.cursor():
            found = ids_of(f"with {steps} {start}")
            new: Collection[str] = found
            while new:
                show(latest, new)
                query = f"with {steps}, {name} as (select id from {latest}) {further}"
                new = ids_of(query) - found
                found |= new
            show(view, found)
        self._steps[steps, step] = f"{name} as (select id from {view})"

    def with_views(self, sql: str) -> str:
        """Return SQL that reads views in the place of the steps that were found before.

        What a step means depends on those before it.
        """
        known = list(self._steps.items())
        for step, found in [
            (step, found) for (before, step), found in known if before in sql and step in sql
        ]:
            sql = sql.replace(step, found)
        return sql

    def view_of_files(self, files: Sequence[str], all_columns: bool) -> str:
        """Make a view of the session of the rows of Parquet files; return its name.

        Args:
            all_columns: whether it has the columns that any of them has.
        """
        named = repr((sorted(files), all_columns))
        name = f"hipaa_mode_files_{hashlib.sha256(named.encode()).hexdigest()[:16]}"
        read = [pq.read_schema(file) for file in (files if all_columns else files[:1])]
        schema = pa.unify_schemas([_plain_schema(schema) for schema in read])
        with self.cursor():
            rows = self._files([Path(file).as_uri() for file in files], schema)
            rows.createOrReplaceTempView(name)
        return name

    def aside(self) -> Path:
        """Make a folder for what is read once."""
        folder = self._warehouse() / ASIDE / secrets.token_hex(8)
        folder.mkdir(mode=0o700, parents=True)
        return folder

    def delete(self, table: str, alias: str, condition: str, arguments: Mapping[str, Any]) -> None:
        """Write the rows of a table of the build anew that do not meet a condition."""
        session = self.session
        place = self._locations[table.replace('"', "").replace("`", "")]
        with self._changing:
            # Another thread may be at work on other rows of the table.
            gone = f"select 1 from {table} as {alias} where {condition} limit 1"
            if not session.sql(gone, dict(arguments)).collect():
                return
            aside = self.aside() / place.name
            session.sql(
                f"select * from {table} as {alias} where not coalesce(({condition}), false)",
                dict(arguments),
            ).write.parquet(aside.as_uri())
            before = place.with_name(place.name + BEFORE)
            place.rename(before)
            aside.rename(place)
            shutil.rmtree(before)
            session.sql(f"refresh table {table}")

    def publishing(
        self, environment: str, destination: str, relations: Mapping[str, str], run_number: int
    ) -> contextlib.AbstractContextManager[NewTables]:
        """Refuse: what is published is files."""
        raise PublishingError("Spark publishes files")

    def published_by(self, environment: str) -> Mapping[str, int]:
        """Return none: what is published is files."""
        return {}

    def clear_space(self, zone: Sequence[str]) -> None:
        """Do nothing: files that are deleted leave nothing behind."""

    def withdraw(self, environment: str, kept: Collection[str]) -> None:
        """Do nothing: what is published is files."""


def _places_of_kept(warehouse: Path) -> tuple[Path, Path]:
    """Return the folders of what is kept of calls, and of surrogate codes."""
    return warehouse / STATE / spark_kept.FOLDER, warehouse / STATE / CODES


class _Cursor:
    """Runs statements on the session."""

    def __init__(self, engine: Spark) -> None:
        self._engine = engine
        self._rows: list[Any] = []

    def execute(self, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        arguments = dict(parameters or {})
        text = _PARAMETER.sub(r":\1", sql) if arguments else sql
        if found := _DELETE.fullmatch(text):
            table, alias, condition = found.groups()
            self._engine.delete(table, alias or "here", condition, arguments)
            self._rows = []
            return
        rows = self._engine.session.sql(text, arguments or None).collect()
        self._rows = [tuple(row) for row in rows]

    def fetchall(self) -> list[Any]:
        return self._rows


def _batches(folder: Path, plain: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Read the rows that Spark wrote, in the order of its files."""
    for file in sorted(folder.glob("part-*.parquet")):
        for batch in pq.ParquetFile(file).iter_batches(ROWS_AT_ONCE):
            columns = [
                column.cast(kind) for column, kind in zip(batch.columns, plain.types, strict=True)
            ]
            yield pa.record_batch(columns, schema=plain)


def _view_name(*texts: str) -> str:
    """Return the name of the view that stands for a step of queries."""
    return STEP_VIEWS + hashlib.sha256(repr(texts).encode()).hexdigest()[:32]


def _quoted(*parts: str) -> str:
    """Write a name as Spark's own parser takes it whatever is set."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(field.name, _plain(field.type)) for field in schema])


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column as the other engines give it."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_binary(kind):
        return pa.binary()
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    return kind


def _name_of(error: Exception) -> str:
    """Return what kind an error is, without its text."""
    condition = getattr(error, "getCondition", lambda: None)()
    in_java = spark_faults.kinds_in_java(getattr(error, "java_exception", None))
    return str(condition or ", ".join((type(error).__name__, *in_java)))


def _why(error: Exception) -> str:
    """Say why a statement could not be run, in no words that may quote a value."""
    text = str(error)
    if "No space left on device" in text:
        return (
            "Spark can't run a statement: no space is left on the disk of the warehouse, or of an "
            "executor. Free some, and run dbt build again"
        )
    if fault := spark_masking.fault_of(text):
        return f"Spark can't make tokens: {fault}"
    if lacking := _LACKING.search(text):
        return (
            f"Spark can't run a statement: an executor lacks the Python package {lacking[1]}. "
            "Install hipaa-mode[spark] for the Python of every executor"
        )
    return (
        f"Spark can't run a statement: {_name_of(error)}. Its own words may quote a value, so "
        "they are not shown"
    )


def _makers(session: Any) -> dict[str, Any]:
    """Return what the session makes calls of its functions with, to tell them from others."""
    jvm = session._jvm
    registry = session._jsparkSession.sessionState().functionRegistry()
    name_in = jvm.org.apache.spark.sql.catalyst.FunctionIdentifier
    where = (jvm.scala.Option.apply("session"), jvm.scala.Option.apply("system"))
    names = [row[0] for row in session.sql("show user functions").collect()]
    return {
        name: registry.lookupFunctionBuilder(name_in(name, *where)).get()
        for name in names
        if "." not in name
    }


def silence(session: Any) -> None:
    """Switch the driver's log off, and PySpark's own.

    A task that fails quotes values, and a function that is registered is logged whole at level
    DEBUG, with the subkeys in it. A logger that has a level of its own does not go by the root's.
    """
    log4j = session._jvm.org.apache.logging.log4j
    log4j.core.config.Configurator.setAllLevels("", log4j.Level.OFF)
    session.sparkContext.setLogLevel("OFF")
    for name in LOGGERS:
        logging.getLogger(name).disabled = True


def run_privately(
    session: Any,
    as_run: Callable[[str], str] = str,
    changing: threading.Lock | None = None,
) -> None:
    """See to it that statements, dbt's too, call the functions by name and tell no values.

    `as_run` says what is run for a statement. Rows are added to tables one statement at a time,
    under the lock `changing`: as the first of two ends, Spark removes what the other has written.

    What a task that fails has to say goes to the terminal, by Spark's log and by errors.
    """
    silence(session)
    run = session.sql
    adding = changing or threading.Lock()

    def sql(text: str, *values: Any, **named: Any) -> Any:
        alone = adding if _INSERT.match(text) else contextlib.nullcontext()
        with _without_values(), alone:
            rows = run(in_session(as_run(text)), *values, **named)
        for name in ("collect", "take"):
            setattr(rows, name, _quiet(getattr(rows, name)))
        return rows

    session.sql = sql


def _quiet(read: Callable[..., Any]) -> Callable[..., Any]:
    def read_quietly(*arguments: Any) -> Any:
        with _without_values():
            return read(*arguments)

    return read_quietly


@contextlib.contextmanager
def _without_values() -> Iterator[None]:
    """Say only what kind an error is, unless it is one of names and SQL alone.

    Raises:
        HipaaModeError: in the place of an error whose text could quote a value.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import AnalysisException, PySparkException

    try:
        yield
    except AnalysisException:
        raise
    except (PySparkException, Py4JError) as error:
        raise HipaaModeError(_why(error)) from None
