"""What a run asks of the engine that runs its SQL: what differs by engine, and nothing else.

DuckDB is the reference. An engine that is not named here has no functions and no masking, so a run
on one is refused before anything is made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hipaa_mode.errors import HipaaModeError

if TYPE_CHECKING:
    import pyarrow as pa

    from hipaa_mode.raw_calls import RawLines
    from hipaa_mode.run.kept_calls import KeptCalls

DUCKDB = "duckdb"
POSTGRES = "postgres"
SPARK = "spark"

OURS = "hipaa_mode"
"""What the names of published schemas begin with, and comments on schemas of the package."""


@dataclass(frozen=True)
class NewTables:
    """Tables that are about to be published.

    Attributes:
        tables: the table of each view, as long as it is not in place.
        put_in_place: puts them in the place of what was published before, for good.
    """

    tables: Mapping[str, str]
    put_in_place: Callable[[], None]


class Engine(Protocol):
    """An engine, as the run that is at work uses it.

    Attributes:
        publishes_files: whether destinations get files; else each gets a schema of tables.
        masks_itself: whether it makes tokens itself, with functions and subkeys that it is given
            when a run starts; else a plugin of dbt's adapter gave it both.
        knows_rows: whether rows of a table of raw calls that were read are known again; else all
            are read every time.
        row_count: SQL of how many rows a group has, by full name: a macro could stand in for it.
        keeps_tables: whether what a build makes is there for the next one.
        may_keep_calls: whether it keeps calls for the next build where that is asked for.
        text_type: SQL of the type of texts.
        joins_on_calls: whether a join may be on what a function gives.
        row_order: SQL of the order in which rows came into a table.
    """

    publishes_files: bool
    masks_itself: bool
    knows_rows: bool
    row_count: str
    keeps_tables: bool
    may_keep_calls: bool
    text_type: str
    joins_on_calls: bool
    row_order: str

    def cursor(self) -> AbstractContextManager[Any]:
        """Have a cursor of which dbt logs nothing; each statement is a transaction of its own."""

    def ask(self, sql: str, parameters: Mapping[str, object]) -> list[Any]:
        """Return the rows of a query, whose parameters stand in it as `$name`."""

    def read(self, query: str) -> AbstractContextManager[pa.RecordBatchReader]:
        """Have the rows of a query, in its columns' own types."""

    def read_here(self, query: str) -> AbstractContextManager[pa.RecordBatchReader]:
        """Have the rows of a query, by the connection that dbt gave to what asks."""

    def command_faults(self, command: str) -> list[str]:
        """Say of a command of dbt that it can't be run."""

    def start(self, subkeys: Mapping[str, str], environment: str, fingerprint: str) -> str | None:
        """Make the functions and give later connections the subkeys.

        Args:
            subkeys: by scope.
            environment: that they are of.
            fingerprint: of the masking key that they are made of.

        Returns:
            The digest of the functions; None where something else has made them.
        """

    def end(self) -> None:
        """Close the run's own connection; later ones get no subkeys."""

    def connection_faults(self, masks: bool = False) -> list[str]:
        """Say what of the connection of the thread may change what the reviewed SQL means.

        Args:
            masks: whether it may be one that makes tokens.
        """

    def function_fault(self, made: str | None) -> str:
        """Say what may stand in for a function of the package or of the engine."""

    def hash_of_called(self, sql: str) -> str:
        """Return the hash of the functions that SQL calls; of more, where that is not known."""

    def has_table(self, database: str, schema: str, name: str) -> bool:
        """Tell whether there is a table."""

    def database_of(self, table: Sequence[str], database: str) -> str:
        """Return what tells the database of a table from those of other environments."""

    def columns(self, parts: Sequence[str]) -> str:
        """Return a query of the columns of a table, lower-case."""

    def temporary_table(self, name: str, query: str) -> str:
        """Return statements that make a temporary table, in place of one of that name."""

    def replaced_table(self, name: str, query: str) -> str:
        """Return statements that make a table, in place of one of that name."""

    def together(self, statements: Sequence[str]) -> Sequence[str]:
        """Return statements that run others in one transaction, where there are such."""

    def texts(self, texts: Sequence[str]) -> str:
        """Return SQL of a list of text literals."""

    def different_texts(self, texts: Sequence[str]) -> str:
        """Return SQL of the different ones of some texts, as rows."""

    def list_people(self, cursor: Any, name: str, people: Any) -> None:
        """Let a cursor read the lists of suppressed people under a name; in no SQL text."""

    def read_raw_lines(self, name: str, lines: RawLines) -> None:
        """Let queries read the lines of the raw files under a name."""

    def publishing(
        self,
        environment: str,
        destination: str,
        relations: Mapping[str, str],
        run_number: int,
    ) -> AbstractContextManager[NewTables]:
        """Make tables of a destination's views, and put them in place when that is asked for.

        Args:
            relations: the relation of each view.
        """

    def published_by(self, environment: str) -> Mapping[str, int]:
        """Return the number of the run that published a destination, where that is tables."""

    def write_parquet(self, query: str, path: Path) -> None:
        """Write the rows of a query to a file."""

    def clear_space(self, zone: Sequence[str]) -> None:
        """See that nothing is left of what was deleted in the restricted zone."""

    def withdraw(self, environment: str, kept: Collection[str]) -> None:
        """Take away what is published in schemas of destinations other than some."""


class SessionEngine(Engine, Protocol):
    """An engine whose session does by Python what others do by SQL; its own macros ask for it."""

    def create_tables(self, schema: str, tables: Mapping[str, str]) -> None:
        """Make tables of the build, each with its columns, or find those that were kept."""

    def keep(self, step: str, name: str, sql: str) -> None:
        """Find the rows of a query once, for each query that has it as a step.

        Args:
            step: the step, as those queries have it.
            name: of the step.
        """

    def reach(self, step: str, name: str, start: str, further: str, steps: str) -> None:
        """Find the ids of a recursive step, for each query that has it.

        Args:
            step: the step, as those queries have it.
            name: of the step, as `further` has it.
            start: a query of the first ids.
            further: a query of those that are found from the step's.
            steps: the queries before it.
        """

    def view_of_files(self, files: Sequence[str], all_columns: bool) -> str:
        """Return a relation of the rows of Parquet files."""

    def make_temporary(self, name: str, sql: str) -> None:
        """Find the rows of a query, and let other queries read them under a name."""

    def kept_calls(self) -> KeptCalls | str:
        """Return what the last build kept; or why there is nothing that can be used."""

    def forget_calls(self) -> None:
        """Remove what was kept."""

    def keep_calls(self, kept: KeptCalls, tables: Mapping[str, tuple[str, str]]) -> None:
        """See that tables, each given by schema and name, are kept for the next build."""

    def view_of_kept(self, name: str) -> str:
        """Return a relation of the kept rows of a table."""


def schema_of(environment: str, destination: str) -> str:
    """Return the schema that a destination is published in, where that is no folder of files."""
    return f"{OURS}_{environment}__{destination}"


def running_adapter() -> Any:
    """Return dbt's adapter of the run.

    Raises:
        LookupError: no run is at work.
    """
    from dbt.adapters.factory import FACTORY

    for name in (POSTGRES, SPARK, DUCKDB):
        if name in FACTORY.adapters:
            return FACTORY.adapters[name]
    raise LookupError("no adapter")


def thread_connection() -> Any:
    """Return the database connection that dbt gave to the model, test or hook which asks.

    Raises:
        HipaaModeError: it has none.
    """
    try:
        return running_adapter().connections.get_thread_connection().handle
    except (AttributeError, KeyError, LookupError) as error:
        raise HipaaModeError(
            f"The connection does not say how it is set ({type(error).__name__})"
        ) from None


@contextmanager
def closing(cursor: Any) -> Iterator[Any]:
    """Have a cursor, and close it."""
    try:
        yield cursor
    finally:
        cursor.close()
