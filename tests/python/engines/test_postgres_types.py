"""Each type of a column of raw calls on PostgreSQL gives what a file gives on DuckDB."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from corpus import messages
from postgres_project import PostgresProject, make
from postgres_server import Server
from project import Project, Run, allowed, destination, event, token

TYPES = {
    "bytea": "given",
    "jsonb": "cast(convert_from(given, 'UTF8') as jsonb)",
    "json": "cast(convert_from(given, 'UTF8') as json)",
    "text": "convert_from(given, 'UTF8')",
}
"""Each with SQL that makes a value of it of a message's bytes."""

MADE = ("run", "--full-refresh", "--select", "+masked_events", "rejected_calls")
MOST = 200
"""Messages of the corpus that are taken."""

ODD: dict[bytes, tuple[str, str | None]] = {
    b'{"b": "first", "b": "last"}': ("first", "last"),
    b'{"b": 43100678994394001e0}': ("43100678994394000", "43100678994394001"),
    b'{"b": 1e40}': ("1e+40", None),
}
"""What `jsonb` does not keep, with the texts that tokens are made of: its own comes last."""

_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|(-?[0-9][-+.0-9eE]*)')

Rows = dict[int, tuple[Any, ...]]


def calls() -> list[bytes]:
    """Messages of the corpus that a line of a file can hold, each alone and as properties."""
    taken = [text.encode() for text in messages() if text.strip() and len(text) < 1500]
    taken = [line for line in taken if not {*b"\n\r\x00"} & {*line}]
    chosen = taken[:: max(1, len(taken) // MOST)]
    return [*chosen, *map(as_properties, [*chosen, *ODD], range(len(chosen) + 1, 2**31))]


def as_properties(text: bytes, number: int) -> bytes:
    """Return a call whose message id has its number."""
    begin = f'{{"type":"track","event":"Visit","userId":"u1","messageId":"m{number}","properties":'
    return begin.encode() + text + b"}"


def is_kept_by_jsonb(message: bytes) -> bool:
    """Whether `jsonb` keeps all that is read of a message: see docs/postgres.md."""
    repeated = False

    def note_repeated(pairs: list[tuple[str, Any]]) -> None:
        nonlocal repeated
        repeated = repeated or len({key for key, _ in pairs}) < len(pairs)

    json.loads(message, object_pairs_hook=note_repeated)
    exponents = [n for n in _NUMBER.findall(message.decode()) if "e" in n.lower()]
    return not repeated and all(
        len(re.sub("[-.]|[eE].*", "", number)) < 16 and abs(float(number)) < 1e38
        for number in exponents
    )


@dataclass(frozen=True)
class Made:
    """What was made of calls, by their numbers: what was read of each, and what would be sent."""

    run: Run
    read: Rows
    sent: Rows


def made(run: Run, ask: Callable[[str], list[Any]], numbers: dict[int, int]) -> Made:
    """Return what a run made, of calls whose numbers are those of their lines."""
    assert run.exit_code == 0, run.output
    named = "select column_name from information_schema.columns where table_name = 'masked_events'"
    names = ", ".join(f'"{name}"' for (name,) in sorted(ask(named)) if name != "row_id__shared")
    read = ask(
        "select line_number, rejection_reason, message_id, call_type, event, timestamp, "
        "received_at, user_id, anonymous_id, group_id, previous_id from main_restricted.calls_read"
    )
    sent = ask(f"select row_id__shared, {names} from main_restricted.masked_events")
    of_tokens = {token(f"m{number}"): number for number in numbers.values()}
    return Made(
        run,
        {numbers[line]: row for line, *row in read},
        {of_tokens[row_id]: row for row_id, *row in sent},
    )


def seeds() -> tuple[Any, ...]:
    return (
        [destination("tool")],
        [event("tool", "Visit")],
        [
            allowed("tool", "event", "a", guard="none"),
            allowed("tool", "event", "b", "mask"),
            allowed("tool", "event", "c", "mask", normalize="lower"),
            allowed("tool", "event", "d", data_type="number"),
            allowed("tool", "event", "tags[]", "mask", column_name="tags"),
        ],
    )


@dataclass(frozen=True)
class Built:
    """What was made of the calls, in files on DuckDB and in a column of each type."""

    calls: list[bytes]
    on_duckdb: Made
    of_types: dict[str, Made]
    project: PostgresProject


def build_of(project: PostgresProject, data_type: str, given: list[bytes]) -> Made:
    """Store calls in a column of a type, those that it can hold, and build."""
    value = TYPES[data_type]
    with closing(project.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "drop table raw.calls; "
            f"create table raw.calls (number bigint, message {data_type}); "
            f"create function pg_temp.held(given bytea) returns {data_type} language plpgsql as "
            f"$$ begin return {value}; exception when others then return null; end $$"
        )
        cursor.execute(
            "insert into raw.calls select number, held "
            "from unnest(%s) with ordinality as calls (given, number) "
            "cross join lateral pg_temp.held(given) as held where held is not null",
            (given,),
        )
    run = project.dbt(*MADE)
    bytes_of = "message" if data_type == "bytea" else "convert_to(cast(message as text), 'UTF8')"
    places = project.ask(f"select hipaa_functions.place_of({bytes_of}), number from raw.calls")
    return made(run, project.ask, dict(places))


@pytest.fixture(scope="module")
def built(postgres: Server, new_project: Callable[..., Project]) -> Iterator[Built]:
    given = calls()
    views = {"tool": ("events",)}
    on_duckdb = new_project("types_of_files", *seeds(), given, views=views)
    project = make(postgres, new_project, "types", *seeds(), [], views=views)
    project.follows_folder = False
    yield Built(
        given,
        made(on_duckdb.dbt(*MADE), on_duckdb.query, {n: n for n in range(1, len(given) + 1)}),
        {data_type: build_of(project, data_type, given) for data_type in TYPES},
        project,
    )


class TestTypes:
    """Rows, tokens and reasons."""

    @pytest.mark.parametrize("data_type", TYPES)
    def test_what_a_column_holds_is_read_as_of_a_file(self, built: Built, data_type: str) -> None:
        found, expected = built.of_types[data_type], built.on_duckdb
        held = set(found.read)
        if data_type == "jsonb":
            held = {number for number in held if is_kept_by_jsonb(built.calls[number - 1])}
        assert differences(found.read, expected.read, held) == []
        assert differences(found.sent, expected.sent, held) == []
        assert len(held & set(found.sent)) > 100
        if data_type in ("bytea", "text"):
            assert held == set(expected.read)

    def test_what_jsonb_does_not_keep_has_a_token_of_its_own(self, built: Built) -> None:
        first = len(built.calls) - len(ODD) + 1
        for data_type, made in built.of_types.items():
            for number, texts in enumerate(ODD.values(), start=first):
                text = texts[data_type == "jsonb"]
                tokens = {value for value in made.sent[number] if is_token(value)}
                expected = {token("u1")} | ({token(text)} if text else set())
                assert tokens - {token(f"m{number}")} == expected, (data_type, texts)

    def test_a_build_says_what_jsonb_does_not_keep(self, built: Built) -> None:
        warned = {
            name for name, made in built.of_types.items() if "is of type jsonb" in made.run.output
        }
        assert warned == {"jsonb"}

    def test_what_a_loader_writes_and_a_type_that_it_changes_lose_nothing(
        self, built: Built
    ) -> None:
        ask = built.project.ask
        ask("alter table raw.calls alter message type varchar(2000)")
        checked = ("--select", "calls_read", "raw_calls_are_all_accounted_for")
        with a_loader_at_work(built.project):
            run = built.project.dbt("build", *checked)
        [(read,)] = ask("select count(*) from main_restricted.calls_read")
        [(stored, late)] = ask(
            "select count(*), count(*) filter (where number = 0) from raw.calls"
        )
        assert stored - late <= read < stored
        assert f"read {read - stored + late} new rows; 0 are gone" in run.output, run.output
        assert built.project.results()["raw_calls_are_all_accounted_for"]["status"] == "pass"
        ask("delete from raw.calls where number = 1")
        assert built.project.dbt("test", *checked).exit_code == 0
        ask("delete from main_restricted.calls_read where rejection_reason = 'broken_json'")
        assert built.project.dbt("test", *checked).exit_code == 1


@contextmanager
def a_loader_at_work(project: PostgresProject) -> Iterator[None]:
    """Have another connection add a call before each table that a build makes of a query."""
    assert project.server is not None
    place = f"host=127.0.0.1 port={project.server.port} user={project.server.user}"
    project.ask(
        "create schema loader; create extension dblink schema loader; "
        "create function loader.load() returns event_trigger language plpgsql as $$ begin perform "
        f"loader.dblink_exec('{place} dbname={project.base}', "
        "'insert into raw.calls values (0, ''late'')'); end $$; "
        "create event trigger load on ddl_command_start when tag in ('CREATE TABLE AS') "
        "execute function loader.load()"
    )
    try:
        yield
    finally:
        project.ask("drop event trigger load; drop schema loader cascade")


def is_token(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64


def differences(found: Rows, expected: Rows, numbers: set[int]) -> list[Any]:
    """Return the first calls of which the rows differ."""
    differ = [n for n in sorted(numbers) if found.get(n) != expected.get(n)]
    return [(number, found.get(number), expected.get(number)) for number in differ][:5]
