"""An environment's or a destination's name is one folder's name, at every door."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hipaa_mode import audit, folders, names, token_bridges
from hipaa_mode.errors import ConfigurationError
from hipaa_mode.plan import make_plan
from hipaa_mode.project import read_seeds, today
from hipaa_mode.run.session import Session

REPOSITORY = Path(__file__).parents[3]
HIPAA_MODE = Path(sys.executable).with_name("hipaa-mode")
NOT_ENVIRONMENTS = (
    "",
    " ",
    ".",
    "..",
    "../other",
    "/etc",
    "dev/..",
    "dev/ga4",
    "dev\\ga4",
    ".dev",
    "dev.eu",
    "dev\n",
    "dev ",
    "dév",
    "*",
    "~",
    "$HOME",
    "\x00",
)


@pytest.mark.parametrize("name", NOT_ENVIRONMENTS)
class TestWhatIsNoEnvironment:
    def test_is_refused_with_what_may_be_one(self, name: str) -> None:
        with pytest.raises(
            ConfigurationError, match="can't be the name of an environment"
        ) as error:
            names.environment_name(name)
        assert "hipaa_mode__environment" in str(error.value)
        assert str(error.value).isprintable()

    def test_leads_to_no_folder(self, name: str, tmp_path: Path) -> None:
        leads: tuple[Callable[[], object], ...] = (
            lambda: folders.environment_folder(tmp_path, name),
            lambda: folders.incoming_folder(tmp_path, name),
            lambda: folders.destination_folder(tmp_path, name, "ga4"),
            lambda: audit.log_path(tmp_path, name),
            lambda: token_bridges.copy_of(tmp_path, name, "ga4"),
        )
        for lead in leads:
            with pytest.raises(ConfigurationError):
                lead()

    def test_is_none_of_the_plugin(self, name: str) -> None:
        with pytest.raises(ConfigurationError):
            Session({}, name)


def test_only_editing_resolves_the_seeds_for_what_is_no_environment() -> None:
    configuration = read_seeds(REPOSITORY)
    assert make_plan(configuration, "*", today()).environment == "*"
    for name in set(NOT_ENVIRONMENTS) - {"*"}:
        with pytest.raises(ConfigurationError):
            make_plan(configuration, name, today())


@pytest.mark.parametrize("name", ["dev", "PROD-2", "eu_west", "-", "2026"])
def test_letters_digits_underscores_and_hyphens_name_an_environment(name: str) -> None:
    assert names.environment_name(name) == name


@pytest.mark.parametrize("name", ["", "..", "Ga4", "ga-4", "4ga", "ga4/..", "ga4\n", "*", "_ga4"])
def test_a_destination_that_can_not_be_called_so_leads_to_no_folder(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="can't be the name of a destination"):
        folders.destination_folder(tmp_path, "dev", name)
    assert not names.is_destination(name)


COMMANDS = (
    ("check", "-e", ".."),
    ("summary", "-e", ".."),
    ("audit", "verify", "-e", ".."),
    ("audit", "show", "-e", ".."),
    ("key", "list", "-e", ".."),
    ("key", "fingerprint", ".."),
    ("key", "show-scope", ".."),
    ("destination", "list", "-e", ".."),
    ("inventory", "-e", ".."),
    ("preview", "-e", ".."),
    ("report", "-e", ".."),
    ("selftest", "-e", ".."),
    ("verify", "-e", ".."),
    ("allow", "ga4", "plan", "--reason", "x", "-e", ".."),
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(arguments[:2]))
def test_every_command_refuses_what_is_no_environment(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    key = tmp_path / "masking.key"
    key.write_text("3f" * 31 + "a1")
    key.chmod(0o600)
    run = subprocess.run(
        [str(HIPAA_MODE), *arguments],
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", "HIPAA_MODE_KEY_FILE": str(key), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 2, run.stdout + run.stderr
    assert "can't be the name of an environment" in run.stderr, run.stdout + run.stderr
