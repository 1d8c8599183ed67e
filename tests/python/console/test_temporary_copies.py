"""Nothing that a build leaves lies in a copy of the project that is deleted after it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hipaa_mode import temporary_copies
from hipaa_mode.errors import PublishingError
from hipaa_mode.temporary_copies import is_temporary_copy, refuse_to_keep_in_copy

REPOSITORY = Path(__file__).parents[3]
DBT = Path(sys.executable).with_name("dbt")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of a checkout as Cosmos makes it: a link for each thing in the folder."""
    checkout = tmp_path / "checkout"
    for name in ("models", "seeds", "published", "restricted"):
        (checkout / name).mkdir(parents=True)
    (checkout / "dbt_project.yml").write_text("name: clinic\n")
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in checkout.iterdir():
        (folder / path.name).symlink_to(path)
    return folder


def test_a_copy_made_of_links_is_known(copy: Path) -> None:
    assert is_temporary_copy(copy)
    assert not is_temporary_copy(copy.parent / "checkout")


@pytest.mark.parametrize("linked", ["dbt_project.yml", "models"])
def test_one_link_is_enough(linked: str, copy: Path) -> None:
    for path in list(copy.iterdir()):
        if path.name != linked:
            target = path.resolve()
            path.unlink()
            (shutil.copytree if target.is_dir() else shutil.copy)(target, path)
    assert is_temporary_copy(copy)


def test_links_within_a_project_make_it_no_copy(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "models").symlink_to("real")
    assert not is_temporary_copy(tmp_path)


def test_a_project_of_links_that_stays_is_no_copy(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary_copies, "_temporary_folders", lambda: {Path("/nowhere")})
    assert not is_temporary_copy(copy)


def test_a_folder_that_leads_back_to_the_checkout_is_taken(copy: Path) -> None:
    refuse_to_keep_in_copy(copy / "published", copy, "It", "HIPAA_MODE_PUBLISHED")
    refuse_to_keep_in_copy(copy.parent / "share", copy, "It", "HIPAA_MODE_PUBLISHED")
    refuse_to_keep_in_copy(
        copy.parent / "checkout/published", copy.parent / "checkout", "It", "HIPAA_MODE_PUBLISHED"
    )


@pytest.mark.parametrize("name", ["published", "other/deep", "restricted/dev.duckdb"])
def test_a_folder_in_the_copy_is_refused_with_the_remedy(name: str, copy: Path) -> None:
    for link in ("published", "restricted"):
        (copy / link).unlink()
    with pytest.raises(PublishingError, match="HIPAA_MODE_PUBLISHED=/an/absolute/path"):
        refuse_to_keep_in_copy(copy / name, copy, "It", "HIPAA_MODE_PUBLISHED")


def test_dbt_refuses_a_database_in_the_copy_in_a_line(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("dbt_project.yml", "models", "macros", "seeds", "tests", "profiles.yml"):
        (copy / name).symlink_to(REPOSITORY / name)
    run = subprocess.run(
        [str(DBT), "--no-use-colors", "show", "--inline", "select 1"],
        cwd=copy,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "HIPAA_MODE_DATABASE=/an/absolute/path" in run.stdout, run.stdout + run.stderr
    assert "Traceback" not in run.stdout
    assert not (copy / "restricted").exists()
