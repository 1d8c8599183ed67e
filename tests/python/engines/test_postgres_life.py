"""What becomes of a project on PostgreSQL: rotation, deletion, retention, kills, other builds."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import postgres_server
import psycopg2
import pyarrow.parquet as pq
import pytest
from postgres_project import PostgresProject, make
from postgres_server import Server
from project import KEY, Project, Run, allowed, as_line, destination, event, subkey, token, track

from hipaa_mode.engines.postgres import ANALYST
from hipaa_mode.run.start_questions import SUPPRESSION_LIST

MAIL = "canary.of.jane@clinic.example"
JANE = "canary-jane"
BRIDGE = ("--vars", "{hipaa_mode__publish_token_bridge: [tool]}")
TODAY = dt.datetime.now(dt.timezone.utc)


def call(number: int, user: str, days_ago: int = 1, **properties: object) -> dict[str, object]:
    sent = (TODAY - dt.timedelta(days=days_ago)).strftime("%Y-%m-%dT10:00:00Z")
    shown = {"plan": "premium", **properties}
    return track("Booked", shown, messageId=f"m{number}", userId=user, timestamp=sent)


JANES = [call(1, JANE, email=MAIL, plan="canary of a plan", room="canary room")]
CALLS = [
    *(
        call(number, f"user-{number}", email=f"p{number}@clinic.example")
        for number in range(2, 16)
    ),
    # Somebody calls themselves what many have for a plan: a coincidence, and no leak.
    call(20, "premium", plan="other"),
    call(21, "user-old", days_ago=40, plan="of old"),
]


@dataclass
class Life:
    """A project, and what was found after each step."""

    project: PostgresProject
    runs: dict[str, Run] = field(default_factory=dict)
    rows: dict[str, list[Any]] = field(default_factory=dict)
    bridges: dict[str, list[Any]] = field(default_factory=dict)
    copies: dict[str, list[Any]] = field(default_factory=dict)
    kept: dict[str, bool] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    def build(self, name: str, *arguments: str) -> None:
        self.runs[name] = self.project.build(*arguments)
        self.note(name)

    def note(self, name: str) -> None:
        project = self.project
        self.rows[name] = project.ask(
            "select user_id, plan, email from hipaa_mode_dev__tool.events order by row_id"
        )
        self.bridges[name] = project.ask(
            "select scope, kind, old_token, new_token from main_restricted.token_bridge"
        )
        copy = project.published_folder() / "tool.token_bridge.parquet"
        self.copies[name] = pq.ParquetFile(copy).read().to_pylist() if copy.exists() else []

    def note_key(self) -> None:
        file = self.project.folder / ".hipaa_mode/masking.key"
        self.keys.append(file.read_text("utf-8").strip())


@pytest.fixture(scope="module")
def project(postgres: Server, new_project: Callable[..., Project]) -> PostgresProject:
    return make(
        postgres,
        new_project,
        "life",
        [destination("tool"), destination("other", mask_scope="destination")],
        [event("*", "Booked")],
        [
            allowed("*", "event", "plan"),
            allowed("tool", "event", "email", "mask", normalize="email"),
            allowed("tool", "event", "room", "surrogate"),
        ],
        [*JANES, *CALLS],
        views={"tool": ["events"], "other": ["events"]},
    )


@pytest.fixture(scope="module")
def life(project: PostgresProject) -> Life:
    life = Life(project)
    life.note_key()
    life.build("first")
    assert project.hipaa_mode("key", "rotate").returncode == 0
    life.note_key()
    life.build("rotated", *BRIDGE)

    project.write_seed("suppressed_users", [{"environment": "dev", "user_id": JANE}])
    project.write_seed("environments", [{"environment": "dev", "retain_days": "30"}])
    project.write_calls(CALLS)
    project.load()
    project.ask("vacuum full raw.calls")
    life.build("deleted", *BRIDGE)

    listed = project.hipaa_mode("key", "list").stdout.splitlines()
    [line] = [line for line in listed if "retired" in line]
    assert project.hipaa_mode("key", "forget", line[:32]).returncode == 0
    life.build("forgotten", *BRIDGE)
    return life


class TestLife:
    def test_a_value_that_many_have_is_noted_for_a_coincidence(self, life: Life) -> None:
        views = life.project.manifest("tool")["views"]
        [plan] = [c for c in views["tool__events"]["columns"] if c["name"] == "plan"]
        assert plan["values_that_ids_equal"] == 1

    def test_a_rotation_changes_every_token(self, life: Life) -> None:
        for name, key in zip(("first", "rotated"), life.keys, strict=True):
            assert {row[0] for row in life.rows[name]} == {
                token(str(made["userId"]), key=key) for made in (*JANES, *CALLS)
            }

    def test_the_bridge_leads_from_old_tokens_to_new_ones(self, life: Life) -> None:
        assert life.bridges["first"] == []
        old, new = life.keys
        of_mail = ("*", "property", token(MAIL, key=old), token(MAIL, key=new))
        assert of_mail in life.bridges["rotated"]
        of_jane = [
            (scope, "id", token(JANE, scope=scope, key=old), token(JANE, scope=scope, key=new))
            for scope in ("*", "other")
        ]
        assert set(of_jane) < set(life.bridges["rotated"])
        copied = {(row["old_token"], row["new_token"]) for row in life.copies["rotated"]}
        assert of_mail[2:] in copied
        assert not {row[2:] for row in life.bridges["rotated"] if row[0] == "other"} & copied

    def test_the_bridge_forgets_who_is_suppressed_and_ends_with_the_key(self, life: Life) -> None:
        tokens = {token(JANE, key=key) for key in life.keys}
        assert life.bridges["deleted"] != []
        assert not tokens & {text for row in life.bridges["deleted"] for text in row}
        assert life.bridges["forgotten"] == life.copies["forgotten"] == []

    def test_people_and_days_that_are_not_kept_are_gone(self, life: Life) -> None:
        assert len(life.rows["rotated"]) == len(CALLS) + 1
        assert len(life.rows["deleted"]) == len(CALLS) - 1
        assert not {"canary of a plan", "of old"} & {row[1] for row in life.rows["deleted"]}

    def test_no_file_of_a_table_has_anything_of_whom_was_deleted(self, life: Life) -> None:
        project = life.project
        project.ask("checkpoint")
        assert project.server is not None
        [(base,)] = project.ask("select oid from pg_database where datname = current_database()")
        files = (project.server.log.parent / "data/base" / str(base)).iterdir()
        contents = [path.read_bytes() for path in files if path.is_file()]
        assert any(b"p3@clinic.example" in content for content in contents)
        for text in (MAIL, "canary of a plan", "canary room"):
            assert not any(text.encode() in content for content in contents)
        assert project.ask("select * from main_restricted.space_to_clear") == []

    def test_no_key_and_no_value_is_written_anywhere(self, life: Life) -> None:
        assert life.project.server is not None
        dump = subprocess.run(
            [
                f"{postgres_server.find_programs()}/pg_dump",
                "-s",
                *("-h", "127.0.0.1", "-p", str(life.project.server.port)),
                *("-U", life.project.server.user, life.project.base),
            ],
            capture_output=True,
            check=True,
        ).stdout
        written = life.project.written_by_dbt() | {
            "server log": life.project.server.log.read_bytes(),
            "catalog": dump,
            "audit log": life.project.audit_log().read_bytes(),
            **{name: run.output.encode() for name, run in life.runs.items()},
        }
        assert b"hipaa_functions.retired_token" in written["server log"]
        assert b"create function" in dump.lower()
        scopes = ("*", "other", SUPPRESSION_LIST)
        subkeys = [subkey("dev", scope, key) for scope in scopes for key in life.keys]
        assert subkey("dev", "*", KEY) in subkeys
        secrets = (*life.keys, *subkeys, "canary", MAIL.upper(), "p3@clinic")
        leaks = [
            (name, place)
            for place, text in enumerate(secrets)
            for name, content in written.items()
            if text.encode() in content
        ]
        assert leaks == []


def until(project: PostgresProject, condition: str, seconds: float = 60) -> None:
    """Wait until some session of the database's server is as a condition says."""
    end = time.monotonic() + seconds
    while not project.ask(f"select 1 from pg_stat_activity where {condition}"):
        assert time.monotonic() < end, condition
        time.sleep(0.05)


SLEEPS = "perform pg_sleep(60);"


@contextmanager
def before(project: PostgresProject, command: str, work: str) -> Iterator[None]:
    """Have the server do something before such a command on the tables of `tool`."""
    project.ask(
        "create function raw.interfere() returns event_trigger language plpgsql as $$ begin "
        f"if current_query() like '%hipaa\\_mode\\_dev\\_\\_tool%' then {work} end if; end $$; "
        "create event trigger interfere on ddl_command_start "
        f"when tag in ('{command}') execute function raw.interfere()"
    )
    try:
        yield
    finally:
        project.ask("drop event trigger interfere; drop function raw.interfere()")


@contextmanager
def started(project: PostgresProject, command: str) -> Iterator[subprocess.Popen[str]]:
    """Have a build that stands before such a command; it is killed in the end."""
    with before(project, command, SLEEPS):
        process = project.start_dbt("build", start_new_session=True)
        try:
            until(project, "wait_event = 'PgSleep'")
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            # Its statement ends soon, though nobody asks the server to end it.
            until(
                project,
                "not exists (select from pg_stat_activity where wait_event = 'PgSleep')",
                20,
            )


def published(project: PostgresProject) -> list[Any]:
    return project.ask("select plan from hipaa_mode_dev__tool.events order by 1")


def schemas(project: PostgresProject, like: str = "hipaa_mode_dev__tool") -> list[str]:
    named = "select nspname from pg_namespace where starts_with(nspname, %s) order by 1"
    return [name for (name,) in project.ask(named, like)]


class Reader(threading.Thread):
    """Reads what is published, again and again."""

    def __init__(self, project: PostgresProject) -> None:
        super().__init__()
        self.project = project
        self.counts: list[int] = []
        self.longest = 0.0
        self.problems: list[str] = []
        self.ends = threading.Event()

    def run(self) -> None:
        with closing(self.project.connect(ANALYST)) as connection, connection.cursor() as cursor:
            while not self.ends.wait(0.002):
                began = time.monotonic()
                try:
                    cursor.execute("select count(*) from hipaa_mode_dev__tool.events")
                    self.counts += cursor.fetchone()
                except psycopg2.Error as error:
                    self.problems.append(repr(error))
                self.longest = max(self.longest, time.monotonic() - began)


@pytest.fixture(scope="module")
def ready(life: Life) -> PostgresProject:
    """The project, after its life, with one more call for each build."""
    project = life.project
    assert project.server is not None
    project.server.create_role(ANALYST)
    project.ask(
        "create schema hipaa_mode_dev__tool__old_ours; create schema hipaa_mode_dev__tool__mine"
    )
    project.follows_folder = False
    return project


KILLED_BEFORE_THE_MANIFEST = """
import os, runpy, signal, sys
from hipaa_mode import publishing
publishing._put_in_place = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class TestKills:
    """In this order: what one build leaves is what the next one finds."""

    @pytest.mark.parametrize("command", ["CREATE TABLE AS", "ALTER SCHEMA"])
    def test_a_build_that_is_killed_before_the_swap_changes_nothing(
        self, ready: PostgresProject, command: str
    ) -> None:
        found = published(ready)
        ready.add(as_line(call(100 + len(command), "user-killed", plan=f"at {command}")))
        with started(ready, command):
            other = ready.variables() | {"HIPAA_MODE_LOCK_TIMEOUT": "1"}
            ready.environment, kept = other, ready.environment
            refused = ready.dbt("build") if command == "ALTER SCHEMA" else None
            ready.environment = kept
            assert published(ready) == found
        assert published(ready) == found
        assert "hipaa_mode_dev__tool__new" not in schemas(ready)
        if refused:
            assert refused.exit_code != 0
            assert "another build is at work in this database" in refused.output

    def test_a_build_that_is_killed_after_the_swap_has_published(
        self, ready: PostgresProject
    ) -> None:
        with started(ready, "DROP SCHEMA"):
            assert ("at ALTER SCHEMA",) in published(ready)
        assert len(schemas(ready, "hipaa_mode_dev__tool__old_")) == 2

    def test_the_next_build_puts_right_what_was_left_and_no_reader_waits(
        self, ready: PostgresProject
    ) -> None:
        ready.add(as_line(call(200, "user-late", plan="of late")))
        reader = Reader(ready)
        asked = "select count(*) from hipaa_mode_dev__tool.events"
        with closing(ready.connect(ANALYST)) as connection, connection.cursor() as cursor:
            connection.set_session("repeatable read", autocommit=False)
            cursor.execute(asked)
            before = cursor.fetchone()
            reader.start()
            try:
                run = ready.build()
            finally:
                reader.ends.set()
                reader.join()
            cursor.execute(asked)
            # Never rows of two publications: none of the new one.
            within = cursor.fetchone()
            connection.rollback()
            cursor.execute(asked)
            assert [before, within, cursor.fetchone()] == [
                (len(CALLS) + 1,),
                (0,),
                (len(CALLS) + 2,),
            ]
        print("longest wait of a reader", reader.longest)
        assert reader.problems == []
        assert sorted(set(reader.counts)) == [len(CALLS) + 1, len(CALLS) + 2]
        assert reader.longest < 2
        assert ("of late",) in published(ready)
        # The long transaction kept one, which the next build drops; what is another's stays.
        [still_read, others] = schemas(ready, "hipaa_mode_dev__tool__old_")
        assert others == "hipaa_mode_dev__tool__old_ours"
        may_use = "select has_schema_privilege(%s, %s, 'usage')"
        assert ready.ask(may_use, ANALYST, still_read) == [(False,)]
        may_read = f"select has_table_privilege(%s, '{still_read}.events', 'select')"
        assert ready.ask(may_read, ANALYST) == [(False,)]
        assert "published 2 destinations" in run.output

    def test_a_manifest_is_never_newer_than_what_it_is_of(
        self, ready: PostgresProject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # It is published first.
        before = ready.manifest("other")["run_number"]
        ready.add(as_line(call(201, "user-last", plan="of the last")))
        program = ready.folder / "killed.py"
        program.write_text(KILLED_BEFORE_THE_MANIFEST)
        monkeypatch.setattr(ready, "launcher", (sys.executable, str(program)))
        killed = ready.dbt("build")
        monkeypatch.undo()
        assert killed.exit_code == -signal.SIGKILL
        assert ready.manifest("other")["run_number"] == before
        plans = ready.ask("select plan from hipaa_mode_dev__other.events")
        assert ("of the last",) in plans
        run = ready.dbt("run", "--select", "call_keys")
        assert run.exit_code == 0, run.output
        described = "select obj_description('hipaa_mode_dev__other'::regnamespace, 'pg_namespace')"
        [(comment,)] = ready.ask(described)
        assert comment == f"hipaa_mode published by {ready.manifest('other')['run_number']}"
        assert ready.manifest("other")["run_number"] > before

    def test_what_came_after_the_tests_and_what_another_holds_is_held_back(
        self, ready: PostgresProject
    ) -> None:
        found = published(ready)
        manifests = [ready.manifest(name)["run_number"] for name in ("tool", "other")]
        masked = "main_restricted.masked_events"
        named = f"attrelid = '{masked}'::regclass and attname"
        names = [
            name for (name,) in ready.ask(f"select attname from pg_attribute where {named} <> ''")
        ]
        plan = next(name for name in names if "plan" in name and "guard" not in name)
        leaks = {
            plan: ("jo@clinic.example", "user-5"),
            "user_id__shared": ("no token",),
        }
        work = "".join(
            f"update {masked} set {column} = '{value}' where ctid = "
            f"(select ctid from {masked} order by ctid offset {place} limit 1);"
            for column, values in leaks.items()
            for place, value in enumerate(values)
        )
        with (
            closing(ready.connect()) as connection,
            connection.cursor() as cursor,
            before(ready, "CREATE TABLE AS", work),
        ):
            # What is never committed keeps a schema from getting another name.
            connection.autocommit = False
            cursor.execute(f"grant usage on schema hipaa_mode_dev__other to {ANALYST}")
            run = ready.dbt("build")
        assert run.exit_code != 0
        for problem in (
            "tool__events.plan: 1 ids as they arrived",
            "tool__events.plan: 1 values that look like identifiers",
            "tool__events.user_id: 1 values that are no tokens",
        ):
            assert problem in run.output
        assert "NOT published: `tool`" in run.output
        assert "holds what the schema `hipaa_mode_dev__other` needs" in run.output
        assert [ready.manifest(name)["run_number"] for name in ("tool", "other")] == manifests
        assert published(ready) == found
        assert list(ready.incoming.rglob("*")) == []

    def test_what_is_withdrawn_is_gone_though_somebody_reads_it(
        self, ready: PostgresProject
    ) -> None:
        stop = {"destination": "tool", "reason": "a trial ends", "stopped_on": "2026-01-01"}
        ready.write_seed("stopped_destinations", [stop])
        with closing(ready.connect(ANALYST)) as connection, connection.cursor() as cursor:
            connection.autocommit = False
            cursor.execute("select count(*) from hipaa_mode_dev__tool.events")
            run = ready.dbt("build")
        assert "withdrew `tool`" in run.output
        assert "hipaa_mode_dev__tool" not in schemas(ready)
        assert "hipaa_mode_dev__tool__mine" in schemas(ready)
