"""What of a PostgreSQL server keeps a run from starting, each in a line with its remedy."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from postgres_server import Server

from hipaa_mode import functions
from hipaa_mode.engines import POSTGRES
from hipaa_mode.engines.postgres import Postgres, setting_of
from hipaa_mode.engines.postgres_connections import connect, credentials_of, why_not
from hipaa_mode.engines.postgres_faults import faults_of_server
from hipaa_mode.errors import ConfigurationError, HipaaModeError, RawCallsError
from hipaa_mode.selftest.postgres_databases import NAME, PostgresDatabases, is_ours, new_name

DATABASE = "faults"
SUBKEYS = {"*": "a" * 64}
OF_KEY = ("dev", "0" * 32)


def engine_on(server: Server, database: str = DATABASE) -> Postgres:
    """Return the engine on a database, with nothing of dbt but the opening of connections."""

    class Manager:
        @staticmethod
        def open(connection: Any) -> Any:
            return SimpleNamespace(handle=server.connect(database))

    credentials = SimpleNamespace(search_path=None)
    config = SimpleNamespace(credentials=credentials)
    return Postgres(SimpleNamespace(connections=Manager(), config=config))


@pytest.fixture(scope="module")
def server(postgres: Server) -> Server:
    postgres.create_database(DATABASE)
    for role in ("builder", "wanderer"):
        postgres.run(f"create role {role} login;")
    return postgres


@pytest.fixture
def engine(server: Server) -> Iterator[Postgres]:
    engine = engine_on(server)
    yield engine
    end(engine, server)


def end(engine: Postgres, server: Server) -> None:
    """End a run, and wait until the server has seen it."""
    engine.end()
    while server.run("select 1 from pg_locks where locktype = 'advisory';"):
        time.sleep(0.05)


@contextmanager
def with_sql(server: Server, sql: str, undo: str) -> Iterator[None]:
    server.run(sql, DATABASE)
    try:
        yield
    finally:
        server.run(undo, DATABASE)


STAND_INS = {
    "function": (
        "create function public.length(value text) returns integer language sql return 1;",
        "drop function public.length(text);",
        "function length",
    ),
    "operator": (
        "create function public.never(one text, other text) returns boolean language sql return "
        "false; "
        "create operator public.~ (leftarg = text, rightarg = text, function = public.never);",
        "drop operator public.~ (text, text); drop function public.never(text, text);",
        "operator ~",
    ),
    "operator for other types": (
        "create function public.never(one varchar, other varchar) returns boolean language sql "
        "return true; create operator public.= (leftarg = varchar, rightarg = varchar, "
        "function = public.never);",
        "drop operator public.= (varchar, varchar); drop function public.never(varchar, varchar);",
        "operator =",
    ),
    "cast": (
        "create function public.of_text(value text) returns bigint language sql return 1; "
        "create cast (text as bigint) with function public.of_text(text) as implicit;",
        "drop cast (text as bigint); drop function public.of_text(text);",
        "cast (text as bigint)",
    ),
}


@pytest.mark.parametrize("kind", STAND_INS)
def test_what_may_stand_in_for_the_engines_own_is_refused(
    server: Server, engine: Postgres, kind: str
) -> None:
    sql, undo, named = STAND_INS[kind]
    made = engine.start(SUBKEYS, *OF_KEY)
    assert engine.function_fault(made) == ""
    with with_sql(server, sql, undo):
        assert engine.function_fault(made).endswith(f"Drop: {named}")
    assert engine.function_fault(made) == ""


def test_a_replaced_function_of_the_package_is_refused(server: Server, engine: Postgres) -> None:
    made = engine.start(SUBKEYS, *OF_KEY)
    signature = f"{functions.SCHEMA}.guarded(value text) returns text language sql"
    server.run(f"create or replace function {signature} return value;", DATABASE)
    assert "are not those that were made" in engine.function_fault(made)
    end(engine, server)
    again = engine.start(SUBKEYS, *OF_KEY)
    assert again == made
    assert engine.function_fault(again) == ""


ORDERS = {
    "a search path": (
        f"alter role {{user}} in database {DATABASE} set search_path = public, pg_catalog;",
        f"alter role {{user}} in database {DATABASE} reset search_path;",
        "`pg_catalog` behind another schema",
    ),
    "a read-only database": (
        f"alter database {DATABASE} set default_transaction_read_only = on;",
        "begin read write; "
        f"alter database {DATABASE} reset default_transaction_read_only; commit;",
        "is read-only",
    ),
}


@pytest.mark.parametrize("kind", ORDERS)
def test_a_setting_that_changes_what_sql_means_is_refused(server: Server, kind: str) -> None:
    sql, undo, problem = ORDERS[kind]
    with with_sql(server, sql.format(user=server.user), undo.format(user=server.user)):
        engine = engine_on(server)
        with pytest.raises(HipaaModeError, match=problem):
            engine.start(SUBKEYS, *OF_KEY)
        end(engine, server)


DATABASES = {
    "latin": ("encoding 'LATIN1' locale 'C'", "encoding is LATIN1, and has to be UTF8"),
    "languages": (
        "encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8'",
        "",
    ),
}


@pytest.mark.parametrize("name", DATABASES)
def test_the_encoding_of_the_database(server: Server, name: str) -> None:
    options, problem = DATABASES[name]
    server.run(f"create database {name} template template0 {options};")
    engine = engine_on(server, name)
    try:
        engine.start(SUBKEYS, *OF_KEY)
        found = ""
    except HipaaModeError as error:
        found = str(error)
    end(engine, server)
    assert problem in found
    assert bool(problem) == bool(found)


def test_an_old_server_and_one_that_sorts_by_a_language_are_refused() -> None:
    row = (14, "UTF8", "en_US.UTF-8", "en_US.UTF-8", ["pg_temp_3", "pg_catalog", "public"], False)
    cursor = SimpleNamespace(execute=lambda sql: None, fetchall=lambda: [row])
    version, sorting = faults_of_server(cursor)
    assert version == "the server is PostgreSQL 14. Use 15 or later"
    assert "sorts by a language" in sorting


def test_a_role_without_rights_is_told_what_to_grant(server: Server) -> None:
    server.run("drop schema if exists hipaa_functions cascade;", DATABASE)
    server.run("drop extension if exists pgcrypto;", DATABASE)
    engine = engine_on(replace(server, user="builder"))
    with pytest.raises(
        HipaaModeError, match=r"permission denied .* grant it to the role"
    ) as found:
        engine.start(SUBKEYS, *OF_KEY)
    assert "\n" not in str(found.value)
    end(engine, server)


def test_a_missing_extension_is_told(
    server: Server, engine: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.run("drop schema if exists hipaa_functions cascade;", DATABASE)
    text = functions.read_text(POSTGRES)
    monkeypatch.setattr(functions, "read_text", lambda engine: "create extension not_there;")
    with pytest.raises(HipaaModeError, match=r"is not available.* postgresql-contrib"):
        engine.start(SUBKEYS, *OF_KEY)
    monkeypatch.setattr(functions, "read_text", lambda engine: text)
    assert engine.start(SUBKEYS, *OF_KEY)


def test_an_error_that_may_quote_a_value_does_not(server: Server, engine: Postgres) -> None:
    with pytest.raises(HipaaModeError) as found:
        engine.ask("select cast('jane@clinic.example' as integer)", {})
    assert "jane" not in str(found.value)
    assert "InvalidTextRepresentation" in str(found.value)


def test_who_may_not_build_may_not_call_a_function(server: Server, engine: Postgres) -> None:
    engine.start(SUBKEYS, *OF_KEY)
    wanderer = replace(server, user="wanderer")
    with (
        closing(wanderer.connect(DATABASE)) as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        cursor.execute("select hipaa_functions.guarded('a')")


def output_on(server: Server, database: str = DATABASE, **other: Any) -> dict[str, Any]:
    """Return a target of profiles.yml."""
    place = {"host": "127.0.0.1", "port": server.port, "dbname": database}
    role = {"user": server.user, "password": "not said"}
    return {"type": "postgres", **place, **role, "schema": "main", "threads": 2, **other}


UNREACHABLE: dict[str, tuple[dict[str, Any], str]] = {
    "no server": ({"port": 1}, "See whether the server runs"),
    "no such host": ({"host": "nowhere.invalid"}, "See whether the server runs"),
    "no such database": ({"dbname": "not_there"}, "Make the database as docs/postgres.md says"),
    "no such role": ({"user": "not_there"}, "Make the role on the server"),
}


@pytest.mark.parametrize("kind", UNREACHABLE)
def test_what_can_not_be_connected_to_is_told_in_a_line(server: Server, kind: str) -> None:
    other, remedy = UNREACHABLE[kind]
    with pytest.raises(HipaaModeError, match=remedy) as found:
        connect(credentials_of(output_on(server, **other)))
    assert "\n" not in str(found.value)
    assert "not said" not in str(found.value)


def test_a_wrong_password_is_told() -> None:
    said = 'connection to server at "h", port 1 failed: FATAL:  password authentication failed for'
    assert "Give the role's own password" in why_not(f'{said} user "u"\n')
    two = (
        f'connection to server at "::1", port 1 failed: Connection refused\n\tIs it?\n{said} "u"\n'
    )
    assert why_not(two) == why_not(f'{said} "u"')


def test_a_target_that_dbt_does_not_take_is_told_without_its_password(server: Server) -> None:
    output = output_on(server)
    del output["host"]
    for wrong in (output, output_on(server, host="{{ env_var('NOT_THERE') }}")):
        with pytest.raises(ConfigurationError, match="is not one that dbt takes") as found:
            credentials_of(wrong)
        assert "not said" not in str(found.value)


def test_subkeys_are_in_connections_and_in_no_program_that_is_started(
    server: Server, engine: Postgres
) -> None:
    asked = f"select current_setting('{setting_of('*')}', true)"

    def settings() -> list[Any]:
        with (
            closing(connect(credentials_of(output_on(server)))) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(asked)
            return [value for (value,) in cursor.fetchall()]

    engine.start(SUBKEYS, *OF_KEY)
    started = subprocess.run(["env"], capture_output=True, check=True, text=True).stdout
    assert "PATH=" in started
    assert SUBKEYS["*"] not in started
    assert settings() == [SUBKEYS["*"]]
    engine.end()
    assert settings() == [None]


def test_a_copy_needs_the_right_to_make_databases(server: Server, tmp_path: Path) -> None:
    before = server.run("select datname from pg_database;")
    copies = PostgresDatabases(output_on(server, user="builder"))
    with pytest.raises(ConfigurationError, match='alter role "builder" createdb'):
        copies.make(tmp_path)
    copies.remove()
    assert server.run("select datname from pg_database;") == before


def test_a_copy_lets_nobody_in_and_is_dropped_though_it_is_used(
    server: Server, tmp_path: Path
) -> None:
    copies = PostgresDatabases(output_on(server))
    name = copies.make(tmp_path)["dbname"]
    wanderer = replace(server, user="wanderer")
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        wanderer.connect(name)
    with closing(server.connect(name)):
        copies.remove()
    assert name not in server.run("select datname from pg_database;")


def test_a_copy_that_was_killed_as_it_was_made_is_dropped_unless_it_still_is(
    server: Server, tmp_path: Path
) -> None:
    left, made = new_name(), new_name()
    for name in (left, made):
        server.create_database(name)
    copies = PostgresDatabases(output_on(server))
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"set application_name = '{made}'")
        copies.make(tmp_path)
        assert {left, made} & set(server.run("select datname from pg_database;").split()) == {made}
    copies.remove()
    server.run(f"drop database {made};")


def test_a_name_is_ours_by_all_of_it() -> None:
    name = new_name()
    assert is_ours(name)
    other = name[:-1] + ("0" if name[-1] != "0" else "1")
    others = (name[:-1], name[1:], f"{name}0", other, NAME, f"{NAME}0_0", f"{NAME}{'0' * 16}")
    assert not any(map(is_ours, others))


@pytest.mark.parametrize("data_type", ["text", "json", "jsonb", "bytea"])
def test_calls_for_a_selftest_are_read_of_the_raw_table(server: Server, data_type: str) -> None:
    message = '{"a": "\\u00fc \\\\ \\n"}'
    of = "convert_to(%s, 'UTF8')" if data_type == "bytea" else f"cast(%s as {data_type})"
    with closing(server.connect(DATABASE)) as connection, connection.cursor() as cursor:
        cursor.execute(f'create table "Calls" ("No" integer, message {data_type})')
        for line in (message, None, message):
            cursor.execute(f'insert into "Calls" values (1, {of})', (line,))
        found = list(PostgresDatabases(output_on(server)).lines(("Calls",), None))
        cursor.execute('drop table "Calls"')
    assert list(map(json.loads, found)) == [json.loads(message)] * 2
    assert data_type == "jsonb" or found[0].decode() == message


def test_a_raw_table_that_is_not_there_is_told(server: Server) -> None:
    with pytest.raises(RawCallsError, match=r"no table raw\.calls with a column said"):
        list(PostgresDatabases(output_on(server)).lines(("raw", "calls"), "said"))
