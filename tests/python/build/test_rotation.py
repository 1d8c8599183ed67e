"""A rotated key: every token anew, each destination all or nothing, and a bridge for history.

One project: built, its key rotated, the next build killed at several moments, then one destination
held back, then all published; then somebody suppressed, and the old key forgotten.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as pq
import pytest
from project import KEY, Project, Run, allowed, destination, event, identify, token, track

from hipaa_mode import audit
from hipaa_mode.keys import KEY_FILE_VARIABLE, load_master_key, load_retired_keys

PEOPLE = ["canary-1", "canary-2", "canary-3"]
MAIL = "canary@example.org"
UNUSED = "canary-unsent"
BRIDGES = "{hipaa_mode__publish_token_bridge: [alpha]}"
MOMENTS = ("while it masks", "while it writes files")


def calls() -> list[dict[str, object]]:
    made: list[dict[str, object]] = [
        track("Visit", {"plan": "gold", "mails": [MAIL, None, ""]}, messageId=f"m {person}")
        | {"userId": person, "anonymousId": f"phone of {person}"}
        for person in PEOPLE
    ]
    made.append(identify({"email": MAIL.upper()}, messageId="identify", userId=PEOPLE[0]))
    made.append(track("Unlisted", {"plan": "gold"}, messageId="unlisted", userId=UNUSED))
    made.append(track("Private", {"plan": "gold"}, messageId="private", userId=UNUSED))
    return made


@dataclass
class Life:
    """The project, its new key, and what its runs left."""

    project: Project
    key: str = ""
    runs: dict[str, Run] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    user_ids: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    bridges: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    copies: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    leaks: dict[str, list[str]] = field(default_factory=dict)
    audits: dict[str, audit.Findings] = field(default_factory=dict)

    def build(self, name: str, *arguments: str) -> None:
        self.note(name, self.project.dbt("build", *arguments))

    def note(self, name: str, run: Run) -> None:
        project = self.project
        self.runs[name] = run
        self.files[name] = project.published_bytes()
        self.user_ids[name] = {
            view: {row["user_id"] for row in project.published_rows(view)}
            for view in ("alpha__events", "beta__events")
        }
        self.bridges[name] = project.query(
            "select scope, kind, old_key, old_token, new_token from main_restricted.token_bridge"
        )
        copy = project.published_folder() / "alpha.token_bridge.parquet"
        self.copies[name] = pq.ParquetFile(copy).read().to_pylist() if copy.exists() else []
        written = {**project.written_by_dbt(), "terminal": run.output.encode()}
        written["audit log"] = project.audit_log().read_bytes()
        secrets = [text for text in (KEY, self.key) if text]
        self.leaks[name] = [
            path
            for path, content in written.items()
            if b"canary" in content or any(text.encode() in content for text in secrets)
        ]
        self.audits[name] = self.verified()

    def verified(self) -> audit.Findings:
        """Check the audit log with the keys that are at hand, as the command does."""
        environ = {KEY_FILE_VARIABLE: str(self.project.folder / ".hipaa_mode/masking.key")}
        keys = [load_master_key(environ), *(item.key for item in load_retired_keys(environ))]
        subkeys = {
            key.fingerprint("dev"): key.subkey("dev", audit.KEY_SCOPE).reveal().encode()
            for key in keys
        }
        active = keys[0].fingerprint("dev")
        root = self.project.folder / "published"
        return audit.verify(root, "dev", subkeys.pop(active), active, None, subkeys)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.project.hipaa_mode(*arguments)

    def kill_build(self, moment: str) -> None:
        """Kill a build when its output says that it has come so far."""
        words = {
            MOMENTS[0]: "OK created sql accumulated_table model main_restricted.masked_events",
            MOMENTS[1]: "START test holds_only_what_is_allowed",
        }[moment]
        seen = ""
        with self.project.start_dbt("build", start_new_session=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                seen += line
                if words in line:
                    time.sleep(0.05)
                    os.killpg(process.pid, signal.SIGKILL)
                    break
            process.wait()
        assert process.returncode == -signal.SIGKILL, seen
        self.note(moment, Run(process.returncode, seen, 0))


@pytest.fixture(scope="module")
def life(new_project: Callable[..., Project]) -> Life:
    project = new_project(
        "rotation",
        [destination("alpha"), destination("beta", mask_scope="destination")],
        [event("*", "Visit"), event("beta", "Private")],
        [
            allowed("*", "event", "plan"),
            allowed("alpha", "event", "mails[]", "mask"),
            allowed("alpha", "user", "email", "mask", normalize="email"),
        ],
        calls(),
        views={"alpha": ["events", "identifies"], "beta": ["events"]},
    )
    life = Life(project)
    life.build("first")
    life.runs["rotate"] = Run(0, life.command("key", "rotate").stdout, 0)
    life.key = (project.folder / ".hipaa_mode/masking.key").read_text().strip()
    life.runs["test"] = project.dbt("test", "--select", "staging_gives_every_reason_and_key")

    for moment in MOMENTS:
        life.kill_build(moment)

    # What is wrong with beta keeps beta's old files, and nobody else's.
    model = project.folder / "models/destination_views/beta/beta__events.sql"
    one_line = model.read_text()
    model.write_text(one_line.replace("destination_events('beta')", "destination_events('alpha')"))
    life.build("held back")
    model.write_text(one_line)
    life.build("rotated", "--vars", BRIDGES)

    project.write_seed("suppressed_users", [{"environment": "dev", "user_id": PEOPLE[1]}])
    life.build("suppressed", "--vars", BRIDGES)

    [line] = [
        line for line in life.command("key", "list").stdout.splitlines() if "retired" in line
    ]
    assert life.command("key", "forget", line[:32]).returncode == 0
    life.build("forgotten", "--vars", BRIDGES)
    return life


def tokens(key: str, *people: str, scope: str = "*") -> set[str]:
    return {token(person, scope=scope, key=key) for person in people}


class TestTokens:
    """New tokens are under the new key alone; old ones stay whole until those are published."""

    def test_first_the_old_key_masks(self, life: Life) -> None:
        assert life.user_ids["first"]["alpha__events"] == tokens(KEY, *PEOPLE)

    def test_a_rotation_needs_no_variable_and_is_told(self, life: Life) -> None:
        assert life.key not in ("", KEY)
        told = life.runs[MOMENTS[0]].output
        assert "the masking key is another one (rotated): every token is made anew" in told

    def test_tests_alone_do_not_begin_a_rotation(self, life: Life) -> None:
        assert life.runs["test"].exit_code != 0
        assert "the stored tokens are still those of the old one. Run: dbt build" in (
            life.runs["test"].output
        )

    @pytest.mark.parametrize("moment", MOMENTS)
    def test_a_crash_leaves_the_old_publication(self, life: Life, moment: str) -> None:
        assert life.files[moment] == life.files["first"]

    def test_a_destination_gets_all_new_tokens_or_keeps_all_old_ones(self, life: Life) -> None:
        run = life.runs["held back"]
        assert run.exit_code == 1
        assert "NOT published: `beta`, its last good files stay" in run.output
        found = life.user_ids["held back"]
        assert found["alpha__events"] == tokens(life.key, *PEOPLE)
        old_beta = {name: text for name, text in life.files["first"].items() if "beta" in name}
        assert old_beta == {
            name: text for name, text in life.files["held back"].items() if "beta" in name
        }

    def test_in_the_end_every_destination_has_new_tokens(self, life: Life) -> None:
        assert life.runs["rotated"].exit_code == 0, life.runs["rotated"].output
        found = life.user_ids["rotated"]
        assert found["alpha__events"] == tokens(life.key, *PEOPLE)
        assert found["beta__events"] == tokens(life.key, *PEOPLE, UNUSED, scope="beta")

    def test_no_old_token_is_left(self, life: Life) -> None:
        old = {token(text, key=KEY) for text in (*PEOPLE, MAIL, "m canary-1", "identify")}
        rows = [*life.project.published_rows("alpha__events")]
        rows += life.project.published_rows("alpha__identifies")
        assert rows
        assert not [value for value in old if value in str(rows)]

    @pytest.mark.parametrize(
        "name", ["first", *MOMENTS, "held back", "rotated", "suppressed", "forgotten"]
    )
    def test_neither_key_nor_value_is_written_anywhere(self, life: Life, name: str) -> None:
        assert life.leaks[name] == []


class TestBridge:
    """Who holds old tokens finds the new ones: in the restricted zone, or in a file if asked."""

    def pairs(self, scope: str, kind: str, *texts: str, key: str) -> set[tuple[str, ...]]:
        return {
            (scope, kind, token(text, scope=scope, key=KEY), token(text, scope=scope, key=key))
            for text in texts
        }

    def found(self, life: Life, name: str) -> set[tuple[str, ...]]:
        rows = life.bridges[name]
        assert len({row[2] for row in rows}) <= 1
        assert len(set(rows)) == len(rows)
        return {(row[0], row[1], row[3], row[4]) for row in rows}

    def test_there_is_none_before(self, life: Life) -> None:
        assert life.bridges["first"] == []

    def test_it_maps_every_masked_value_in_every_scope(self, life: Life) -> None:
        messages = [f"m {person}" for person in PEOPLE]
        ids = [*PEOPLE, *(f"phone of {person}" for person in PEOPLE), UNUSED]
        expected: set[tuple[str, ...]] = set()
        for scope in ("*", "beta"):
            expected |= self.pairs(scope, "row_id", *messages, "identify", "private", key=life.key)
            expected |= self.pairs(scope, "id", *ids, key=life.key)
        expected |= self.pairs("*", "property", MAIL, key=life.key)
        assert self.found(life, "rotated") == expected

    def test_an_earlier_build_made_it_before_it_published(self, life: Life) -> None:
        assert self.found(life, "held back") == self.found(life, "rotated")

    def test_a_copy_is_published_only_where_it_is_asked_for(self, life: Life) -> None:
        assert life.copies["held back"] == []
        assert life.copies["rotated"] != []
        names = [path.name for path in life.project.published_folder().glob("*")]
        assert [name for name in names if name.startswith("beta")] == ["beta"]

    def test_the_copy_has_the_tokens_of_its_destination_alone(self, life: Life) -> None:
        copy = {
            ("*", row["kind"], row["old_token"], row["new_token"])
            for row in life.copies["rotated"]
        }
        messages = [f"m {person}" for person in PEOPLE]
        expected = self.pairs("*", "row_id", *messages, "identify", key=life.key)
        phones = [f"phone of {person}" for person in PEOPLE]
        expected |= self.pairs("*", "id", *PEOPLE, *phones, key=life.key)
        expected |= self.pairs("*", "property", MAIL, key=life.key)
        assert copy == expected

    def test_an_analyst_maps_history_with_it(self, life: Life) -> None:
        new_of = {row["old_token"]: row["new_token"] for row in life.copies["rotated"]}
        history = life.user_ids["first"]["alpha__events"]
        assert {new_of[value] for value in history} == life.user_ids["rotated"]["alpha__events"]

    def test_suppressed_people_leave_it(self, life: Life) -> None:
        gone = PEOPLE[1]
        before, after = self.found(life, "rotated"), self.found(life, "suppressed")
        expected: set[tuple[str, ...]] = set()
        for scope in ("*", "beta"):
            expected |= self.pairs(scope, "row_id", f"m {gone}", key=life.key)
            expected |= self.pairs(scope, "id", gone, f"phone of {gone}", key=life.key)
        assert before - after == expected
        assert after < before
        assert token(gone, key=life.key) not in str(life.copies["suppressed"])

    def test_it_ends_with_the_old_key(self, life: Life) -> None:
        assert life.bridges["forgotten"] == []
        assert life.copies["forgotten"] == []
        assert life.runs["forgotten"].exit_code == 0


class TestAudit:
    """The log tells of the rotation, and its HMACs are checked under the key they are under."""

    def test_the_rotation_is_recorded_once(self, life: Life) -> None:
        entries = audit.entries(audit.read_lines(life.project.audit_log()))
        [entry] = [entry for entry in entries if entry["outcome"] == audit.ROTATED]
        assert entry["destination"] == "*"
        assert entry["mac_key"] == entry["key_fingerprint"] != entry["previous_key_fingerprint"]

    def test_a_published_copy_is_recorded(self, life: Life) -> None:
        entries = audit.entries(audit.read_lines(life.project.audit_log()))
        told = [
            (entry["destination"], entry["token_bridge"]["rows"])
            for entry in entries
            if entry.get("token_bridge")
        ]
        rows = [len(life.copies[name]) for name in ("rotated", "suppressed")]
        assert told == [("alpha", count) for count in rows]

    @pytest.mark.parametrize("name", [*MOMENTS, "held back", "rotated", "suppressed"])
    def test_entries_under_the_old_key_are_checked_with_it(self, life: Life, name: str) -> None:
        assert life.audits[name].faults == []
        assert life.audits[name].notes == []

    def test_without_the_old_key_a_note_says_so(self, life: Life) -> None:
        checked = json.loads(life.command("audit", "verify", "--json").stdout)
        assert checked["faults"] == []
        assert checked["notes"] == ["The HMACs of 2 entries are under another masking key"]
