"""Deletion, suppression and retention: who is taken off is gone everywhere, and nobody else is.

One project through its life: built, people suppressed by the seed, by a file and by a table, calls
that expire, and everybody back.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from project import (
    Project,
    Run,
    allowed,
    destination,
    event,
    identify,
    subkey,
    token,
    track,
)

from hipaa_mode import audit

TODAY = dt.datetime.now(dt.timezone.utc).date()
GONE, SHY, STAYS = "canary-gone", "canary-shy", "canary-stays"


def day(days_ago: int) -> str:
    return (TODAY - dt.timedelta(days=days_ago)).isoformat()


def visit(number: int, days_ago: int | None, **fields: Any) -> dict[str, object]:
    sent = {} if days_ago is None else {"sentAt": f"{day(days_ago)}T10:00:00Z"}
    return track("Visit", {"plan": f"plan {number}"}, messageId=f"m{number}", **sent, **fields)


CALLS = [
    visit(1, 10, userId=GONE, anonymousId="phone-1"),
    # Before they logged in, and after: on the same device, and on a tablet.
    visit(2, 11, anonymousId="phone-1"),
    visit(3, 10, userId=GONE),
    visit(4, 12, userId=f" {GONE} "),
    # The same device under another person's name is that person.
    visit(5, 10, userId=STAYS, anonymousId="phone-1"),
    visit(6, 13, userId=STAYS),
    visit(7, 13, userId=SHY),
    visit(8, 14, userId=SHY, anonymousId="phone-2"),
    visit(9, 15, anonymousId="phone-2"),
    visit(10, 15, anonymousId="phone-3"),
    # Sent again, with other content: the first delivery counts.
    {**visit(1, 10, userId=GONE, anonymousId="phone-1"), "properties": {"plan": "again"}},
    identify({"email": "canary@example.org"}, userId=GONE, sentAt=f"{day(10)}T10:00:00Z"),
    # Old ones, by the time they were sent, or else received; and one that nothing is known of.
    visit(20, 40, userId=STAYS),
    visit(21, 30, userId=STAYS),
    visit(22, 31, userId=STAYS),
    visit(23, None, userId=STAYS, receivedAt=f"{day(45)}T10:00:00Z"),
    visit(24, None, userId=STAYS, receivedAt=f"{day(5)}T10:00:00Z"),
    visit(25, None, userId=STAYS),
    track("Visit", {"plan": 1}, userId=GONE, sentAt=f"{day(10)}T11:00:00Z"),
    {"type": "track", "event": {"no": "text"}, "userId": GONE},
]
RAW, DUPLICATES, REJECTED = 20, 1, 1
OF_GONE = {1, 2, 3, 4}
OF_SHY = {7, 8, 9}
AGES = {20: 40, 21: 30, 22: 31, 23: 45, 24: 5}
UNDATED = {25}


@dataclass
class Step:
    """What one build left."""

    run: Run
    files: dict[str, bytes]
    manifest: dict[str, Any]
    rows: list[dict[str, Any]]
    inodes: dict[str, int]
    entries: list[dict[str, Any]]

    @property
    def plans(self) -> set[int]:
        """Numbers of the visits that are published."""
        return {int(row["plan"].split()[1]) for row in self.rows if row["plan"] != "1"}

    @property
    def data(self) -> dict[str, bytes]:
        return {name: content for name, content in self.files.items() if "manifest" not in name}


@dataclass
class Life:
    """The project and its builds by name."""

    project: Project
    steps: dict[str, Step] = field(default_factory=dict)
    leaks: dict[str, list[str]] = field(default_factory=dict)

    def build(self, name: str, *arguments: str) -> None:
        project = self.project
        run = project.build(*arguments)
        folder = project.published_folder() / "tool"
        files = project.published_bytes()
        self.steps[name] = Step(
            run,
            files,
            project.manifest("tool"),
            project.published_rows("tool__events"),
            {str(path): path.stat().st_ino for path in folder.rglob("*.parquet")},
            [json.loads(line) for line in project.audit_log().read_text().splitlines()],
        )
        written = {**project.written_by_dbt(), "terminal": run.output.encode(), **files}
        written["audit log"] = project.audit_log().read_bytes()
        self.leaks[name] = [path for path, content in written.items() if b"canary" in content]


@pytest.fixture(scope="module")
def life(new_project: Callable[..., Project]) -> Life:
    project = new_project(
        "deletion",
        [destination("tool", timestamp_precision="hour")],
        [event("tool", "Visit")],
        [allowed("tool", "event", "plan"), allowed("tool", "user", "email", "mask")],
        CALLS,
        views={"tool": ["events", "identifies"]},
    )
    life = Life(project)
    life.build("all")

    project.write_seed("suppressed_users", [{"environment": "dev", "user_id": GONE}])
    (project.folder / "requests.ndjson").write_text(json.dumps({"user_id": SHY}) + "\n")
    project.environment["HIPAA_MODE_SUPPRESSED_USERS"] = "requests.ndjson"
    life.build("suppressed")

    # Another call of theirs arrives, and the people in the file are now in a table.
    project.write_calls([visit(30, 2, userId=GONE), visit(31, 2, userId=STAYS)], "more.ndjson")
    project.execute(
        "create schema privacy",
        "create table privacy.requests (user_id varchar, environment varchar)",
        f"insert into privacy.requests values ('{SHY} ', 'dev'), ('{SHY}', ''), ('{SHY}', null)",
    )
    project.environment["HIPAA_MODE_SUPPRESSED_USERS"] = "privacy.requests"
    project.write_seed("environments", [{"environment": "*", "retain_days": "30"}])
    life.build("expired")

    project.write_seed("suppressed_users", [])
    project.write_seed("environments", [])
    del project.environment["HIPAA_MODE_SUPPRESSED_USERS"]
    (project.folder / "raw_calls/more.ndjson").unlink()
    life.build("all again", "--vars", "{hipaa_mode__give_up_suppression_lists: privacy.requests}")
    return life


def changed_files(life: Life, before: str, after: str) -> set[str]:
    """Names of the event files that were written, or went."""
    old, new = life.steps[before].inodes, life.steps[after].inodes
    paths = {path for path in {*old, *new} if old.get(path) != new.get(path)}
    return {Path(path).stem for path in paths if "tool__events" in path}


class TestSuppression:
    """The calls of people on the list are gone from the next build on, and come back after."""

    def test_everybody_is_there_first(self, life: Life) -> None:
        step = life.steps["all"]
        assert len(step.rows) == 17
        assert step.manifest["calls"] == {
            **{"raw": RAW, "duplicates": DUPLICATES, "rejected": REJECTED},
            **{"staged": 18, "withheld": 0},
        }
        assert step.manifest["withheld"]["suppressed_people_hmac"] is None

    def test_their_calls_are_gone_and_nobody_elses(self, life: Life) -> None:
        before, after = life.steps["all"].plans, life.steps["suppressed"].plans
        assert before - after == OF_GONE | OF_SHY
        assert after <= before
        assert token(GONE) in str(life.steps["all"].rows)
        assert token(GONE) not in str(life.steps["suppressed"].rows)

    def test_calls_of_theirs_without_message_id_and_traits_are_gone_too(self, life: Life) -> None:
        step = life.steps["suppressed"]
        assert [row for row in step.rows if row["plan"] == "1"] == []
        assert step.manifest["views"]["tool__identifies"]["rows"] == 0

    def test_only_their_days_are_written(self, life: Life) -> None:
        theirs = {day(ago) for ago in (10, 11, 12, 13, 14, 15)}
        assert changed_files(life, "all", "suppressed") == theirs
        assert day(40) in {Path(path).stem for path in life.steps["suppressed"].inodes}

    def test_all_calls_are_accounted_for(self, life: Life) -> None:
        step = life.steps["suppressed"]
        counts = step.manifest["calls"]
        assert counts["withheld"] == 9
        assert counts["raw"] == RAW == sum(counts.values()) - counts["raw"]
        told = "20 raw calls = 9 staged + 1 duplicates + 1 rejected + 9 withheld"
        assert told in step.run.output
        assert "withheld: 9 calls of 2 suppressed people" in step.run.output

    def test_the_audit_log_proves_it_by_number_and_keyed_fingerprint(self, life: Life) -> None:
        entry = life.steps["suppressed"].entries[-1]
        assert entry["outcome"] == audit.PUBLISHED
        ids = "\n".join(sorted([GONE, SHY])).encode()
        key = subkey("dev", "suppression-list").encode()
        assert entry["withheld"] == {
            "calls": {"suppressed": 9, "suppressed_by_alias": 0, "expired": 0, "undated": 0},
            "suppressed_people": 2,
            "suppressed_people_hmac": hmac.digest(key, ids, "sha256").hex(),
            **{"retain_days": None, "retained_from": None},
        }
        assert hashlib.sha256(ids).hexdigest() not in str(entry)

    @pytest.mark.parametrize("name", ["all", "suppressed", "expired", "all again"])
    def test_nobody_is_named_anywhere(self, life: Life, name: str) -> None:
        assert life.leaks[name] == []

    def test_a_new_call_of_theirs_does_not_get_through(self, life: Life) -> None:
        plans = life.steps["expired"].plans
        assert 31 in plans
        assert not plans & (OF_GONE | OF_SHY | {30})

    def test_everything_comes_back_as_it_was(self, life: Life) -> None:
        assert life.steps["all again"].data == life.steps["all"].data

    def test_the_summary_and_the_audit_command_tell_of_it(self, life: Life) -> None:
        shown = [
            life.project.hipaa_mode(*command).stdout
            for command in (("summary",), ("audit", "show", "--json"), ("audit", "verify"))
        ]
        assert "1 rejected + 0 withheld" in shown[0]
        withheld = [
            entry["withheld"]["suppressed_people"] for entry in json.loads(shown[1])["entries"]
        ]
        assert withheld == [0, 2, 2, 0]
        assert "is sound" in shown[2]


class TestRetention:
    """Calls older than an environment keeps them are gone, with the files of their days."""

    def test_old_calls_and_calls_of_unknown_age_are_gone(self, life: Life) -> None:
        step = life.steps["expired"]
        first = step.manifest["withheld"]["retained_from"]
        old = {number for number, ago in AGES.items() if day(ago) < first}
        assert {20, 22, 23} <= old <= {20, 21, 22, 23}
        assert step.plans == life.steps["suppressed"].plans - old - UNDATED | {31}
        assert step.manifest["withheld"]["calls"] == {
            **{"suppressed": 10, "suppressed_by_alias": 0},
            **{"expired": len(old), "undated": len(UNDATED)},
        }

    def test_whole_files_of_expired_days_are_gone(self, life: Life) -> None:
        days = {Path(path).stem for path in life.steps["expired"].inodes if "events" in path}
        first = life.steps["expired"].manifest["withheld"]["retained_from"]
        assert {name for name in days if name < first} == set()
        # A call without a time of its own is of the day of its receipt.
        assert {day(2), day(5)} <= days
        assert "undated" not in days

    def test_no_other_file_is_written(self, life: Life) -> None:
        first = life.steps["expired"].manifest["withheld"]["retained_from"]
        old = {day(ago) for ago in (30, 31, 40, 45) if day(ago) < first}
        assert changed_files(life, "suppressed", "expired") == {*old, day(2), "undated"}

    def test_the_manifest_says_from_which_day_on_calls_are_kept(self, life: Life) -> None:
        withheld = life.steps["expired"].manifest["withheld"]
        assert withheld["retain_days"] == 30
        # The build may have begun on the day after this module was loaded.
        assert withheld["retained_from"] in (day(30), day(29))


class TestFaults:
    """Where the list can't be trusted, nothing is built: somebody might not be withheld."""

    @pytest.fixture
    def before(self, life: Life) -> dict[str, bytes]:
        return life.project.published_bytes()

    def test_rows_of_a_table_that_withhold_nobody_are_counted_and_not_shown(
        self, life: Life, before: dict[str, bytes]
    ) -> None:
        life.project.execute(
            f"create or replace table privacy.more as from (values ('{SHY}', 'pord'), "
            f"('{STAYS}', 'canary'), (' ', 'dev'), (null, null), (' NULL', 'dev')) "
            "as rows (user_id, environment)"
        )
        run = life.project.dbt("build", "--vars", "{hipaa_mode__suppressed_users: privacy.more}")
        assert run.exit_code != 0
        assert "no destination is listed for the environment of 2 rows" in run.output
        assert "privacy.more: `user_id` is blank in 2 rows" in run.output
        assert "no call is of such a person, in 1 row" in run.output
        assert "canary" not in run.output
        assert "pord" not in run.output
        assert life.project.published_bytes() == before

    def test_an_id_that_stands_for_none(self, life: Life, before: dict[str, bytes]) -> None:
        (life.project.folder / "zeros.csv").write_text(f"user_id\n{STAYS}\n0\n", "utf-8")
        run = life.project.dbt("build", "--vars", "{hipaa_mode__suppressed_users: zeros.csv}")
        assert run.exit_code != 0
        assert "zeros.csv, line 3: `user_id` stands for an id that is not there" in run.output
        assert life.project.published_bytes() == before

    def test_a_table_that_is_gone(self, life: Life, before: dict[str, bytes]) -> None:
        variables = "{hipaa_mode__suppressed_users: privacy.gone}"
        run = life.project.dbt("build", "--vars", variables)
        assert run.exit_code != 0
        assert "privacy.gone, which lists suppressed users, is not there" in run.output
        assert "Traceback" not in run.output
        assert life.project.published_bytes() == before
