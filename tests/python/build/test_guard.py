"""The guard: identifiers that hide in allowed values do not reach a destination unseen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from project import REPOSITORY, Project, Run, allowed, destination, event, identify, track

from hipaa_mode import functions

sys.path.insert(0, str(REPOSITORY / "scripts/benchmark"))
from guard_texts import USER_AGENTS

HIPAA_MODE = Path(sys.executable).with_name("hipaa-mode")

DESTINATIONS = [
    destination("alpha"),
    destination("beta"),
    destination("gamma"),
    destination("records", restrict_phi="false", baa_reference="BAA-1"),
]
ALLOWED = [
    ("note", ""),
    ("tags[]", ""),
    ("whole", "json"),
    ("parts[]", "json"),
    ("nested", "json"),
    ("number", "integer"),
]
NARROWED = [("link", "url_path"), ("site", "url_origin"), ("start", "truncate(16)")]
PROPERTIES = [
    *(
        allowed(name, "event", path, data_type=data_type)
        for name in ("alpha", "records")
        for path, data_type in ALLOWED
    ),
    *(allowed("alpha", "event", path, treatment) for path, treatment in NARROWED),
    allowed("alpha", "event", "seen", event="Visit"),
    allowed("alpha", "user", "about"),
    allowed("beta", "event", "note", guard="warn"),
    allowed("beta", "event", "tags[]", guard="warn"),
    allowed("gamma", "event", "note", guard="none"),
    *(allowed("gamma", "event", path, treatment, guard="none") for path, treatment in NARROWED),
]
EVENTS = [event("*", "Visit"), event("alpha", "Home")]

# By kind: texts that hold an identifier of that kind.
IDENTIFIERS = {
    "email_like": [
        "jane.canary@example.org",
        "(Jane <j+x@clinic.example.co.uk>)",
        "ask jane%40example.org",
        "почта@пример.рф",
    ],
    "phone_like": [
        "212-555-0187",
        "(212) 555-0187",
        "+1 212 555 0187",
        "+44 20 7946 0958",
        "+12125550187",
        "2125550187",
        '{"phone":2125550187}',
        '{"a":[{"b":[1, 12125550187]}]}',
        '{"2125550187":true}',
        "2125550187.0",
        "mobile: 442079460958",
        "212\u2011555\u20110187 x9",
    ],
    "ssn_like": [
        "078-05-1120",
        "078 05 1120",
        "SSN: 078051120",
        "social security number 078-05-1120",
        '{"socialSecurityNumber":78051120}',
    ],
    "card_like": [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111 12/29",
        "378282246310005",
        "5555555555554444.",
    ],
    "mrn_like": [
        "MRN 0012345",
        "MRN00012345",
        "mrn: 12-34-56",
        '{"mrn": "A-123456"}',
        "medical record number 1234567",
        "/patients/104822",
        '{"medicalRecordNumber":1234567}',
    ],
    "ip_like": [
        "203.0.113.77",
        "from 203.0.113.77.",
        "localhost/203.0.113.77",
        "https://portal.example/203.0.113.77",
        "10.0.0.1",
        "Chrome 203.0.113.77",
        "2001:db8::8a2e:370:7334",
        "fe80::1ff:fe23:4567:890a",
        "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
    ],
    "url_query_like": [
        "https://clinic.example/book?reason=oncology",
        "see /search?q=flu",
        "www.clinic.example/a?b=c",
    ],
}
ALL_IDENTIFIERS = [text for texts in IDENTIFIERS.values() for text in texts]
CONDITIONS = {
    **{kind: f"{functions.SCHEMA}.is_{kind}(text)" for kind in IDENTIFIERS},
    "any": f"{functions.SCHEMA}.looks_like_identifier(text)",
}
HARMLESS = [
    "", " ", "premium", "v1.2.3.4", "version 4.2.1.0", "2026-03-02", "2026-03-02T14:31:09Z",
    "10:30:45", "1772461869000", "$1,299.00", "120-80 mmHg", "order 48-2931", "978-3-16-148410-0",
    "6f9619ff-8b86-d011-b42d-00c04fc964ff", "d41d8cd98f00b204e9800998ecf8427e", "SKU-1234-567",
    "47.6062, -122.3321", "portal.example.org", "https://clinic.example/a/b", "std::vector<int>",
    "Is it https://clinic.example/a?", "why?", "@handle", "react@18.2.0", "1.3.6.1.4.1.311",
    "00:1A:2B:3C:4D:5E", "MRN missing", "patients", "😀", "病院 2026", "5'-10\"", "a%20b", "3/4",
    "120.0.0.0", "Chrome/120.0.0.0", '{"count":31299,"at":1772461869}',
    *USER_AGENTS,
]  # fmt: skip


def note(number: int, text: object) -> dict[str, object]:
    return track("Visit", {"note": text}, messageId=f"note {number}", sentAt="2026-03-01")


CALLS = [
    *(note(number, text) for number, text in enumerate(ALL_IDENTIFIERS)),
    *(note(1000 + number, text) for number, text in enumerate(HARMLESS)),
    track(
        "Visit",
        {
            "tags": ["one", "a.canary@example.org", None, "078-05-1120", {"x": 1}],
            "whole": {"a": [{"b": "jane\u0040canary.example"}]},
            "parts": [{"ip": "203.0.113.77"}, {"ip": "none"}, "b"],
            "link": "https://portal.example/patients/104822?x=1",
            "site": "http://203.0.113.77:8080/a",
            "start": "203.0.113.77 said so",
            "number": 2125550187,
            "nested": {"plan": [{"phones": [2125550187]}]},
            "seen": "MRN 0012345",
        },
        messageId="forms",
    ),
    track("Home", {"seen": "MRN 0012345", "note": "ask b.canary@example.org"}, messageId="home"),
    identify({"about": "call (212) 555-0187"}, messageId="identify"),
]
COUNT = len(ALL_IDENTIFIERS)


@dataclass
class Outcome:
    project: Project
    run: Run
    summary: str


@pytest.fixture(scope="module")
def guarded(new_project: Callable[..., Project]) -> Outcome:
    project = new_project("guard", DESTINATIONS, EVENTS, PROPERTIES, CALLS)
    run = project.build()
    shown = subprocess.run(
        [str(HIPAA_MODE), "summary", "--published", str(project.folder / "published")],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    return Outcome(project, run, shown.stdout)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    functions.create(connection)
    return connection


def notes(outcome: Outcome, name: str) -> list[Any]:
    rows = outcome.project.published_rows(f"{name}__events")
    return [row["note"] for row in rows if row["note"] is not None]


def forms(outcome: Outcome, name: str, column: str = "tags") -> dict[str, object]:
    """The row of the call with values of every form; no other has a value in `column`."""
    [row] = [row for row in outcome.project.published_rows(f"{name}__events") if row[column]]
    return row


def columns(outcome: Outcome, name: str, view: str = "events") -> dict[str, tuple[str, object]]:
    described = outcome.project.manifest(name)["views"][f"{name}__{view}"]["columns"]
    return {
        column["name"]: (column["guard"], column["values_like_identifiers"])
        for column in described
        if column["property_list"] != "envelope"
    }


def found(connection: duckdb.DuckDBPyConnection, kind: str, text: str) -> bool:
    condition = CONDITIONS[kind]
    [(result,)] = connection.execute(
        f"select {condition} from (select cast(? as varchar) as text)", [text]
    ).fetchall()
    return bool(result)


# Letters and signs that end a word and can't be a part of any identifier.
around = st.text(st.sampled_from("xyz éß日😀!,\n"), max_size=12)
identifiers = st.sampled_from(ALL_IDENTIFIERS)


class TestGuard:
    """One build, with a value of every kind, in destinations that guard and that do not."""

    def test_a_blocked_value_is_null_and_the_others_pass(self, guarded: Outcome) -> None:
        assert sorted(notes(guarded, "alpha")) == sorted(HARMLESS)

    @pytest.mark.parametrize("name", ["beta", "gamma", "records"])
    def test_warn_and_none_let_every_value_pass(self, guarded: Outcome, name: str) -> None:
        expected = [*HARMLESS, *ALL_IDENTIFIERS]
        expected += ["ask b.canary@example.org"] if name == "records" else []
        assert sorted(notes(guarded, name)) == sorted(expected)

    def test_lists_lose_elements_and_json_is_lost_whole(self, guarded: Outcome) -> None:
        row = forms(guarded, "alpha")
        assert row["tags"] == ["one", None, None, None, None]
        assert row["whole"] is None
        assert row["nested"] is None
        assert row["parts"] == [None, '{"ip":"none"}', '"b"']

    def test_what_a_treatment_leaves_is_guarded(self, guarded: Outcome) -> None:
        row = forms(guarded, "alpha")
        assert (row["link"], row["site"], row["start"], row["seen"]) == (None, None, None, None)
        assert row["number"] == 2125550187
        unguarded = forms(guarded, "gamma", "link")
        assert unguarded["link"] == "/patients/104822"
        assert unguarded["site"] == "http://203.0.113.77:8080"
        assert unguarded["start"] == "203.0.113.77 sai"
        # Where nothing restricts, nothing guards: the destination gets the value itself.
        whole = json.loads(str(forms(guarded, "records")["whole"]))
        assert whole == {"a": [{"b": "jane@canary.example"}]}

    def test_counts_are_by_destination_and_property(self, guarded: Outcome) -> None:
        assert columns(guarded, "alpha") == {
            "note": ("block", COUNT + 1),
            "tags": ("block", 2),
            "whole": ("block", 1),
            "parts": ("block", 1),
            "nested": ("block", 1),
            "link": ("block", 1),
            "site": ("block", 1),
            "start": ("block", 1),
            "number": ("", None),
            "seen": ("block", 1),
        }
        assert columns(guarded, "alpha", "identifies") == {"about": ("block", 1)}
        assert columns(guarded, "beta") == {"note": ("warn", COUNT), "tags": ("warn", 2)}
        unguarded = ("note", "link", "site", "start")
        assert columns(guarded, "gamma") == dict.fromkeys(unguarded, ("none", None))

    def test_what_a_guard_took_does_not_count_as_unfit(self, guarded: Outcome) -> None:
        described = guarded.project.manifest("alpha")["views"]["alpha__events"]["columns"]
        unfit = {column["name"]: column["values_not_fitting"] for column in described}
        assert unfit["note"] == 0
        assert unfit["tags"] == 1  # The object among them.

    def test_a_warning_stops_nothing_and_is_in_the_summary(self, guarded: Outcome) -> None:
        warned = f"WARNING: beta__events.note: {COUNT} values look like identifiers and were sent"
        assert warned in guarded.run.output
        blocked = f"alpha__events.note: {COUNT + 1} values look like identifiers and are null"
        assert blocked in guarded.run.output
        assert blocked in guarded.summary
        assert f"beta__events.note: {COUNT} values look like identifiers" in guarded.summary
        assert "gamma__events.note" not in guarded.run.output + guarded.summary

    def test_no_value_is_in_logs_or_manifests(self, guarded: Outcome) -> None:
        written = guarded.project.written_by_dbt()
        written["terminal"] = guarded.run.output.encode()
        published = guarded.project.published_bytes()
        written |= {name: text for name, text in published.items() if name.endswith(".json")}
        values = (b"canary", b"078-05-1120", b"555-0187", b"203.0.113.77")
        assert [
            name for name, text in written.items() if any(v in text.lower() for v in values)
        ] == []

    def test_blocked_values_are_gone_past_the_privacy_boundary(self, guarded: Outcome) -> None:
        [plan] = [
            column
            for column in guarded.project.query("describe main_restricted.masked_events")
            if column[0] == "properties__note__allow"
        ]
        assert plan[1] == "VARCHAR"
        texts = {
            text
            for (text,) in guarded.project.query(
                "select properties__note__allow from main_restricted.masked_events"
            )
        }
        assert texts == {*HARMLESS, None}

    def test_no_join_compiles_the_patterns_again(self, guarded: Outcome) -> None:
        target = guarded.project.folder / "target/compiled/hipaa_mode"
        masking = (target / "models/masked/masked_events.sql").read_text("utf-8")
        before, after = masking.split("\nformed as (")
        assert "hipaa_functions.guarded(" in before
        assert "left join" in after
        assert "hipaa_functions.guarded(" not in after

    # The functions, on texts of all sorts.

    @pytest.mark.parametrize("kind", IDENTIFIERS)
    def test_every_kind_finds_its_own(
        self, connection: duckdb.DuckDBPyConnection, kind: str
    ) -> None:
        missed = [t for t in IDENTIFIERS[kind] if not found(connection, kind, t)]
        assert missed == []

    @settings(max_examples=150)
    @given(identifiers, around, around)
    def test_an_identifier_is_found_wherever_it_stands(
        self,
        connection: duckdb.DuckDBPyConnection,
        identifier: str,
        before: str,
        after: str,
    ) -> None:
        is_whole = identifier.removesuffix(".0").isdigit()
        if is_whole and (before + after).strip():
            return  # Ten digits are a phone number only where they are the whole value.
        assert found(connection, "any", f"{before} {identifier} {after}")

    @settings(max_examples=150)
    @given(st.text(st.characters(exclude_characters="@:?%", exclude_categories=["Nd", "Cs"])))
    @example("")
    def test_text_without_digits_and_signs_is_never_taken(
        self, connection: duckdb.DuckDBPyConnection, text: str
    ) -> None:
        assert not found(connection, "any", text.replace("\x00", ""))

    @settings(max_examples=150)
    @given(st.text(st.sampled_from("0123456789-. @:/?=ab+()"), max_size=40))
    def test_the_one_search_finds_what_the_kinds_find(
        self, connection: duckdb.DuckDBPyConnection, text: str
    ) -> None:
        kinds = [kind for kind in IDENTIFIERS if found(connection, kind, text)]
        assert found(connection, "any", text) == bool(kinds)
