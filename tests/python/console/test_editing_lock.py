"""Commands that change the configuration write the lock with it, and nothing else into it."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from pathlib import Path

import pytest
from editing_commands import changed, files, run
from project import REPOSITORY

from hipaa_mode.editing.events import allow_event
from hipaa_mode.editing.layout import Layout
from hipaa_mode.editing.workspace import Workspace
from hipaa_mode.editing.writing import recover
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.project import read_seeds, today
from hipaa_mode.received.comparison import compare
from hipaa_mode.received.description import describe
from hipaa_mode.received.environments import describe_project
from hipaa_mode.received.lock_file import LOCK_FILE, as_text, read_lock, write_lock
from hipaa_mode.ui.draft import Draft, Step

PROPERTIES = "seeds/allowed_properties.csv"
EVENTS = "seeds/allowed_events.csv"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's configuration and models, locked; no macros, no dbt."""
    folder = tmp_path_factory.mktemp("demo") / "project"
    folder.mkdir()
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(REPOSITORY / name, folder)
    shutil.copytree(REPOSITORY / "seeds", folder / "seeds")
    shutil.copytree(REPOSITORY / "models/destination_views", folder / "models/destination_views")
    write_lock(folder, describe_project(folder, None))
    return folder


@pytest.fixture
def project(demo: Path, tmp_path: Path) -> Path:
    return shutil.copytree(demo, tmp_path / "project")


def is_locked(project: Path) -> bool:
    """Whether the lock says what is received, to the byte."""
    text = (project / LOCK_FILE).read_text()
    return text == as_text(describe_project(project, read_lock(project)))


EDITS = {
    "allow": ("allow", "ga4", "coupon", "--reason", "Ours"),
    "allow for every environment": ("allow", "ga4", "coupon", "--reason", "Ours", "-e", "*"),
    "mask": ("mask", "ga4", "coupon", "--reason", "Ours"),
    "deny": ("deny", "google_ads", "value", "-e", "*"),
    "allow an event": ("event", "allow", "ga4", "Bill Paid"),
    "deny an event": ("event", "deny", "ga4", "Home", "-e", "*"),
    "add a destination": (
        "destination",
        "add",
        "crm",
        "--type",
        "hubspot",
        "--owner-name",
        "Care",
    ),
    "remove a destination": ("destination", "remove", "care_crm"),
    "lift a restriction": (
        "destination",
        "restrict",
        "google_ads",
        "--off",
        "--baa-reference",
        "B-1",
    ),
}


class TestTheLockIsWrittenWithTheSeeds:
    @pytest.mark.parametrize("edit", EDITS)
    def test_by_every_command_and_shown_in_its_diff(self, project: Path, edit: str) -> None:
        before = files(project)
        planned = run(project, *EDITS[edit], "--dry-run")
        assert planned.exit_code == 0, planned.output
        assert f"+++ b/{LOCK_FILE}" in planned.output
        assert files(project) == before
        written = run(project, *EDITS[edit], "--yes")
        assert written.exit_code == 0, written.output
        assert LOCK_FILE in written.output
        assert LOCK_FILE in changed(before, files(project))
        assert is_locked(project)

    def test_and_is_as_before_when_it_is_undone(self, project: Path) -> None:
        before = files(project)
        run(project, *EDITS["allow"], "--yes")
        run(project, "deny", "ga4", "coupon", "--yes")
        assert files(project) == before

    def test_a_change_of_words_alone_leaves_it(self, project: Path) -> None:
        before = files(project)
        result = run(project, "allow", "mailchimp", "coupon", "-e", "*", "--reason", "New words",
                     "--guard", "warn", "--yes")  # fmt: skip
        assert result.exit_code == 0, result.output
        assert PROPERTIES in changed(before, files(project))
        assert LOCK_FILE not in changed(before, files(project))

    def test_in_json_too(self, project: Path) -> None:
        answer = json.loads(run(project, *EDITS["mask"], "--yes", "--json").stdout)
        assert LOCK_FILE in {change["path"] for change in answer["changes"]}
        assert answer["notes"] == []


class TestAllOrNothing:
    def test_where_one_file_can_not_be_written_none_is(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = files(project)
        replace = os.replace

        def refuse(source: str, target: str) -> None:
            if Path(target).name == LOCK_FILE:
                raise PermissionError(13, "Permission denied", LOCK_FILE)
            replace(source, target)

        monkeypatch.setattr(os, "replace", refuse)
        result = run(project, *EDITS["allow"], "--yes")
        assert result.exit_code != 0
        assert files(project) == before

    def test_what_was_interrupted_is_put_back(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = files(project)
        replace = os.replace

        class KilledError(BaseException):
            pass

        def die(source: str, target: str) -> None:
            replace(source, target)
            if Path(target).name == LOCK_FILE:
                raise KilledError

        monkeypatch.setattr(os, "replace", die)
        monkeypatch.setattr("hipaa_mode.editing.writing._recover", lambda root: [])
        with pytest.raises(KilledError):
            run(project, *EDITS["allow"], "--yes")
        monkeypatch.undo()
        assert changed(before, files(project)) >= {LOCK_FILE}
        assert LOCK_FILE in recover(project)
        assert files(project) == before

    def test_a_lock_that_changed_meanwhile_is_a_conflict(self, project: Path) -> None:
        workspace = Workspace(Layout.read(project))
        path = workspace.layout.seeds["allowed_events"]
        workspace.write(path, (workspace.read(path) or b"") + b"dev,ga4,Bill Paid,\n")
        assert LOCK_FILE in {str(change.path) for change in workspace.changes()}
        assert workspace.is_current()
        (project / LOCK_FILE).write_text("version: 1\n")
        assert not workspace.is_current()
        before = files(project)
        with pytest.raises(Exception, match=f"{LOCK_FILE} was changed by someone else"):
            workspace.save()
        assert files(project) == before


def add_row(project: Path, seed: str, row: str) -> None:
    with (project / f"seeds/{seed}.csv").open("a") as file:
        file.write(row + "\n")


class TestWhatNobodyAgreedToDoesNotComeInBesideAChange:
    def test_a_lock_that_let_less_through_before_is_left_and_said(self, project: Path) -> None:
        add_row(project, "allowed_events", "prod,ga4,Bill Paid,")
        before = files(project)
        result = run(project, *EDITS["allow"], "--yes")
        assert result.exit_code == 0, result.output
        assert PROPERTIES in changed(before, files(project))
        assert LOCK_FILE not in changed(before, files(project))
        assert "did not say what is received before this change either" in result.output
        assert "Bill Paid" in result.output
        assert "hipaa-mode lock" in result.output

    def test_what_was_less_than_agreed_to_is_said(self, project: Path) -> None:
        add_row(project, "suppressed_users", "*,user-1,2026-01-02,R1")
        result = run(project, *EDITS["allow"], "--yes")
        assert result.exit_code == 0, result.output
        assert "suppressed_users: 1 -> 2" in result.output
        assert "user-1" not in result.output
        assert is_locked(project)

    @pytest.mark.parametrize(
        ("content", "word"),
        [(None, f"there is no {LOCK_FILE}"), ("version: 2\n", LOCK_FILE), ("{", LOCK_FILE)],
    )
    def test_without_a_lock_that_can_be_read_the_user_is_told(
        self, project: Path, content: str | None, word: str
    ) -> None:
        file = project / LOCK_FILE
        file.unlink() if content is None else file.write_text(content)
        before = files(project)
        answer = json.loads(run(project, *EDITS["allow"], "--yes", "--json").stdout)
        assert word in " ".join(answer["notes"])
        assert "hipaa-mode lock" in " ".join(answer["notes"])
        assert PROPERTIES in changed(before, files(project))
        assert before.get(LOCK_FILE) == files(project).get(LOCK_FILE)

    def test_of_faulty_seeds_nothing_is_agreed_to(self, project: Path) -> None:
        add_row(project, "allowed_events", "prod,nobody,Bill Paid,")
        before = files(project)
        result = run(project, *EDITS["allow"], "--yes")
        assert f"{LOCK_FILE} was left as it is" in result.output
        assert LOCK_FILE not in changed(before, files(project))

    def test_a_row_that_ended_since_goes_with_the_next_change(self, project: Path) -> None:
        add_row(project, "allowed_properties",
                f"*,ga4,event,,trial,allow,,,,,Why,me,{today() - dt.timedelta(1)}")  # fmt: skip
        configuration = read_seeds(project)
        models = [path.stem for path in (project / "models").rglob("*.sql")]
        earlier = describe(configuration, ["dev", "prod"], today() - dt.timedelta(1), models)
        write_lock(project, earlier)
        assert "trial" in (project / LOCK_FILE).read_text()
        result = run(project, *EDITS["allow"], "--yes")
        assert "trial" in result.output
        assert is_locked(project)
        assert compare(earlier, describe_project(project, earlier))


class TestThePage:
    def draft(self, project: Path) -> Draft:
        draft = Draft(Layout.read(project))
        step = Step(
            "Allow it", lambda workspace: allow_event(workspace, "prod", "ga4", "Paid", None)
        )
        assert draft.make(step)
        return draft

    def test_shows_the_lock_s_change_and_saves_it_with_the_seeds(self, project: Path) -> None:
        draft = self.draft(project)
        shown = {str(change.path): lines for change, lines in draft.differences()}
        assert set(shown) == {EVENTS, LOCK_FILE}
        assert any(line.startswith("+") and "Paid" in line for line in shown[LOCK_FILE])
        [change] = draft.effects()["prod"]
        assert (change.what, change.effect) == ("Paid", "widens")
        written = draft.save(draft.digest())
        assert {str(change.path) for change in written} == {EVENTS, LOCK_FILE}
        assert is_locked(project)

    def test_a_lock_that_changes_meanwhile_is_read_again(self, project: Path) -> None:
        draft = self.draft(project)
        digest = draft.digest()
        (project / LOCK_FILE).unlink()
        with pytest.raises(HipaaModeError, match="no longer those that were shown"):
            draft.save(digest)
        assert {str(change.path) for change, _ in draft.differences()} == {EVENTS}
        assert "there is no receives.lock.yml" in " ".join(draft.workspace.agreement().notes)
