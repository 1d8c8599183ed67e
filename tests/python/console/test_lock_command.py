"""`hipaa-mode lock`: what differs is shown, asked about and written, or only checked."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project import REPOSITORY
from typer.testing import CliRunner, Result

from hipaa_mode.cli import app
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.received.lock_file import LOCK_FILE, as_text, read_lock

EVENT = "*,ga4,Oncology Visit,\n"
WIDER = "dev, `ga4`: event Oncology Visit: not sent -> sent (widens)"
REMEDY = "Review it, then run: hipaa-mode lock"


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo's configuration and its lock, which says what they say."""
    for name in ("dbt_project.yml", "profiles.yml", LOCK_FILE):
        shutil.copy(REPOSITORY / name, tmp_path)
    shutil.copytree(REPOSITORY / "seeds", tmp_path / "seeds")
    shutil.copytree(REPOSITORY / "models/destination_views", tmp_path / "models/destination_views")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    return tmp_path


@pytest.fixture
def run(demo: Path) -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def add(folder: Path, seed: str, row: str) -> None:
    path = folder / "seeds" / f"{seed}.csv"
    path.write_text(path.read_text() + row)


def content(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_lock_of_the_demo_says_what_its_seeds_say(
    demo: Path, run: Callable[..., Result]
) -> None:
    done = run("lock", "--check")
    assert done.exit_code == 0, done.output
    assert done.stdout == "receives.lock.yml says what is received.\n"
    locked = read_lock(demo)
    assert locked is not None
    assert (demo / LOCK_FILE).read_text() == as_text(locked)


def test_what_widens_is_shown_first_and_written_when_agreed_to(
    demo: Path, run: Callable[..., Result]
) -> None:
    add(demo, "allowed_events", EVENT)
    seed = demo / "seeds/allowed_events.csv"
    seed.write_text(seed.read_text().replace("*,ga4,Home,\n", ""))
    before = (demo / LOCK_FILE).read_bytes()
    done = run("lock")
    assert done.exit_code == 1
    shown = done.stdout.splitlines()
    assert shown[0] == WIDER
    assert "dev, `ga4`: event Home: sent -> not sent (narrows)" in shown
    assert "What differs: 2 widens, 2 narrows." in shown
    assert "+          Oncology Visit: Oncology Visit" in shown
    assert "Nothing was written. Add --yes" in done.stderr
    assert (demo / LOCK_FILE).read_bytes() == before
    done = run("lock", "--yes")
    assert done.exit_code == 0
    assert done.stdout.endswith("Written: receives.lock.yml. Commit it with the seeds.\n")
    assert run("lock", "--check").exit_code == 0
    assert run("lock").exit_code == 0


def test_checking_and_looking_write_nothing(demo: Path, run: Callable[..., Result]) -> None:
    add(demo, "allowed_events", EVENT)
    before = (demo / LOCK_FILE).read_bytes()
    done = run("lock", "--check")
    assert done.exit_code == 1
    assert WIDER in done.stdout
    assert REMEDY in done.stdout
    done = run("lock", "--dry-run")
    assert done.exit_code == 0
    assert WIDER in done.stdout
    done = run("lock", "--check", "--yes")
    assert done.exit_code == 1
    assert (demo / LOCK_FILE).read_bytes() == before


def test_json_has_every_difference(demo: Path, run: Callable[..., Result]) -> None:
    add(demo, "allowed_events", EVENT)
    found = content(run("lock", "--check", "--json"))
    assert found["written"] is False
    assert found["effects"] == {"widens": 2, "re-forms": 0, "narrows": 0}
    assert found["differences"][0] == {
        "environment": "dev",
        "destination": "ga4",
        "kind": "event",
        "place": "Oncology Visit",
        "source": "",
        "before": "not sent",
        "after": "sent",
        "effect": "widens",
    }
    assert "+          Oncology Visit: Oncology Visit" in found["diff"]
    assert content(run("lock", "--json", "--yes"))["written"] is True
    assert content(run("lock", "--json", "--yes"))["written"] is False


def test_a_first_lock_says_all_environments(demo: Path, run: Callable[..., Result]) -> None:
    (demo / LOCK_FILE).unlink()
    done = run("lock", "--check")
    assert done.exit_code == 1
    assert "dev, every destination: environment: no destination -> care_crm, ga4" in done.stdout
    assert run("lock", "--yes").exit_code == 0
    assert (demo / LOCK_FILE).read_bytes() == (REPOSITORY / LOCK_FILE).read_bytes()


def test_faulty_seeds_are_refused_with_their_faults(
    demo: Path, run: Callable[..., Result]
) -> None:
    add(demo, "allowed_events", "dev,nobody,Visit,\n")
    for options in ([], ["--yes"], ["--check"]):
        done = run("lock", *options)
        assert isinstance(done.exception, HipaaModeError)
        assert done.exception.exit_code == 2
        assert "seeds/allowed_events.csv, line" in str(done.exception)


def test_a_lock_that_says_nothing_clear_is_reviewed_as_a_whole(
    demo: Path, run: Callable[..., Result]
) -> None:
    sound = (demo / LOCK_FILE).read_text()
    (demo / LOCK_FILE).write_text(sound.replace("guard: block", "guard: blokc"))
    done = run("lock", "--check")
    assert isinstance(done.exception, HipaaModeError)
    assert "guard: it is not one of none, warn, block" in str(done.exception)
    done = run("lock", "--yes")
    assert "so that nobody can tell what was agreed to" in done.stderr
    assert "environment: no destination -> care_crm, ga4" in done.stdout
    assert (demo / LOCK_FILE).read_text() == sound


class TestEnvironments:
    """An environment that only rows for `*` cover is described where something names it."""

    @pytest.fixture(autouse=True)
    def everywhere(self, demo: Path) -> None:
        seed = demo / "seeds/destinations.csv"
        rows = [row for row in seed.read_text().splitlines() if not row.startswith("prod,")]
        seed.write_text("\n".join(rows).replace("\ndev,", "\n*,") + "\n")

    def environments(self, demo: Path) -> list[str]:
        locked = read_lock(demo)
        assert locked is not None
        return sorted(locked["environments"])

    def test_targets_rows_manifests_and_the_lock_name_them(
        self, demo: Path, run: Callable[..., Result]
    ) -> None:
        add(demo, "environments", "staging,\n")
        manifest = demo / "published/elsewhere/ga4/manifest.json"
        manifest.parent.mkdir(parents=True)
        manifest.write_text("{}")
        assert run("lock", "--yes", "--environment", "trial").exit_code == 0
        names = ["dev", "elsewhere", "postgres", "prod", "spark", "staging", "trial"]
        assert self.environments(demo) == names
        shutil.rmtree(demo / "published")
        assert run("lock", "--check").exit_code == 0

    def test_a_build_in_another_one_is_refused(
        self, demo: Path, run: Callable[..., Result]
    ) -> None:
        assert run("lock", "--yes").exit_code == 0
        assert run("check", "--environment", "prod").exit_code == 0
        done = run("check", "--environment", "other", "--json")
        assert done.exit_code == 2
        [fault] = content(done)["faults"]
        assert "other, every destination: environment: no destination -> care_crm" in fault
        assert REMEDY in fault

    def test_a_profile_is_read_without_its_secrets(
        self, demo: Path, run: Callable[..., Result]
    ) -> None:
        profile = (demo / "profiles.yml").read_text()
        secret = "{{ env_var('NO_SUCH_VARIABLE') }}"
        (demo / "profiles.yml").write_text(
            profile.replace("threads: 2", f'threads: 2\n      token: "{secret}"')
        )
        assert run("lock", "--yes").exit_code == 0
        assert self.environments(demo) == ["dev", "postgres", "prod", "spark"]


def test_check_reports_what_the_lock_does_not_say(demo: Path, run: Callable[..., Result]) -> None:
    add(demo, "allowed_events", EVENT)
    seed = demo / "seeds/allowed_events.csv"
    seed.write_text(seed.read_text().replace("*,ga4,Home,\n", ""))
    done = run("check", "--json")
    assert done.exit_code == 2
    found = content(done)
    assert found["faults"] == [f"receives.lock.yml: {WIDER}. {REMEDY}."]
    assert any("event Home: sent -> not sent (narrows)" in line for line in found["warnings"])


def test_its_help_says_what_it_does(run: Callable[..., Result]) -> None:
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m|[│╭╮╰╯─]", "", run("lock", "--help").output).split())
    assert "Write what each destination receives to receives.lock.yml" in text
    assert "hipaa-mode lock --check" in text
    for option in ("--check", "--yes", "--dry-run", "--json", "--environment", "--project"):
        assert option in text
