"""Canaries and key hygiene: planted values and key material are nowhere they must not be.

One project whose every raw field but the allowed ones holds a value of its own, built with debug
logs, query logs and profiles on, then made to fail in several ways. After each run every file
of the project but the restricted zone, and the terminal, is searched byte by byte. Key material
is searched for in the restricted zone too.
"""

from __future__ import annotations

import base64
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml
from project import KEY, Project, Run, allowed, destination, event, subkey

from hipaa_mode.keys import load_master_key
from hipaa_mode.plugin import Plugin
from hipaa_mode.run.connection import SETTINGS
from hipaa_mode.run.session import Session

SCOPES = ("*", "apart")
ALLOWED = {"plan": "Gold", "count": 7}
CANARY = b"canary"
IDS = ("userId", "anonymousId", "groupId", "previousId", "writeKey", "name")


class Canaries:
    """Makes values that are each different and can each be found."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        return f"canary{self.made:04}"

    def content(self) -> dict[str, object]:
        """Every kind of value, under listed and unlisted keys and below them."""
        return {
            **ALLOWED,
            "email": f"{self()}@{self()}.example",
            "secret": [self(), self()],
            "plan ": self(),
            "Plan": {"plan": self()},
            self(): self(),
            "nested": {self(): [{self(): self()}, [self()]], "plan": self()},
            "number": 770_077_007_700 + self.made,
        }

    def denied(self) -> Iterator[dict[str, object]]:
        """Calls that say no to every tool: not even what is allowed of them may go out."""
        refusals: tuple[dict[str, object], ...] = (
            {"integrations": {"All": False, self(): {self(): self()}}},
            {"integrations": {"Webhook": self(), self(): True}},
            {"consent": {"All": False, self(): self()}},
        )
        for refusal in refusals:
            for kind in ("track", "page", "screen", "identify", "group", "alias"):
                call: dict[str, object] = {"type": kind, "messageId": self(), **refusal}
                call |= {name: self() for name in IDS}
                content = {**self.content(), "plan": f"denied {self()}"}
                call |= dict.fromkeys(("properties", "traits", "context"), content)
                for name in ("Visit", f"Booked {self()}"):
                    yield {**call, "event": name, "name": name, "messageId": self()}
                yield {**call, "userId": self()}

    def calls(self) -> Iterator[dict[str, object] | bytes]:
        """Calls of every type, calls that can't be used, and lines that are no calls."""
        for kind in ("track", "page", "screen", "identify", "group", "alias", "track"):
            call: dict[str, object] = {"type": kind, "event": "Visit", "messageId": self()}
            call |= {name: self() for name in IDS}
            call |= {root: self.content() for root in ("properties", "traits", "context")}
            yield {**call, "name": "Home"} if kind in ("page", "screen") else call
            yield {**call, "messageId": call["messageId"], "userId": self()}
        yield {"type": "track", "event": f"Booked {self()}", "userId": self()}
        yield {"type": "track", "event": {"name": self()}, "userId": self()}
        yield {"type": self(), "event": self()}
        yield {"type": "track", "properties": self(), "context": self(), "traits": self()}
        yield f'{{"type":"track","event":"Visit","userId":"{self()}"'.encode()
        yield f'{{"type":"track","userId":"{self()} \\ud800"}}'.encode()
        yield f"{self()} \xff".encode("latin-1")
        yield f'["{self()}"]'.encode()
        yield from self.denied()


def key_material() -> dict[str, bytes]:
    """The master key, subkeys and HMAC pads, in every form they could be written in."""
    secrets = {"master key": bytes.fromhex(KEY)}
    for scope in SCOPES:
        text = subkey("dev", scope)
        secrets[f"subkey of {scope}"] = bytes.fromhex(text)
        secrets[f"subkey text of {scope}"] = text.encode()
        for name, pad in (("inner", 0x36), ("outer", 0x5C)):
            secrets[f"{name} pad of {scope}"] = bytes(byte ^ pad for byte in text.encode())
    forms: dict[str, bytes] = {}
    for name, secret in secrets.items():
        forms[name] = secret
        forms[f"{name}, hex"] = secret.hex().encode()
        forms[f"{name}, HEX"] = secret.hex().upper().encode()
        forms[f"{name}, base64"] = base64.b64encode(secret).rstrip(b"=")[:-1]
        forms[f"{name}, urlsafe"] = base64.urlsafe_b64encode(secret).rstrip(b"=")[:-1]
        forms[f"{name}, repr"] = repr(secret)[2:-1].encode()
    return forms


@dataclass
class Searched:
    """The project and the runs made in it, each with what it showed on the terminal."""

    project: Project
    runs: dict[str, Run] = field(default_factory=dict)
    written: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def run(self, name: str, *arguments: str) -> None:
        self.runs[name] = self.project.dbt(*arguments)
        self.written[name] = self.files()

    def files(self) -> dict[str, bytes]:
        """Every file but the key, the raw calls, and what may hold raw values."""
        left_out = (".hipaa_mode", "raw_calls")
        found: dict[str, bytes] = {}
        for path in sorted(self.project.folder.rglob("*")):
            name = path.relative_to(self.project.folder)
            if path.is_file() and name.parts[0] not in left_out:
                found[str(name)] = path.read_bytes()
            if path.suffix == ".parquet":
                parquet = pq.ParquetFile(path)
                shown = [parquet.read().to_pylist(), parquet.metadata.to_dict(), parquet.schema]
                found[f"{name} decoded"] = repr(shown).encode()
        return found


@pytest.fixture(scope="module")
def searched(new_project: Callable[..., Project]) -> Searched:
    canaries = Canaries()
    properties = [
        allowed("*", kind, path, treatment, **columns)
        for kind in ("event", "user", "group")
        for path, treatment, columns in (
            ("plan", "allow", {}),
            ("count", "allow", {"data_type": "integer"}),
            ("email", "mask", {"normalize": "email"}),
            ("secret[]", "mask", {}),
            ("number", "surrogate", {}),
            ("nested", "allow", {"column_name": "no_scalar"}),
        )
    ]
    project = new_project(
        "canaries",
        [destination("tool"), destination("apart", mask_scope="destination")],
        [event("*", "Visit", "Seen"), event("*", "Home")],
        properties,
        list(canaries.calls()),
    )
    profile = project.folder / "profiles.yml"
    content = yaml.safe_load(profile.read_text())
    (project.folder / "logs").mkdir()
    content["hipaa_mode"]["outputs"]["dev"]["settings"] = {
        "log_query_path": "logs/queries.log",
        "enable_profiling": "json",
        "profiling_output": "logs/profile.json",
    }
    profile.write_text(yaml.safe_dump(content))
    assert canaries.made > 250
    return _with_runs(Searched(project))


def _with_runs(searched: Searched) -> Searched:
    project = searched.project
    debug = ("--debug", "--log-level-file", "debug", "build")
    searched.run("sound", *debug)
    searched.run("bad rows", *debug, "--vars", "{hipaa_mode__raw_calls: nowhere/*.ndjson}")
    seed = project.folder / "seeds/allowed_events.csv"
    good = seed.read_text()
    seed.write_text(good + "dev,nobody,Visit,\n")
    searched.run("bad seed", *debug)
    seed.write_text(good)
    model = project.folder / "models/destination_views/tool/tool__events.sql"
    line = model.read_text()
    model.write_text(
        "{{ config(materialized='destination_view', group='restricted_zone') }}\n"
        "select *, user_id as raw from {{ ref('stg_calls') }} where cast(user_id as integer) > 0\n"
    )
    test = project.folder / "tests/no_visits.sql"
    test.write_text("select * from {{ ref('apart__events') }}\n")
    searched.run("refused model and failing test", *debug)
    model.write_text(line)
    test.unlink()
    project.environment["HIPAA_MODE_KEY_FILE"] = "no.key"
    searched.run("missing key", *debug)
    del project.environment["HIPAA_MODE_KEY_FILE"]
    return searched


def test_the_runs_come_to_what_they_should(searched: Searched) -> None:
    failed = {name: run.exit_code != 0 for name, run in searched.runs.items()}
    assert failed.pop("sound") is False, searched.runs["sound"].output[-3000:]
    assert set(failed.values()) == {True}
    assert "no such destination" in searched.runs["bad seed"].output
    assert "was refused" in searched.runs["refused model and failing test"].output
    assert "no_visits" in searched.runs["refused model and failing test"].output
    missing = searched.runs["missing key"].output
    assert "There is no masking key" in missing
    # Tokens of this environment are stored: a new key is no way out.
    assert "restore that one" in missing and "keygen" not in missing


@pytest.mark.parametrize("view", ["tool__events", "apart__events"])
def test_rows_are_in_the_order_of_the_row_ids_of_their_own_destination(
    searched: Searched, view: str
) -> None:
    # In one order, the rows of two destinations could be told to be of the same call.
    files = [pq.read_table(path) for path in searched.project.published_files(view)]
    row_ids = [file["row_id"].to_pylist() for file in files]
    assert max(map(len, row_ids)) >= 3
    assert row_ids == [sorted(of_file) for of_file in row_ids]


def test_the_search_finds_canaries_where_they_may_be(searched: Searched) -> None:
    restricted = b"".join(
        content
        for name, content in searched.written["sound"].items()
        if name.startswith("restricted")
    )
    assert CANARY in restricted
    assert CANARY in (searched.project.folder / "raw_calls/calls.ndjson").read_bytes()
    decoded = searched.written["sound"]["published/dev/tool/tool__events/undated.parquet decoded"]
    assert b"Gold" in decoded


def test_the_denied_calls_are_known_and_withheld(searched: Searched) -> None:
    consent = searched.project.manifest("tool")["consent"]
    assert consent["seen"] == {"opted_out": 36, "unreadable": 18}
    # Of each refusal a track, a page and a screen call of a listed name, and all with traits.
    assert consent["withheld"] == {"opted_out": 18, "unreadable": 9}


def test_no_canary_is_outside_the_restricted_zone(searched: Searched) -> None:
    found = [
        (run, name)
        for run, files in searched.written.items()
        for name, content in files.items()
        if CANARY in content.lower() and not name.startswith("restricted")
    ]
    assert found == []


def test_no_value_is_stored_but_in_the_forms_that_may_be_received(searched: Searched) -> None:
    """Of e-mail addresses, which are masked, no relation of the restricted zone has one."""
    project = searched.project
    columns = project.query(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where database_name = current_database() and not internal"
    )
    assert ("main_restricted", "calls_read", "properties__email") in columns
    found = [
        (table, column)
        for schema, table, column in columns
        if project.query(
            f'select 1 from {schema}.{table} where cast("{column}" as varchar) '
            "like '%.example%' limit 1"
        )
    ]
    assert found == []
    given = "select distinct properties__email from main_restricted.calls_read"
    assert set(project.query(given)) == {(None,), ("",)}


def test_no_canary_is_on_the_terminal(searched: Searched) -> None:
    shown = {name: run.output for name, run in searched.runs.items()}
    for arguments in (["check"], ["summary"], ["summary", "--json"], ["check", "--json"]):
        shown[" ".join(arguments)] = _command(searched.project, *arguments)
    assert [name for name, text in shown.items() if "canary" in text.lower()] == []
    assert "tool__events" in shown["summary"]


def _command(project: Project, *arguments: str) -> str:
    program = str(Path(sys.executable).with_name("hipaa-mode"))
    command = [program, *arguments]
    environ = {**project.variables(), "COLUMNS": "200"}
    run = subprocess.run(
        command, cwd=project.folder, env=environ, capture_output=True, text=True, check=False
    )
    return run.stdout + run.stderr


def test_query_logs_and_profiles_were_written(searched: Searched) -> None:
    assert b"hipaa_mode_note_coincidences" in searched.written["sound"]["logs/queries.log"]
    assert searched.written["sound"]["logs/profile.json"].startswith(b"{")
    assert b"hipaa_mask" in searched.written["sound"]["logs/dbt.log"]


def test_key_material_is_in_no_file_but_the_key_file(searched: Searched) -> None:
    forms = key_material()
    assert (searched.project.folder / ".hipaa_mode/masking.key").read_bytes().strip() in {
        forms["master key, hex"]
    }
    found = [
        (run, name, form)
        for run, files in searched.written.items()
        for name, content in files.items()
        for form, secret in forms.items()
        if secret in content
    ]
    assert found == []


def test_key_material_is_in_no_terminal_output(searched: Searched) -> None:
    shown = {name: run.output.encode() for name, run in searched.runs.items()}
    shown["fingerprint"] = _command(searched.project, "key", "fingerprint", "dev").encode()
    assert [
        (name, form)
        for name, text in shown.items()
        for form, secret in key_material().items()
        if secret in text
    ] == []


def test_the_database_tells_nothing_of_the_key() -> None:
    session = Session({"HIPAA_MODE_KEY": KEY}, "dev")
    with duckdb.connect() as connection:
        connection.execute("call enable_logging('QueryLog')").fetchall()
        plugin = Plugin.__new__(Plugin)
        plugin.session = session
        plugin.creds = None
        plugin.configure_connection(connection)
        masking = "select system.main.hipaa_mask(x::varchar, '*') from range(3) as t(x)"
        shown: list[object] = []
        for sql in (
            masking,
            f"explain {masking}",
            f"explain analyze {masking}",
            "select * from duckdb_functions() where function_name like 'hipaa%'",
            f"select * from {SETTINGS}",
            "select * from duckdb_logs",
        ):
            shown += connection.execute(sql).fetchall()
        for sql in (
            "select system.main.hipaa_mask('x', null)",
            "select system.main.hipaa_mask(7, '*')",
            "select system.main.hipaa_mode_note_coincidences('view', 'column', null)",
        ):
            try:
                shown += connection.execute(sql).fetchall()
            except duckdb.Error as error:
                shown.append(str(error))
    text = repr(shown).encode()
    assert b"hipaa_mask" in text
    assert [form for form, secret in key_material().items() if secret in text] == []


def test_the_objects_that_hold_the_key_do_not_show_it() -> None:
    master = load_master_key({"HIPAA_MODE_KEY": KEY})
    held = (master, master.subkey("dev", "*"), Session({}, "dev"))
    shown = "".join(f"{item!r}{item}" for item in held)
    for item in held[:2]:
        assert not hasattr(item, "__dict__")
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError):
                pickle.dumps(item, protocol=protocol)
    assert [form for form, secret in key_material().items() if secret in shown.encode()] == []
