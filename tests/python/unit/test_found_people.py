"""When the ids of suppressed people are taken as an earlier run found them."""

from __future__ import annotations

import duckdb
import pytest

from hipaa_mode.run.found_people import (
    are_known,
    find_again,
    found_by,
    is_found_up_to,
    keep,
)

QUERY = "select 'user' as kind, user_id as id from calls_read"


@pytest.fixture
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute("create table calls_read (run_number bigint, user_id varchar)")
    connection.execute("create table found (run_number bigint, kind varchar, id varchar)")
    connection.execute("insert into calls_read values (1, 'a')")
    for statement in find_again("found", QUERY, found_by("list"), 1):
        connection.execute(statement)
    return connection


def is_known(database: duckdb.DuckDBPyConnection, *parts: str) -> bool:
    return bool(database.execute(are_known("found", "calls_read", found_by(*parts))).fetchall())


def ids(database: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return database.execute("select kind, id from found where kind <> 'up to'").fetchall()


def is_found(database: duckdb.DuckDBPyConnection, run_number: int) -> bool:
    return database.execute(f"select {is_found_up_to('found', run_number)}").fetchall() == [
        (True,)
    ]


def test_ids_are_known_while_calls_and_lists_are_the_same(
    database: duckdb.DuckDBPyConnection,
) -> None:
    assert is_known(database, "list")
    assert not is_known(database, "another list")
    assert not is_found(database, 2)
    for statement in keep("found", found_by("list"), 2):
        database.execute(statement)
    assert is_found(database, 2)
    assert ids(database) == [("user", "a")]
    assert is_known(database, "list")


def test_ids_are_found_again_where_calls_came(database: duckdb.DuckDBPyConnection) -> None:
    database.execute("insert into calls_read values (2, 'b')")
    assert not is_known(database, "list")
    for statement in find_again("found", QUERY, found_by("list"), 2):
        database.execute(statement)
    assert ids(database) == [("user", "a"), ("user", "b")]
    assert is_known(database, "list")


def test_a_table_that_was_emptied_knows_nothing(database: duckdb.DuckDBPyConnection) -> None:
    database.execute("delete from found")
    assert not is_known(database, "list")
    assert not is_found(database, 1)
