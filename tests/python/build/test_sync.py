"""Views of latest values, and clients that nobody here wrote reading what is published.

One small project is built three times: at first, with new calls, and with late calls and a person
who was deleted. Clients see the three states one after the other, as they would over days.
"""

from __future__ import annotations

import datetime as dt
import gzip
import http.server
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from duckdb.func import FunctionNullHandling, PythonUDFType
from project import Project, allowed, destination, event, group, identify, token, track
from sync_examples import Reader, examples

from hipaa_mode import functions
from hipaa_mode.masking import are_hexadecimal

ENVIRONMENT = {"environment": "prod"}
VIEWS = ("events", "identifies", "users")
EVENTS, USERS = "mixpanel__events", "mixpanel__users"


def call(
    make: Callable[..., dict[str, object]], day: str, user: str, number: int, *args: Any
) -> dict[str, object]:
    """A call at an hour of a day that no destination here may know."""
    return make(
        *args,
        userId=user,
        anonymousId=f"device-of-{user}",
        messageId=f"m-{number}",
        sentAt=f"{day}T{number % 24:02}:17:05Z",
        context={"ip": "203.0.113.9", "locale": "en-GB"},
    )


ANN, BEN, CLEO = "patient-001", "patient-002", "patient-003"
SECRET = {"note": "pregnant", "diagnosis": "C50.9"}
FIRST = [
    call(track, "2026-03-01", ANN, 1, "Visit", {"plan": "gold", **SECRET}),
    call(track, "2026-03-01", BEN, 2, "Visit", {"plan": "silver", **SECRET}),
    call(track, "2026-03-02", ANN, 3, "Visit", {"plan": "gold", **SECRET}),
    call(track, "2026-03-02", ANN, 4, "Oncology Visit", {"plan": "gold"}),
    call(identify, "2026-03-01", ANN, 5, {"tier": "gold", "email": "ann@clinic.example"}),
    call(identify, "2026-03-01", BEN, 6, {"tier": "silver", **SECRET}),
    # Nothing that the destination receives is new in it.
    call(identify, "2026-03-02", ANN, 7, {"tier": "gold", "email": None, **SECRET}),
    identify({"tier": "bronze"}, anonymousId="device-000", messageId="m-8"),
    call(group, "2026-03-01", ANN, 9, {"industry": "Retail"}) | {"groupId": "acme"},
    call(group, "2026-03-02", BEN, 10, {"employees": 40}) | {"groupId": "acme"},
]
MORE = [
    call(track, "2026-03-03", ANN, 11, "Visit", {"plan": "platinum"}),
    call(track, "2026-03-03", CLEO, 12, "Visit", {"plan": "gold"}),
    call(track, "2026-03-04", BEN, 13, "Visit", {"plan": "silver"}),
    call(identify, "2026-03-03", ANN, 14, {"tier": "platinum"}),
    call(identify, "2026-03-03", CLEO, 15, {"tier": "gold"}),
]
LATE = [
    call(track, "2026-03-01", ANN, 16, "Visit", {"plan": "bronze"}),
    call(identify, "2026-02-20", CLEO, 17, {"tier": "bronze", "email": "cleo@clinic.example"}),
]


@dataclass(frozen=True)
class States:
    """The published tree after each build, and what each build said."""

    project: Project
    first: Path
    more: Path
    late: Path
    said: tuple[str, ...]


@pytest.fixture(scope="module")
def states(
    new_project: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory
) -> States:
    project: Project = new_project(
        "sync",
        [
            destination("mixpanel", timestamp_precision="day", **ENVIRONMENT),
            destination(
                "crm", timestamp_precision="hour", mask_scope="destination", **ENVIRONMENT
            ),
        ],
        [event("mixpanel", "Visit", **ENVIRONMENT), event("crm", "Visit", **ENVIRONMENT)],
        [
            allowed("mixpanel", "event", "plan", guard="none", **ENVIRONMENT),
            allowed("mixpanel", "user", "tier", guard="none", **ENVIRONMENT),
            allowed("mixpanel", "user", "email", "mask", normalize="email", **ENVIRONMENT),
            allowed("mixpanel", "context", "locale", **ENVIRONMENT),
            allowed("crm", "envelope", "user_id", **ENVIRONMENT),
            allowed("crm", "user", "tier", guard="none", **ENVIRONMENT),
            allowed("crm", "group", "industry", guard="none", **ENVIRONMENT),
            allowed("crm", "group", "employees", "round(10)", **ENVIRONMENT),
        ],
        FIRST,
        {"mixpanel": VIEWS, "crm": ("identifies", "groups", "users", "groups_latest")},
    )
    copies = tmp_path_factory.mktemp("published")
    said: list[str] = []

    def build(name: str) -> Path:
        said.append(project.build("--target", "prod").output)
        # Times of modification are copied too.
        return shutil.copytree(project.folder / "published", copies / name)

    first = build("first")
    project.write_calls(MORE, "more.ndjson")
    more = build("more")
    project.write_calls(LATE, "late.ndjson")
    deleted = {**ENVIRONMENT, "user_id": BEN, "requested_on": "2026-03-05", "reference": "r-1"}
    project.write_seed("suppressed_users", [deleted])
    return States(project, first, more, build("late"), tuple(said))


def rows(published: Path, view: str) -> list[dict[str, Any]]:
    folder = published / "prod" / view.rpartition("__")[0] / view
    return [
        row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def mixpanel_user(user: str, changed: str, tier: str, email: str | None) -> dict[str, Any]:
    return {
        "row_id": token(user, "prod"),
        "changed_at": dt.datetime.fromisoformat(changed),
        "user_id": token(user, "prod"),
        "tier": tier,
        "email": None if email is None else token(email, "prod"),
        "locale": "en-GB",
    }


def in_order(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda row: row["row_id"])


class TestLatestValues:
    def test_each_user_has_the_latest_values_and_when_one_changed(self, states: States) -> None:
        ann = mixpanel_user(ANN, "2026-03-01", "gold", "ann@clinic.example")
        ben = mixpanel_user(BEN, "2026-03-01", "silver", None)
        assert in_order(rows(states.first, USERS)) == in_order([ann, ben])
        ann = mixpanel_user(ANN, "2026-03-03", "platinum", "ann@clinic.example")
        cleo = mixpanel_user(CLEO, "2026-03-03", "gold", None)
        assert in_order(rows(states.more, USERS)) == in_order([ann, ben, cleo])

    def test_late_values_count_by_their_time_and_the_deleted_are_gone(
        self, states: States
    ) -> None:
        ann = mixpanel_user(ANN, "2026-03-03", "platinum", "ann@clinic.example")
        cleo = mixpanel_user(CLEO, "2026-03-03", "gold", "cleo@clinic.example")
        assert in_order(rows(states.late, USERS)) == in_order([ann, cleo])

    def test_a_raw_id_has_a_token_as_its_key(self, states: States) -> None:
        users = {row["user_id"]: row for row in rows(states.more, "crm__users")}
        assert users.keys() == {ANN, BEN, CLEO}
        assert users[ANN]["row_id"] == token(ANN, "prod", "crm")
        assert users[ANN]["changed_at"] == dt.datetime(2026, 3, 3, 14)
        assert users[ANN]["tier"] == "platinum"

    def test_groups_have_the_latest_of_each_property(self, states: States) -> None:
        [acme] = rows(states.first, "crm__groups_latest")
        assert acme == {
            "row_id": token("acme", "prod", "crm"),
            "changed_at": dt.datetime(2026, 3, 2, 10),
            "group_id": token("acme", "prod", "crm"),
            "industry": "Retail",
            "employees": 40.0,
        }

    def test_the_manifest_and_the_run_tell_of_them(self, states: States) -> None:
        manifest = json.loads((states.first / "prod/mixpanel/manifest.json").read_text())
        facts = manifest["views"][USERS]
        assert (facts["rows"], facts["files"], facts["files_written"]) == (2, 1, 1)
        assert [column["name"] for column in facts["columns"]] == list(
            rows(states.first, USERS)[0]
        )
        assert f"{USERS}/all.parquet" in manifest["files"]
        assert f"published {USERS}: 2 rows (1 of 1 files written)" in states.said[0]

    def test_the_file_is_kept_where_no_identify_call_changed(self, states: States) -> None:
        manifest = json.loads((states.late / "prod/crm/manifest.json").read_text())
        # Of the group's calls the deleted person's went; of another build nothing did.
        assert manifest["views"]["crm__groups_latest"]["files_written"] == 1
        manifest = json.loads((states.more / "prod/crm/manifest.json").read_text())
        assert manifest["views"]["crm__groups_latest"]["files_written"] == 0
        assert manifest["views"]["crm__users"]["files_written"] == 1


class TestChecks:
    """Each check of a view of latest values finds what it is there for."""

    @pytest.fixture(scope="class")
    @classmethod
    def check(cls, states: States) -> Iterator[Callable[[str], dict[str, str]]]:
        """Give a function that puts a query in the view's place and runs the compiled checks."""
        project = states.project
        run = project.dbt("test", "--target", "prod", "--select", USERS)
        assert run.exit_code == 0, run.output
        [result] = [item for name, item in project.results().items() if name.startswith("holds")]
        compiled = project.folder / "target/compiled/hipaa_mode/models/destination_views/mixpanel"
        sound = (compiled / f"{USERS}.sql").read_text()
        columns = {name: f'"{name}"' for name in rows(states.late, USERS)[0]}

        def check(rest: str = "", **changed: str) -> dict[str, str]:
            shown = ", ".join(f"{changed.get(n, sql)} as {sql}" for n, sql in columns.items())
            query = f"select {shown} from ({sound}) {rest}"
            view = f"create or replace view main_destinations.{USERS} as {query}"
            with duckdb.connect(str(project.database)) as connection:
                functions.create(connection)
                connection.create_function(
                    "hipaa_mode_is_hexadecimal",
                    are_hexadecimal,
                    ["VARCHAR"],
                    "BOOLEAN",
                    type=PythonUDFType.ARROW,
                    null_handling=FunctionNullHandling.SPECIAL,
                )
                # What the checks report to a run; of no run, here.
                connection.create_function(
                    "hipaa_mode_note_coincidences",
                    lambda view, column, count: True,
                    ["VARCHAR", "VARCHAR", "BIGINT"],
                    "BOOLEAN",
                )
                connection.execute(view)
                found = connection.execute(result["compiled_code"]).fetchall()
            return {name: problem for name, _, problem, _ in found}

        yield check
        project.execute(f"create or replace view main_destinations.{USERS} as {sound}")

    def test_the_view_as_built_is_sound(self, check: Callable[..., dict[str, str]]) -> None:
        assert check() == {}

    def test_a_missing_user_is_found(self, check: Callable[..., dict[str, str]]) -> None:
        assert check("where tier <> 'gold'") == {
            "rows_match_calls": "1 rows for 2 different user_id"
        }

    def test_a_user_twice_is_found(self, check: Callable[..., dict[str, str]]) -> None:
        assert set(check("cross join range(2)")) == {"rows_match_calls", "row_id_is_primary_key"}

    def test_a_value_that_is_no_token_is_found(self, check: Callable[..., dict[str, str]]) -> None:
        assert set(check(email="tier")) == {"masked_columns_are_tokens"}
        assert set(check(row_id="md5(row_id)")) == {"masked_columns_are_tokens"}

    def test_a_raw_id_is_found(self, check: Callable[..., dict[str, str]]) -> None:
        assert set(check(tier=f"'{ANN}'")) == {"no_raw_identifiers"}

    def test_what_looks_like_an_identifier_is_found(
        self, check: Callable[..., dict[str, str]]
    ) -> None:
        assert set(check(locale="'ssn 856-45-6789'")) == {"no_identifier_patterns"}

    def test_another_column_is_found_and_a_check_of_events_refused(self, states: States) -> None:
        project = states.project
        compiled = project.folder / "target/compiled/hipaa_mode/models/destination_views/mixpanel"
        sound = (compiled / f"{USERS}.sql").read_text()
        view = f"create or replace view main_destinations.{USERS} as"
        project.execute(f"{view} select *, 1 as more from ({sound})")
        yaml = project.folder / "models/destination_views/mixpanel/_mixpanel.yml"
        text = yaml.read_text()
        place = text.index(f"- name: {USERS}")
        more = text[place:].replace("data_tests:", "data_tests:\n      - only_allowed_events", 1)
        yaml.write_text(text[:place] + more)
        try:
            run = project.dbt("test", "--target", "prod", "--select", USERS)
        finally:
            yaml.write_text(text)
            project.execute(f"{view} {sound}")
        assert run.exit_code == 1
        assert "has nothing to look at in mixpanel__users" in run.output
        [failed] = [r for name, r in project.results().items() if name.startswith("holds")]
        assert (failed["status"], failed["failures"]) == ("fail", 1)


class TestReaders:
    def test_pandas_polars_and_duckdb_agree(self, states: States, tmp_path: Path) -> None:
        reader = Reader(tmp_path)
        reader.show(states.late)
        answer = reader.run(
            "readers",
            """
import polars.testing
polars.testing.assert_frame_equal(by_duckdb.sort("row_id"), by_polars.sort("row_id"))
from_pandas = polars.from_pandas(by_pandas).cast(dict(by_polars.schema))
polars.testing.assert_frame_equal(from_pandas.sort("row_id"), by_polars.sort("row_id"))
answer = [len(by_pandas), by_polars.columns, str(by_polars.schema["timestamp"])]
""",
        )
        expected = rows(states.late, EVENTS)
        assert answer == [
            len(expected),
            list(expected[0]),
            "Datetime(time_unit='us', time_zone=None)",
        ]

    def test_only_files_that_changed_are_read_and_withdrawn_rows_go(
        self, states: States, tmp_path: Path
    ) -> None:
        reader = Reader(tmp_path)
        sync = f"""
warehouse = duckdb.connect("warehouse.duckdb")
answer = [sync(warehouse, "{EVENTS}"), sync(warehouse, "{EVENTS}"), sync(warehouse, "{USERS}")]
"""
        nothing = {"read": 0, "removed": 0}
        expected = {
            "first": ({"read": 2, "removed": 0}, {"read": 1, "removed": 0}),
            "more": ({"read": 2, "removed": 0}, {"read": 1, "removed": 0}),
            # A day with a late call and without the deleted person's; a day that only they had.
            "late": ({"read": 1, "removed": 1}, {"read": 1, "removed": 0}),
        }
        for state, (events, users) in expected.items():
            reader.show(getattr(states, state))
            assert reader.run("partitions", sync) == [events, nothing, users]
            for view in (EVENTS, USERS):
                assert loaded(tmp_path, view) == without_file(rows(getattr(states, state), view))

    def test_withdrawn_keys_are_found(self, states: States, tmp_path: Path) -> None:
        reader = Reader(tmp_path)
        reader.show(states.more)
        table = "create table calls as from 'published/prod/mixpanel/mixpanel__events/*.parquet'"
        reader.run("withdrawn", f'duckdb.connect("w.duckdb").execute("{table}"); answer = 0')
        reader.show(states.late)
        answer = reader.run("withdrawn", 'answer = withdrawn(duckdb.connect("w.duckdb"), "calls")')
        assert answer == sorted(token(f"m-{number}", "prod") for number in (2, 13))

    def test_a_tool_that_compares_finds_what_changed(self, states: States, tmp_path: Path) -> None:
        reader = Reader(tmp_path)
        ann, ben, cleo = (token(user, "prod") for user in (ANN, BEN, CLEO))
        for state, expected in (
            (states.first, {"added": sorted([ann, ben]), "changed": [], "removed": []}),
            (states.more, {"added": [cleo], "changed": [ann], "removed": []}),
            (states.late, {"added": [], "changed": [cleo], "removed": [ben]}),
        ):
            reader.show(state)
            assert (
                reader.run("compare", 'answer = compare(duckdb.connect("w.duckdb"))') == expected
            )


class TestDlt:
    def test_new_calls_alone_are_loaded_and_users_are_merged(
        self, states: States, tmp_path: Path
    ) -> None:
        reader = Reader(tmp_path)
        reader.show(states.first)
        assert reader.run("dlt", "answer = [load(), load(), load()]") == [
            {EVENTS: 3, USERS: 2},
            {},
            {},
        ]
        reader.show(states.more)
        # Three calls are new; of users the whole file is read, and merged.
        assert reader.run("dlt", "answer = load()") == {EVENTS: 3, USERS: 3}
        for view in (EVENTS, USERS):
            assert loaded(tmp_path, f"sync.{view}") == without_file(rows(states.more, view))
        reader.show(states.late)
        assert reader.run("dlt", "answer = load()") == {EVENTS: 2, USERS: 2}
        for view in (EVENTS, USERS):
            assert loaded(tmp_path, f"sync.{view}") == without_file(rows(states.late, view))

    @pytest.mark.parametrize(("keys", "expected"), [("", "first"), ("primary_key=(), ", "second")])
    def test_a_change_at_the_same_time_needs_no_primary_key(
        self, tmp_path: Path, keys: str, expected: str
    ) -> None:
        """What the guide says of dlt's cursor, tried on dlt itself."""
        answer = Reader(tmp_path).run(
            "dlt",
            f"""
def users(value):
    cursor = dlt.sources.incremental("changed_at", {keys})
    row = {{"row_id": "a", "changed_at": 1, "value": value}}
    options = dict(name="users", primary_key="row_id", write_disposition="merge")
    return dlt.resource([row], **options).apply_hints(incremental=cursor)

pipeline = dlt.pipeline("p", destination=dlt.destinations.duckdb("p.duckdb"), dataset_name="d")
for value in ("first", "second"):
    pipeline.run(users(value))
with pipeline.sql_client() as client:
    answer = client.execute_sql("select value from users")[0][0]
""",
        )
        assert answer == expected


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes what an SDK sends."""

    bodies: list[bytes]

    def do_POST(self) -> None:
        if self.path.startswith("/refused"):
            self.send_response(400)
            self.end_headers()
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.bodies.append(body)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[bytes]]]:
    bodies: list[bytes] = []
    handler = type("OwnReceiver", (Receiver,), {"bodies": bodies})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", bodies
    server.shutdown()
    server.server_close()


def published_rows(folder: Path, count: int) -> Path:
    """Write so many calls as a build publishes them, and a view without any."""
    place = folder / "prod/mixpanel"
    envelope = ("row_id", "user_id", "anonymous_id", "call_type", "event", "timestamp")
    columns = [{"name": name, "property_list": "envelope"} for name in envelope]
    columns.append({"name": "plan", "property_list": "event"})
    for view, rows_of_it in ((EVENTS, count), ("mixpanel__identifies", 0)):
        (place / view).mkdir(parents=True)
        with duckdb.connect() as connection:
            connection.sql(
                "select 'row-' || range as row_id, 'tok' as user_id, null::text as anonymous_id, "
                "'track' as call_type, 'Visit' as event, timestamp '2026-03-02' as timestamp, "
                f"'gold' as plan from range({rows_of_it})"
            ).write_parquet(str(place / view / "all.parquet"))
    views = {view: {"columns": columns} for view in (EVENTS, "mixpanel__identifies")}
    (place / "manifest.json").write_text(json.dumps({"views": views}))
    return folder


OF_THE_LIBRARY = {"sentAt", "writeKey"}
OF_A_CALL = {
    *("type", "event", "name", "userId", "anonymousId", "messageId", "timestamp"),
    *("context", "integrations", "properties", "traits"),
}


class TestSegment:
    def test_what_is_received_is_what_the_allowlist_gives(
        self, states: States, tmp_path: Path, receiver: tuple[str, list[bytes]]
    ) -> None:
        url, bodies = receiver
        reader = Reader(tmp_path)
        reader.show(states.more)
        said = reader.run_whole("sdk", WRITE_KEY="of-the-test", SEGMENT_HOST=url)
        views = {
            "track": rows(states.more, EVENTS),
            "identify": rows(states.more, "mixpanel__identifies"),
        }
        # One identify call is of a device without a user, and is sent as such.
        assert said.split() == [str(len(found)) for found in views.values()]
        batches = [json.loads(body) for body in bodies]
        for batch in batches:
            assert batch.keys() == OF_THE_LIBRARY | {"batch"}
        received = [item for batch in batches for item in batch["batch"]]
        by_key = {row["row_id"]: row for found in views.values() for row in found}
        assert sorted(item["messageId"] for item in received) == sorted(by_key)
        for item in received:
            assert item.keys() <= OF_A_CALL
            assert item["context"].keys() == {"library"}
            assert item["integrations"] == {}
            row = by_key[item["messageId"]]
            assert item["userId"] == row["user_id"]
            assert item["anonymousId"] == row["anonymous_id"]
            assert item.get("event") == row["event"]
            at = row["timestamp"] or dt.datetime(1970, 1, 1)
            assert dt.datetime.fromisoformat(item["timestamp"]) == at.replace(
                tzinfo=dt.timezone.utc
            )
            values = item.get("traits" if item["type"] == "identify" else "properties")
            names = {"track": ("plan", "locale"), "identify": ("tier", "email", "locale")}
            expected = {name: row[name] for name in names[item["type"]] if row[name] is not None}
            assert values == expected

    def test_more_rows_than_the_queue_holds_all_arrive(
        self, tmp_path: Path, receiver: tuple[str, list[bytes]]
    ) -> None:
        url, bodies = receiver
        many = 25_000
        reader = Reader(tmp_path)
        reader.show(published_rows(tmp_path / "many", many))
        said = reader.run_whole("sdk", WRITE_KEY="of-the-test", SEGMENT_HOST=url)
        assert said.split() == [str(many), "0"]
        received = [item["messageId"] for body in bodies for item in json.loads(body)["batch"]]
        assert sorted(received) == sorted(f"row-{number}" for number in range(many))

    def test_calls_that_do_not_arrive_are_counted(
        self, tmp_path: Path, receiver: tuple[str, list[bytes]]
    ) -> None:
        url, bodies = receiver
        reader = Reader(tmp_path)
        reader.show(published_rows(tmp_path / "few", 250))
        with pytest.raises(AssertionError, match="250 calls did not arrive"):
            reader.run_whole("sdk", WRITE_KEY="of-the-test", SEGMENT_HOST=f"{url}/refused")
        assert bodies == []

    def test_no_raw_value_is_received(
        self, states: States, tmp_path: Path, receiver: tuple[str, list[bytes]]
    ) -> None:
        url, bodies = receiver
        reader = Reader(tmp_path)
        reader.show(states.more)
        reader.run_whole("sdk", WRITE_KEY="of-the-test", SEGMENT_HOST=url)
        text = b"".join(bodies)
        assert text
        raw = (
            *SECRET.values(),
            ANN,
            BEN,
            CLEO,
            "device-",
            "clinic.example",
            "203.0.113",
            ":17:05",
        )
        assert [value for value in raw if value.encode() in text] == []
        assert b"Oncology" not in text


def test_every_example_of_the_guide_is_run() -> None:
    assert set(examples()) == {"readers", "partitions", "withdrawn", "dlt", "compare", "sdk"}


def test_examples_are_kept_off_the_network(tmp_path: Path) -> None:
    code = """
import socket
try:
    socket.create_connection(("203.0.113.1", 80), 1)
except OSError as error:
    answer = str(error)
"""
    with pytest.raises(AssertionError, match=r"203\.0\.113\.1"):
        Reader(tmp_path).run("withdrawn", code)


def loaded(folder: Path, table: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        found = connection.sql(f"from {table}").pl().to_dicts()
    return without_file(found)


def without_file(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in the order of their keys, without what a client adds to them."""
    own = ("file", "_dlt_id", "_dlt_load_id")
    return in_order(
        [
            {
                name: value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value
                for name, value in row.items()
                if name not in own
            }
            for row in found
        ]
    )
