"""Non-interference: what is not allowlisted can't change a published byte.

One experiment of three builds over generated calls and a generated allowlist, run by the command
that users run. HIPAA_MODE_EXTRA_EVENTS names a glob of further files of calls to take in;
HIPAA_MODE_EXAMPLES how many experiments to make.
"""

from __future__ import annotations

import datetime as dt
import glob
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from project import KEY, REPOSITORY, Project, allowed, as_line, destination, event, token, track

from hipaa_mode.selftest.allowlist import ROOTS, Allowlist, find, read_allowlist, read_path
from hipaa_mode.selftest.compare import Comparison, Published, out_of_order
from hipaa_mode.selftest.fresh import NORMALIZATIONS, Bijection, same_at_precision
from hipaa_mode.selftest.messages import (
    IDS,
    Object,
    dump,
    is_blank,
    normalized,
    parse,
    read_calls,
    scalar_text,
)
from hipaa_mode.selftest.run import unchanged
from hipaa_mode.selftest.twin import Planted, Twin, make_twin

SHARED_EVENTS = str(REPOSITORY.parent / "shared/events/*.ndjson")
FILES = sorted(glob.glob(SHARED_EVENTS) + glob.glob(os.environ.get("HIPAA_MODE_EXTRA_EVENTS", "")))
NAMES = (
    *("plan", "email", "Email", "a.b", "*", "", 'say "hi"', "user_id", "id", "ip", "name"),
    *("total", "currency", "products", "address", "😀", "$gclid", "sku", "tags"),
)
EVENTS = ("Order Completed", "Product Viewed", "Visit", "Home", 'O\'Brien "1"', "page")
TREATMENTS = (
    *("allow", "allow", "mask", "mask", "surrogate", "year", "month", "zip3", "age_cap"),
    *("domain", "url_origin", "url_path", "ip_prefix", "round(5)", "truncate(2)", "birth_year"),
)
TOOLS = ("shared_one", "shared_two", "apart", "everything", "days")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Generated:
    """A configuration and calls that fit it, from one number."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        precisions = ("hour", "second", "day", "exact", "none")
        self.destinations = [
            destination(
                name,
                mask_scope="destination" if name == "apart" else "*",
                timestamp_precision=precision,
            )
            for name, precision in zip(TOOLS, precisions)
        ]
        self.events = [
            event(tool, name, "Sent" if name == "Visit" else "")
            for tool in TOOLS[:3]
            for name in self.random.sample(EVENTS, 4)
        ] + [event("everything", "*"), event("days", "Visit")]
        self.properties = [row for tool in TOOLS for row in self.rows(tool)]
        self.properties += [allowed(tool, "event", "tier") for tool in TOOLS]
        self.properties.append(allowed("shared_two", "envelope", "group_id", "allow"))
        self.properties.append(allowed("days", "envelope", "user_id", "deny"))

    def rows(self, tool: str) -> list[dict[str, str]]:
        rows: dict[tuple[str, str], dict[str, str]] = {}
        for number in range(14):
            kind = self.random.choice(("event", "event", "user", "group", "context"))
            steps = [
                quoted(name) for name in self.random.sample(NAMES, self.random.choice((1, 1, 2)))
            ]
            treatment = self.random.choice(TREATMENTS)
            is_list = treatment != "surrogate" and self.random.random() < 0.25
            path = ("[]." if is_list else ".").join(steps) if len(steps) > 1 else steps[0]
            path += "[]" if is_list and len(steps) == 1 else ""
            columns = {"column_name": f"{kind}_{number}"}
            if treatment == "mask":
                columns["normalize"] = self.random.choice(NORMALIZATIONS)
            if treatment == "allow":
                columns["data_type"] = self.random.choice(("", "", "integer", "boolean", "json"))
            rows[(kind, path)] = allowed(tool, kind, path, treatment, **columns)
        return list(rows.values())

    def calls(self, count: int) -> list[bytes]:
        lines = [self.call(number) for number in range(count)]
        broken = [
            b'{"type":"track"',
            b"[1]",
            b'{"type":"odd"}',
            b'{"event":1}',
            b'{"type":"\xff"}',
        ]
        return lines + broken + [b'{"type":"track","event":7}', b'{"type":"page","properties":1}']

    def call(self, number: int) -> bytes:
        draw = self.random
        kind = draw.choice(("track",) * 5 + ("page", "identify", "group", "alias", " Track "))
        date = f"2026-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        day = f"{date}T10:{draw.randint(0, 59):02}:30.5Z"
        call: dict[str, object] = {
            "type": kind,
            "event": draw.choice(EVENTS) if draw.random() < 0.9 else "Something else",
            "name": draw.choice(EVENTS),
            "userId": self.person(),
            "anonymousId": self.person(),
            "group_id": f"clinic {draw.randrange(5)}",
            "sentAt": day,
            "receivedAt": draw.choice((day, 1772360430, "yesterday")),
        }
        if draw.random() < 0.9:
            call["messageId"] = f"m{draw.randrange(number + 1) if draw.random() < 0.1 else number}"
        if draw.random() < 0.05:
            call["messageId"] = self.person()
        for root in ("properties", "traits", "context"):
            call[root] = {**self.content(2), "tier": draw.choice(("Gold", "Silver"))}
        return as_line(call)

    def person(self) -> object:
        number = self.random.randrange(40)
        return self.random.choice(
            (number, str(number), f"P{number}@x.example", f" p{number}@X.example")
        )

    def content(self, depth: int) -> dict[str, object]:
        names = self.random.sample(NAMES, self.random.randint(4, 12))
        return {name: self.value(depth) for name in names}

    def value(self, depth: int) -> object:
        draw = self.random
        chance = draw.random()
        if depth and chance < 0.2:
            return self.content(depth - 1)
        if depth and chance < 0.35:
            return [self.value(depth - 1) for _ in range(draw.randrange(4))]
        number = draw.randint(0, 99999)
        return draw.choice(
            (
                *(self.person(), None, True, "plain", "Gold", number, number / 8, f"{number:05}"),
                *("03601", f"19{number % 90 + 10}-05-06", 95, f"https://x.example/a/{number}"),
                *(f"10.0.{number % 256}.7", "", " ", "K", f"555-01{number % 90 + 10}"),
            )
        )


def run_command(project: Project, calls: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("hipaa-mode")), "selftest", "--calls", calls]
    return subprocess.run(
        [*command, *arguments],
        cwd=project.folder,
        env=project.variables(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("seed", range(int(os.environ.get("HIPAA_MODE_EXAMPLES", "1"))))
def test_unlisted_data_changes_nothing_that_is_published(
    new_project: Callable[..., Project], seed: int
) -> None:
    made = Generated(seed)
    unsuspected = sorted({row["column_name"] for row in made.properties if "column_name" in row})
    project = new_project(
        f"interference{seed}",
        made.destinations,
        made.events,
        made.properties,
        unsuspected=[*unsuspected, "event", "group_id"],
    )
    lines = made.calls(500) + [
        line for file in FILES for line in Path(file).read_bytes().splitlines()
    ]
    (project.folder / "raw_calls/calls.ndjson").write_bytes(b"\n".join(lines))
    before = {path for path in project.folder.rglob("*") if path.is_file()}
    run = run_command(project, "raw_calls/*.ndjson", "--sample", "0", "--json")
    found = json.loads(run.stdout)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert found["holds"] is True
    assert {item["destination"] for item in found["destinations"]} == set(TOOLS)
    assert all(item["planted"] == item["seen"] for item in found["destinations"])
    assert sum(item["seen"] for item in found["destinations"]) >= 5
    assert sum(item["recomputed"] for item in found["destinations"]) > 2000
    assert min(found["changed"][kind] for kind in ("unlisted", "masked", "generalised")) > 50
    assert {path for path in project.folder.rglob("*") if path.is_file()} == before


TEXTS = st.text(
    st.sampled_from("aAzZ09 @.\tKİé😀-\u200b\u0301\u0307\u03c2\u03c3豈\uf900")
    | st.characters(codec="utf-8"),
    max_size=12,
)
NUMBERS = st.text(
    st.sampled_from("0123456789234567892345678923456789 -.()+x#,２٣\u200e"), max_size=16
)
"""Most of these are telephone numbers; some are other spellings of one."""


@given(st.lists(TEXTS | NUMBERS, max_size=20), st.integers(0, 2**32))
@example(["+1 202-555-0123 x5", "2025550123", "12345", "202555", "202-555-CARE"], 1)
@example(["e\u200b\u0301", "\u00e9", "e\u0301x", "İ", "I\u0307", "i"], 2)
def test_fresh_values_are_one_to_one_and_commute_with_normalising(
    texts: list[str], seed: int
) -> None:
    bijection = Bijection(seed, texts[:2])
    moved = {text: bijection(text) for text in texts}
    assert len(set(moved.values())) == len(moved)
    for text in texts:
        assert is_blank(text) == is_blank(moved[text])
        for name in NORMALIZATIONS:
            plain = normalized(text, name)
            assert is_blank(plain) == is_blank(normalized(moved[text], name))
            if plain is not None and not is_blank(plain):
                assert normalized(moved[text], name) == bijection(plain)
    assert all(moved[text] == text for text in texts[:2])
    assert all(
        moved[text] != text
        for text in texts[2:]
        if re.search("[a-hj-z2-9](?![\u0300-\u036f\u200b])", text)
        and not bijection.is_frozen(text)
    )


@given(st.sampled_from(("second", "minute", "hour", "day", "month", "year")), st.integers(0, 9999))
def test_fresh_times_are_the_same_at_their_precision(precision: str, seed: int) -> None:
    other = same_at_precision("2025-05-06T07:08:09.25Z", precision, random.Random(seed))
    length = {"second": 19, "minute": 16, "hour": 13, "day": 10, "month": 7, "year": 4}[precision]
    assert other is not None
    assert other[:length] == "2025-05-06T07:08:09.25Z"[:length]


def test_no_time_comes_to_lie_ahead() -> None:
    assert same_at_precision("2199-05-06T07:08:09Z", "day", random.Random(1)) is None


@given(st.integers(0, 2**32))
def test_a_call_keeps_repeated_keys_and_number_text(seed: int) -> None:
    text = '{"a":1.0,"a":{"b":[1e5,null,"x"],"b":true},"c":-0}'
    tree = parse(text)
    assert dump(tree) == text
    assert isinstance(tree, Object) and tree.first("a") == "1.0"
    made = Generated(seed)
    line = made.call(1)
    assert json.loads(dump(parse(line.decode()))) == json.loads(line)


def test_paths_are_read_like_the_product_reads_them() -> None:
    assert read_path('a."b.c"[].d') == ("a", "b.c", None, "d")
    assert read_path('"say ""hi""".*') == ('say "hi"', "*")
    assert read_path("grid[][]") == ("grid", None, None)


def test_rows_in_order_of_arrival_are_noticed() -> None:
    row_ids = sorted(token(str(number)) for number in range(5))
    assert out_of_order(pa.table({"row_id": row_ids})) == 0
    assert out_of_order(pa.table({"row_id": [row_ids[1], row_ids[0], *row_ids[2:]]})) == 1
    assert out_of_order(pa.table({"row_id": pa.array([], pa.string())})) == 0


def test_rejected_calls_stay_rejected_and_duplicates_duplicates(tmp_path: Path) -> None:
    made = Generated(3)
    project = Project.create(tmp_path / "p", made.destinations, made.events, made.properties)
    seeds = {path.stem: path for path in (project.folder / "seeds").glob("*.csv")}
    allowlist = read_allowlist(seeds, "dev", dt.date(2026, 1, 1))
    calls, _ = read_calls(made.calls(300))
    views = [f"{tool}__{view}" for tool in TOOLS for view in ("events", "identifies", "groups")]
    twin = make_twin(calls, allowlist, views, 1, with_masked=True)
    changed, _ = read_calls(twin.lines)
    assert [(c.kind, c.is_duplicate) for c in changed] == [(c.kind, c.is_duplicate) for c in calls]
    ids = {(c.message_id, other.message_id) for c, other in zip(calls, changed)}
    assert len({one for one, _ in ids}) == len({other for _, other in ids}) == len(ids)
    assert sum(one != other for one, other in ids) > 200
    assert twin.counts["changed_calls"] == len(calls)
    assert sum(not c.kind for c in calls) == 7


def test_a_text_that_is_both_a_message_id_and_a_person_changes_to_one_text(tmp_path: Path) -> None:
    """Their tokens are one token: a row id is the token of the message id."""
    allowlist = _allowlist(tmp_path)
    lines = [
        as_line({"type": "track", "event": "Visit", "messageId": "5", "userId": "7"}),
        as_line({"type": "track", "event": "Visit", "messageId": 7, "userId": 5}),
    ]
    calls, _ = read_calls(lines)
    twin = make_twin(calls, allowlist, ["tool__events"], 1, with_masked=True)
    one, other = read_calls(twin.lines)[0]
    assert one.message_id == other.ids["user_id"] != "5"
    assert other.message_id == one.ids["user_id"] != "7"


Columns = Mapping[str, Sequence[str | None]]


class Small:
    """Calls that one destination receives, and what it may receive of them."""

    def __init__(self, folder: Path, calls: Sequence[Mapping[str, object]]) -> None:
        properties = [allowed("tool", "event", "member", "surrogate")]
        properties += [allowed("tool", "event", "email", "mask"), allowed("tool", "event", "plan")]
        self.allowlist = _allowlist(folder, *properties)
        self.calls, _ = read_calls([as_line(track("Visit", **call)) for call in calls])

    def found(self, before: Columns, after: Columns) -> list[tuple[str, str, int]]:
        """Compare what was published of the calls, as column, problem and rows."""
        columns = [{"name": "row_id", "property_list": "envelope"}] + [
            {"name": name, "property_list": "event", "property": name, "events": None}
            for name in before
            if name != "row_id"
        ]
        manifests = {"tool": {"views": {"tool__events": {"columns": columns}}}}
        base, twin = (
            Published(Path(), {"tool__events": pa.table(columns)}, manifests)
            for columns in (before, after)
        )
        comparison = Comparison(self.allowlist, base, KEY, "dev")
        found, _ = comparison.but_tokens(twin, self.calls, self.calls, [])
        return [(item.column, item.problem, item.rows) for item in found]


@pytest.mark.parametrize(
    ("codes", "wrong"),
    [
        (("a" * 32, "b" * 32, "a" * 32, None), 0),
        (("a" * 32, "b" * 32, "c" * 32, None), 1),
        (("a" * 32, "a" * 32, "a" * 32, None), 1),
        (("a" * 32, "b" * 32, None, None), 1),
        (("a" * 32, "b" * 32, "a" * 32, "c" * 32), 1),
        (("a" * 32, "raw", "a" * 32, None), 1),
    ],
)
def test_random_codes_must_be_one_for_each_value(
    tmp_path: Path, codes: tuple[str | None, ...], wrong: int
) -> None:
    members = ("m1", "m2", "m1", None)
    calls = [
        {"properties": {"member": member}, "messageId": f"id{number}"}
        for number, member in enumerate(members)
    ]
    row_ids = [token(f"id{number}") for number in range(len(members))]
    columns: Columns = {"row_id": row_ids, "member": list(codes)}
    expected = [("member", "its codes are not one for each value", wrong)] * bool(wrong)
    assert Small(tmp_path, calls).found(columns, columns) == expected


def test_a_code_stays_with_its_value_when_others_change(tmp_path: Path) -> None:
    small = Small(tmp_path, [{"properties": {"member": "m1"}, "messageId": "id"}])
    one, other = ({"row_id": [token("id")], "member": [code * 32]} for code in "ab")
    assert small.found(one, other) == [("member", "its codes are not one for each value", 1)]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({}, []),
        ({"email": [token("b@x"), token("a@x")]}, [("email", "not the tokens of its values", 2)]),
        ({"email": [token("a@x"), None]}, [("email", "not the tokens of its values", 1)]),
        ({"email": [token("a@x"), "b@x"]}, [("email", "not the tokens of its values", 1)]),
        (
            {"email": [token("a@x"), token("b@x", scope="tool")]},
            [("email", "not the tokens of its values", 1)],
        ),
        (
            {"plan": ["gold", "silver "]},
            [("plan", "data that is masked or not allowed here changed it", 1)],
        ),
    ],
)
def test_every_cell_is_compared(
    tmp_path: Path, after: dict[str, list[str | None]], expected: list[tuple[str, str, int]]
) -> None:
    """The second call has no message id: its row id is the token of its whole text."""
    people = (("a@x", "gold"), ("b@x", "silver"))
    properties = [{"email": email, "plan": plan} for email, plan in people]
    calls: list[dict[str, object]] = [{"properties": item} for item in properties]
    small = Small(tmp_path, [{**calls[0], "messageId": "m"}, calls[1]])
    digest = hashlib.sha256(small.calls[1].line).hexdigest()
    right: dict[str, list[str | None]] = {
        "row_id": [token("m"), token(f"content:{digest}:1")],
        "email": [token("a@x"), token("b@x")],
        "plan": ["gold", "silver"],
    }
    assert small.found(right, {**right, **after}) == expected


@pytest.mark.parametrize(
    ("row_ids", "expected"),
    [
        (["m", "m"], {("row_id", 1), ("", 1)}),
        (["m", "x"], {("row_id", 1), ("", 1)}),
    ],
)
def test_rows_are_those_of_the_calls(
    tmp_path: Path, row_ids: list[str], expected: set[tuple[str, int]]
) -> None:
    calls: list[dict[str, object]] = [{"messageId": "m"}, {"messageId": "n"}]
    right: dict[str, list[str | None]] = {"row_id": [token("m"), token("n")]}
    wrong: dict[str, list[str | None]] = {"row_id": [token(row_id) for row_id in row_ids]}
    found = Small(tmp_path, calls).found(right, wrong)
    assert {(column, rows) for column, _, rows in found} == expected


def test_an_experiment_that_changes_nothing_shows_nothing() -> None:
    assert unchanged([Twin(changes_usable_calls=True)]) == []
    rejected_alone = Twin(counts=Counter(changed_calls=1))
    assert unchanged([rejected_alone, Twin()]) == ["no call could be changed, so nothing is shown"]
    planted = [Planted("tool__events", ("properties", "plan"), "id")]
    twin = Twin([], 3, planted, changes_usable_calls=True)
    assert unchanged([twin]) == ["2 changes of allowed values could not be planted"]


def _allowlist(folder: Path, *properties: dict[str, str]) -> Allowlist:
    project = Project.create(
        folder / "p", [destination("tool")], [event("tool", "*")], list(properties)
    )
    seeds = {path.stem: path for path in (project.folder / "seeds").glob("*.csv")}
    return read_allowlist(seeds, "dev", dt.date(2026, 1, 1))


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(1, 180))
@example(24007969, 62)  # pages with a name of their own beside that of their event
def test_twins_of_any_calls_show_every_destination_the_same(seed: int, count: int) -> None:
    """What is allowed stays, and the texts that tokens are made of map one to one."""
    made = Generated(seed)
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        (project.folder / "seeds").mkdir()
        project.write_seed("destinations", made.destinations)
        project.write_seed("allowed_events", made.events)
        project.write_seed("allowed_properties", made.properties)
        shutil.copy(REPOSITORY / "seeds/destination_types.csv", project.folder / "seeds")
        shutil.copy(REPOSITORY / "seeds/small_zip3_areas.csv", project.folder / "seeds")
        seeds = {path.stem: path for path in (project.folder / "seeds").glob("*.csv")}
        allowlist = read_allowlist(seeds, "dev", dt.date(2026, 1, 1))
    calls, _ = read_calls(made.calls(count))
    views = [f"{tool}__{view}" for tool in TOOLS for view in ("events", "identifies", "groups")]
    for with_masked in (False, True):
        twin = make_twin(calls, allowlist, views, seed, with_masked)
        planted = {(item.view, item.place, item.key) for item in twin.planted}
        changed, _ = read_calls(twin.lines)
        texts: set[tuple[str | None, str | None]] = set()
        for one, other in zip(calls, changed):
            texts |= {(one.key, other.key)} if one.key is not None else set()
            for tool in allowlist.destinations.values():
                received = one.view is not None and tool.receives(one)
                assert received == (other.view is not None and tool.receives(other))
                assert not received or one.event == other.event
                for name in IDS if received else ():
                    pair = (one.ids[name], other.ids[name])
                    treatment = tool.ids[name].treatment
                    texts |= {pair} if treatment == "mask" and None not in pair else set()
                    assert treatment != "allow" or pair[0] == pair[1]
                for row in tool.rows_for(one) if received else ():
                    place = (ROOTS[row.property_list], *row.steps)
                    pair = (find(one.tree, place), find(other.tree, place))
                    if row.form.treatment == "allow" and row.form.data_type != "json":
                        shown = [_texts(value, row.is_list) for value in pair]
                        is_planted = any(p[1:] == (place, one.key) for p in planted)
                        assert shown[0] == shown[1] or is_planted
                    if row.form.treatment == "mask":
                        before, after = (_texts(value, row.is_list) for value in pair)
                        assert len(before) == len(after)
                        normal = row.form.normalize
                        for text, moved in zip(before, after):
                            assert is_blank(text) == is_blank(moved)
                            if text is not None and moved is not None:
                                texts.add((normalized(text, normal), normalized(moved, normal)))
        texts = {pair for pair in texts if not is_blank(pair[0])}
        assert len(texts) == len({text for text, _ in texts}) == len({text for _, text in texts})


def _texts(value: object, is_list: bool) -> list[str | None]:
    if not is_list:
        return [scalar_text(value)]
    return [scalar_text(item) for item in value] if isinstance(value, list) else []
