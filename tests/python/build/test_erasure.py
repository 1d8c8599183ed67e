"""What a deletion leaves: nothing of the person, searched for in the bytes of every file.

One project through its life: a person is suppressed, their raw calls are deleted, and they come
back under other calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from project import Project, Run, allowed, destination, event, identify, track

GONE = "canary-user-gone"
ALIAS = "canary-alias-gone"
VALUES = {
    "e-mail": "canary.gone@example.org",
    "member": "canary-member-gone",
    "device": "canary-device-gone",
    "message id": "canary-message-gone",
    "allowed value": "canary-ward-gone",
    "dropped value": "canary-note-gone",
    "name of a property": "canary-key-gone",
    "former id": ALIAS,
}
SHARED = "canary-family"


def calls_of(name: str, *codes: str) -> list[dict[str, Any]]:
    """Two calls of a person for each member code, with everything in them that may stay."""
    properties = {
        "email": f"canary.{name}@example.org",
        "ward": f"canary-ward-{name}",
        "note": f"canary-note-{name}",
        f"canary-key-{name}": 1,
    }
    ids = {"userId": f"canary-user-{name}", "anonymousId": f"canary-device-{name}"}
    return [
        call
        for number, code in enumerate(codes)
        for call in (
            track(
                "Visit",
                {**properties, "member": code},
                messageId=f"canary-message-{name}-{number}",
                timestamp="2026-03-02T10:00:00Z",
                **ids,
            ),
            identify({"email": properties["email"], "member": code}, **ids),
        )
    ]


THEIRS = [
    *calls_of("gone", "canary-member-gone", SHARED),
    {"type": "alias", "previousId": ALIAS, "userId": GONE},
    track("Visit", {"member": "canary-member-alias-gone"}, userId=ALIAS),
]
OTHERS = [
    *calls_of("stays", "canary-member-stays", SHARED),
    # So many that blocks are freed, and not only rows marked as deleted.
    *(call for n in range(300) for call in calls_of(f"person{n}", f"canary-member-{n}")),
]


@dataclass
class Life:
    """The project, its builds by name, and what was in the crosswalk after each."""

    project: Project
    runs: dict[str, Run] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    found: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    tables: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=dict)

    def build(self, name: str, *arguments: str) -> None:
        self.runs[name] = self.project.build(*arguments)
        rows = self.project.query("select value, code from main_restricted.surrogate_codes")
        self.codes[name] = dict(rows)
        self.found[name] = {
            what: files_with(self.project.folder, value)
            for what, value in {**VALUES, "user id": GONE}.items()
        }
        log = (self.project.folder / "logs/dbt.log").read_text("utf-8")
        self.looks[name] = log.count('."surrogate_codes" as codes') - sum(self.looks.values())
        self.tables[name] = {
            what: self.tables_with(value) for what, value in {**VALUES, "user id": GONE}.items()
        }

    def tables_with(self, value: str) -> set[str]:
        """Tables with a row that has a value, which DuckDB may have compressed in its file."""
        names = self.project.query(
            "select table_name from duckdb_tables() where schema_name = 'main_restricted'"
        )
        return {
            table
            for (table,) in names
            if self.project.query(
                f"select 1 from main_restricted.{table} as r where r::varchar like '%{value}%'"
            )
        }


def files_with(folder: Path, value: str) -> list[str]:
    """Files of the project, raw calls left out, whose bytes have a value."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "raw_calls" not in path.parts and value.encode() in path.read_bytes()
    ]


@pytest.fixture(scope="module")
def life(new_project: Callable[..., Project]) -> Life:
    project = new_project(
        "erasure",
        [destination("tool", timestamp_precision="hour")],
        [event("tool", "Visit")],
        [
            allowed("tool", "event", "email", "mask"),
            allowed("tool", "event", "ward", guard="none"),
            allowed("tool", "event", "member", "surrogate"),
            allowed("tool", "user", "member", "surrogate"),
        ],
        [*THEIRS, *OTHERS],
        views={"tool": ["events", "identifies"]},
    )
    life = Life(project)
    life.build("all")
    project.write_seed("suppressed_users", [{"environment": "dev", "user_id": GONE}])
    life.build("suppressed")
    project.write_calls(OTHERS)
    life.build("raw calls deleted")
    life.build("nothing new")
    project.write_seed("suppressed_users", [])
    project.write_calls(THEIRS, "again.ndjson")
    life.build("back")
    return life


def test_their_values_are_in_the_database_first(life: Life) -> None:
    tables = life.tables["all"]
    # What is masked is stored as its token alone.
    assert [what for what in VALUES if not tables[what]] == ["e-mail", "dropped value"]
    # These are searched for in the bytes of the file as well: DuckDB 1.5 compresses the others.
    assert {what for what, files in life.found["all"].items() if files} >= {
        *("member", "device", "allowed value", "former id", "user id"),
    }
    assert "written anew" not in life.runs["all"].output


def test_the_crosswalk_forgets_values_that_no_other_call_has(life: Life) -> None:
    before, after = life.codes["all"], life.codes["suppressed"]
    assert set(before) - set(after) == {"canary-member-gone", "canary-member-alias-gone"}
    assert "forgot 2 surrogate codes" in life.runs["suppressed"].output


def test_the_crosswalk_is_looked_through_only_where_something_went(life: Life) -> None:
    assert [name for name, looks in life.looks.items() if looks] == [
        "suppressed",
        "raw calls deleted",
    ]


def test_everybody_elses_codes_stay(life: Life) -> None:
    kept = life.codes["suppressed"]
    assert len(kept) == 302
    for name in ("suppressed", "raw calls deleted", "nothing new", "back"):
        assert kept.items() <= life.codes[name].items()


def test_a_code_is_never_used_again(life: Life) -> None:
    before, back = life.codes["all"], life.codes["back"]
    assert set(back) == set(before)
    assert back["canary-member-gone"] not in before.values()
    assert len(set(back.values())) == len(back)


def test_a_run_that_withholds_somebody_writes_the_database_file_anew(life: Life) -> None:
    output = life.runs["suppressed"].output
    assert output.count("hipaa_mode: the database file was written anew") == 1
    assert "canary" not in output
    assert life.project.query("select * from main_restricted.space_to_clear") == []


def test_a_run_without_a_deletion_does_not(life: Life) -> None:
    assert "written anew" not in life.runs["nothing new"].output


@pytest.mark.parametrize("what", VALUES)
def test_no_file_has_anything_of_theirs_when_their_raw_calls_are_deleted(
    life: Life, what: str
) -> None:
    assert life.found["raw calls deleted"][what] == []
    assert life.tables["raw calls deleted"][what] == set()


def test_only_the_list_has_their_id(life: Life) -> None:
    assert life.found["raw calls deleted"]["user id"] == [
        "restricted/calls.duckdb",
        "seeds/suppressed_users.csv",
    ]
    tables = life.tables["raw calls deleted"]["user id"]
    assert tables == {"listed_people", "suppressed_users"}


def test_nothing_else_is_in_the_restricted_zone(life: Life) -> None:
    names = {path.name for path in (life.project.folder / "restricted").iterdir()}
    assert names == {"calls.duckdb", "calls.duckdb.lock"}
