"""Two states of a project that could give different previews have different digests."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from hipaa_mode.preview.state import digest


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HIPAA_MODE_KEY", "HIPAA_MODE_KEY_FILE", "DBT_PROFILES_DIR"):
        monkeypatch.delenv(name, raising=False)
    files = {
        "dbt_project.yml": "name: clinic\nprofile: clinic\nseed-paths: [lists]\n",
        "profiles.yml": "clinic: {}\n",
        "lists/destinations.csv": "destination\nga4\n",
        "models/deep/one.sql": "select 1\n",
        "macros/two.sql": "two\n",
        "dbt_packages/other/macros/three.sql": "three\n",
        ".hipaa_mode/masking.key": "key\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_file_that_a_preview_reads_counts(project: Path) -> None:
    seen = {digest(project, {})}
    files = [path for path in sorted(project.rglob("*")) if path.is_file()]
    for path in files:
        path.write_text(path.read_text() + "\n")
        seen.add(digest(project, {}))
    (project / "macros/new.sql").write_text("")
    seen.add(digest(project, {}))
    assert len(seen) == len(files) + 2


def test_what_it_does_not_read_does_not_count(project: Path) -> None:
    before = digest(project, {})
    for name in ("target/run.sql", "logs/dbt.log", "README.md", "receives.lock.yml"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("x")
    assert digest(project, {}) == before


def test_a_change_counts_as_if_it_were_written(project: Path) -> None:
    path = PurePosixPath("lists/destinations.csv")
    before = digest(project, {})
    drafted = digest(project, {path: b"destination\nga5\n"})
    assert drafted != before
    (project / path).write_bytes(b"destination\nga5\n")
    assert digest(project, {}) == drafted
    (project / path).unlink()
    assert digest(project, {}) == digest(project, {path: None})


def test_a_setting_counts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(project, {})
    monkeypatch.setenv("HIPAA_MODE_MEMORY_LIMIT", "2GB")
    assert digest(project, {}) != before
