"""One person is one token, one row of latest values and one to be deleted, in any spelling.

One project: built with somebody suppressed; then its key is rotated, and the list, an alias and a
value spell somebody otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from project import (
    KEY,
    Project,
    Run,
    allowed,
    destination,
    event,
    group,
    identify,
    token,
    track,
)

ANN = "ann@example.com"
SPELLINGS = [ANN, " Ann@Example.COM", "ANN@example.com\u00a0", "an\u200bn@example.com"]
NUMBER = 12345678901234567890
LATER = (40, 41, 42)
"""Seats of the visits of people whom an alias ties to Bob in the second build."""


def visit(seat: int, **fields: Any) -> dict[str, Any]:
    at = f"2026-03-02T{seat % 24:02}:00:00Z"
    return track("Visit", {"seat": seat}, messageId=f"visit {seat}", timestamp=at, **fields)


CALLS = [
    *(visit(seat, userId=text) for seat, text in enumerate(SPELLINGS)),
    *(
        identify({"plan": f"plan {n}"}, messageId=f"ann {n}", userId=text)
        | {"timestamp": f"2026-03-02T{n:02}:00:00Z"}
        for n, text in enumerate(SPELLINGS)
    ),
    visit(20, userId=NUMBER),
    visit(21, userId="Bob@Example.com "),
    visit(22, userId="BOB@example.com", anonymousId="Bobs-Phone"),
    visit(23, anonymousId="bobs-phone"),
    visit(24, userId="someone", anonymousId="bobs-phone"),
    visit(25, anonymousId="BoB@example.com"),
    visit(26, userId="Former-One"),
    {"type": "alias", "previousId": "former-one", "userId": "bOb@example.com"},
    visit(27, groupId="+1 (202) 555-0123 x4"),
    visit(28, groupId="2025550123"),
    visit(29, groupId="202-555-CARE"),
    *(
        group({"size": hour}, messageId=f"group {hour}", groupId=text)
        | {"timestamp": f"2026-03-02T{hour:02}:00:00Z"}
        for hour, text in enumerate(("2025550123", "+1 202 555 0123"))
    ),
    visit(40, userId="carl@example.com"),
    visit(41, userId="CARL@example.com", anonymousId="carls-phone"),
    visit(42, anonymousId="Carls-Phone"),
]
VIEWS = (
    *("tool__events", "other__events", "own__events"),
    *("tool__users", "other__users", "tool__groups_latest"),
)
KEPT = {0, 1, 2, 3, 20, 24, 27, 28, 29}


@dataclass
class Life:
    project: Project
    runs: list[Run] = field(default_factory=list)
    rows: list[dict[str, dict[str, dict[str, Any]]]] = field(default_factory=list)
    verified: str = ""
    new_key: str = ""

    def note(self, run: Run) -> None:
        self.runs.append(run)
        self.rows.append(
            {
                view: {row["row_id"]: row for row in self.project.published_rows(view)}
                for view in VIEWS
            }
        )


@pytest.fixture(scope="module")
def life(new_project: Callable[..., Project]) -> Life:
    names = ("tool", "other", "own", "notes")
    project = new_project(
        "one_person",
        [
            destination("tool", timestamp_precision="hour"),
            destination("other", timestamp_precision="hour"),
            destination("own", mask_scope="destination"),
            destination("notes"),
        ],
        [event("*", "Visit")],
        [
            *(allowed(name, "event", "seat", data_type="integer") for name in names),
            *(allowed(name, "user", "plan") for name in ("tool", "other")),
            allowed("tool", "group", "size", data_type="integer"),
            allowed("notes", "event", "note", guard="none"),
            allowed("tool", "envelope", "user_id", "mask", normalize="email"),
            allowed("tool", "envelope", "group_id", "mask", normalize="phone(1)"),
            allowed("own", "envelope", "user_id", "mask", normalize="email"),
            allowed("own", "envelope", "anonymous_id", "mask", normalize="lower"),
        ],
        CALLS,
        {
            "tool": ["events", "identifies", "users", "groups", "groups_latest"],
            "other": ["events", "identifies", "users"],
            **{name: ["events"] for name in ("own", "notes")},
        },
    )
    life = Life(project)
    project.environment["HIPAA_MODE_SUPPRESSED_USERS"] = "requests.csv"
    (project.folder / "requests.csv").write_text("user_id\nbob@example.com\n", "utf-8")
    life.note(project.build())
    verified = project.hipaa_mode("verify")
    life.verified = f"{verified.returncode} {verified.stdout} {verified.stderr}"

    project.hipaa_mode("key", "rotate")
    life.new_key = (project.folder / ".hipaa_mode/masking.key").read_text().strip()
    (project.folder / "requests.csv").write_text("user_id\nBOB@Example.Com\n", "utf-8")
    more = [
        {"type": "alias", "previousId": "Carl@Example.com", "userId": "Bob@example.com"},
        visit(43) | {"properties": {"seat": 43, "note": "an\u200bn@exam\u200bple.com"}},
    ]
    project.write_calls(more, "more.ndjson")
    life.note(project.dbt("build"))
    return life


def seats(rows: dict[str, dict[str, Any]]) -> set[int]:
    return {row["seat"] for row in rows.values()}


@pytest.mark.parametrize(("tool", "scope"), [("tool", "*"), ("own", "own")])
def test_every_spelling_has_one_token(life: Life, tool: str, scope: str) -> None:
    rows = life.rows[0][f"{tool}__events"]
    found = {rows[token(f"visit {n}", scope=scope)]["user_id"] for n in range(len(SPELLINGS))}
    assert found == {token(ANN, scope=scope)}


def test_a_destination_without_the_row_has_the_tokens_of_what_arrived(life: Life) -> None:
    rows = life.rows[0]["other__events"]
    found = [rows[token(f"visit {number}")]["user_id"] for number in range(len(SPELLINGS))]
    assert found == [token(text) for text in SPELLINGS]


def test_latest_values_are_of_one_person(life: Life) -> None:
    [row] = life.rows[0]["tool__users"].values()
    assert row["row_id"] == row["user_id"] == token(ANN)
    assert row["plan"] == f"plan {len(SPELLINGS) - 1}"
    assert len(life.rows[0]["other__users"]) == len(SPELLINGS)


def test_a_number_is_an_id_with_all_its_digits(life: Life) -> None:
    for tool in ("tool", "other"):
        row = life.rows[0][f"{tool}__events"][token("visit 20")]
        assert row["user_id"] == token(str(NUMBER))


def test_an_id_that_is_a_telephone_number_has_one_token(life: Life) -> None:
    rows = life.rows[0]["tool__events"]
    one = token("12025550123")
    found = [rows[token(f"visit {number}")]["group_id"] for number in (27, 28, 29)]
    assert found == [one, one, None]
    [latest] = life.rows[0]["tool__groups_latest"].values()
    assert (latest["row_id"], latest["group_id"], latest["size"]) == (one, one, 1)


@pytest.mark.parametrize("tool", ["tool", "other", "own"])
def test_who_is_deleted_in_one_spelling_is_in_all(life: Life, tool: str) -> None:
    assert seats(life.rows[0][f"{tool}__events"]) == {*KEPT, *LATER}
    assert "withheld: 5 calls of 1 suppressed person, 1 tied to them" in life.runs[0].output
    assert ": a suppressed id" not in life.runs[0].output


def test_an_alias_ties_in_every_spelling(life: Life) -> None:
    for tool in ("tool", "other", "own"):
        assert seats(life.rows[1][f"{tool}__events"]) == {*KEPT, 43}


def test_a_list_may_spell_its_people_otherwise(life: Life) -> None:
    assert "would come back" not in life.runs[1].output


def test_a_value_that_is_an_id_in_another_spelling_holds_its_destination_back(life: Life) -> None:
    assert life.runs[1].exit_code != 0
    assert "published tool__events" in life.runs[1].output
    assert "published notes__events" not in life.runs[1].output
    assert "(no_raw_identifiers on `note`: 1 (ids of users or groups" in life.runs[1].output


def test_a_rotated_key_bridges_the_one_spelling(life: Life) -> None:
    for scope, tool in (("*", "tool"), ("own", "own")):
        old, new = (token(ANN, scope=scope, key=key) for key in (KEY, life.new_key))
        rows = life.rows[1][f"{tool}__events"].values()
        assert sum(row["user_id"] == new for row in rows) == len(SPELLINGS)
        bridged = life.project.query(
            "select new_token from main_restricted.token_bridge "
            f"where scope = '{scope}' and kind = 'id' and old_token = '{old}'"
        )
        assert bridged == [(new,)]


def test_the_proof_knows_the_spelling_of_ids(life: Life) -> None:
    assert life.verified.startswith("0 "), life.verified[-3000:]
