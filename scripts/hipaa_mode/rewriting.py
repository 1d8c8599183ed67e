"""A database file is written anew, so that nothing deleted stays in its free space.

DuckDB frees the blocks of deleted rows and leaves what is in them until they are used again. So
the database is copied, table by table, into a file beside it, which takes the place of the old
one in one step. Whatever goes wrong before that, the old file stays as it was.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb

from hipaa_mode import files, folders
from hipaa_mode.errors import ExitCode, HipaaModeError
from hipaa_mode.quoting import identifier, literal

UNFINISHED = ".rewriting"
"""What the name of the new file ends with until it takes the old one's place."""

SPILLED = "duckdb_temp_*"
"""What DuckDB calls the files that it spills into; others in their folder are not its own."""

FLAG_TABLE = "space_to_clear"
"""Table of the restricted zone that has a row while the file is to be written anew."""

_FRESH = "hipaa_mode_rewritten"


class RewritingError(HipaaModeError):
    """The file could not be written anew; the old one is as it was."""


@dataclass(frozen=True)
class Rewritten:
    """How large the file was, and is, in bytes."""

    before: int
    after: int


def rewrite(path: Path) -> Rewritten:
    """Write a DuckDB file anew. The caller holds its lock, and has no connection to it.

    Raises:
        RewritingError: it can't be done; the text says why.
    """
    path = Path(os.path.realpath(path))
    if not path.is_file():
        raise RewritingError(f"{path} is not there")
    remove_leftovers(path)
    fresh = path.with_name(path.name + UNFINISHED)
    try:
        return _rewrite(path, fresh)
    except duckdb.Error as error:
        # DuckDB's own words may quote a value.
        kind = type(error).__name__
        raise RewritingError(f"{path} could not be copied by DuckDB ({kind})") from None
    except OSError as error:
        raise RewritingError(f"{path} could not be copied: {error.strerror}") from None
    finally:
        remove_leftovers(path)


def remove_leftovers(path: Path) -> None:
    """Remove what a rewriting that was cut short left beside a file, and what DuckDB spilled."""
    path = Path(os.path.realpath(path))
    unfinished = path.with_name(path.name + UNFINISHED)
    for file in (unfinished, unfinished.with_name(f"{unfinished.name}.wal")):
        with contextlib.suppress(OSError):
            file.unlink()
    spilled = path.with_name(path.name + ".tmp")
    if spilled.is_symlink():
        return
    with contextlib.suppress(OSError):
        for file in spilled.glob(SPILLED):
            file.unlink()
        spilled.rmdir()


def rewrite_apart(path: Path) -> str:
    """Write a file anew in a process of its own, which finds out whether anybody has it open.

    Returns:
        What to tell the user.
    """
    command = [sys.executable, "-m", "hipaa_mode.rewriting", str(path)]
    search = os.pathsep.join(entry for entry in sys.path if entry)
    # It needs no key.
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith("HIPAA_MODE_")
    }
    environ["PYTHONPATH"] = search
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        said = (done.stdout if done.returncode == 0 else done.stderr).strip()
    except OSError as error:
        done, said = None, f"{path} could not be copied: {error.strerror}"
    if done is not None and done.returncode == 0:
        return said
    lines = said.splitlines() or [f"{path} could not be copied"]
    return (
        f"WARNING: the database file still has deleted values in its free space: {lines[-1]}. "
        "Fix the cause and run: hipaa-mode compact"
    )


def _rewrite(path: Path, fresh: Path) -> Rewritten:
    state = path.stat()
    free = shutil.disk_usage(path.parent).free
    if free < state.st_size:
        raise RewritingError(
            f"{path} needs {_in_megabytes(state.st_size)} of free disk space to be copied, and "
            f"there are {_in_megabytes(free)}"
        )
    with duckdb.connect(str(path)) as connection:
        connection.execute("force checkpoint")
    if path.with_name(path.name + ".wal").exists():
        raise RewritingError(f"{path} has changes that are not written to it yet")
    connection = duckdb.connect(str(path))
    try:
        [name] = connection.execute("select current_database()").fetchall()[0]
        connection.execute(f"attach {literal(fresh)} as {_FRESH}")
        fresh.chmod(folders.FILE_MODE)
        connection.execute(f"copy from database {identifier(name)} to {_FRESH}")
        _compare(connection, name)
        _lower_flag(connection)
        connection.execute(f"detach {_FRESH}")
        with contextlib.suppress(PermissionError):
            os.chown(fresh, state.st_uid, state.st_gid)
        fresh.chmod(state.st_mode & 0o7777)
        files.sync(fresh)
        # Still locked, so that nobody has opened the old file who would write to it in vain.
        fresh.replace(path)
        files.sync(path.parent)
    finally:
        connection.close()
    return Rewritten(state.st_size, path.stat().st_size)


def _compare(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Require that the copy has everything: names of all kinds, and the rows of each table."""

    def contents(database: str) -> tuple[Counter[tuple[str, ...]], dict[tuple[str, str], int]]:
        named: Counter[tuple[str, ...]] = Counter()
        for kind, column in (
            ("tables", "table_name"),
            ("views", "view_name"),
            ("indexes", "index_name"),
            ("sequences", "sequence_name"),
            ("functions", "function_name"),
            ("types", "type_name"),
            ("constraints", "constraint_text"),
        ):
            found = connection.execute(
                f"select '{kind}', schema_name, {column} from system.main.duckdb_{kind}() "
                "where database_name = ? and schema_name not in ('information_schema', "
                "'pg_catalog')",
                [database],
            ).fetchall()
            named.update(found)
        tables = [(schema, table) for kind, schema, table in named if kind == "tables"]
        rows = {
            table: connection.execute(
                f"select count(*) from {identifier(database, *table)}"
            ).fetchall()[0][0]
            for table in tables
        }
        return named, rows

    if contents(name) != contents(_FRESH):
        raise RewritingError("The copy of the database is not complete")


def _lower_flag(connection: duckdb.DuckDBPyConnection) -> None:
    found = connection.execute(
        "select schema_name from system.main.duckdb_tables() "
        "where database_name = ? and table_name = ?",
        [_FRESH, FLAG_TABLE],
    ).fetchall()
    for (schema,) in found:
        connection.execute(f"delete from {_FRESH}.{identifier(schema)}.{FLAG_TABLE}")


def _in_megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"


def describe(done: Rewritten) -> str:
    """Say what was done."""
    return (
        "the database file was written anew, so that its free space has nothing deleted in it "
        f"({_in_megabytes(done.before)} before, {_in_megabytes(done.after)} now)"
    )


def main() -> int:
    """Rewrite the file that the one argument names; exit code 1 where it stays as it was."""
    try:
        print(describe(rewrite(Path(sys.argv[1]))))
    except RewritingError as error:
        print(error, file=sys.stderr)
        return ExitCode.FAILED_CHECK
    return ExitCode.SUCCESS


if __name__ == "__main__":
    sys.exit(main())
