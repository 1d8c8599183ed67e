"""Commands that change the configuration: what they write, what they refuse, what they leave."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import json
import os
import pty
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from editing_commands import changed, files, run
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hipaa_mode.configuration import ALL_VIEWS
from hipaa_mode.editing.destinations import change_destination
from hipaa_mode.editing.events import allow_event, deny_event
from hipaa_mode.editing.layout import Layout
from hipaa_mode.editing.properties import Place, deny_property, set_property
from hipaa_mode.editing.scaffold import CHECK
from hipaa_mode.editing.screens import destination_screens
from hipaa_mode.editing.workspace import EditRefusedError, Workspace, unified_diff
from hipaa_mode.editing.writing import EditConflictError, FileChange, write_changes
from hipaa_mode.editing.yaml_text import YamlText
from hipaa_mode.errors import ConfigurationError, ExitCode, HipaaModeError
from hipaa_mode.project import read_plan

REPOSITORY = Path(__file__).resolve().parents[3]
ANY = "*"
PROPERTIES = "seeds/allowed_properties.csv"
EVENTS = "seeds/allowed_events.csv"
DESTINATIONS = "seeds/destinations.csv"
GA4_YAML = "models/destination_views/ga4/_ga4.yml"
NO_LOCK = (
    "there is no receives.lock.yml, which a build needs: review what is received, then run: "
    "hipaa-mode lock"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's configuration and models; no macros, no dbt."""
    folder = tmp_path_factory.mktemp("demo") / "project"
    folder.mkdir()
    shutil.copy(REPOSITORY / "dbt_project.yml", folder)
    shutil.copytree(REPOSITORY / "seeds", folder / "seeds")
    shutil.copytree(REPOSITORY / "models/destination_views", folder / "models/destination_views")
    return folder


@pytest.fixture
def project(demo: Path, tmp_path: Path) -> Path:
    """A copy of it to change."""
    return shutil.copytree(demo, tmp_path / "project")


def run_as_json(project: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(project, *arguments, "--json").stdout)
    return found


def differing_lines(before: bytes, after: bytes) -> tuple[Counter[str], Counter[str]]:
    """Lines that went and lines that came."""
    old, new = (Counter(content.decode().splitlines()) for content in (before, after))
    return old - new, new - old


def columns(project: Path, destination: str, view: str, environment: str) -> dict[str, str]:
    plan = read_plan(project, environment)
    assert plan.faults == [], [str(fault) for fault in plan.faults]
    return {column.name: column.treatment for column in plan.destinations[destination].views[view]}


class TestAllowMaskAndDeny:
    def test_a_property_that_is_allowed_is_one_row(self, project: Path) -> None:
        before = files(project)
        result = run(project, "allow", "ga4", "coupon", "--reason", "Our own, few", "--yes")
        assert result.exit_code == 0, result.output
        assert changed(before, files(project)) == {PROPERTIES}
        went, came = differing_lines(before[PROPERTIES], files(project)[PROPERTIES])
        assert (went, came) == (
            Counter(),
            Counter(['dev,ga4,event,,coupon,allow,,,,,"Our own, few",,']),
        )
        assert columns(project, "ga4", "events", "dev")["coupon"] == "allow"
        assert "coupon" not in columns(project, "ga4", "events", "prod")

    def test_allowed_and_denied_again_every_byte_is_as_before(self, project: Path) -> None:
        before = files(project)
        run(project, "allow", "ga4", "coupon", "--reason", "Ours", "--yes")
        assert run(project, "deny", "ga4", "coupon", "--yes").exit_code == 0
        assert files(project) == before

    def test_denied_from_the_project_allowlist_and_allowed_anew(self, project: Path) -> None:
        run(project, "deny", "ga4", "plan", "--environment", "prod", "--yes")
        assert "plan" not in columns(project, "ga4", "events", "prod")
        assert columns(project, "ga4", "events", "dev")["plan"] == "allow"
        assert columns(project, "mailchimp", "events", "prod")["plan"] == "allow"
        before = files(project)
        run(project, "mask", "ga4", "plan", "-e", "prod", "--reason", "Counts", "--yes")
        assert columns(project, "ga4", "events", "prod")["plan"] == "mask"
        went, came = differing_lines(before[PROPERTIES], files(project)[PROPERTIES])
        assert (went.total(), came.total()) == (1, 1)

    def test_a_new_form_drops_what_belonged_to_the_old_one(self, project: Path) -> None:
        result = run(project, "allow", "ga4", "email", "-e", ANY, "--as", "domain",
                     "--reason", "Employers", "--yes")  # fmt: skip
        assert result.exit_code == 0, result.output
        [row] = [
            line for line in files(project)[PROPERTIES].decode().splitlines()
            if line.startswith("*,ga4,event,,email,")
        ]  # fmt: skip
        # normalize went with the token; the column's name and the approval stayed.
        assert row == "*,ga4,event,,email,domain,,,,email_token,Employers,privacy@clinic.example,"

    def test_a_new_form_needs_a_reason_and_an_old_one_does_not(self, project: Path) -> None:
        before = files(project)
        result = run(project, "allow", "ga4", "email", "-e", ANY, "--yes")
        assert result.exit_code == ExitCode.BAD_CONFIGURATION
        assert "A reason is missing" in str(result.exception)
        assert files(project) == before
        assert run(project, "mask", "ga4", "email", "-e", ANY, "--normalize", "lower",
                   "--yes").exit_code == 0  # fmt: skip

    def test_saying_what_is_said_already_changes_nothing(self, project: Path) -> None:
        before = files(project)
        result = run(project, "mask", "ga4", "email", "-e", ANY, "--yes")
        assert result.exit_code == 0
        assert "Nothing to change" in result.stdout
        assert run(project, "deny", "ga4", "never_seen", "--yes").exit_code == 0
        assert files(project) == before

    def test_the_first_user_property_brings_its_models(self, project: Path) -> None:
        run(project, "destination", "add", "posthog", "--type", "webhook",
            "--owner-email", "a@clinic.example", "--yes")  # fmt: skip
        folder = project / "models/destination_views/posthog"
        assert sorted(os.listdir(folder)) == ["_posthog.yml", "posthog__events.sql"]
        run(project, "mask", "posthog", "email", "--list", "user", "--reason", "Counts", "--yes")
        for view in ("identifies", "users"):
            model = folder / f"posthog__{view}.sql"
            assert model.read_text() == f"{{{{ hipaa_mode.destination_{view}('posthog') }}}}\n"
        described = yaml.safe_load((folder / "_posthog.yml").read_text())
        assert [item["data_tests"] for item in described["models"]] == [[CHECK]] * 3
        assert described["exposures"][0]["depends_on"] == [
            "ref('posthog__events')",
            "ref('posthog__identifies')",
            "ref('posthog__users')",
        ]
        assert columns(project, "posthog", "identifies", "dev")["email"] == "mask"
        run(project, "allow", "posthog", "size", "--list", "group", "--reason", "No", "--yes")
        assert (folder / "posthog__groups_latest.sql").exists()

    def test_no_model_of_users_without_their_ids(self, project: Path) -> None:
        run(project, "destination", "add", "posthog", "--type", "webhook",
            "--owner-email", "a@clinic.example", "--yes")  # fmt: skip
        run(project, "deny", "posthog", "user_id", "--list", "envelope", "-r", "No use", "--yes")
        run(project, "mask", "posthog", "email", "--list", "user", "--reason", "Counts", "--yes")
        folder = project / "models/destination_views/posthog"
        assert (folder / "posthog__identifies.sql").exists()
        assert not (folder / "posthog__users.sql").exists()

    def test_a_destination_without_restriction_has_all_views(self, project: Path) -> None:
        run(project, "destination", "add", "posthog", "--type", "webhook", "--no-restrict",
            "--baa-reference", "BAA-7", "--owner-email", "a@clinic.example",
            "--yes")  # fmt: skip
        models = (project / "models/destination_views/posthog").glob("*.sql")
        assert {model.stem.removeprefix("posthog__") for model in models} == set(ALL_VIEWS)

    def test_an_id_of_the_call_is_denied_by_a_row_of_its_own(self, project: Path) -> None:
        run(project, "deny", "ga4", "user_id", "--list", "envelope", "-r", "No use", "--yes")
        screens = destination_screens(Workspace(Layout.read(project)), ["dev"])
        [ga4] = [screen for screen in screens if screen.name == "ga4"]
        forms = {listed.path: listed.form for listed in ga4.lists["envelope"]}
        assert forms == {"user_id": "not sent", "anonymous_id": "masked", "group_id": "masked"}
        assert ga4.views == ("events", "identifies", "groups", "groups_latest")

    def test_models_of_latest_values_go_with_the_id(self, project: Path) -> None:
        answer = run_as_json(project, "deny", "ga4", "group_id", "--list", "envelope", "--yes")
        assert any("ga4__groups_latest is removed" in note for note in answer["notes"])
        folder = project / "models/destination_views/ga4"
        assert not (folder / "ga4__groups_latest.sql").exists()
        assert (folder / "ga4__groups.sql").exists()
        described = yaml.safe_load((folder / "_ga4.yml").read_text())
        models = [model["name"] for model in described["models"]]
        assert "ga4__groups" in models and "ga4__groups_latest" not in models
        assert described["exposures"][0]["depends_on"] == [f"ref('{name}')" for name in models]

    def test_a_property_on_one_event_is_denied_on_that_event(self, project: Path) -> None:
        for event in ("Home", "Signed In"):
            run(project, "allow", "ga4", "form", "--event", event, "--reason", "Ours", "--yes")
        before = files(project)
        run(project, "deny", "ga4", "form", "--event", "Home", "--yes")
        went, came = differing_lines(before[PROPERTIES], files(project)[PROPERTIES])
        assert (went, came) == (Counter(["dev,ga4,event,Home,form,allow,,,,,Ours,,"]), Counter())
        result = run(project, "deny", "ga4", "plan", "--event", "Home", "--yes")
        assert "can't be denied on one event" in str(result.exception)

    def test_another_row_that_beats_the_new_one_is_told(self, project: Path) -> None:
        run(project, "allow", "ga4", "form", "--reason", "Ours", "--yes")
        answer = run_as_json(
            project, "mask", "ga4", "form", "-e", ANY, "--reason", "Counts", "--yes"
        )
        assert answer["notes"] == ["In dev another row beats this one: there it is allow", NO_LOCK]

    def test_an_id_is_denied_on_every_event_or_on_none(self, project: Path) -> None:
        before = files(project)
        of_an_id = ("ga4", "user_id", "--list", "envelope", "--event", "Signed In")
        result = run(project, "deny", *of_an_id, "--yes")
        assert result.exit_code == ExitCode.BAD_CONFIGURATION
        assert "does not go with property list envelope" in str(result.exception)
        assert files(project) == before

    def test_nothing_is_denied_where_everything_is_sent(self, project: Path) -> None:
        result = run(project, "deny", "care_crm", "email", "--yes")
        assert result.exit_code == ExitCode.BAD_CONFIGURATION
        assert "is not restricted" in str(result.exception)


class TestRefusals:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["allow", "ga4", "form", "--as", "encrypt"],
            ["allow", "ga4", 'a."b'],
            ["allow", "ga4", "form", "--list", "events"],
            ["allow", "ga4", "Plan"],
            ["allow", "ga4", "user_id"],
            ["allow", "ga4", "form", "--column", "plan"],
            ["allow", "ga4", "form", "--expires-on", "31.12.2030"],
            ["allow", "ga4", "email", "--event", "Home", "-e", ANY],
            ["allow", "ga4", "form", "--guard", "maybe"],
            ["mask", "ga4", "form", "--normalize", "upper"],
            ["mask", "ga4", "form[]", "--surrogate"],
            ["allow", "ga4", "user_id", "--list", "envelope", "--as", "year"],
        ],
        ids=lambda arguments: " ".join(arguments),
    )
    def test_what_the_build_refuses_is_refused_at_once_in_its_words(
        self, project: Path, arguments: list[str]
    ) -> None:
        before = files(project)
        answer = run_as_json(project, *arguments, "--reason", "Ours", "--yes")
        assert answer["written"] is False
        assert answer["faults"]
        assert files(project) == before
        _write_regardless(project, arguments)
        build = {str(fault) for environment in ("dev", "prod")
                 for fault in read_plan(project, environment).faults}  # fmt: skip
        assert set(answer["faults"]) == build

    def test_a_destination_that_is_not_listed_is_told(self, project: Path) -> None:
        result = run(project, "allow", "ga5", "form", "--reason", "Ours", "--yes")
        assert result.exit_code == ExitCode.BAD_CONFIGURATION
        assert "There is no destination `ga5`. Add it" in str(result.exception)
        assert "ga4" in str(result.exception)

    def test_a_destination_of_another_environment_is_told(self, project: Path) -> None:
        result = run(project, "allow", "web_chat", "form", "-e", "prod", "-r", "Ours", "--yes")
        assert result.exit_code == ExitCode.BAD_CONFIGURATION
        assert "`web_chat` is not listed for environment prod, but for dev" in str(
            result.exception
        )

    def test_a_destination_whose_row_has_faults_is_told(self, project: Path) -> None:
        seed = project / DESTINATIONS
        seed.write_text(seed.read_text().replace("dev,ga4,google_analytics_4", "dev,ga4,no_type"))
        result = run(project, "allow", "ga4", "form", "--reason", "Ours", "--yes")
        assert "The row of `ga4` in destinations.csv has faults" in str(result.exception)

    def test_faults_that_were_there_before_do_not_stop_a_mend(self, project: Path) -> None:
        seed = project / DESTINATIONS
        text = seed.read_text()
        seed.write_text(text.replace("BAA-2025-014", "").replace("BAA-2026-003", ""))
        answer = run_as_json(project, "destination", "restrict", "care_crm", "--yes")
        assert answer["written"] is True
        assert len(answer["faults"]) == 2
        assert all("restriction is off without a BAA" in fault for fault in answer["faults"])
        assert "left as it is" in " ".join(answer["notes"])

    def test_a_file_that_cant_be_edited_is_told(self, project: Path) -> None:
        (project / PROPERTIES).write_text('environment,destination\ndev,"ga4\n')
        result = run(project, "allow", "ga4", "form", "--reason", "Ours", "--yes")
        assert "line 2: the row is not CSV" in str(result.exception)

    def test_a_folder_without_a_project_is_told(self, tmp_path: Path) -> None:
        result = run(tmp_path, "destination", "list")
        assert result.exit_code == ExitCode.MISSING_FILE
        assert "Run the command in a dbt project" in str(result.exception)


def _write_regardless(project: Path, arguments: list[str]) -> None:
    """Write the row that a command was refused, where the command would have put it."""
    treatment = "surrogate" if "--surrogate" in arguments else arguments[0]
    options = dict(zip(arguments[3::2], [*arguments[4::2], ""]))
    cells = [
        options.get("-e", "dev"),
        arguments[1],
        options.get("--list", "event"),
        options.get("--event", ""),
        arguments[2],
        options.get("--as", treatment),
        options.get("--normalize", ""),
        "",
        options.get("--guard", ""),
        options.get("--column", ""),
        "Ours",
        "",
        options.get("--expires-on", ""),
    ]
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow(cells)
    lines = (project / PROPERTIES).read_text().splitlines()
    places = [
        [place for place, line in enumerate(lines) if line.split(",")[1:n] == cells[1:n]]
        for n in (3, 2)
    ]
    lines.insert((places[0] or places[1])[-1] + 1, row.getvalue())
    (project / PROPERTIES).write_text("\n".join(lines) + "\n")


def events(project: Path, environment: str) -> Mapping[str, str]:
    """The events that ga4 gets, each with the name that it is sent under."""
    found = read_plan(project, environment).destinations["ga4"].events
    assert found is not None
    return found


class TestEvents:
    def test_an_event_is_allowed_under_another_name_and_denied(self, project: Path) -> None:
        before = files(project)
        run(project, "event", "allow", "ga4", "Bill Paid", "--sent-as", "paid", "--yes")
        assert events(project, "dev")["Bill Paid"] == "paid"
        assert "Bill Paid" not in events(project, "prod")
        assert changed(before, files(project)) == {EVENTS}
        run(project, "event", "allow", "ga4", "Bill Paid", "--sent-as", "", "--yes")
        assert events(project, "dev")["Bill Paid"] == "Bill Paid"
        run(project, "event", "deny", "ga4", "Bill Paid", "--yes")
        assert files(project) == before

    def test_a_row_for_all_environments_is_taken_apart(self, project: Path) -> None:
        before = files(project)
        run(project, "event", "deny", "ga4", "Home", "-e", "prod", "--yes")
        assert differing_lines(before[EVENTS], files(project)[EVENTS]) == (
            Counter(["*,ga4,Home,"]),
            Counter(["dev,ga4,Home,"]),
        )

    @pytest.mark.parametrize(
        ("row", "arguments", "message"),
        [
            (None, ["mixpanel", "Home"], "lets every event pass"),
            ("*,*,Search,", ["ga4", "Search"], "lets it pass to every destination"),
            (None, ["care_crm", "Home"], "is not restricted"),
            (None, ["ga5", "Home"], "There is no destination `ga5`"),
        ],
    )
    def test_what_cant_be_denied_says_why(
        self, project: Path, row: str | None, arguments: list[str], message: str
    ) -> None:
        if row:
            with (project / EVENTS).open("a") as file:
                file.write(row + "\n")
        before = files(project)
        result = run(project, "event", "deny", *arguments, "--yes")
        assert result.exit_code == ExitCode.BAD_CONFIGURATION
        assert message in str(result.exception)
        assert files(project) == before


class TestDestinations:
    def test_a_new_destination_is_scaffolded_whole(self, project: Path) -> None:
        result = run(project, "destination", "add", "posthog", "--type", "webhook", "-e", "prod",
                     "--views", "events,identifies", "--owner-email", "a@clinic.example",
                     "--owner-name", "Ann", "--description", "Trends,\nin short",
                     "--own-tokens", "--yes")  # fmt: skip
        assert result.exit_code == 0, result.output
        row = "prod,posthog,webhook,server_side,true,,,destination,,,,,"
        assert f'{row}"Trends, in short"' in files(project)[DESTINATIONS].decode()
        described = yaml.safe_load(files(project)["models/destination_views/posthog/_posthog.yml"])
        assert [item["data_tests"] for item in described["models"]] == [[CHECK]] * 2
        assert described["exposures"][0]["owner"] == {"name": "Ann", "email": "a@clinic.example"}
        assert read_plan(project, "prod").faults == []
        assert "is listed for environment prod already" in str(
            run(project, "destination", "add", "posthog", "-t", "webhook", "-e", "prod").exception
        )

    def test_a_second_environment_shares_the_models(self, project: Path) -> None:
        before = files(project)
        run(project, "destination", "add", "web_chat", "-t", "intercom", "-e", "prod", "--yes")
        assert DESTINATIONS in changed(before, files(project))
        assert not any(name.endswith(".sql") for name in changed(before, files(project)))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["Bad Name", "-t", "webhook"], "`destination` is not a name"),
            (["../up", "-t", "webhook"], "`destination` is not a name"),
            (["fax", "-t", "fax"], "`destination_type` is unknown"),
            (["fax", "-t", "mixpanel", "--mode", "client_side"], "which is invalid"),
            (["fax", "-t", "hotjar"], "has no server side"),
            (["fax", "-t", "webhook", "--no-restrict"], "restriction is off without a BAA"),
            (["fax", "-t", "webhook", "--no-restrict", "--baa-reference", "B",
              "--baa-expires-on", "2020-01-01"], "has expired"),
            (["fax", "-t", "webhook", "--views", "events,people"], "There is no view `people`"),
        ],
    )  # fmt: skip
    def test_a_faulty_destination_is_refused(
        self, project: Path, arguments: list[str], message: str
    ) -> None:
        before = files(project)
        result = run(project, "destination", "add", *arguments, "--owner-email", "a@b.example",
                     "--yes")  # fmt: skip
        assert result.exit_code == ExitCode.BAD_CONFIGURATION
        assert message in str(result.exception)
        assert files(project) == before

    def test_an_owner_is_asked_for(self, project: Path) -> None:
        result = run(project, "destination", "add", "fax", "-t", "webhook", "--yes")
        assert "An owner is missing" in str(result.exception)

    def test_jinja_in_the_name_of_an_owner_is_not_run_by_dbt(self, project: Path) -> None:
        run(project, "destination", "add", "fax", "-t", "webhook", "--yes",
            "--owner-name", "{{ env_var(KEY) }} {%x%} {{{")  # fmt: skip
        text = files(project)["models/destination_views/fax/_fax.yml"].decode()
        assert "{ { env_var(KEY) }} { %x%} { { {" in text
        assert not any(opening in text for opening in ("{{", "{%"))

    def test_views_of_latest_values_are_described_as_such(self, project: Path) -> None:
        run(project, "destination", "add", "fax", "-t", "webhook", "--yes", "--owner-name", "Ann",
            "--views", "events,identifies,users")  # fmt: skip
        folder = project / "models/destination_views/fax"
        assert (folder / "fax__users.sql").read_text() == (
            "{{ hipaa_mode.destination_users('fax') }}\n"
        )
        described = yaml.safe_load((folder / "_fax.yml").read_text())
        users = {model["name"]: model for model in described["models"]}["fax__users"]
        assert "latest values of each user" in users["description"]
        assert "ref('fax__users')" in described["exposures"][0]["depends_on"]
        run(project, "destination", "remove", "fax", "--yes")
        assert not folder.exists()

    def test_one_without_its_calls_is_refused(self, project: Path) -> None:
        before = files(project)
        result = run(project, "destination", "add", "fax", "-t", "webhook", "--yes",
                     "--owner-name", "Ann", "--views", "events,users")  # fmt: skip
        assert "stands without fax__identifies" in str(result.exception)
        assert files(project) == before

    def test_removed_everywhere_nothing_of_it_is_left(self, project: Path) -> None:
        answer = run_as_json(project, "destination", "remove", "mailchimp", "--yes")
        assert answer["written"] is True
        assert answer["notes"] == [
            "The next `dbt build` of dev, prod withdraws the published files of `mailchimp`",
            NO_LOCK,
        ]
        assert not any(b"mailchimp__" in content for content in files(project).values())
        assert not (project / "models/destination_views/mailchimp").exists()
        for seed in (DESTINATIONS, EVENTS, PROPERTIES):
            assert b",mailchimp," not in files(project)[seed].replace(b",mailchimp,server", b"")

    def test_removed_from_one_environment_the_other_keeps_it(self, project: Path) -> None:
        run(project, "destination", "remove", "mixpanel", "-e", "prod", "--yes")
        assert "mixpanel" not in read_plan(project, "prod").destinations
        assert "age" in columns(project, "mixpanel", "events", "dev")
        assert (project / "models/destination_views/mixpanel/mixpanel__events.sql").exists()

    def test_what_a_human_put_beside_a_destination_stays(self, project: Path) -> None:
        mine = project / "models/destination_views/mailchimp/README.md"
        mine.write_text("ours")
        run(project, "destination", "remove", "mailchimp", "--yes")
        assert os.listdir(mine.parent) == ["README.md"]

    def test_the_last_destination_of_an_environment_is_kept(self, project: Path) -> None:
        for name in ("ga4", "google_ads", "mailchimp", "mixpanel"):
            assert run(project, "destination", "remove", name, "-e", "prod", "-y").exit_code == 0
        result = run(project, "destination", "remove", "care_crm", "-e", "prod", "--yes")
        assert "no destination is listed for environment prod" in str(result.exception)

    def test_restriction_is_lifted_only_under_a_baa(self, project: Path) -> None:
        before = files(project)
        result = run(project, "destination", "restrict", "ga4", "--off", "--yes")
        assert result.exit_code == ExitCode.BAD_CONFIGURATION
        assert "restriction is off without a BAA" in str(result.exception)
        assert files(project) == before
        lift = ["destination", "restrict", "ga4", "--off", "--baa-reference", "BAA-9",
                "--baa-expires-on", "2099-01-31", "--yes"]  # fmt: skip
        result = run(project, *lift)
        assert "the row keeps nothing back: `ga4` is not restricted" in str(result.exception)
        properties = project / PROPERTIES
        rows = properties.read_text().splitlines(keepends=True)
        properties.write_text("".join(row for row in rows if not row.startswith("dev,ga4,")))
        before = files(project)
        run(project, *lift)
        went, came = differing_lines(before[DESTINATIONS], files(project)[DESTINATIONS])
        assert (went.total(), came.total()) == (1, 1)
        assert "properties" in columns(project, "ga4", "events", "dev")
        run(project, "destination", "restrict", "ga4", "--yes")
        assert "properties" not in columns(project, "ga4", "events", "dev")

    def test_consent_is_asked_for_and_refused_as_in_the_seed(self, project: Path) -> None:
        before = files(project)
        for wrong, message in {
            ("--categories", "a,b"): "`consent_categories` holds a comma",
            ("--strategy", "any"): "`consent_strategy` is unknown",
            ("--strategy", "or"): "has no categories to go with",
        }.items():
            result = run(project, "destination", "consent", "ga4", *wrong, "--yes")
            assert result.exit_code == ExitCode.BAD_CONFIGURATION
            assert message in str(result.exception)
        assert files(project) == before
        asked = ["--categories", "analytics;ads", "--strategy", "or", "--ignore-opt-outs"]
        run(project, "destination", "consent", "ga4", *asked, "--yes")
        shown = run(project, "destination", "show", "ga4", "-e", "dev").output
        assert "needs consent to analytics or ads; opt-outs do not count" in shown
        run(project, "destination", "consent", "ga4", "--categories", "", "--yes")
        run(project, "destination", "consent", "ga4", "--honor-opt-outs", "--yes")
        assert files(project)[DESTINATIONS] == before[DESTINATIONS]

    def test_a_row_for_every_environment_gets_one_that_beats_it(self, project: Path) -> None:
        seed = project / DESTINATIONS
        seed.write_text(
            seed.read_text().replace("prod,ga4", "*,ga4").replace("dev,ga4,", "qa,ga4,")
        )
        workspace = Workspace(Layout.read(project))
        cells = {"restrict_phi": "false", "baa_reference": "BAA-9"}
        change_destination(workspace, "prod", "ga4", cells)
        modes = {
            screen.environment: screen.mode
            for screen in destination_screens(workspace)
            if screen.name == "ga4"
        }
        assert modes == {"*": "HIPAA mode", "dev": "HIPAA mode", "prod": "open under BAA",
                         "qa": "HIPAA mode"}  # fmt: skip


class TestOneEnvironment:
    """A row for one environment stands in for one for `*`, and is not shaped like a new one."""

    @pytest.mark.parametrize(
        ("arguments", "kept"),
        [
            (["allow", "ga4", "email", "--as", "domain"], {"column_name": "email_token"}),
            (
                ["mask", "ga4", "email"],
                {"column_name": "email_token", "normalize": "email"},
            ),
            (["mask", "ga4", "email", "--event", "Signed In"], {"column_name": "email_token"}),
        ],
    )
    def test_the_column_keeps_its_name(
        self, project: Path, arguments: list[str], kept: dict[str, str]
    ) -> None:
        before = columns(project, "ga4", "events", "dev")
        result = run(project, *arguments, "-e", "dev", "--reason", "Ours", "--yes")
        assert result.exit_code == 0, result.output
        assert columns(project, "ga4", "events", "dev").keys() == before.keys()
        [row] = [
            row
            for row in csv.DictReader(io.StringIO((project / PROPERTIES).read_text()))
            if row["reason"] == "Ours"
        ]
        assert kept.items() <= row.items()
        assert "keeps its name `email_token`" in " ".join(result.stderr.split())

    @pytest.mark.parametrize(("option", "name"), [("work", "work"), ("", "email")])
    def test_another_name_is_given_on_purpose(self, project: Path, option: str, name: str) -> None:
        run(project, "allow", "ga4", "email", "-e", "dev", "--as", "domain",
            "--column", option, "--reason", "Ours", "--yes")  # fmt: skip
        assert name in columns(project, "ga4", "events", "dev")
        assert "email_token" in columns(project, "ga4", "events", "prod")

    def test_what_belongs_to_another_form_is_not_kept(self, project: Path) -> None:
        run(project, "allow", "ga4", "email", "--as", "domain", "--reason", "Ours", "--yes")
        [row] = [
            row
            for row in csv.DictReader(io.StringIO((project / PROPERTIES).read_text()))
            if row["reason"] == "Ours"
        ]
        assert (row["column_name"], row["normalize"]) == ("email_token", "")


class TestScreens:
    def test_mode_and_validity_are_told(self, project: Path) -> None:
        seed = project / DESTINATIONS
        seed.write_text(
            seed.read_text()
            .replace("dev,mailchimp,mailchimp,server_side", "dev,mailchimp,mailchimp,client_side")
            .replace("2031-06-30", "2020-06-30")
        )
        assert run(project, "check", "-e", "dev").exit_code == ExitCode.BAD_CONFIGURATION
        result = run(project, "destination", "list", "-e", "dev", "--json")
        assert result.exit_code == ExitCode.BAD_CONFIGURATION
        screens = {screen["name"]: screen for screen in json.loads(result.stdout)}
        assert {name: (screen["mode"], screen["valid"]) for name, screen in screens.items()} == {
            "care_crm": ("open under BAA", True),
            "ga4": ("HIPAA mode", True),
            "google_ads": ("HIPAA mode", True),
            "mailchimp": ("invalid", False),
            "mixpanel": ("HIPAA mode", True),
            "web_chat": ("invalid", False),
        }
        assert "client-side and restricted" in " ".join(screens["mailchimp"]["faults"])
        assert "has expired" in " ".join(screens["web_chat"]["faults"])
        assert "every event name" in " ".join(screens["mixpanel"]["warnings"])

    def test_lists_are_those_that_count(self, project: Path) -> None:
        result = run(project, "destination", "show", "google_ads", "-e", "prod", "--json")
        [screen] = json.loads(result.stdout)
        plan = read_plan(project, "prod").destinations["google_ads"]
        shown = {
            (listed["column_name"], listed["treatment"])
            for name in ("event", "context")
            for listed in screen["lists"][name]
            if listed["form"] != "not sent"
        }
        assert shown == {
            (column.name, column.treatment)
            for column in plan.views["events"]
            if column.property_list != "envelope"
        }
        denied = [row["path"] for row in screen["lists"]["event"] if row["form"] == "not sent"]
        assert denied == ["plan"]
        events = {row["event"]: row["sent_as"] for row in screen["events"]}
        assert events == plan.events

    def test_tables_are_for_people(self, project: Path) -> None:
        assert run(project, "lock", "--yes").exit_code == 0
        listed = run(project, "destination", "list")
        assert listed.exit_code == 0
        assert "Destinations in prod" in listed.stdout and "open under BAA" in listed.stdout
        shown = run(project, "destination", "show", "ga4")
        for words in ("HIPAA mode", "round(30)", "as email_token", "project *", "Two currency"):
            assert words in shown.stdout
        absent = run(project, "destination", "show", "ga5")
        assert "There is no destination `ga5`" in str(absent.exception)


class TestShowingAndAsking:
    def test_a_dry_run_shows_and_writes_nothing(self, project: Path) -> None:
        before = files(project)
        result = run(project, "allow", "ga4", "form", "--reason", "Ours", "--dry-run")
        assert result.exit_code == 0
        assert "+dev,ga4,event,,form,allow,,,,,Ours,," in result.stdout
        assert "Dry run" in result.stdout
        assert files(project) == before

    @pytest.mark.parametrize("options", [[], ["--json"]])
    def test_where_nobody_can_answer_nothing_is_written(
        self, project: Path, options: list[str]
    ) -> None:
        before = files(project)
        result = run(project, "allow", "ga4", "form", "--reason", "Ours", *options)
        assert result.exit_code == ExitCode.FAILED_CHECK
        assert "dev,ga4,event,,form" in result.stdout
        assert files(project) == before

    @pytest.mark.parametrize(("answer", "is_written"), [("y", True), ("n", False), ("", False)])
    def test_a_terminal_is_asked(self, project: Path, answer: str, is_written: bool) -> None:
        terminal, theirs = pty.openpty()
        command = [sys.executable, "-m", "hipaa_mode.cli", "event", "allow", "ga4", "Bill Paid"]
        process = subprocess.Popen(
            command, cwd=project, stdin=theirs, stdout=theirs, stderr=theirs,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts"), "TERM": "xterm"},
        )  # fmt: skip
        os.close(theirs)
        os.write(terminal, f"{answer}\n".encode())
        shown = b""
        with contextlib.suppress(OSError):
            while chunk := os.read(terminal, 4096):
                shown += chunk
        os.close(terminal)
        assert process.wait() == (0 if is_written else 1)
        # Green, as git shows it.
        assert b"\x1b[32m+dev,ga4,Bill Paid" in shown
        assert b"Write this?" in shown
        assert (b"dev,ga4,Bill Paid," in files(project)[EVENTS]) is is_written

    def test_control_characters_are_shown_as_escapes(self) -> None:
        change = FileChange(PurePosixPath("seeds/x.csv"), b"a\n", b"a\n\x1b[2Jb\xe2\x80\xae\n")
        assert unified_diff(change)[-1] == "+\\u{1b}[2Jb\\u{202e}"


class TestYamlOfPeople:
    def test_what_people_wrote_is_kept(self, project: Path) -> None:
        path = project / GA4_YAML
        mine = (
            path.read_text()
            .replace("version: 2\n", "# Ours.\nversion: 2\n")
            .replace("exposures:\n", "# Theirs.\nexposures:\n")
            .replace("  - name: ga4__users\n", "  - name: ga4__users  # Sums up.\n")
        )
        path.write_text(mine)
        run(project, "deny", "ga4", "group_id", "--list", "envelope", "-e", ANY, "--yes")
        went, came = differing_lines(mine.encode(), path.read_bytes())
        assert came == Counter()
        about = ("ga4__groups_latest", "values of each group", "holds_only_what_is_allowed")
        assert [line for line in went if not any(word in line for word in about)] == []
        models = yaml.safe_load(path.read_text())["models"]
        assert "ga4__groups_latest" not in {model["name"] for model in models}

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_an_item_of_a_list_in_brackets_is_removed(self, place: int) -> None:
        text = YamlText("a: [x, y,  z] # Mine.\nb: 1\n", "ours.yml")
        text.remove(["a"], lambda item: item == "xyz"[place])
        assert text.get(["a"]) == [item for item in "xyz" if item != "xyz"[place]]
        assert text.text.endswith("] # Mine.\nb: 1\n")

    def test_yaml_that_cant_be_edited_safely_is_left(self, project: Path) -> None:
        path = project / GA4_YAML
        path.write_text("version: 2\nmodels: [&a {name: ga4__groups_latest}, *a]\n")
        before = files(project)
        result = run(project, "deny", "ga4", "group_id", "--list", "envelope", "-e", ANY, "--yes")
        assert result.exit_code == ExitCode.BAD_CONFIGURATION
        assert "Write this into it by hand" in str(result.exception)
        assert files(project) == before


class TestWriting:
    CHANGES = (
        FileChange(PurePosixPath("one.txt"), b"1", b"I"),
        FileChange(PurePosixPath("two.txt"), b"2", None),
        FileChange(PurePosixPath("new/three.txt"), None, b"III"),
        FileChange(PurePosixPath("four.txt"), b"4", b"IV"),
    )

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for change in self.CHANGES:
            if change.before is not None:
                (tmp_path / change.path).write_bytes(change.before)
        (tmp_path / "one.txt").chmod(0o640)
        return tmp_path

    def test_all_files_are_written_and_keep_their_modes(self, folder: Path) -> None:
        write_changes(folder, self.CHANGES)
        assert files(folder) == {"one.txt": b"I", "new/three.txt": b"III", "four.txt": b"IV"}
        assert (folder / "one.txt").stat().st_mode & 0o777 == 0o640

    @pytest.mark.parametrize("fails_at", range(5))
    def test_when_one_cant_be_written_none_is(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
    ) -> None:
        before, count = files(folder), iter(range(100))
        replace = os.replace

        def failing(*arguments: str) -> None:
            if next(count) == fails_at:
                raise OSError(28, "No space left on device")
            replace(*arguments)

        monkeypatch.setattr(os, "replace", failing)
        if fails_at < 4:
            with pytest.raises(HipaaModeError, match="No space left on device"):
                write_changes(folder, self.CHANGES)
            assert files(folder) == before
            assert not (folder / "new").exists()
        else:
            write_changes(folder, self.CHANGES)

    @pytest.mark.parametrize("dies_at", [1, 2, 3])
    def test_a_command_that_was_killed_is_undone_by_the_next(
        self, project: Path, dies_at: int
    ) -> None:
        before = files(project)
        script = (
            "import os, sys; from hipaa_mode.cli import main; replace, count = os.replace, [0]\n"
            "def dying(*arguments):\n"
            f"    count[0] += 1\n    if count[0] > {dies_at}: os._exit(9)\n"
            "    replace(*arguments)\n"
            "os.replace = dying; main()"
        )
        arguments = ["allow", "ga4", "form", "--reason", "Ours", "--list", "user", "--yes"]
        run(project, "destination", "add", "posthog", "-t", "webhook", "--owner-name", "A", "-y")
        before = files(project)
        arguments[1] = "posthog"
        process = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY / "scripts")},
            capture_output=True,
        )
        assert process.returncode == 9
        assert (changed(before, files(project)) != set()) is True
        result = run(project, "destination", "list")
        assert files(project) == before
        assert ("Put back" in result.stderr) is (dies_at > 1)

    def test_a_file_that_changed_meanwhile_stops_the_change(self, project: Path) -> None:
        workspace = Workspace(Layout.read(project))
        allow_event(workspace, "dev", "ga4", "Bill Paid")
        (project / EVENTS).write_bytes((project / EVENTS).read_bytes() + b"dev,ga4,Mine,\n")
        before = files(project)
        with pytest.raises(EditConflictError, match="changed by someone else"):
            workspace.save()
        assert files(project) == before

    def test_a_seed_that_is_a_link_stays_one(self, project: Path, tmp_path: Path) -> None:
        target = tmp_path / "events.csv"
        (project / EVENTS).rename(target)
        (project / EVENTS).symlink_to(target)
        run(project, "event", "allow", "ga4", "Bill Paid", "--yes")
        assert (project / EVENTS).is_symlink()
        assert b"Bill Paid" in target.read_bytes()


# Any edits in any order: (command, environment, destination, list, path, event)
edits = st.lists(
    st.tuples(
        st.sampled_from(["allow", "mask", "deny", "allow event", "deny event"]),
        st.sampled_from(["dev", "prod", ANY]),
        st.sampled_from(["ga4", "mixpanel", ANY]),
        st.sampled_from(["event", "user", "context"]),
        st.sampled_from(["plan", "email", "locale", '"odd, ""name"""', "products[].sku"]),
        st.sampled_from(["", "Home"]),
    ),
    min_size=1,
    max_size=4,
)


class TestAnyEdits:
    @settings(max_examples=25)
    @given(edits=edits)
    def test_the_result_is_sound_and_does_what_was_asked(
        self, demo: Path, edits: list[tuple[str, ...]]
    ) -> None:
        layout = Layout.read(demo)
        workspace = Workspace(layout, dt.date(2026, 3, 10))
        edited = False
        for command, environment, destination, property_list, path, event in edits:
            step = workspace.copy()
            before = step.read(layout.seeds["allowed_properties"])
            place = Place(environment, destination, property_list, path,
                          event if property_list == "event" else "")  # fmt: skip
            try:
                if command == "deny event":
                    deny_event(step, environment, destination, event or "Signed In")
                elif command == "allow event":
                    allow_event(step, environment, destination, event or "Signed In")
                elif command == "deny":
                    deny_property(step, place)
                else:
                    set_property(step, place, command, {"reason": "Asked for"})
            except (EditRefusedError, ConfigurationError) as error:
                assert str(error)
                continue
            workspace = step
            edited = edited or bool(step.changes())
            assert step.faults() == []
            after = step.read(layout.seeds["allowed_properties"])
            assert before is not None and after is not None
            went, came = differing_lines(before, after)
            assert all(line.split(",")[1] == destination for line in [*went, *came])
            if command in ("allow", "mask"):
                assert came.total() <= 1 and went.total() <= 1
            if command == "deny" and destination != ANY:
                assert not _received(step, place)
            for change in step.changes():
                assert str(change.path) in {*map(str, layout.seeds.values()), *DEMO_YAMLS}
        # Where everything was refused or is so already, nothing was looked at.
        assume(edited)


DEMO_YAMLS = {
    f"models/destination_views/{name}/_{name}.yml"
    for name in ("ga4", "mixpanel", "mailchimp", "google_ads")
}


def _received(workspace: Workspace, place: Place) -> list[str]:
    """Where a destination still receives a property that was denied."""
    path = place.parsed()
    return [
        environment
        for environment, plan in workspace.plans().items()
        if place.environment in (environment, ANY)
        for view in plan.destinations[place.destination].views.values()
        for column in view
        if (column.property_list, column.path) == (place.property_list, str(path))
        and (not place.event or column.events is None or place.event in column.events)
    ]
