"""What `check` refuses is nowhere shown as valid: in lists, on pages, in the report."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hipaa_mode.cli import app
from hipaa_mode.configuration import ANY
from hipaa_mode.editing.layout import Layout
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.errors import ExitCode, HipaaModeError
from hipaa_mode.report.content import gather

REPOSITORY = Path(__file__).resolve().parents[3]
DESTINATIONS = "seeds/destinations.csv"
PROPERTIES = "seeds/allowed_properties.csv"
EVENTS = "seeds/allowed_events.csv"
PROJECT = "dbt_project.yml"
LOCK = "receives.lock.yml"
NAMES = {"care_crm", "ga4", "google_ads", "mailchimp", "mixpanel", "web_chat"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The demo's configuration, models and lock; no macros, no dbt."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in (PROJECT, "profiles.yml", LOCK):
        shutil.copy(REPOSITORY / name, folder)
    shutil.copytree(REPOSITORY / "seeds", folder / "seeds")
    shutil.copytree(REPOSITORY / "models/destination_views", folder / "models/destination_views")
    return folder


def run(project: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(app, [*arguments, "--project", str(project)])
    if isinstance(result.exception, HipaaModeError):
        result.exit_code = result.exception.exit_code
    return result


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def add(file: Path, line: str) -> None:
    file.write_text(file.read_text() + line + "\n")


def valid(project: Path) -> set[str]:
    """The destinations that list, show and report call valid, in dev."""
    listed = json.loads(run(project, "destination", "list", "-e", "dev", "--json").stdout)
    shown = [
        screen
        for name in NAMES
        for screen in json.loads(
            run(project, "destination", "show", name, "-e", "dev", "--json").stdout
        )
    ]
    [environment] = gather(project, ["dev"], project / "published", {}).environments
    by_list = {screen["name"] for screen in listed if screen["valid"]}
    assert by_list == {screen["name"] for screen in shown if screen["valid"]}
    assert by_list == {item.name for item in environment.destinations if item.is_valid}
    return by_list


def test_what_check_takes_is_valid(project: Path) -> None:
    assert run(project, "check", "-e", "dev").exit_code == ExitCode.SUCCESS
    assert valid(project) == NAMES
    assert run(project, "destination", "list", "-e", "dev").exit_code == ExitCode.SUCCESS


@pytest.mark.parametrize(
    ("file", "line", "refused"),
    [
        pytest.param(PROPERTIES, "dev,ga4,event,,x,hash,,,,,R,,", {"ga4"}, id="treatment"),
        pytest.param(PROPERTIES, "*,ga4,event,,a..b,mask,,,,,R,,", {"ga4"}, id="path"),
        pytest.param(PROPERTIES, "dev,*,event,,x,hash,,,,,R,,", NAMES, id="project list"),
        pytest.param(PROPERTIES, "dev,ga5,event,,x,mask,,,,,R,,", NAMES, id="nobody's row"),
        pytest.param(EVENTS, "dev,mixpanel,Visit,Visit", {"mixpanel"}, id="event"),
        pytest.param(EVENTS, "qa,ga4,Visit,", {"ga4"}, id="unknown environment"),
        pytest.param(DESTINATIONS, "dev,ga4,mixpanel,server_side,,,,,,,,,", {"ga4"}, id="twice"),
    ],
)
def test_rows_that_check_refuses(project: Path, file: str, line: str, refused: set[str]) -> None:
    add(project / file, line)
    assert run(project, "check", "-e", "dev").exit_code == ExitCode.BAD_CONFIGURATION
    assert valid(project) == NAMES - refused
    for name in NAMES:
        # A build of others' rows is refused as well: it builds nobody.
        shown = run(project, "destination", "show", name, "-e", "dev")
        assert shown.exit_code == ExitCode.BAD_CONFIGURATION
        assert f"valid: {'refused' if name in refused else 'not built'}" in shown.stdout
    listed = run(project, "destination", "list", "-e", "dev")
    assert listed.exit_code == ExitCode.BAD_CONFIGURATION
    assert " yes " not in listed.stdout
    assert file in listed.stdout or file == DESTINATIONS


@pytest.mark.parametrize(
    ("file", "old", "new", "refused"),
    [
        pytest.param(LOCK, "version: 1", "version: [", NAMES, id="not a lock"),
        pytest.param(LOCK, "version: 1", "version: 9", NAMES, id="another version"),
        pytest.param(PROJECT, "vars:", "vars:\n  hipaa_mode__publishd: x", NAMES, id="setting"),
        pytest.param(PROPERTIES, "normalize", "normalise", NAMES, id="column"),
    ],
)  # fmt: skip
def test_files_that_check_refuses(
    project: Path, file: str, old: str, new: str, refused: set[str]
) -> None:
    edit(project / file, old, new)
    assert run(project, "check", "-e", "dev").exit_code == ExitCode.BAD_CONFIGURATION
    listed = run(project, "destination", "list", "-e", "dev")
    assert listed.exit_code == ExitCode.BAD_CONFIGURATION
    assert " yes " not in listed.stdout
    if file != PROPERTIES:
        assert valid(project) == NAMES - refused


def test_what_the_lock_does_not_say(project: Path) -> None:
    add(project / PROPERTIES, "dev,ga4,event,,coupon,mask,,,,,Counts,,")
    assert run(project, "check", "-e", "dev").exit_code == ExitCode.BAD_CONFIGURATION
    assert valid(project) == NAMES - {"ga4"}
    listed = run(project, "destination", "list", "-e", "dev")
    assert "dev ga4: receives.lock.yml" in listed.stdout and "coupon" in listed.stdout
    # Whose row it is not can't be built either.
    assert "not built" in listed.stdout
    assert run(project, "destination", "list", "-e", "prod").exit_code == ExitCode.SUCCESS


def test_a_missing_lock(project: Path) -> None:
    (project / LOCK).unlink()
    assert run(project, "check", "-e", "dev").exit_code == ExitCode.BAD_CONFIGURATION
    assert valid(project) == set()


def test_models_of_nobody(project: Path) -> None:
    model = project / "models/destination_views/ga5/ga5__events.sql"
    model.parent.mkdir()
    model.write_text("{{ hipaa_mode.destination_events('ga5') }}\n")
    assert run(project, "check", "-e", "dev").exit_code == ExitCode.BAD_CONFIGURATION
    assert valid(project) == set()


def test_a_fault_is_about_who_its_row_names(project: Path) -> None:
    """A row that has too few cells, or names nobody who is listed, is about all."""
    add(project / EVENTS, "dev,ga4,a,a\ndev,*,b,b\ndev,gone,c,c\ndev,ga4,d,d,d")
    first = len((project / EVENTS).read_text().splitlines()) - 3
    found = Workspace(Layout.read(project)).refusals("dev")
    about = {fault.line: fault.destination for fault in found if fault.file == EVENTS}
    assert about == {first: "ga4", first + 1: ANY, first + 2: ANY, first + 3: ANY}


def test_a_fault_of_a_file_that_can_not_be_read_is_about_all(project: Path) -> None:
    (project / EVENTS).write_bytes(b"\xff\xfe")
    found = Workspace(Layout.read(project)).refusals("dev")
    assert [fault.destination for fault in found if fault.file == EVENTS] == [ANY]


def test_a_preview_is_refused_where_no_tables_are_kept() -> None:
    command = ("preview", "care_crm", "--environment", "dev", "--target", "spark")
    result = run(REPOSITORY, *command)
    assert result.exit_code == ExitCode.BAD_CONFIGURATION
    assert "Name a target of type duckdb or postgres" in str(result.exception)
