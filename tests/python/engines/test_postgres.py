"""A build on PostgreSQL gives the rows and tokens of one on DuckDB, and nobody else reads more."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import postgres_server
import psycopg2
import pyarrow.parquet as pq
import pytest
from postgres_project import PostgresProject, make
from postgres_server import Server
from project import (
    HIPAA_MODE,
    KEY,
    REPOSITORY,
    Project,
    allowed,
    as_line,
    destination,
    event,
    subkey,
    token,
)

from hipaa_mode.engines.postgres import ANALYST
from hipaa_mode.selftest.postgres_databases import NAME, new_name

DATABASE = "clinic"
EMAIL = "canary.of.jane@clinic.example"
CALLS = [
    {
        "type": "track",
        "messageId": f"m{number}",
        "userId": " USER-1" if number == 7 else f"user-{number % 3}",
        "anonymousId": f"device-{number % 4}",
        "event": ("Booked", "Paid", "Hidden")[number % 3],
        "timestamp": f"2026-03-0{number % 5 + 1}T10:20:30.{number}Z",
        "receivedAt": "2026-03-08T00:00:00Z",
        "properties": {
            "plan": ("gold", "silver", None)[number % 3],
            "email": EMAIL,
            "room": f"room {number % 3}",
            "amount": (1.50, 2e21, "12")[number % 3],
            "tags": ["a", {"b": 1}, f"t{number}"],
            "zip": ("94107-1234", "03612", "x")[number % 3],
        },
        **({"integrations": {"All": True, "Webhook": False}} if number == 5 else {}),
    }
    for number in range(12)
] + [
    {
        "type": "identify",
        "messageId": f"i{number}",
        "userId": f"user-{number % 3}",
        "timestamp": f"2026-03-02T0{number}:00:00Z",
        "traits": {
            "plan": f"plan {number}" if number % 2 else None,
            "labels": [str(number)] * number,
        },
    }
    for number in range(6)
]
ODD = (
    b'{"type":"track","event":"Booked","messageId":"dup","messageId":"other","properties":{"plan":"x"}}',
    b'{"Type":"track","event":"Booked","user_ID":"user-9","properties":{"plan":"cut \\ud83d"}}',
    b"not JSON",
    b'\xff{"type":"track"}',
)
UNIT_TESTS = [
    path.relative_to(REPOSITORY)
    for pattern in ("models/*/_unit_tests.yml", "tests/unit_configuration/*")
    for path in sorted(REPOSITORY.glob(pattern))
]
"""The files of dbt's own unit tests, and of the seeds that they are of."""

DENIED = (
    "select count(*) from main_restricted.calls_read",
    "select count(*) from main_destinations.tool__events",
    "select hipaa_functions.token('x', '*')",
    "select count(*) from raw.calls",
)


@dataclass(frozen=True)
class Built:
    """A project that was built on both engines."""

    on_duckdb: Project
    on_postgres: PostgresProject
    server: Server

    def ask(self, sql: str, user: str | None = None) -> list[Any]:
        """Ask the database."""
        return self.on_postgres.ask(sql, user=user)


def seeds_and_calls() -> tuple[Any, ...]:
    return (
        [destination("tool", timestamp_precision="second")],
        [event("tool", "Booked"), event("tool", "Paid", "bought")],
        [
            allowed("tool", "event", "plan"),
            allowed("tool", "event", "email", "mask", normalize="email"),
            allowed("tool", "event", "room", "surrogate"),
            allowed("tool", "event", "amount", data_type="number"),
            allowed("tool", "event", "tags[]", column_name="tags"),
            allowed("tool", "event", "zip", "zip3"),
            allowed("tool", "envelope", "user_id", "mask", normalize="lower"),
            allowed("tool", "user", "plan"),
            allowed("tool", "user", "labels[]", column_name="labels"),
        ],
        [*CALLS, *ODD],
        {"tool": ("events", "identifies", "users")},
    )


@pytest.fixture(scope="module")
def built(postgres: Server, new_project: Callable[..., Project]) -> Iterator[Built]:
    on_duckdb = new_project("duckdb", *seeds_and_calls())
    on_postgres = make(postgres, new_project, DATABASE, *seeds_and_calls())
    on_postgres.as_users_do = True
    for role in (ANALYST, "nobody_special"):
        postgres.create_role(role)
    on_duckdb.build()
    run = on_postgres.dbt("build")
    assert run.exit_code == 0, run.output
    on_postgres.follows_folder = False
    yield Built(on_duckdb, on_postgres, postgres)


def dump_of(built: Built) -> str:
    """What the project's database has, every row of it."""
    program = str(postgres_server.find_programs() / "pg_dump")  # type: ignore[operator]
    place = ("-h", "127.0.0.1", "-p", str(built.server.port), "-U", built.server.user)
    done = subprocess.run([program, *place, DATABASE], capture_output=True, check=True)
    # Newer ones write a random word around the rest.
    return re.sub(r"\\(un)?restrict .*", "", done.stdout.decode())


def databases(built: Built) -> set[str]:
    return set(built.server.run("select datname from pg_database;").split())


@pytest.fixture(scope="module")
def killed(built: Built) -> Iterator[str]:
    """Give the database of a selftest that was killed."""
    before = databases(built)
    command = [str(HIPAA_MODE), "selftest", "--target", "postgres"]
    process = subprocess.Popen(
        command,
        cwd=built.on_postgres.folder,
        env=built.on_postgres.variables(),
        start_new_session=True,
    )
    end = time.monotonic() + 60
    while databases(built) == before:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    [made] = databases(built) - before
    assert made.startswith(NAME)
    yield made


@pytest.fixture(scope="module")
def others(built: Built) -> Iterator[set[str]]:
    """Give databases that are not a copy that was left: by name, by owner, by use."""
    named, foreign, used = f"{NAME}{'0' * 16}", new_name(), new_name()
    names = {named, foreign, used}
    built.server.create_role("stranger")
    for name in names:
        built.server.create_database(name)
    built.server.run(f"alter database {foreign} owner to stranger;")
    with closing(built.server.connect(used)):
        yield names
    for name in names:
        built.server.run(f"drop database {name} with (force);")


@pytest.fixture(scope="module")
def dumped(built: Built, killed: str, others: set[str]) -> str:
    return dump_of(built)


SENT = [False, False, True, True, True, False]
"""Of the calls of a preview, which are not sent, duplicates and rejected ones among them."""


def after(call: dict[str, Any], path: str) -> Any:
    """What a destination would get at a path of a call that is previewed."""
    [line] = [line for line in call["lines"] if line["path"] == path]
    return line["after"]


class TestCopies:
    """What is tried in copies of the project, each in a database of its own on the server."""

    def test_preview_shows_calls_as_they_would_be_published(
        self, built: Built, dumped: str, killed: str, others: set[str]
    ) -> None:
        calls = built.on_postgres.folder / "calls.ndjson"
        calls.write_bytes(b"\n".join(map(as_line, [*CALLS[:3], CALLS[0], b"{}", CALLS[-1]])))
        command = ("preview", "tool", "--call", "calls.ndjson", "--target", "postgres", "--json")
        shown = built.on_postgres.hipaa_mode(*command)
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert killed not in databases(built)
        assert others < databases(built)
        assert not {name for name in databases(built) if name.startswith(NAME)} - others
        found = json.loads(shown.stdout)["calls"]
        assert [bool(call["not_sent"]) for call in found] == SENT
        assert after(found[0], "plan") == "gold"
        assert after(found[0], "email") == token(EMAIL)
        assert after(found[5], "labels[]") == "[5, 5, 5, 5, 5]"

    def test_selftest_holds_on_the_server_and_touches_nothing(
        self, built: Built, dumped: str, others: set[str]
    ) -> None:
        command = ("selftest", "--target", "postgres", "--sample", "15", "--json")
        done = built.on_postgres.hipaa_mode(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads(done.stdout)
        assert found["holds"]
        assert found["calls"] >= 15
        [tool] = found["destinations"]
        assert tool["rows"] > 3
        assert tool["seen"] == tool["planted"] > 0
        assert not {name for name in databases(built) if name.startswith(NAME)} - others
        assert dump_of(built) == dumped


class TestBuilt:
    """In this order, and after the copies: the last tests change what is published."""

    @pytest.mark.parametrize("view", ["events", "identifies", "users"])
    def test_rows_are_those_of_duckdb(self, built: Built, view: str) -> None:
        files = built.on_duckdb.published_files(f"tool__{view}")
        expected = [row for file in files for row in pq.read_table(file).to_pylist()]
        for row in expected:
            # Its codes are random.
            row.pop("room", None)
        columns = ", ".join(f'"{name}"' for name in expected[0])
        found = built.ask(f"select {columns} from hipaa_mode_dev__tool.{view}")
        assert len(expected) > 2
        assert sorted(map(repr, found)) == sorted(repr(tuple(row.values())) for row in expected)

    def test_tokens_are_made_with_the_key(self, built: Built) -> None:
        [(found,)] = built.ask(
            "select distinct email from hipaa_mode_dev__tool.events where email <> ''"
        )
        assert found == token(EMAIL)

    def test_rejections_are_those_of_duckdb(self, built: Built) -> None:
        asked = "select rejection_reason, count(*) from {}.rejected_calls group by 1 order by 1"
        assert built.ask(asked.format("main_restricted")) == [("broken_json", 1), ("not_utf8", 1)]

    def test_who_may_read_reads_what_is_published_alone(self, built: Built) -> None:
        assert built.ask("select count(*) > 0 from hipaa_mode_dev__tool.events", ANALYST) == [
            (True,)
        ]
        for sql in DENIED:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                built.ask(sql, ANALYST)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            built.ask("select count(*) from hipaa_mode_dev__tool.events", "nobody_special")

    def test_no_key_and_no_value_is_written_anywhere(self, built: Built) -> None:
        folder = built.on_postgres.folder
        written = [
            folder / "logs" / "dbt.log",
            *folder.glob("target/**/*.sql"),
            *folder.glob("target/*.json"),
        ]
        texts = [path.read_bytes() for path in (*written, built.server.log)]
        assert b"hipaa_functions.token" in texts[-1]
        secrets = (
            KEY,
            subkey("dev", "*"),
            subkey("dev", "suppression-list"),
            EMAIL,
            EMAIL.upper(),
        )
        for secret in secrets:
            assert not any(secret.encode() in text for text in texts)

    @pytest.mark.parametrize("engine", ["duckdb", "postgres"])
    def test_dbts_unit_tests_pass(self, built: Built, engine: str) -> None:
        project = built.on_duckdb if engine == "duckdb" else built.on_postgres
        own = [path for path in UNIT_TESTS if not (project.folder / path).exists()]
        for path in own:
            (project.folder / path).parent.mkdir(exist_ok=True)
            shutil.copy(REPOSITORY / path, project.folder / path)
        run = project.dbt("test", "--select", "test_type:unit")
        for path in own:
            (project.folder / path).unlink()
        assert run.exit_code == 0, run.output
        texts = [(REPOSITORY / path).read_text("utf-8") for path in UNIT_TESTS]
        named = re.findall(r"^  - name: (\w+)", "".join(texts), re.MULTILINE)
        assert sorted(re.findall(r" PASS \w+::(\w+) ", run.output)) == sorted(named) != []

    def test_manifest_names_the_rows(self, built: Built) -> None:
        folder = built.on_postgres.published_folder() / "tool"
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        [(rows,)] = built.ask("select count(*) from hipaa_mode_dev__tool.events")
        assert manifest["views"]["tool__events"]["rows"] == rows
        assert manifest["files"] == {}

    def test_target_with_search_path_is_refused(self, built: Built) -> None:
        profile = Path(built.on_postgres.folder / "profiles.yml")
        before = profile.read_text("utf-8")
        profile.write_text(before.rstrip() + "\n      search_path: public\n", "utf-8")
        try:
            run = built.on_postgres.dbt("build")
        finally:
            profile.write_text(before, "utf-8")
        assert run.exit_code != 0
        assert "sets `search_path`" in run.output

    def test_what_fails_its_tests_leaves_what_was_published(self, built: Built) -> None:
        before = built.ask("select * from hipaa_mode_dev__tool.events order by row_id")
        leak = {**CALLS[0], "messageId": "leak", "properties": {"plan": "user-1"}}
        built.on_postgres.add(as_line(leak))
        run = built.on_postgres.dbt("build")
        assert run.exit_code != 0
        assert "NOT published: `tool`" in run.output
        assert built.ask("select * from hipaa_mode_dev__tool.events order by row_id") == before

    def test_stop_names_the_schema_and_the_next_build_drops_it(self, built: Built) -> None:
        stopped = built.on_postgres.hipaa_mode("stop", "tool", "--reason", "a trial ends")
        said = " ".join((stopped.stdout + stopped.stderr).split())
        assert stopped.returncode != 0
        assert 'drop schema "hipaa_mode_dev__tool" cascade' in said
        built.on_postgres.dbt("build")
        named = "select nspname from pg_namespace where starts_with(nspname, 'hipaa_mode_dev__')"
        assert built.ask(named) == []
