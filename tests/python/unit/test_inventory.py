"""The inventory: what it counts, what it takes values for, and that it never shows one."""

from __future__ import annotations

import gzip
import json
import random
import stat
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from project import REPOSITORY
from reference import why_rejected
from seed_files import minimal_seeds
from typer.testing import CliRunner

from hipaa_mode import functions
from hipaa_mode.calls import day_of, judge, parse
from hipaa_mode.cli import app
from hipaa_mode.commands import console
from hipaa_mode.commands import inventory as command
from hipaa_mode.errors import ConfigurationError, ExitCode, MissingFileError, RawCallsError
from hipaa_mode.inventory.counts import SKETCH_SIZE, DistinctCount
from hipaa_mode.inventory.kinds import KINDS, SAFE_HARBOR, kinds_of_name
from hipaa_mode.inventory.receptions import receptions
from hipaa_mode.inventory.shapes import KINDS_OF_SHAPE, has_card_number, has_shape
from hipaa_mode.inventory.state import InventoryStateError, State, read_state, state_path
from hipaa_mode.inventory.take import Inventory, Property, take_inventory
from hipaa_mode.inventory.values import is_identifier_key, kinds_of_number, kinds_of_text
from hipaa_mode.inventory.walk import MANY_KEYS, MOST_CHILDREN, Tree
from hipaa_mode.paths import parse_path
from hipaa_mode.project import raw_calls_of
from hipaa_mode.raw_calls import locate

sys.path.insert(0, str(REPOSITORY / "scripts/benchmark"))
from guard_texts import generate

DEMO = REPOSITORY / "demo/raw_calls/dev/portal.ndjson.gz"


def take(folder: Path, calls: Iterable[object]) -> Inventory:
    """Take the inventory of calls: texts stand for themselves, all else becomes JSON."""
    lines = [call if isinstance(call, str) else json.dumps(call) for call in calls]
    file = folder / "calls.ndjson"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return take_inventory(locate(str(file), folder))


def by_path(found: Inventory, property_list: str = "event") -> dict[str, Property]:
    return {item.shown: item for item in found.properties if item.property_list == property_list}


def track(**properties: object) -> dict[str, Any]:
    return {"type": "track", "event": "Seen", "properties": properties}


# What is counted


def test_each_list_has_its_own_calls_and_paths(tmp_path: Path) -> None:
    found = take(
        tmp_path,
        [
            {"type": "track", "event": "A", "properties": {"plan": "x"}, "context": {"ip": "::1"}},
            {"type": "Page ", "name": "Home", "properties": {"plan": "y"}},
            {"type": "identify", "userId": "7", "traits": {"plan": "z"}, "properties": {"p": 1}},
            {"type": "group", "groupId": "g", "traits": {"plan": "z"}},
            {"type": "alias", "previousId": "8"},
        ],
    )
    assert found.calls == {"event": 2, "user": 1, "group": 1, "context": 5, "envelope": 5}
    for name, calls in (("event", 2), ("user", 1), ("group", 1)):
        assert by_path(found, name)["plan"].counts.calls == calls
        assert by_path(found, name)["plan"].fill == 1.0
    assert list(by_path(found, "context")) == ["ip"]
    # What a call has besides is in the envelope: nobody receives the properties of an identify.
    assert {"type", "event", "name", "userId", "previousId", "properties.p"} <= set(
        by_path(found, "envelope")
    )


def test_types_nulls_and_empty_containers(tmp_path: Path) -> None:
    values = [1, 1.5, True, "a", None, {}, [], {"b": None}, [None, 2]]
    found = by_path(take(tmp_path, [track(a=value) for value in values]))
    assert found["a"].counts.types == {
        "whole number": 1,
        "number": 1,
        "boolean": 1,
        "text": 1,
        "null": 1,
        "empty object": 1,
        "empty list": 1,
    }
    assert found["a"].counts.calls == 6
    assert found["a.b"].counts.types == {"null": 1}
    assert found["a.b"].counts.calls == 0
    assert found["a[]"].counts.types == {"null": 1, "whole number": 1}
    assert found["a[]"].counts.calls == 1


def test_a_call_counts_once_however_many_elements_or_repeated_keys(tmp_path: Path) -> None:
    found = by_path(
        take(
            tmp_path,
            [
                track(products=[{"sku": "a"}, {"sku": "b"}], tags=[["x"], ["y", "z"]]),
                '{"type":"track","event":"E","properties":{"k":"first","k":"second"}}',
                track(products=[{"sku": "a"}]),
            ],
        )
    )
    assert found["products[].sku"].counts.calls == 2
    assert found["products[].sku"].counts.values == 3
    assert found["products[].sku"].counts.distinct.count == 2
    assert found["tags[][]"].counts.values == 3
    # Both values of a repeated key are looked at: which one counts is the reader's choice.
    assert found["k"].counts.calls == 1
    assert found["k"].counts.distinct.count == 2


def test_fill_and_days(tmp_path: Path) -> None:
    calls = [track(a=1), track(), track(a=2), track(b=None)]
    days = ["2026-03-02T23:30:00-05:00", "2026-01-01T00:00:00Z", "2026-03-01", None]
    for call, sent_at in zip(calls, days):
        call["sentAt"] = sent_at
    found = by_path(take(tmp_path, calls))
    assert found["a"].fill == 0.5
    assert (found["a"].counts.first_day, found["a"].counts.last_day) == (
        "2026-03-01",
        "2026-03-03",
    )
    assert (found["b"].fill, found["b"].counts.first_day) == (0.0, "")


@pytest.mark.parametrize(
    ("fields", "day"),
    [
        ({"sentAt": "2026-03-02T14:31:09Z"}, "2026-03-02"),
        ({"sentAt": None, "timestamp": "2026-03-02"}, "2026-03-02"),
        ({"sentAt": "soon", "receivedAt": "2026-03-04T01:00:00Z"}, "2026-03-04"),
        ({"sent_at": 1772461869}, "2026-03-02"),
        ({"timestamp": "1772461869000"}, "2026-03-02"),
        ({"timestamp": "2026-03-01", "sentAt": "2026-03-02"}, "2026-03-01"),
        (
            {
                "originalTimestamp": "2027-03-01T23:00:00Z",
                "sentAt": "2027-03-02T23:00:00Z",
                "receivedAt": "2026-03-05T01:00:00Z",
            },
            "2026-03-04",
        ),
        ({"timestamp": "2027-03-05", "receivedAt": "2026-03-04T01:00:00Z"}, "2026-03-04"),
        ({"sentAt": "2026-13-40"}, ""),
        ({"timestamp": "1999-12-31"}, ""),
        ({"sentAt": True}, ""),
        ({"sentAt": {"a": 1}}, ""),
        ({}, ""),
    ],
)
def test_the_day_of_a_call(fields: dict[str, object], day: str) -> None:
    assert day_of(tuple(fields.items())) == day


def test_calls_that_can_not_be_used_are_counted_as_a_build_does(tmp_path: Path) -> None:
    found = take_inventory(locate(str(DEMO), tmp_path))
    expected: Counter[str] = Counter()
    for line in gzip.decompress(DEMO.read_bytes()).splitlines():
        if reason := why_rejected(line):
            expected[reason] += 1
    assert found.unusable == expected
    assert sum(expected.values()) > 10
    assert found.lines == 6000 == found.calls["envelope"] + sum(found.unusable.values())


def test_a_line_that_only_the_engine_reads_counts_and_one_that_it_refuses_does_not(
    tmp_path: Path,
) -> None:
    found = take(
        tmp_path,
        [
            '{"type":"track","event":"E","properties":{"trailing":1,},}',
            '{"type":"track","event":"E","properties":{"half":"\\ud800"}}',
            '{"type":"track","event":"E","properties":{"pair":"\\ud83d\\ude00"}}',
            "[" * 100_000,
            "null",
            "not json",
        ],
    )
    assert set(by_path(found)) == {"trailing", "pair"}
    assert found.unusable == {"broken_json": 3, "not_an_object": 1}


def test_parquet_and_tables(tmp_path: Path) -> None:
    lines = [json.dumps(track(a=1)), None]
    pq.write_table(pa.table({"message": pa.array(lines, pa.string())}), tmp_path / "calls.parquet")
    found = take_inventory(locate("calls.parquet", tmp_path))
    assert by_path(found)["a"].counts.calls == 1
    assert found.unusable == {"empty": 1}
    with pytest.raises(RawCallsError, match="--calls"):
        take_inventory(locate("schema.calls", tmp_path))


def test_judging_agrees_with_the_reference() -> None:
    for line in (
        '{"type":"TRACK","event":null}',
        '{"type":"track","event":5}',
        '{"type":" page ","name":[]}',
        '{"type":"identify","traits":[1]}',
        '{"type":"identify","properties":[1]}',
        '{"type":"alias","traits":3}',
        '{"type":7}',
        '{"type":null}',
        '{"type":"track","properties":null}',
        '{"type":"buy"}',
    ):
        call = parse(line)
        assert isinstance(call, tuple)
        assert judge(call)[0] == why_rejected(line.encode()), line


# How many different values


@pytest.mark.parametrize("count", [0, 1, SKETCH_SIZE])
def test_few_different_values_are_counted_exactly(count: int) -> None:
    distinct = DistinctCount()
    for _ in range(2):
        distinct.add(f"value {number}" for number in range(count))
    assert distinct.count == count
    assert not distinct.is_estimate


@pytest.mark.parametrize("count", [5_000, 200_000])
def test_many_different_values_are_estimated(count: int) -> None:
    distinct, other = DistinctCount(), DistinctCount()
    distinct.add(range(count * 3 // 4))
    other.add(range(count // 4, count))
    distinct.merge(other)
    assert distinct.is_estimate
    # Four standard errors of a sketch of 1,024.
    assert abs(distinct.count - count) < 0.125 * count
    assert len(distinct._smallest) == SKETCH_SIZE


# Names that are values


def shown_everywhere(found: Inventory) -> str:
    return "\n".join(f"{item.key} {item.seed_cell}" for item in found.properties)


@pytest.mark.parametrize(
    "key",
    [
        "ann@example.org",
        "Ann.Miller%40example.org",
        "212-555-0143",
        "+442079460958",
        "123-45-6789",
        "203.0.113.9",
        "2001:db8::1",
        "3f2b8c1e-9d4a-4c6b-8e2f-1a2b3c4d5e6f",
        "d41d8cd98f00b204e9800998ecf8427e",
        "patient-10482",
        "2026-03-02",
        "10482",
        "https://portal.example.org/u/7",
        "Ann Miller",
        "AbCdEf0123456789GhIjKl",
        "a note of more than four words here",
        "x" * 65,
    ],
)
def test_a_key_that_looks_like_a_value_is_not_shown(tmp_path: Path, key: str) -> None:
    found = take(tmp_path, [track(by_user={key: {"score": 7}})])
    assert key not in shown_everywhere(found)
    [item] = by_path(found).values()
    assert item.shown == f"by_user.{MANY_KEYS}.score"
    assert not item.is_exact
    assert item.seed_cell == ""


@pytest.mark.parametrize(
    "key",
    [
        "plan",
        "address_line_1",
        "First Name",
        "$gclid",
        "utm.source",
        "q4_2025_score",
        "sha256",
        "oauth2",
        "Price (USD)",
        "products[]",
        'say "hi"',
        "*",
        "mood 🩺",
        "",
    ],
)
def test_a_name_is_shown_and_can_be_pasted_into_the_seed(tmp_path: Path, key: str) -> None:
    assert not is_identifier_key(key)
    [item] = take(tmp_path, [{"type": "group", "traits": {key: 1}}]).properties[:1]
    assert item.is_exact
    # Read back as one cell of a CSV file and parsed, it is the property again.
    import csv

    [[cell]] = csv.reader([item.seed_cell])
    assert parse_path(cell) == item.path
    assert [step.name for step in parse_path(item.shown).steps] == [key]


def test_a_key_called_as_the_entry_for_many_keys_is_a_key(tmp_path: Path) -> None:
    [item] = take(tmp_path, [{"type": "group", "traits": {MANY_KEYS: 1}}]).properties[:1]
    assert item.is_exact
    assert parse_path(item.seed_cell).steps[0].name == MANY_KEYS


def test_siblings_beyond_number_become_one_entry(tmp_path: Path) -> None:
    dice = random.Random(1)
    words = ["".join(dice.choices("abcdefgh", k=6)) for _ in range(1500)]
    calls = [track(plan="x", by_name={word: {"n": 1}, "total": 2}) for word in words]
    found = by_path(take(tmp_path, calls))
    assert set(found) == {"plan", "by_name.total", f"by_name.{MANY_KEYS}.n"}
    assert found["by_name.total"].counts.calls == 1500
    assert found[f"by_name.{MANY_KEYS}.n"].counts.calls == 1500
    assert found["plan"].fill == 1.0


def test_a_map_of_few_rare_keys_becomes_one_entry_at_the_end(tmp_path: Path) -> None:
    names = [f"{first}{last}" for first in ("Ann", "Bo", "Cy") for last in "abcdefghijkl"]
    calls = [track(of={"kind": 1} | ({names[n // 10]: n} if n < 360 else {})) for n in range(5000)]
    found = by_path(take(tmp_path, calls))
    assert set(found) == {"of.kind", f"of.{MANY_KEYS}"}
    assert found[f"of.{MANY_KEYS}"].counts.calls == 360


def test_memory_is_bounded_by_any_shape_of_keys() -> None:
    tree = Tree()
    for number in range(16_000):
        key = "k" + "".join(chr(ord("a") + int(digit)) for digit in str(number))
        tree.add(((key, ((key[::-1], 1),)),), number, "")
        if number % 4_000 == 0:
            tree.flush()
    tree.finish()
    nodes, places = 0, [tree.root]
    while places:
        node = places.pop()
        nodes += 1
        places += [*node.children.values(), *(n for n in (node.many, node.elements) if n)]
    assert nodes < 30_000
    assert len(tree.root.children) <= 2000
    assert MOST_CHILDREN < 2000


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("red\x1b[31m", r"\u{1b}"),
        ("line\nfeed", r"\u{a}"),
        ("turned\u202e", r"\u{202e}"),
        ("no\u200bwidth", r"\u{200b}"),
        # Not every engine can hold the character, so a mark stands for it.
        ("nul\x00", "nul\ufffd"),
    ],
)
def test_hidden_characters_of_a_name_are_spelled_out(tmp_path: Path, key: str, shown: str) -> None:
    found = take(tmp_path, [track(**{key: 1})])
    [item] = by_path(found).values()
    assert shown in item.shown
    assert key not in item.shown
    # Other keys may have the mark too, so nothing is offered for the seed.
    assert (item.seed_cell == "") == ("\x00" in key)


def test_a_name_in_rich_markup_is_shown_as_it_is(tmp_path: Path) -> None:
    write_project(tmp_path, [track(**{"[red]x[/red]": 1, "[/]": 2})])
    result = run(tmp_path)
    assert "[red]x[/red]" in result.stdout
    assert "[/]" in result.stdout


# What it looks like


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("email", ["email"]),
        ("customerEmail", ["email"]),
        ("e_mail_address", ["email"]),
        ("mobile_number", ["phone"]),
        ("fax", ["fax"]),
        ("ssn", ["ssn"]),
        ("patient.mrn", ["mrn"]),
        ("insurance.member_id", ["health_plan"]),
        ("card_number", ["card"]),
        ("driver_license", ["licence"]),
        ("vehicle_vin", ["vehicle"]),
        ("device.id", ["device_id"]),
        ("context_ip", ["ip"]),
        ("page.url", ["url"]),
        ("fingerprint", ["biometric"]),
        ("avatar", ["photo"]),
        ("first_name", ["name"]),
        ("patient.name", ["name"]),
        ("dob", ["date_of_birth"]),
        ("appointment_at", ["date"]),
        ("age", ["age"]),
        ("address.street", ["address"]),
        ("address.postalCode", ["zip"]),
        ("city", ["place"]),
        ("session_id", ["unique_id"]),
        ("notes", ["free_text"]),
        ("plan", []),
        ("campaign.name", []),
        ("library.name", []),
        ("product_name", []),
        ("currency", []),
        ("pageviews", []),
        ("description_length_bucket", ["free_text"]),
        ("address.state", []),
        ("skipped", []),
        ("stage", []),
    ],
)
def test_what_a_name_says(path: str, kinds: list[str]) -> None:
    assert kinds_of_name("event", parse_path(path)) == kinds


def test_a_plain_name_is_a_persons_among_the_traits_of_a_user() -> None:
    assert kinds_of_name("user", parse_path("name")) == ["name"]
    assert kinds_of_name("group", parse_path("name")) == []
    assert kinds_of_name("context", parse_path("traits.name")) == ["name"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("ann@example.org", {"email"}),
        ("q=ann%40example.org", {"email"}),
        ("(212) 555-0143", {"phone"}),
        ("123-45-6789", {"ssn"}),
        ("4111 1111 1111 1111", {"card"}),
        ("4111 1111 1111 1112", set()),
        ("MRN00010482", {"mrn"}),
        ("patient-10482", {"mrn"}),
        ("203.0.113.9", {"ip"}),
        ("2001:db8::1", {"ip"}),
        ("1.2.3.4", set()),
        ("12:30:45", set()),
        ("library 2.11.1", set()),
        ("https://portal.example.org/book?x=1", {"url"}),
        ("1985-06-07", {"date", "date_of_birth"}),
        ("2026-03-02T14:31:09.123Z", {"date"}),
        ("85701", {"zip"}),
        ("12 Maple Street", {"address"}),
        ("Ann Miller", {"name"}),
        ("Dr. Greaves", {"name"}),
        ("Search Results", set()),
        ("3f2b8c1e-9d4a-4c6b-8e2f-1a2b3c4d5e6f", {"unique_id"}),
        ("00:1b:44:11:3a:b7", {"device_id"}),
        ("my knee hurts since tuesday", {"free_text"}),
        ("premium", set()),
        ("en-US", set()),
        ("", set()),
    ],
)
def test_what_a_value_looks_like(text: str, kinds: set[str]) -> None:
    assert set(kinds_of_text(text)) == kinds


def test_numbers() -> None:
    assert kinds_of_number(2125550143) == ("phone",)
    assert kinds_of_number(4111111111111111) == ("card",)
    assert kinds_of_number(1772461869000) == ()
    assert kinds_of_number(42) == ()
    assert kinds_of_number(10**400) == ()


def test_the_shapes_are_those_of_the_guard() -> None:
    texts = [text.text for text in generate(20260301, 60)]
    with duckdb.connect() as connection:
        functions.create(connection)
        for kind in (*KINDS_OF_SHAPE, "card"):
            seen = [has_card_number(t) if kind == "card" else has_shape(kind, t) for t in texts]
            guard = (
                f"select {functions.SCHEMA}.is_{kind}_like(text) from (select unnest(?) as text)"
            )
            assert [found for (found,) in connection.execute(guard, [texts]).fetchall()] == seen
            assert True in seen and False in seen


def test_texts_of_the_guards_benchmark_are_told_as_the_guard_tells_them() -> None:
    """docs/guard.json has how often the guard's own patterns find what its texts hold."""
    measured = json.loads((REPOSITORY / "docs/guard.json").read_text("utf-8"))
    recall = {kind["kind"]: kind["as_kind"] / kind["texts"] for kind in measured["kinds"]}
    texts = generate(20260301, 60)
    for label in ("email", "phone", "ssn", "card", "mrn", "ip"):
        of_kind = [text for text in texts if text.label == label]
        found = sum(label in kinds_of_text(text.text) for text in of_kind) / len(of_kind)
        assert found == pytest.approx(recall[label], abs=0.02), label


def test_a_kind_needs_its_share_of_values(tmp_path: Path) -> None:
    texts = ["ann@example.org"] + ["no"] * 999
    found = by_path(
        take(tmp_path, [track(a=text, b="85701" if text != "no" else 1) for text in texts])
    )
    [look] = found["a"].looks
    assert (look.kind, look.by_name, look.share) == ("email", False, 0.001)
    # One ZIP code among a thousand numbers is five digits by chance; one address is an address.
    assert found["b"].looks == ()


def test_flags_and_numbers_hold_no_text(tmp_path: Path) -> None:
    found = by_path(take(tmp_path, [track(email_opt_in=True, body_length=7, url=5, phone=5)]))
    assert {name: len(item.looks) for name, item in found.items()} == {
        "email_opt_in": 0,
        "body_length": 0,
        "url": 0,
        "phone": 1,
    }


def test_every_letter_of_the_safe_harbor_has_a_kind() -> None:
    assert len(SAFE_HARBOR) == 18
    assert {kind.letter for kind in KINDS.values()} - {""} == set(SAFE_HARBOR)


# Who receives it


def test_receptions(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.add("destinations", destination="open", restrict_phi="false", baa_reference="B-1")
    seeds.replace("destinations", timestamp_precision="hour")
    for cells in (
        {"property": "email", "treatment": "mask"},
        {"property": "plan", "property_list": "user"},
        {"property": "survey", "data_type": "json"},
        {"property": "price", "treatment": "round(5)", "event": "Signed In"},
        {"property": "user_id", "property_list": "envelope", "treatment": "allow"},
        {"property": "anonymous_id", "property_list": "envelope", "treatment": "deny"},
        {"property": "traits.plan", "property_list": "context"},
    ):
        seeds.add("allowed_properties", **cells)
    plan = seeds.plan(tmp_path)
    assert plan.faults == []
    models = {"ga4__events", "open__identifies"}

    def who(property_list: str, path: str) -> dict[str, str]:
        found = receptions(plan, models, property_list, parse_path(path))
        return {reception.destination: str(reception) for reception in found}

    assert who("event", "email") == {"ga4": "mask"}
    assert who("event", "plan") == {"ga4": "allow"}
    assert who("event", "Plan") == {}
    assert who("event", "plan.deeper") == {}
    assert who("event", "price") == {"ga4": "round(5) on Signed In"}
    assert who("event", "survey.answers[].text") == {"ga4": "allow (whole object)"}
    # ga4 has no __identifies, and `open` no __events.
    assert who("user", "plan") == {"open": "allow (whole object)"}
    assert who("context", "traits.plan") == {"ga4": "allow", "open": "allow (whole object)"}
    assert who("group", "plan") == {}
    assert who("envelope", "userId") == {"ga4": "allow", "open": "allow"}
    assert who("envelope", "anonymousId") == {"open": "allow"}
    assert who("envelope", "messageId") == {"ga4": "mask", "open": "mask"}
    assert who("envelope", "sentAt") == {"ga4": "to the hour", "open": "allow"}
    assert who("envelope", "integrations.All") == {}


# The command


def write_project(folder: Path, calls: Iterable[object], name: str = "calls.ndjson") -> None:
    """Write a project of one destination, and its calls."""
    (folder / "seeds").mkdir(exist_ok=True)
    minimal_seeds().write(folder / "seeds")
    model = folder / "models/ga4/ga4__events.sql"
    model.parent.mkdir(parents=True, exist_ok=True)
    model.write_text("{{ hipaa_mode.destination_events('ga4') }}\n")
    (folder / "demo/raw_calls/dev").mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(call) for call in calls]
    file = folder / "demo/raw_calls/dev" / f"{name}.gz"
    file.write_bytes(gzip.compress("\n".join(lines).encode()))


def run(folder: Path, *arguments: str, width: int = 200) -> Any:
    console.output.width = width
    console.messages.width = 200
    environ = {"HIPAA_MODE_RAW_CALLS": None, "COLUMNS": "200"}
    return CliRunner().invoke(
        app, ["inventory", "--project", str(folder), *arguments], env=environ
    )


def test_new_tells_each_property_once(tmp_path: Path) -> None:
    write_project(tmp_path, [track(plan="x")])
    first = run(tmp_path, "--new")
    assert first.exit_code == 0
    assert "first run with --new" in first.stdout
    assert run(tmp_path, "--new").exit_code == 0
    write_project(tmp_path, [track(plan="x", diagnosis="y")], "later.ndjson")
    # A look without --new says what is new, and leaves it new.
    assert "1 new since" in run(tmp_path).stdout
    told = run(tmp_path, "--new", "--json")
    assert told.exit_code == ExitCode.FAILED_CHECK
    [item] = json.loads(told.stdout)["properties"]
    assert (item["property_list"], item["property"], item["is_new"]) == (
        "event",
        "diagnosis",
        True,
    )
    assert item["received_by"] == []
    again = run(tmp_path, "--new")
    assert again.exit_code == 0
    assert "0 new" in again.stdout


def test_keys_that_are_values_are_not_new_each_day(tmp_path: Path) -> None:
    write_project(tmp_path, [track(by={"ann@example.org": 1})])
    run(tmp_path, "--new")
    write_project(tmp_path, [track(by={"bob@example.org": 1})])
    assert run(tmp_path, "--new").exit_code == 0


def test_the_state_is_private_and_of_the_projects_own_calls(tmp_path: Path) -> None:
    write_project(tmp_path, [track(plan="x")])
    other = tmp_path / "other.ndjson"
    other.write_text(json.dumps(track(elsewhere=1)) + "\n")
    assert run(tmp_path, "--calls", str(other)).exit_code == 0
    assert not state_path(tmp_path, "dev").exists()
    run(tmp_path)
    file = state_path(tmp_path, "dev")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_state(tmp_path, "dev").known == {}
    assert read_state(tmp_path, "dev").last["lines"] == 1
    run(tmp_path, "--new", "--calls", str(other))
    assert "event elsewhere" in read_state(tmp_path, "dev").known


def test_state_that_can_not_be_read_is_no_silence(tmp_path: Path) -> None:
    write_project(tmp_path, [track(plan="x")])
    state_path(tmp_path, "dev").parent.mkdir()
    state_path(tmp_path, "dev").write_text("{}")
    result = run(tmp_path, "--new")
    assert isinstance(result.exception, InventoryStateError)
    assert read_state(tmp_path, "prod") == State()


def test_a_faulty_configuration_is_said_first(tmp_path: Path) -> None:
    write_project(tmp_path, [track(plan="x")])
    (tmp_path / "seeds/destinations.csv").write_text("environment\n")
    assert isinstance(run(tmp_path).exception, ConfigurationError)


def test_outside_of_a_project_it_says_so(tmp_path: Path) -> None:
    exception = run(tmp_path).exception
    assert isinstance(exception, MissingFileError)
    assert "Run the command in a dbt project" in str(exception)


@pytest.mark.parametrize(
    ("variables", "environ", "found"),
    [
        ("{}", "", "of_the_demo"),
        ("{}", "{folder}/e.ndjson", "of_the_environment"),
        ("{hipaa_mode__raw_calls: v.ndjson}", "{folder}/e.ndjson", "of_the_variable"),
        ("{clinic: {hipaa_mode__raw_calls: v.ndjson}}", "", "of_the_demo"),
        ("{hipaa_mode__raw_calls: null}", "", "of_the_demo"),
    ],
)
def test_the_calls_are_those_that_a_build_reads(
    tmp_path: Path, variables: str, environ: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_project(tmp_path, [track(of_the_demo=1)])
    (tmp_path / "dbt_project.yml").write_text(f"name: clinic\nvars: {variables}\n")
    (tmp_path / "v.ndjson").write_text(json.dumps(track(of_the_variable=1)) + "\n")
    (tmp_path / "e.ndjson").write_text(json.dumps(track(of_the_environment=1)) + "\n")
    monkeypatch.setenv("HIPAA_MODE_RAW_CALLS", environ.format(folder=tmp_path))
    inventory = take_inventory(raw_calls_of(tmp_path, "dev"))
    shown = {item.shown for item in inventory.properties if item.property_list == "event"}
    assert shown == {found}


@pytest.mark.parametrize("width", [80, 140])
def test_every_column_fits_the_terminal(tmp_path: Path, width: int) -> None:
    write_project(tmp_path, [track(plan="x", email="ann@clinic.example")])
    shown = run(tmp_path, width=width).stdout
    assert all(len(line) <= width for line in shown.splitlines())
    assert "Sent to" in shown and "allow: ga4" in shown
    assert ("1 different" in shown) == (width < command.WIDE)


def test_dropped_leaves_out_what_someone_receives(tmp_path: Path) -> None:
    write_project(tmp_path, [track(plan="x", diagnosis="y")])
    shown = json.loads(run(tmp_path, "--dropped", "--json").stdout)["properties"]
    assert "diagnosis" in {item["property"] for item in shown}
    assert "plan" not in {item["property"] for item in shown}


def test_no_value_of_the_demo_calls_is_shown_or_kept(tmp_path: Path) -> None:
    """Every text and number of every call, if it is long enough to be told from a name."""
    write_project(tmp_path, [])
    calls = tmp_path / "demo/raw_calls/dev/calls.ndjson.gz"
    calls.write_bytes(DEMO.read_bytes())
    told = run(tmp_path, "--new").stdout + run(tmp_path, "--json").stdout
    told += state_path(tmp_path, "dev").read_text()
    names: set[str] = set()
    values: set[str] = set()

    def collect(value: object) -> None:
        if isinstance(value, tuple):
            for key, item in value:
                names.add(key)
                collect(item)
        elif isinstance(value, list):
            for item in value:
                collect(item)
        elif isinstance(value, str | int | float):
            values.add(str(value))

    for line in gzip.decompress(DEMO.read_bytes()).decode("utf-8", "replace").splitlines():
        collect(parse(line))
    known = told.replace("2026-01-", "").replace("2026-02-", "").replace("2026-03-", "")
    leaked = {
        value
        for value in values
        if len(value) >= 7 and not any(value.casefold() in name.casefold() for name in names)
        if value in known and value not in OUR_WORDS
    }
    assert len(values) > 10_000
    assert leaked == set()


OUR_WORDS = {"identify"}
"""Words of the command's own that are values of the demo too."""
