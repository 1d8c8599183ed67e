"""Optional seeds are found wherever they lie, or missed aloud."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from seed_files import the_fault

from hipaa_mode.seeds import Fault, add_optional_seeds

HEADERS = {
    "environments": "environment,retain_days\n",
    "suppressed_users": "environment,user_id,requested_on,reference\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("seeds/hipaa", "data", "elsewhere"):
        (tmp_path / "project" / name).mkdir(parents=True)
    (tmp_path / "project/seeds/hipaa/destinations.csv").touch()
    return tmp_path / "project"


def look(project: Path) -> tuple[dict[str, Path], dict[str, str], list[Fault]]:
    files = {"destinations": project / "seeds/hipaa/destinations.csv"}
    labels = {"destinations": "seeds/hipaa/destinations.csv"}
    faults = add_optional_seeds(files, labels)
    return files, labels, faults


@pytest.mark.parametrize("seed", HEADERS)
def test_behind_a_link_to_a_folder_as_dbt_finds_seeds(project: Path, seed: str) -> None:
    (project / f"elsewhere/{seed}.csv").write_text(HEADERS[seed])
    (project / "seeds/linked").symlink_to(project / "elsewhere")
    files, labels, faults = look(project)
    assert faults == []
    assert files[seed] == project / f"seeds/linked/{seed}.csv"
    assert labels[seed] == f"seeds/linked/{seed}.csv"


def test_a_link_to_a_folder_above_ends_the_search_there(project: Path) -> None:
    (project / "seeds/hipaa/environments.csv").write_text(HEADERS["environments"])
    (project / "seeds/hipaa/up").symlink_to(project / "seeds")
    files, _, faults = look(project)
    assert faults == []
    assert files["environments"] == project / "seeds/hipaa/environments.csv"


@pytest.mark.parametrize("seed", HEADERS)
def test_a_link_to_nothing_is_found_and_can_not_be_read(project: Path, seed: str) -> None:
    (project / f"seeds/{seed}.csv").symlink_to(project / "nowhere.csv")
    files, _, faults = look(project)
    assert faults == []
    assert files[seed] == project / f"seeds/{seed}.csv"


@pytest.mark.parametrize("paths", ["[seeds, data]", "[data]", "['seeds', '{{ x }}', data, gone]"])
def test_in_another_folder_of_seeds_of_the_project(project: Path, paths: str) -> None:
    (project / "dbt_project.yml").write_text(f"seed-paths: {paths}\n")
    (project / "data/environments.csv").write_text(HEADERS["environments"])
    _, labels, faults = look(project)
    assert faults == []
    assert labels["environments"] == "data/environments.csv"
    (project / "seeds/environments.csv").write_text(HEADERS["environments"])
    assert the_fault(look(project)[2], "there is a second environments.csv")


@pytest.mark.parametrize("seed", HEADERS)
@pytest.mark.parametrize(
    "name", ["{0}.CSV", "{0}s.csv", "old_{0}.csv", ".{0}.csv", "{1}.csv", "sub/{2}.csv"]
)
def test_by_another_name_it_is_a_fault(project: Path, seed: str, name: str) -> None:
    path = project / "seeds" / name.format(seed, seed.title(), seed[:-1])
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"\ufeff{HEADERS[seed].upper()}", encoding="utf-8")
    files, _, faults = look(project)
    fault = the_fault(faults, f"is a {seed}.csv by its columns or name")
    assert fault.file == str(path.relative_to(project))
    assert seed not in files


def test_other_files_are_nobody_s_business(project: Path) -> None:
    (project / "seeds/countries.csv").write_text("environment,name\n")
    (project / "seeds/environments.csv.bak").write_text(HEADERS["environments"])
    (project / "seeds/broken.csv").write_bytes(b'"\xff\n')
    (project / "elsewhere/environments.csv").write_text(HEADERS["environments"])
    files, _, faults = look(project)
    assert (set(files), faults) == ({"destinations"}, [])


def test_a_folder_that_can_not_be_read_is_a_fault(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = project / "seeds/private"
    private.mkdir()
    scandir = os.scandir

    def refuse(folder: str) -> object:
        # Root may read every folder.
        if folder == str(private):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert the_fault(look(project)[2], "the folder can't be read").file == "seeds/private"
