"""The finished files are looked at once more, whatever the build's own checks said."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from seed_files import Seeds

from hipaa_mode.engines.duckdb import DuckDb
from hipaa_mode.errors import PublishingError
from hipaa_mode.partitions import plan_partitions
from hipaa_mode.plan import DestinationPlan, Plan
from hipaa_mode.run import finished_files
from hipaa_mode.run.finished_files import (
    SMALL_BYTES,
    TYPES,
    FileChecker,
    FinishedView,
    ids_of_calls,
)
from hipaa_mode.run.gate import FinishedDestination, Gate
from hipaa_mode.run.permission import Permission
from hipaa_mode.run.required_checks import Exceptions

IDS_OF_CALLS = ids_of_calls("calls_read", DuckDb.row_count)
TOKEN = "0123456789abcdef" * 4
DAY = dt.datetime(2026, 3, 1)
IDS: dict[str, list[Any]] = {
    "user_id": ["Patient-0001", "gold", None, "ab", TOKEN[::-1]],
    "anonymous_id": ["device-1", None, None, None, None],
    "group_id": ["clinic-77", None, None, None, None],
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    seeds = Seeds()
    seeds.add("destination_types")
    seeds.add("destinations", timestamp_precision="day")
    seeds.add("allowed_events", event="Visit", sent_as="visited")
    for path, treatment, data_type, guard in (
        ("note", "allow", "text", ""),
        ("free", "allow", "text", "none"),
        ("tags[]", "allow", "text", ""),
        ("form", "allow", "json", ""),
        ("amount", "allow", "number", ""),
        ("email", "mask", "", ""),
        ("emails[]", "mask", "", ""),
        ("account", "surrogate", "", ""),
    ):
        seeds.add(
            "allowed_properties",
            property=path,
            treatment=treatment,
            data_type=data_type,
            guard=guard,
        )
    seeds.add("small_zip3_areas")
    found = seeds.plan(tmp_path_factory.mktemp("seeds"))
    assert [str(fault) for fault in found.faults] == []
    return found


ROW: dict[str, Any] = {
    "row_id": TOKEN,
    "call_type": "track",
    "event": "visited",
    "timestamp": DAY,
    "received_at": None,
    "user_id": TOKEN,
    "anonymous_id": None,
    "group_id": None,
    "note": "plain",
    "free": "call 212-555-0187",
    "tags": ["one", "two"],
    "form": '{"a": ["x", 5]}',
    "amount": 1.5,
    "email": TOKEN,
    "emails": [TOKEN, None],
    "account": "0" * 32,
}


def write(path: Path, destination: DestinationPlan, *rows: dict[str, Any], **types: Any) -> Path:
    """Write rows as a build would, with other types for some columns."""
    fields = []
    for column in destination.columns("events"):
        value = TYPES[column.data_type]
        kind = types.pop(column.name, pa.list_(value) if column.is_list else value)
        fields.append(pa.field(column.name, kind))
    fields += [pa.field(name, kind) for name, kind in types.items()]
    schema = pa.schema(fields)
    pq.write_table(pa.Table.from_pylist(list(rows), schema), path, store_schema=False)
    return path


@pytest.fixture
def checker() -> FileChecker:
    return checker_of({})


def checker_of(normalizations: Mapping[str, Sequence[str]]) -> FileChecker:
    found = FileChecker(normalizations)
    with duckdb.connect(":memory:") as calls:
        calls.register(
            "ids", pa.table({n: pa.array(values, pa.string()) for n, values in IDS.items()})
        )
        calls.execute("create table calls as select *, null as rejection_reason from ids")
        found.add_ids(calls.sql(ids_of_calls("calls", DuckDb.row_count)).to_arrow_reader())
    return found


def check(checker: FileChecker, plan: Plan, path: Path, rows: int = 1, **fields: Any) -> list[str]:
    destination = plan.destinations["ga4"]
    finished = FinishedView("ga4__events", "events", [path], rows, **fields)
    return [str(problem) for problem in checker.check(destination, finished)]


def test_ids_are_counted_where_the_calls_are_whatever_stands_in_for_count_there() -> None:
    with duckdb.connect(":memory:") as calls:
        calls.execute(
            "create table calls as select * from (values "
            "('a', 'd', null, null), ('a', '', 'g', null), ('b', null, null, 'no_type')) "
            "as calls (user_id, anonymous_id, group_id, rejection_reason)"
        )
        for name in ("count", "count_star"):
            calls.execute(f"create macro {name}() as 0")
        found = calls.sql(ids_of_calls("calls", DuckDb.row_count)).fetchall()
    assert sorted(found) == [("anonymous_id", "d", 1), ("group_id", "g", 1), ("user_id", "a", 2)]


def test_sound_files_go_through(checker: FileChecker, plan: Plan, tmp_path: Path) -> None:
    path = write(tmp_path / "a", plan.destinations["ga4"], ROW)
    assert check(checker, plan, path) == []


def test_a_file_without_rows_goes_through(
    checker: FileChecker, plan: Plan, tmp_path: Path
) -> None:
    path = write(tmp_path / "a", plan.destinations["ga4"])
    assert check(checker, plan, path, rows=0) == []


WRONG = [
    ({"row_id": None}, "row_id: 1 null or repeated values"),
    ({"row_id": TOKEN.upper()}, "row_id: 1 values that are no tokens"),
    ({"call_type": "identify"}, "call_type: 1 rows of other calls"),
    ({"call_type": None}, "call_type: 1 rows of other calls"),
    ({"event": "Visit"}, "event: 1 rows of events that are not allowed"),
    ({"event": "VISITED"}, "event: 1 rows of events that are not allowed"),
    ({"event": None}, "event: 1 rows of events that are not allowed"),
    ({"timestamp": DAY + dt.timedelta(seconds=1)}, "timestamp: 1 times finer than day"),
    ({"received_at": DAY + dt.timedelta(hours=1)}, "received_at: 1 times finer than day"),
    ({"user_id": "Patient-0001"}, "user_id: 1 values that are no tokens"),
    ({"user_id": TOKEN[::-1]}, "user_id: 1 ids as they arrived"),
    ({"email": TOKEN[:-1]}, "email: 1 values that are no tokens"),
    ({"email": TOKEN[:-1] + "\n"}, "email: 1 values that are no tokens"),
    ({"email": TOKEN + "\n"}, "email: 1 values that are no tokens"),
    ({"email": TOKEN[:32]}, "email: 1 values that are no tokens"),
    ({"emails": [TOKEN, "a@b.example"]}, "emails: 1 values that are no tokens"),
    ({"account": TOKEN}, "account: 1 values that are no tokens"),
    ({"note": "Patient-0001"}, "note: 1 ids as they arrived"),
    ({"note": " PATIENT-0001 "}, "note: 1 ids as they arrived"),
    ({"note": "device-1"}, "note: 1 ids as they arrived"),
    ({"free": "clinic-77"}, "free: 1 ids as they arrived"),
    ({"tags": ["one", "clinic-77"]}, "tags: 1 ids as they arrived"),
    ({"form": '{"a": ["x", {"b": "clinic-77"}]}'}, "form: 1 ids as they arrived"),
    ({"note": "ann@example.org"}, "note: 1 values that look like identifiers"),
    ({"note": "4111 1111 1111 1111"}, "note: 1 values that look like identifiers"),
    ({"tags": ["call 212-555-0187"]}, "tags: 1 values that look like identifiers"),
]


@pytest.mark.parametrize(("change", "problem"), WRONG, ids=[text for _, text in WRONG])
def test_what_must_not_leave_is_found(
    checker: FileChecker, plan: Plan, tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    path = write(tmp_path / "a", plan.destinations["ga4"], {**ROW, **change})
    found = check(checker, plan, path)
    assert f"ga4__events.{problem}" in found
    assert not any("atient-0001" in text or "clinic-77" in text for text in found)


@pytest.mark.parametrize("value", ["pa\u200btient-0001", "patient-0001\u2003"])
def test_an_id_in_another_spelling_is_found_where_it_is_the_same_person(
    checker: FileChecker, plan: Plan, tmp_path: Path, value: str
) -> None:
    path = write(tmp_path / "a", plan.destinations["ga4"], {**ROW, "note": value})
    spelled = checker_of({"user_id": ["email"], "group_id": ["phone(1)"]})
    assert check(spelled, plan, path) == ["ga4__events.note: 1 ids as they arrived"]
    assert check(spelled, plan, write(tmp_path / "b", plan.destinations["ga4"], ROW)) == []
    assert ("\u200b" in value) == (check(checker, plan, path) == [])


def test_repeated_rows_and_other_numbers_of_rows_are_found(
    checker: FileChecker, plan: Plan, tmp_path: Path
) -> None:
    path = write(tmp_path / "a", plan.destinations["ga4"], ROW, ROW)
    assert check(checker, plan, path) == [
        "ga4__events.row_id: 1 null or repeated values",
        "ga4__events: 2 rows where its view has 1",
    ]


def test_rows_in_another_order_than_that_of_their_row_ids_are_found(
    checker: FileChecker, plan: Plan, tmp_path: Path
) -> None:
    higher = {**ROW, "row_id": "f" * 64}
    destination = plan.destinations["ga4"]
    assert check(checker, plan, write(tmp_path / "a", destination, ROW, higher), rows=2) == []
    arrived = write(tmp_path / "b", destination, higher, ROW)
    assert check(checker, plan, arrived, rows=2) == ["ga4__events.row_id: 1 rows out of order"]


@pytest.mark.parametrize("small_bytes", [0, SMALL_BYTES], ids=["one by one", "at once"])
def test_what_is_wrong_is_said_by_column(
    checker: FileChecker,
    plan: Plan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    small_bytes: int,
) -> None:
    monkeypatch.setattr(finished_files, "SMALL_BYTES", small_bytes)
    wrong = {
        "user_id": TOKEN[::-1],
        "note": "Patient-0001",
        "tags": ["clinic-77", "ann@example.org"],
        "form": '["device-1", "ben@example.org"]',
    }
    path = write(tmp_path / "a", plan.destinations["ga4"], {**ROW, **wrong})
    assert check(checker, plan, path) == [
        "ga4__events.user_id: 1 ids as they arrived",
        "ga4__events.note: 1 ids as they arrived",
        "ga4__events.tags: 1 ids as they arrived",
        "ga4__events.tags: 1 values that look like identifiers",
        "ga4__events.form: 1 ids as they arrived",
        "ga4__events.form: 1 values that look like identifiers",
    ]


def test_texts_are_few_if_their_columns_take_few_bytes(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a", plan.destinations["ga4"], ROW)
    sizes = finished_files.column_bytes([path])
    assert finished_files.have_few_texts(sizes, {"note", "tags"})
    monkeypatch.setattr(finished_files, "SMALL_BYTES", 0)
    assert finished_files.have_few_texts(sizes, set())
    assert not finished_files.have_few_texts(sizes, {"note"})
    assert not finished_files.have_few_texts(sizes, {"tags"})


@pytest.mark.parametrize("types", [{"amount": pa.string()}, {"tags": pa.string()}])
def test_columns_of_other_types_are_found(
    checker: FileChecker, plan: Plan, tmp_path: Path, types: dict[str, Any]
) -> None:
    row = {name: None if name in types else value for name, value in ROW.items()}
    path = write(tmp_path / "a", plan.destinations["ga4"], row, **types)
    assert check(checker, plan, path) == ["ga4__events: 1 columns in another form, in a"]


def test_a_column_more_in_any_file_is_found(
    checker: FileChecker, plan: Plan, tmp_path: Path
) -> None:
    destination = plan.destinations["ga4"]
    sound = write(tmp_path / "a", destination, ROW)
    wide = write(tmp_path / "b", destination, {**ROW, "extra": "Patient-0001"}, extra=pa.string())
    finished = FinishedView("ga4__events", "events", [sound, wide], 2)
    [problem] = checker.check(destination, finished)
    assert str(problem) == "ga4__events: 1 columns that are not the plan's, in b"


def test_columns_in_another_order_are_found(
    checker: FileChecker, plan: Plan, tmp_path: Path
) -> None:
    path = write(tmp_path / "a", plan.destinations["ga4"], ROW)
    table = pq.read_table(path)
    pq.write_table(table.select(table.column_names[::-1]), path, store_schema=False)
    assert check(checker, plan, path) == ["ga4__events: 1 columns in another form, in a"]


def test_what_a_file_says_of_rows_that_it_has_not_is_found(
    checker: FileChecker, plan: Plan, tmp_path: Path
) -> None:
    path = write(tmp_path / "a", plan.destinations["ga4"], ROW)
    table = pq.read_table(path)
    schema = pa.schema([field.with_nullable(field.name != "row_id") for field in table.schema])
    table = table.cast(schema)
    pq.write_table(table, path, store_schema=False)
    expected = ["ga4__events: 1 columns that are said to be never null, in a"]
    assert check(checker, plan, path) == expected


def test_notes_beside_the_columns_are_found(
    checker: FileChecker, plan: Plan, tmp_path: Path
) -> None:
    path = write(tmp_path / "a", plan.destinations["ga4"], ROW)
    table = pq.read_table(path).replace_schema_metadata({"ids": "Patient-0001"})
    pq.write_table(table, path)
    assert check(checker, plan, path) == ["ga4__events: 1 notes beside its columns, in a"]


def test_what_a_test_leaves_out_as_reviewed_is_left_out(
    checker: FileChecker, plan: Plan, tmp_path: Path
) -> None:
    row = {**ROW, "note": "ann@example.org", "tags": ["device-1"]}
    path = write(tmp_path / "a", plan.destinations["ga4"], row)
    assert check(checker, plan, path, left_out=frozenset({"note", "tags"})) == []
    row = {**ROW, "note": "device-1"}
    path = write(tmp_path / "b", plan.destinations["ga4"], row)
    assert check(checker, plan, path, shortest_id=9) == []
    assert check(checker, plan, path, shortest_id=8) != []


def test_row_ids_are_told_apart_by_all_their_digits(
    checker: FileChecker, plan: Plan, tmp_path: Path
) -> None:
    ga4 = plan.destinations["ga4"]
    alike = [{**ROW, "row_id": TOKEN[:-1] + digit} for digit in "de"]
    assert check(checker, plan, write(tmp_path / "a", ga4, *alike), rows=2) == []


def test_a_row_id_in_two_files_is_found(checker: FileChecker, plan: Plan, tmp_path: Path) -> None:
    ga4 = plan.destinations["ga4"]
    other = {**ROW, "row_id": "0" + TOKEN[1:-1] + "0"}
    files = [write(tmp_path / "a", ga4, other, ROW), write(tmp_path / "b", ga4, ROW)]
    finished = FinishedView("ga4__events", "events", files, 3)
    found = [str(problem) for problem in checker.check(ga4, finished)]
    assert found == ["ga4__events.row_id: 1 null or repeated values"]


def test_views_that_are_looked_at_together_are_told_apart(
    checker: FileChecker, plan: Plan, tmp_path: Path
) -> None:
    ga4 = plan.destinations["ga4"]
    sound = write(tmp_path / "a", ga4, ROW)
    leaking = write(tmp_path / "b", ga4, {**ROW, "note": "device-1"})
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda path: check(checker, plan, path), [sound, leaking] * 4))
    assert found == [[], ["ga4__events.note: 1 ids as they arrived"]] * 4


def test_a_file_that_is_none_is_refused_without_its_content(
    checker: FileChecker, plan: Plan, tmp_path: Path
) -> None:
    path = tmp_path / "a"
    path.write_text("Patient-0001")
    with pytest.raises(PublishingError) as refused:
        check(checker, plan, path)
    assert "Patient" not in str(refused.value)


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ([], 0),
        ([None, None], 0),
        (["09af", None, "ffff"], 0),
        (["09af", "09aF", None, "ffff"], 1),
        (["09a", "f09af"], 2),
        (["09a/", "09a:", "09a`", "09ag", "09a\n", "09\u00e4"], 6),
        (["", "09af"], 1),
    ],
)
def test_values_that_are_no_tokens_are_counted(values: list[str | None], count: int) -> None:
    # A part of an array shares its memory with what stands before and after.
    whole = pa.array(["no token", *values, "neither"])
    assert finished_files._no_tokens(whole.slice(1, len(values)), 4) == count
    lists = pa.array([["no token"], values, None, []])
    assert finished_files._no_tokens(lists.slice(1), 4) == count


# The gate


@dataclasses.dataclass
class Door:
    """A gate before one finished file, whose seeds and plan a test may change."""

    gate: Gate
    seeds: dict[str, str]
    plans: list[Plan]
    folder: Path
    denied_rows: str = "select 'another' as row_id"

    def go(self) -> None:
        self.look()
        self.gate.check("ga4")

    def look(self) -> None:
        partitions = plan_partitions("ga4__events", "day", [["2026-03-01", 1]], None, {})

        @contextlib.contextmanager
        def read(query: str) -> Iterator[pa.RecordBatchReader]:
            columns = ", ".join(f"'{v[0]}' as {k}" for k, v in IDS.items())
            sql = f"create table calls_read as select {columns}, null as rejection_reason"
            with duckdb.connect() as connection:
                connection.execute(sql).fetchall()
                yield connection.sql(query).to_arrow_reader(10)

        denied = {"ga4__events": self.denied_rows}
        finished = FinishedDestination([partitions], self.folder, self.folder, denied)
        self.gate.look_at({"ga4": finished}, read, IDS_OF_CALLS)


@pytest.fixture
def door(plan: Plan, tmp_path: Path) -> Door:
    seeds = {"destinations": "as reviewed"}
    plans = [plan]
    gate = Gate(plan, dict(seeds), lambda: seeds, lambda: plans[0])
    gate.permissions = {"ga4": Permission(True, exceptions={"ga4__events": Exceptions()})}
    (tmp_path / "ga4__events").mkdir()
    file = tmp_path / "ga4__events/2026-03-01.parquet.unfinished"
    write(file, plan.destinations["ga4"], ROW)
    return Door(gate, seeds, plans, tmp_path)


def test_a_sound_destination_passes_the_gate(door: Door) -> None:
    door.go()


def test_where_nothing_was_written_no_call_is_read(door: Door) -> None:
    published = {"ga4__events/2026-03-01.parquet": {"rows": 1}}
    kept = plan_partitions("ga4__events", "day", [["2026-03-01", 1]], [], published)
    assert kept.written == []

    def read(query: str) -> contextlib.AbstractContextManager[pa.RecordBatchReader]:
        pytest.fail(f"The calls were read: {query}")

    finished = FinishedDestination([kept], door.folder, door.folder, {})
    door.gate.look_at({"ga4": finished}, read, IDS_OF_CALLS)
    door.gate.check("ga4")


def test_what_was_not_looked_at_does_not_pass(door: Door) -> None:
    with pytest.raises(PublishingError, match="Destination `ga4` was not looked at"):
        door.gate.check("ga4")


def test_seeds_that_change_while_files_are_looked_at_hold_back(door: Door, plan: Plan) -> None:
    door.look()
    door.plans[0] = CHANGED_PLANS["a column fewer"](plan)
    door.seeds["destinations"] = "edited"
    with pytest.raises(PublishingError, match=r"the seeds \(destinations\) were changed while"):
        door.gate.check("ga4")


@pytest.mark.parametrize(
    "permission",
    [None, Permission(True, ["a test failed"]), Permission(False)],
    ids=["none asked for", "held back", "not selected"],
)
def test_nothing_passes_without_permission(door: Door, permission: Permission | None) -> None:
    door.gate.permissions = {"ga4": permission} if permission else {}
    with pytest.raises(PublishingError, match="may not publish destination `ga4`"):
        door.go()


def test_an_id_of_the_calls_does_not_pass(door: Door, plan: Plan) -> None:
    file = door.folder / "ga4__events/2026-03-01.parquet.unfinished"
    write(file, plan.destinations["ga4"], {**ROW, "note": "patient-0001"})
    with pytest.raises(PublishingError, match=r"ga4__events\.note: 1 ids as they arrived"):
        door.go()


def test_a_row_that_is_denied_does_not_pass(door: Door) -> None:
    door.denied_rows = f"select unnest(['another', '{TOKEN}']) as row_id"
    with pytest.raises(PublishingError, match="ga4__events: 1 rows of calls that are denied"):
        door.go()


CHANGED_PLANS: dict[str, Callable[[Plan], Plan]] = {
    "a column fewer": lambda plan: dataclasses.replace(
        plan,
        destinations={"ga4": dataclasses.replace(plan.destinations["ga4"], views={})},
    ),
    "destination gone": lambda plan: dataclasses.replace(plan, destinations={}),
    "fewer days kept": lambda plan: dataclasses.replace(plan, retained_from="2026-02-01"),
}


@pytest.mark.parametrize("name", CHANGED_PLANS)
def test_seeds_that_changed_during_the_run_hold_back(door: Door, plan: Plan, name: str) -> None:
    door.plans[0] = CHANGED_PLANS[name](plan)
    door.go()
    door.seeds["destinations"] = "edited"
    with pytest.raises(PublishingError, match=r"the seeds \(destinations\) were changed while"):
        door.go()


def test_a_person_suppressed_during_the_run_holds_back(door: Door) -> None:
    door.seeds["suppressed_users"] = "one more"
    with pytest.raises(PublishingError, match=r"the seeds \(suppressed_users\) were changed"):
        door.go()


def test_seeds_that_changed_for_others_hold_nobody_else_back(door: Door) -> None:
    door.seeds["allowed_properties"] = "a row for another destination"
    door.go()
