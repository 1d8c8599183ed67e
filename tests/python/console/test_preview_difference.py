"""`preview --diff`: what a change of the seeds does, and to how many calls."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from seed_files import TODAY, Seeds, minimal_seeds
from typer.testing import CliRunner

from hipaa_mode.cli import app
from hipaa_mode.commands import console
from hipaa_mode.errors import ConfigurationError, ExitCode, MissingFileError
from hipaa_mode.preview import changes as of
from hipaa_mode.preview.affected import count_affected
from hipaa_mode.preview.calls import invented_calls, read_calls
from hipaa_mode.preview.changes import Change, Side
from hipaa_mode.preview.difference import as_markdown, difference
from hipaa_mode.raw_calls import locate

MODELS = frozenset({"ga4__events", "ga4__identifies", "ga4__groups"})


def changes(
    folder: Path,
    change: Callable[[Seeds], object],
    before: Callable[[Seeds], object] = lambda seeds: None,
    models: frozenset[str] = MODELS,
    new_models: frozenset[str] | None = None,
) -> list[Change]:
    """Compare the minimal seeds, prepared by `before`, with what `change` makes of them."""
    seeds = minimal_seeds()
    # Its rows restrict it there too where it is open in dev.
    seeds.add("destinations", environment="prod")
    before(seeds)
    old = Side.of(seeds.read(folder), ["dev"], TODAY, models)
    change(seeds)
    new = Side.of(seeds.read(folder), ["dev"], TODAY, models if new_models is None else new_models)
    assert new.plans["dev"].faults == []
    return of.changes(old, new)


def test_nothing_changes(tmp_path: Path) -> None:
    def reword(seeds: Seeds) -> None:
        seeds.replace("allowed_properties", reason="Said better", approved_by="someone")
        seeds.replace("destinations", description="Said better")

    assert changes(tmp_path, reword) == []


def test_a_property_that_is_added(tmp_path: Path) -> None:
    [found] = changes(
        tmp_path, lambda s: s.add("allowed_properties", property="note", reason="Why not")
    )
    assert (found.destination, found.kind, found.what) == ("ga4", "property", "event note")
    assert (found.verb, found.before, found.effect) == ("added", "", "widens")
    assert found.after == "allow, text, guard block, as note"
    assert found.reason == "Why not"
    assert found.reaches == {"event": frozenset({"Signed In"})}


def test_a_property_that_is_removed(tmp_path: Path) -> None:
    [found] = changes(tmp_path, lambda s: s.rows["allowed_properties"].clear())
    assert (found.verb, found.effect, found.after) == ("removed", "narrows", "")


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        ({"treatment": "mask"}, {"treatment": "allow"}, "widens"),
        ({"treatment": "mask"}, {"treatment": "year"}, "widens"),
        ({"treatment": "allow"}, {"treatment": "mask"}, "narrows"),
        ({"treatment": "allow"}, {"data_type": "json"}, "widens"),
        ({"treatment": "mask"}, {"treatment": "surrogate"}, "re-forms"),
        # Tokens of the same e-mail, written otherwise, are the same from now on.
        ({"treatment": "mask"}, {"treatment": "mask", "normalize": "email"}, "widens"),
        ({"treatment": "year"}, {"treatment": "month"}, "widens"),
        ({"treatment": "round(5)"}, {"treatment": "round(1)"}, "widens"),
        ({"treatment": "round(1)"}, {"treatment": "round(5)"}, "narrows"),
        ({"treatment": "truncate(1)"}, {"treatment": "truncate(3)"}, "widens"),
        ({"treatment": "truncate(3)"}, {"treatment": "truncate(1)"}, "narrows"),
        ({"treatment": "allow"}, {"guard": "warn"}, "widens"),
        ({"guard": "none"}, {"guard": "block"}, "narrows"),
        ({"event": "Signed In"}, {"event": ""}, "widens"),
        ({"event": ""}, {"event": "Signed In"}, "narrows"),
        ({"treatment": "allow"}, {"column_name": "other"}, "re-forms"),
        (
            {"treatment": "allow", "event": "Signed In"},
            {"treatment": "mask", "event": ""},
            "widens",
        ),
        ({"data_type": "integer"}, {"data_type": "number"}, "widens"),
        ({"data_type": "integer"}, {"data_type": "text"}, "widens"),
        ({"expires_on": "2026-12-31"}, {"expires_on": ""}, "widens"),
        ({"expires_on": "2026-12-31"}, {"expires_on": "2027-01-01"}, "widens"),
        ({"expires_on": ""}, {"expires_on": "2026-12-31"}, "narrows"),
    ],
)
def test_a_property_in_another_form(
    tmp_path: Path, before: dict[str, str], after: dict[str, str], effect: str
) -> None:
    [found] = changes(
        tmp_path,
        lambda seeds: seeds.replace("allowed_properties", **after),
        lambda seeds: seeds.replace("allowed_properties", **before),
    )
    assert (found.verb, found.effect) == ("changed", effect)
    assert found.before != found.after


@pytest.mark.parametrize(
    ("before", "after", "what", "effect"),
    [
        ({}, {"restrict_phi": "false", "baa_reference": "B"}, "restrict_phi", "widens"),
        ({"timestamp_precision": "day"}, {"timestamp_precision": "hour"}, None, "widens"),
        ({"timestamp_precision": "day"}, {"timestamp_precision": "none"}, None, "narrows"),
        ({"mask_scope": "destination"}, {"mask_scope": "*"}, "mask_scope", "widens"),
        ({}, {"mask_scope": "destination"}, "mask_scope", "narrows"),
    ],
)
def test_settings(
    tmp_path: Path, before: dict[str, str], after: dict[str, str], what: str | None, effect: str
) -> None:
    found = changes(
        tmp_path,
        lambda seeds: seeds.replace("destinations", **after),
        lambda seeds: seeds.replace("destinations", **before),
    )
    by_what = {change.what: change for change in found if change.kind == "setting"}
    assert by_what[what or "timestamp_precision"].effect == effect


def lift(seeds: Seeds) -> None:
    seeds.replace("destinations", restrict_phi="false", baa_reference="B")


def test_restriction_that_is_taken_off_widens_everything(tmp_path: Path) -> None:
    def listed_for_all(seeds: Seeds) -> None:
        seeds.replace("allowed_events", sent_as="login")
        seeds.replace("allowed_properties", destination="*")
        seeds.add("allowed_properties", destination="*", property_list="user", property="tier")

    found = changes(tmp_path, lift, listed_for_all)
    assert {change.effect for change in found if change.kind != "setting"} == {"widens"}
    whats = {change.what: (change.before, change.after) for change in found}
    assert whats["every event"] == ("", "sent")
    assert whats["Signed In"] == ("sent as login", "sent")
    assert whats["envelope user_id"] == ("mask, text", "allow, text")
    assert whats["envelope properties (whole)"] == ("", "allow, json")
    # What had a column of its own is in the whole objects now: it is not gone.
    assert whats["event plan"] == ("allow, text, guard block", "sent whole")
    assert whats["user tier"] == ("allow, text, guard block", "sent whole")


def test_restriction_that_is_put_on_narrows_everything(tmp_path: Path) -> None:
    def restrict(seeds: Seeds) -> None:
        seeds.replace("destinations", restrict_phi="true", baa_reference="B")
        seeds.replace("allowed_events", destination="*")
        seeds.replace("allowed_properties", destination="*")

    found = changes(tmp_path, restrict, lift)
    assert {change.effect for change in found} == {"narrows"}


def test_events(tmp_path: Path) -> None:
    def change(seeds: Seeds) -> None:
        seeds.replace("allowed_events", sent_as="login")
        seeds.add("allowed_events", event="Booked", sent_as="done")

    found = {change.what: change for change in changes(tmp_path, change)}
    assert (found["Signed In"].before, found["Signed In"].after) == ("sent", "sent as login")
    assert found["Signed In"].effect == "re-forms"
    assert (found["Booked"].before, found["Booked"].after) == ("", "sent as done")
    assert found["Booked"].effect == "widens"
    assert found["Booked"].reaches == {"event": frozenset({"Booked"})}


def test_destinations_that_come_and_go(tmp_path: Path) -> None:
    def come(seeds: Seeds) -> None:
        seeds.add("destinations", destination="crm", description="For the care teams")
        seeds.add("allowed_events", destination="crm")
        seeds.add("allowed_properties", destination="crm", property="plan")

    models = MODELS | {"crm__events"}
    added = changes(tmp_path, come, models=models)
    assert {change.destination for change in added} == {"crm"}
    by_kind = {change.kind: change for change in added}
    assert by_kind["destination"].after == "analytics, HIPAA mode, 1 events, crm__events"
    assert by_kind["destination"].reason == "For the care teams"
    assert by_kind["event"].what == "Signed In"
    whats = {change.what for change in added if change.kind == "property"}
    assert whats == {"event plan", *(f"envelope {i}_id" for i in ("user", "anonymous", "group"))}
    assert {change.effect for change in added} == {"widens"}

    def go(seeds: Seeds) -> None:
        for seed in ("destinations", "allowed_events", "allowed_properties"):
            seeds.rows[seed].pop()

    removed = changes(tmp_path, go, come, models=models, new_models=MODELS)
    assert {change.verb for change in removed} == {"removed"}
    assert {change.effect for change in removed} == {"narrows"}


def test_a_view_that_comes_brings_its_properties(tmp_path: Path) -> None:
    def traits(seeds: Seeds) -> None:
        seeds.add("allowed_properties", property_list="user", property="plan_tier")
        seeds.add("allowed_properties", property_list="context", property="locale")

    found = changes(
        tmp_path,
        lambda seeds: None,
        traits,
        models=frozenset({"ga4__events"}),
        new_models=frozenset({"ga4__events", "ga4__identifies"}),
    )
    assert {(change.what, change.effect) for change in found if "envelope" not in change.what} == {
        ("ga4__identifies", "widens"),
        ("user plan_tier", "widens"),
        ("context locale", "widens"),
    }


def test_zip3_areas(tmp_path: Path) -> None:
    [found] = changes(tmp_path, lambda seeds: seeds.rows["small_zip3_areas"].clear())
    assert (found.environment, found.destination, found.effect) == ("*", "*", "widens")
    assert (found.before, found.after) == ("036", "none")


def test_a_change_that_is_not_understood_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of, "compare", lambda old, new: [])
    [found] = changes(
        tmp_path, lambda seeds: seeds.replace("destinations", timestamp_precision="hour")
    )
    assert (found.kind, found.effect) == ("other", "widens")


# How many calls


def test_affected_calls(tmp_path: Path) -> None:
    calls: list[dict[str, Any]] = [
        {"type": "track", "event": "Signed In", "properties": {"note": "a"}},
        {"type": "track", "event": "Signed In", "properties": {"note": None}},
        {"type": "track", "event": "Signed In", "properties": {"items": [{"sku": None}]}},
        {"type": "track", "event": "Signed In", "properties": {"items": [{}, {"sku": 1}]}},
        {"type": "track", "event": "Other", "properties": {"note": "a"}},
        {"type": "page", "properties": {"note": "a"}},
        {"type": "identify", "traits": {"note": "a"}, "context": {"locale": "en"}},
        {"type": "track", "event": 5, "properties": {"note": "a"}},
    ]
    file = tmp_path / "calls.ndjson"
    file.write_text("".join(json.dumps(call) + "\n" for call in calls) + "broken\n")

    def change(seeds: Seeds) -> None:
        seeds.add("allowed_properties", property="note")
        seeds.add("allowed_properties", property="items[].sku")
        seeds.add("allowed_properties", property="locale", property_list="context")
        seeds.add("allowed_events", event="Other")
        seeds.add("allowed_events", event="page")
        seeds.replace("destinations", timestamp_precision="hour")

    found = changes(tmp_path, change)
    counts, read = count_affected(found, locate(str(file), tmp_path))
    assert read == 9
    assert {change.what: count for change, count in zip(found, counts)} == {
        "timestamp_precision": None,
        "Other": 1,
        "page": 1,
        "event note": 3,
        "event items[].sku": 1,
        "context locale": 1,
    }


# Against a commit


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@t.example")
    subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments], check=True, capture_output=True
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A project in a folder of a repository, with one commit, and a change that is not in it."""
    project = tmp_path / "repository/warehouse/project"
    (project / "models/ga4").mkdir(parents=True)
    (project / "models/ga4/ga4__events.sql").write_text(
        "{{ hipaa_mode.destination_events('ga4') }}"
    )
    (project / "seeds").mkdir()
    seeds = minimal_seeds()
    seeds.write(project / "seeds")
    git(tmp_path / "repository", "init", "-q")
    git(tmp_path / "repository", "add", ".")
    git(tmp_path / "repository", "commit", "-qm", "one")
    seeds.add("allowed_properties", property="a|b`c<i>", reason="*Bold* <script>", column_name="x")
    seeds.write(project / "seeds")
    calls = project / "demo/raw_calls/dev/calls.ndjson"
    calls.parent.mkdir(parents=True)
    call = {"type": "track", "event": "Signed In", "properties": {"a|b`c<i>": 1}}
    calls.with_suffix(".ndjson.gz").write_bytes(gzip.compress(json.dumps(call).encode()))
    return project


def run(project: Path, *arguments: str) -> Any:
    console.output.width = 200
    return CliRunner().invoke(
        app,
        ["preview", "--project", str(project), *arguments],
        env={"HIPAA_MODE_RAW_CALLS": None},
    )


def test_against_a_commit(repository: Path) -> None:
    result = run(repository, "--diff", "HEAD", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    [environment] = told["environments"]
    [change] = environment["changes"]
    assert environment["raw_calls_read"] == 1
    assert (change["destination"], change["change"], change["calls"]) == ("ga4", "added", 1)
    assert change["what"] == "event a|b`c<i>"
    assert told["effects"] == {"widens": 1, "narrows": 0, "re-forms": 0}
    git(repository, "commit", "-qam", "two")
    assert "nothing changes" in run(repository, "--diff", "HEAD").stdout
    assert json.loads(run(repository, "--diff", "HEAD~1", "--json").stdout) == {
        **told,
        "reference": "HEAD~1",
    }


OPTIONAL = {
    "environments": "environment,retain_days\ndev,30\n",
    "suppressed_users": "environment,user_id,requested_on,reference\ndev,u-1,2026-01-02,R\n",
}


@pytest.mark.parametrize("seed", OPTIONAL)
@pytest.mark.parametrize("is_emptied", [False, True])
def test_lists_that_are_taken_away_widen(repository: Path, seed: str, is_emptied: bool) -> None:
    file = repository / f"seeds/{seed}.csv"
    file.write_text(OPTIONAL[seed])
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "two")
    assert run(repository, "--diff", "HEAD", "--fail-on", "any").exit_code == 0
    file.write_text(OPTIONAL[seed].split("\n")[0] + "\n") if is_emptied else file.unlink()
    result = run(repository, "--diff", "HEAD", "--fail-on", "widens", "--json")
    assert result.exit_code == ExitCode.FAILED_CHECK
    environments = json.loads(result.stdout)["environments"]
    told = {change["what"] for item in environments for change in item["changes"]}
    settings = {"environments": "retain_days", "suppressed_users": "suppressed_users"}
    assert settings[seed] in told
    assert ("optional_lists" in told) is not is_emptied
    assert "u-1" not in result.stdout


def test_a_row_of_an_environment_that_only_a_target_names(repository: Path) -> None:
    """Destinations are for `*`; prod's own deny is taken away."""
    seeds = minimal_seeds()
    seeds.replace("destinations", environment="*")
    seeds.add("allowed_properties", environment="prod", property="plan", treatment="deny")
    seeds.write(repository / "seeds")
    git(repository, "commit", "-qam", "two")
    seeds.rows["allowed_properties"].pop()
    seeds.write(repository / "seeds")
    result = run(repository, "--diff", "HEAD", "--fail-on", "widens", "--json")
    assert result.exit_code == ExitCode.FAILED_CHECK
    told = {
        item["environment"]: item["changes"] for item in json.loads(result.stdout)["environments"]
    }
    assert {change["what"] for change in told["prod"]} == {"event plan"}
    seeds.replace("allowed_properties", data_type="integer")
    seeds.write(repository / "seeds")
    (repository / "dbt_project.yml").write_text("name: p\nprofile: p\n")
    (repository / "profiles.yml").write_text("p: {outputs: {staging: {type: duckdb}}}\n")
    told = json.loads(run(repository, "--diff", "HEAD", "--json").stdout)
    assert {item["environment"] for item in told["environments"]} == {"prod", "staging"}


@pytest.mark.parametrize(
    ("fail_on", "code"), [("never", 0), ("widens", ExitCode.FAILED_CHECK), ("any", 1)]
)
def test_exit_codes(repository: Path, fail_on: str, code: int) -> None:
    assert run(repository, "--diff", "HEAD", "--fail-on", fail_on).exit_code == code
    git(repository, "commit", "-qam", "two")
    assert run(repository, "--diff", "HEAD", "--fail-on", fail_on).exit_code == 0


def test_what_can_not_be_compared(repository: Path, tmp_path: Path) -> None:
    for reference in ("no-such-branch", "--output=x", "HEAD:seeds"):
        result = run(repository, f"--diff={reference}")
        assert isinstance(result.exception, MissingFileError)
    (repository / "seeds/destinations.csv").write_text("environment\n")
    assert isinstance(run(repository, "--diff", "HEAD").exception, ConfigurationError)
    assert isinstance(run(tmp_path, "--diff", "HEAD").exception, MissingFileError)


def test_faults_of_the_past_are_told_and_do_not_stop(repository: Path) -> None:
    git(repository, "commit", "-qam", "sound")
    sound = (repository / "seeds/allowed_events.csv").read_text()
    (repository / "seeds/allowed_events.csv").write_text(sound + "dev,nobody,x,\n")
    git(repository, "commit", "-qam", "faulty")
    (repository / "seeds/allowed_events.csv").write_text(sound)
    result = run(repository, "--diff", "HEAD", "--json")
    assert result.exit_code == 0
    assert "no such destination" in json.loads(result.stdout)["faults_at_reference"][0]


def test_without_raw_calls_nothing_is_counted(repository: Path) -> None:
    (repository / "demo/raw_calls/dev/calls.ndjson.gz").unlink()
    told = json.loads(run(repository, "--diff", "HEAD", "--json").stdout)["environments"][0]
    assert told["raw_calls_read"] is None
    assert "were not counted" in told["note"]
    assert told["changes"][0]["calls"] is None
    quiet = json.loads(run(repository, "--diff", "HEAD", "--no-count", "--json").stdout)
    assert quiet["environments"][0]["note"] == ""


def test_markdown_shows_names_and_reasons_as_they_are(repository: Path) -> None:
    found = difference(repository, "HEAD", ["dev"], None, False, lambda *_: lambda _: None)
    text = as_markdown(found)
    [row] = [line for line in text.splitlines() if "added" in line]
    assert "``event a\\|b`c<i>``" in row
    assert "\\*Bold\\* &lt;script&gt;" in row
    # Six cells: the bar of the name ends none.
    assert row.replace("\\|", "").count("|") == 7
    assert "**widens**, added" in row
    assert run(repository, "--diff", "HEAD", "--markdown", "--no-count").stdout == text


# Calls to preview


def test_calls_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "call.json"
    file.write_text('{"a": [1,\n  {"b": 1.10}\n ]}\n')
    assert read_calls(file) == ['{"a": [1,   {"b": 1.10}  ]}']
    file.write_text('\ufeff{"a":1}\n\nbroken\n', encoding="utf-8")
    assert read_calls(file) == ['{"a":1}', "broken"]


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe", b"{}\n" * 51])
def test_files_that_hold_no_calls_to_preview(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "calls.ndjson"
    file.write_bytes(content)
    with pytest.raises(Exception, match=r"no call|not UTF-8|50 at most"):
        read_calls(file)


def test_calls_are_invented_to_fit_the_allowlist(tmp_path: Path) -> None:
    seeds = minimal_seeds()
    seeds.replace("allowed_events", event="Ordered Tests")
    for cells in (
        {"property": "items[].sku"},
        {"property": "items[].size"},
        {"property": "patient.zip", "treatment": "zip3", "event": "Ordered Tests"},
        {"property": '"e.mail"', "treatment": "mask", "normalize": "email"},
        {"property": "locale", "property_list": "context"},
    ):
        seeds.add("allowed_properties", **cells)
    plan = seeds.plan(tmp_path).destinations["ga4"]
    [made, identify] = invented_calls(plan, ["identifies", "events"])
    assert identify["type"] == "identify"
    assert identify["messageId"] != made["messageId"], "a duplicate would not be built"
    assert made["event"] == "Ordered Tests"
    assert made["properties"]["items"] == [{"sku": "example", "size": "example"}]
    assert made["properties"]["patient"] == {"zip": "85701"}
    assert "@" in made["properties"]["e.mail"]
    assert made["context"]["locale"] == "example"
    # Something that is on no list, too.
    assert "ssn" in made["properties"]
