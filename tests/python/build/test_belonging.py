"""What belongs to an environment stays its own through real builds: database, raw calls, people.

One environment built from calls, with people suppressed by the seed, an environment variable and a
dbt variable; then everything a schedule can get wrong, each refused before anything is touched.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from project import REPOSITORY, Project, Run, allowed, destination, event, track

IN_ALL = {"environment": "*"}
BY_SEED, BY_FILE, BY_VARIABLE = "canary-Seed", "canary-File", "canary-Variable"
LISTS = {"HIPAA_MODE_SUPPRESSED_USERS": "requests.csv"}
MORE = "{hipaa_mode__suppressed_users: [more.ndjson]}"


def visit(number: int, user: str) -> dict[str, object]:
    return track("Visit", {"plan": f"p{number}"}, messageId=f"m{number}", userId=user)


@dataclass
class Life:
    """The project, and what each run came to, by name."""

    project: Project
    runs: dict[str, Run] = field(default_factory=dict)
    plans: dict[str, set[str]] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def run(self, name: str, *arguments: str, without: str = "", **variables: str) -> None:
        usual = dict(self.project.environment)
        self.project.environment.update(variables)
        self.project.unset = (without,)
        self.runs[name] = self.project.dbt("build", *arguments)
        self.project.environment, self.project.unset = usual, ()
        self.plans[name] = {row["plan"] for row in self.project.published_rows("tool__events")}
        self.files[name] = self.project.published_bytes()

    def refused(self, name: str) -> str:
        """What a run said that was refused before anything was touched."""
        run = self.runs[name]
        assert run.exit_code != 0
        assert "nothing was built or published" in run.output.lower()
        assert self.files[name] == self.files["first"]
        assert "canary" not in run.output
        return " ".join(run.output.split())


@pytest.fixture(scope="module")
def life(new_project: Callable[..., Project]) -> Life:
    project = new_project(
        "belonging",
        [destination("tool", **IN_ALL)],
        [event("tool", "Visit", **IN_ALL)],
        [allowed("tool", "event", "plan", **IN_ALL)],
        [
            *(visit(n, f"patient-{n}") for n in range(20)),
            *(visit(30 + n, user) for n, user in enumerate((BY_SEED, BY_FILE, BY_VARIABLE))),
        ],
        views={"tool": ["events"]},
    )
    project.set_variable("hipaa_mode__rejected_share", 0.1)
    project.environment.update(LISTS)
    project.write_seed("suppressed_users", [{**IN_ALL, "user_id": BY_SEED}])
    requests = project.folder / "requests.csv"
    requests.write_text(f"user_id\n{BY_FILE}\n")
    (project.folder / "more.ndjson").write_text(json.dumps({"user_id": BY_VARIABLE}) + "\n")
    demo = project.folder / "demo/raw_calls/dev"
    shutil.copytree(REPOSITORY / "demo/raw_calls/dev", demo)
    life = Life(project)
    life.run("first", "--vars", MORE)

    new_database = {"HIPAA_MODE_DATABASE": "restricted/new.duckdb"}
    life.run("no raw calls", "--vars", MORE, without="HIPAA_MODE_RAW_CALLS", **new_database)
    life.run("no target", "--target", "prod", "--vars", MORE)
    life.run("no target, new database", "--target", "prod", "--vars", MORE, **new_database)
    life.run("a list is not named", "--vars", MORE, without="HIPAA_MODE_SUPPRESSED_USERS")
    requests.write_text(f"user_id\n{BY_FILE.upper()}\n")
    life.run("a list in another case", "--vars", MORE)

    # The calls' ids changed, and nobody's list did.
    requests.write_text(f"user_id\n{BY_FILE}\n")
    calls = project.folder / "raw_calls/calls.ndjson"
    text = calls.read_text("utf-8")
    calls.write_text(text.replace(BY_FILE, BY_FILE.upper()), "utf-8")
    project.write_calls([{"batch": [visit(50, "x")]}], "body.ndjson")
    project.write_calls([visit(60, "y")], "sound.ndjson")
    life.run("changed", "--vars", MORE)
    calls.write_text(text, "utf-8")
    life.run("nothing new", "--vars", MORE)
    accepted = {
        "hipaa_mode__suppressed_users": "more.ndjson",
        "hipaa_mode__accept_rejected_lines": 1,
        "hipaa_mode__accept_returning_people": 1,
    }
    requests.write_text("user_id\nsomebody else\n")
    life.run("accepted", "--vars", json.dumps(accepted))
    return life


class TestFirst:
    """Lists from everywhere add up, and what the environment was built from is known after."""

    def test_everybody_on_any_list_is_withheld(self, life: Life) -> None:
        assert life.plans["first"] == {f"p{n}" for n in range(20)}
        assert "withheld: 3 calls of 3 suppressed people" in life.runs["first"].output

    def test_the_record_is_its_owners_alone_and_names_nobody(self, life: Life) -> None:
        path = life.project.published_folder() / "run_record.json"
        assert path.stat().st_mode & 0o777 == 0o600
        record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        assert record["environment"] == "dev"
        assert record["location"] == "raw_calls/*.ndjson"
        assert record["lists"] == {"more.ndjson": 1, "requests.csv": 1}
        assert "canary" not in path.read_text("utf-8")
        shown = life.project.hipaa_mode("summary")
        assert shown.returncode == 0, shown.stdout + shown.stderr


class TestBelongs:
    """Nothing is built from the demo's calls, or for another environment, by accident."""

    def test_the_demos_calls_replace_nobodys(self, life: Life) -> None:
        said = life.refused("no raw calls")
        assert "they are the demo's" in said
        assert "the environment was built from raw_calls/*.ndjson" in said

    def test_a_forgotten_target_does_not_touch_the_database(self, life: Life) -> None:
        said = life.refused("no target")
        assert "The database: it belongs to environment `dev`, and this run is of `prod`" in said

    def test_nor_does_it_read_the_calls_into_another(self, life: Life) -> None:
        said = life.refused("no target, new database")
        assert "environment `dev` was built from them first" in said
        assert not list(life.project.published_folder("prod").glob("tool"))


class TestPeople:
    """Nobody comes back by accident."""

    def test_a_list_that_is_not_named_any_more(self, life: Life) -> None:
        said = life.refused("a list is not named")
        assert "requests.csv: this list of 1 person is not named any more" in said

    def test_a_list_whose_ids_are_spelt_otherwise(self, life: Life) -> None:
        said = life.refused("a list in another case")
        assert "requests.csv: 1 person that it listed in the last run" in said
        assert "hipaa_mode__accept_returning_people: 1" in said

    def test_calls_whose_ids_are_spelt_otherwise_publish_nothing(self, life: Life) -> None:
        assert "; 1 call that was withheld when" in life.runs["changed"].output
        assert life.files["changed"] == life.files["first"]

    def test_who_was_taken_off_on_purpose_is_back(self, life: Life) -> None:
        assert life.plans["accepted"] == {*(f"p{n}" for n in range(20)), "p31", "p60"}


class TestRejected:
    """Lines that can't be used are said, and a file of them holds everything back."""

    def test_a_batch_body_is_named_with_its_file(self, life: Life) -> None:
        output = life.runs["changed"].output
        assert "rejected 1 of 2 new lines" in output
        assert "raw_calls/body.ndjson: 1 missing_type" in output
        assert "body.ndjson could be used: it seems to be the body of a batch request" in output
        assert life.files["changed"] == life.files["first"]

    def test_the_next_build_remembers(self, life: Life) -> None:
        assert "2 are unchanged, 1 changed or gone" in life.runs["nothing new"].output
        assert "body.ndjson could be used" in life.runs["nothing new"].output
        assert life.files["nothing new"] == life.files["first"]
        assert "NOT published" not in life.runs["accepted"].output
