"""`hipaa-mode init`: what it adds to a dbt project, and what it leaves as it was."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

import hipaa_mode
from hipaa_mode.cli import app
from hipaa_mode.errors import ExitCode, HipaaModeError
from hipaa_mode.project import read_plan
from hipaa_mode.received.gate import Judgement, judge_project

REPOSITORY = Path(__file__).resolve().parents[3]
PROJECT_FILE = """\
# Name your project!
name: 'clinic'
version: '1.0.0'

# This setting configures which "profile" dbt uses.
profile: 'clinic'

model-paths: ["models"]
clean-targets:         # removed by `dbt clean`
  - "target"
  - "dbt_packages"

# Configuring models
models:
  clinic:
    # Applies to models/example/
    example:
      +materialized: view
"""
FIRST = ("--destination", "ga4", "--type", "google_analytics_4", "--owner-email", "a@b.example")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project as `dbt init` makes it, and a home without profiles."""
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "clinic"
    (folder / "models/example").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT_FILE)
    (folder / ".gitignore").write_text("\ntarget/\ndbt_packages/\nlogs/\n")
    (folder / "models/example/one.sql").write_text("select 1 as id\n")
    return folder


def init(project: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(app, ["init", *arguments, "--project", str(project)])
    if isinstance(result.exception, HipaaModeError):
        result.exit_code = result.exception.exit_code
    elif result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".hipaa_mode" not in path.parts
    }


def went(before: str, after: str) -> Counter[str]:
    return Counter(before.splitlines()) - Counter(after.splitlines())


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def test_a_project_gets_all_it_needs(project: Path) -> None:
    result = init(project, *FIRST, "--event", "Visit", "--raw-calls", "in/*.ndjson", "--yes")
    assert result.exit_code == 0, result.output
    plan = read_plan(project, "dev")
    assert plan.faults == []
    assert plan.destinations["ga4"].events == {"Visit": "Visit"}
    assert plan.destinations["ga4"].is_in_hipaa_mode
    [entry] = load(project / "packages.yml")["packages"]
    assert (project / entry["local"]).resolve() == REPOSITORY
    settings = load(project / "dbt_project.yml")
    assert settings["vars"] == {"hipaa_mode__raw_calls": "in/*.ndjson"}
    assert settings["flags"]["warn_error_options"]["silence"] == [
        "PackageNodeDependsOnRootProjectNode"
    ]
    assert settings["flags"]["indirect_selection"] == "buildable"
    assert settings["models"]["clinic"]["destination_views"] == {
        "+schema": "destinations",
        "+access": "public",
    }
    ignored = (project / ".gitignore").read_text().splitlines()
    assert {".hipaa_mode/", ".published.incoming/", "target/"} <= set(ignored)
    for folder in ("restricted", "published"):
        assert (project / folder / ".gitignore").read_text() == "*\n!.gitignore\n"
    assert ignored.count("target/") == 1
    # The profile is shown and not touched.
    assert not (project / "profiles.yml").exists()
    assert "module: hipaa_mode.plugin" in result.stderr
    # The first lock is written, it says what is there, and nothing says otherwise.
    assert judge_project(project, "dev") == Judgement()
    assert (project / "receives.lock.yml").exists() and "left as it is" not in result.stderr
    assert "dbt deps" in result.stdout


def test_nothing_that_was_there_is_lost(project: Path) -> None:
    init(project, *FIRST, "--yes")
    assert went(PROJECT_FILE, (project / "dbt_project.yml").read_text()) == Counter()
    assert (project / ".gitignore").read_text().startswith("\ntarget/\ndbt_packages/\nlogs/\n")


def test_a_second_run_changes_nothing(project: Path) -> None:
    arguments = (*FIRST, "--event", "Visit", "--write-profile", "--yes")
    assert init(project, *arguments).exit_code == 0
    before = files(project)
    result = init(project, *arguments)
    assert result.exit_code == 0
    assert "Nothing to change" in result.stdout
    assert init(project, "--yes").exit_code == 0
    assert files(project) == before


def test_what_is_missing_is_added_again(project: Path) -> None:
    init(project, *FIRST, "--yes")
    before = files(project)
    (project / "packages.yml").unlink()
    (project / "seeds/small_zip3_areas.csv").unlink()
    init(project, "--yes")
    assert files(project) == before


def test_nothing_is_changed_without_being_shown(project: Path) -> None:
    before = files(project)
    dry = init(project, *FIRST, "--write-profile", "--dry-run")
    assert dry.exit_code == 0
    unanswered = init(project, *FIRST, "--write-profile")
    assert unanswered.exit_code == ExitCode.FAILED_CHECK
    assert files(project) == before
    written = init(project, *FIRST, "--write-profile", "--yes")
    for name in files(project).keys() - before.keys():
        for result in (dry, unanswered, written):
            assert f"+++ b/{name}" in result.stdout


def test_a_first_destination_is_asked_for(project: Path) -> None:
    before = files(project)
    result = init(project, "--yes")
    assert result.exit_code == ExitCode.BAD_CONFIGURATION
    assert "A first destination is missing" in str(result.exception)
    assert files(project) == before


def test_other_packages_stay(project: Path) -> None:
    (project / "packages.yml").write_text("packages:\n  # ours\n  - local: ../other\n")
    init(project, *FIRST, "--git", "https://git.example/hipaa_mode.git", "--revision", "v1", "-y")
    text = (project / "packages.yml").read_text()
    assert text.startswith("packages:\n  # ours\n  - local: ../other\n")
    assert yaml.safe_load(text)["packages"][1:] == [
        {"git": "https://git.example/hipaa_mode.git", "revision": "v1"}
    ]


def test_packages_in_dependencies_yml_are_kept_there(project: Path) -> None:
    (project / "dependencies.yml").write_text("packages:\n  - local: ../other\n")
    init(project, *FIRST, "--yes")
    assert not (project / "packages.yml").exists()
    assert len(load(project / "dependencies.yml")["packages"]) == 2


PROFILES = """\
# Shared by the team.
clinic:
  target: qa
  outputs:
    qa:
      type: duckdb
      path: restricted/qa.duckdb   # private
      plugins:
        - module: excel
    live:
      type: duckdb
      path: restricted/live.duckdb
    old: {type: postgres, host: localhost}
other:
  target: x
"""


def test_the_plugin_joins_what_the_profile_has(project: Path) -> None:
    path = project / "profiles.yml"
    path.write_text(PROFILES)
    result = init(project, *FIRST, "--write-profile", "--yes")
    assert result.exit_code == 0, result.output
    assert went(PROFILES, path.read_text()) == Counter()
    outputs = load(path)["clinic"]["outputs"]
    plugin = "hipaa_mode.plugin"
    assert outputs["qa"]["plugins"] == [
        {"module": "excel"},
        {"module": plugin, "config": {"environment": "qa"}},
    ]
    assert outputs["live"]["plugins"] == [{"module": plugin, "config": {"environment": "live"}}]
    assert "plugins" not in outputs["old"]
    assert "Target old is of type postgres" in result.stderr
    # The default target is where the first destination goes.
    assert list(read_plan(project, "qa").destinations) == ["ga4"]


@pytest.mark.parametrize(
    "text",
    [
        "clinic: {target: qa, outputs: {qa: {type: duckdb, path: a.duckdb}}}\n",
        "clinic:\n  target: qa\n  outputs:\n    qa: {type: duckdb}\n",
        "clinic:\n  target: qa\n  outputs:\n    qa: {type: duckdb,}   # short\n",
        "clinic: {target: qa, outputs: {\n qa: {type: duckdb, plugins: [{module: excel}, ]},}}\n",
        'clinic:\n  target: qa\n  outputs: {"qa": {"type": "duckdb", "plugins": []}}\n',
        "clinic:\n  target: qa\n  outputs:\n    qa: {\n      type: duckdb  # ours, all\n    }\n",
    ],
)
def test_the_plugin_joins_a_profile_in_brackets(project: Path, text: str) -> None:
    path = project / "profiles.yml"
    path.write_text(text)
    before = load(path)["clinic"]["outputs"]["qa"]
    result = init(project, *FIRST, "--write-profile", "--yes")
    assert result.exit_code == 0, result.output
    output = load(path)["clinic"]["outputs"]["qa"]
    ours = {"module": "hipaa_mode.plugin", "config": {"environment": "qa"}}
    assert output == {**before, "plugins": [*before.get("plugins", []), ours]}
    assert text.count("#") == path.read_text().count("#")
    after = path.read_text()
    assert init(project, *FIRST, "--write-profile", "--yes").exit_code == 0
    assert path.read_text() == after


@pytest.mark.parametrize(
    "text",
    [
        "clinic: {target: qa, outputs: {qa: duckdb}}\n",
        "clinic: {target: qa, outputs: {qa: }}\n",
        "clinic: {target: qa, outputs: {qa: {type: duckdb, plugins: excel}}}\n",
        "clinic: {target: qa, outputs: {qa: {type: duckdb, plugins: {module: excel}}}}\n",
        "clinic: {target: qa, outputs: {qa: {type: duckdb\n",
    ],
)
@pytest.mark.parametrize("option", [(), ("--write-profile",)])
def test_a_profile_that_cant_be_read_is_told(
    project: Path, text: str, option: tuple[str, ...]
) -> None:
    (project / "profiles.yml").write_text(text)
    before = files(project)
    result = init(project, *FIRST, *option, "--yes")
    assert result.exit_code == ExitCode.BAD_CONFIGURATION
    assert "profiles.yml" in str(result.exception)
    assert files(project) == before


def test_a_profile_at_home_is_written_where_it_is(project: Path, tmp_path: Path) -> None:
    home = tmp_path / "home/.dbt"
    home.mkdir(parents=True)
    (home / "profiles.yml").write_text("other: {target: x}\n")
    init(project, *FIRST, "--write-profile", "--yes")
    assert not (project / "profiles.yml").exists()
    profiles = load(home / "profiles.yml")
    assert profiles["other"] == {"target": "x"}
    assert profiles["clinic"]["outputs"]["dev"]["path"] == "restricted/dev.duckdb"


def test_as_json(project: Path) -> None:
    answer = json.loads(init(project, *FIRST, "--json", "--yes").stdout)
    assert answer["written"] is True
    assert {change["action"] for change in answer["changes"]} == {"added", "changed"}
    assert any("hipaa_mode.plugin" in note for note in answer["notes"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: 'clinic'", "name: hipaa_mode", "hipaa_mode's own project"),
        ("profile: 'clinic'", "profile: hipaa_mode", "Give the project a profile"),
        ("profile: 'clinic'", "", "names no profile"),
        ("models:\n  clinic:", "models: &a\n  clinic: [", "is not YAML|can't be read"),
    ],
)
def test_a_project_that_cant_be_set_up_is_told_why(
    project: Path, old: str, new: str, message: str
) -> None:
    path = project / "dbt_project.yml"
    path.write_text(path.read_text().replace(old, new))
    before = files(project)
    result = init(project, *FIRST, "--yes")
    assert result.exit_code == ExitCode.BAD_CONFIGURATION
    with pytest.raises(HipaaModeError, match=message):
        raise result.exception or AssertionError
    assert files(project) == before


def test_a_checkout_is_needed(project: Path, tmp_path: Path) -> None:
    result = init(project, *FIRST, "--package", str(tmp_path), "--yes")
    assert result.exit_code == ExitCode.MISSING_FILE


class TestWithoutCheckout:
    """From a wheel, whose Python package lies in no checkout."""

    @pytest.fixture(autouse=True)
    def wheel(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        installed = tmp_path / "lib/python3/site-packages/hipaa_mode/__init__.py"
        monkeypatch.setattr(hipaa_mode, "__file__", str(installed))

    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        folder = tmp_path / "origin"
        (folder / "macros/configuration").mkdir(parents=True)
        (folder / "macros/configuration/x.sql").write_text("")
        shutil.copytree(REPOSITORY / "seeds", folder / "seeds")
        git(folder, "init", "-q")
        git(folder, "add", ".")
        git(folder, "commit", "-qm", "one")
        git(folder, "tag", "v1")
        seed = folder / "seeds/small_zip3_areas.csv"
        lines = seed.read_text().splitlines()
        seed.write_text("\n".join([*lines, lines[-1].replace("987", "999")]) + "\n")
        git(folder, "commit", "-qam", "two")
        return folder

    @pytest.mark.parametrize(("revision", "count"), [("v1", 0), ("", 1)])
    def test_a_repository_is_enough(
        self, project: Path, repository: Path, revision: str, count: int
    ) -> None:
        url = f"file://{repository}"
        of = ("--revision", revision) if revision else ()
        result = init(project, *FIRST, "--git", url, *of, "--yes")
        assert result.exit_code == 0, result.output
        [entry] = load(project / "packages.yml")["packages"]
        assert entry == {"git": url, **({"revision": revision} if revision else {})}
        assert read_plan(project, "dev").faults == []
        areas = (project / "seeds/small_zip3_areas.csv").read_text()
        assert ("999" in areas) == (count == 1)
        assert "google_analytics_4" in (project / "seeds/destination_types.csv").read_text()

    def test_a_repository_that_cant_be_fetched_is_told(
        self, project: Path, repository: Path
    ) -> None:
        before = files(project)
        for of in ((f"file://{repository}-gone",), (f"file://{repository}", "--revision", "v9")):
            result = init(project, *FIRST, "--git", *of, "--yes")
            assert result.exit_code == ExitCode.MISSING_FILE
            assert "can't be fetched" in str(result.exception)
        assert files(project) == before

    def test_without_one_both_ways_are_told(self, project: Path) -> None:
        result = init(project, *FIRST, "--yes")
        assert result.exit_code == ExitCode.MISSING_FILE
        assert "--package" in str(result.exception) and "--git" in str(result.exception)


def git(folder: Path, *arguments: str) -> None:
    by = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    subprocess.run(["git", "-C", str(folder), *by, *arguments], check=True)


def test_databases_and_their_locks_are_not_committed(project: Path) -> None:
    init(project, *FIRST, "--yes")
    git(project, "init", "-q")
    for name in ("clinic.duckdb", "data/x.duckdb", "x.duckdb.wal", "data/x.duckdb.lock"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_bytes(b"raw")
    git(project, "add", ".")
    listed = subprocess.run(
        ["git", "-C", str(project), "ls-files"], capture_output=True, text=True, check=True
    ).stdout
    assert "dbt_project.yml" in listed and "duckdb" not in listed


def test_the_package_brings_all_models_but_the_demos() -> None:
    """Each file that is not the demo's is linked: dbt follows links to files, not to folders."""
    models, links = REPOSITORY / "models", REPOSITORY / "as_package/models"
    wanted = {
        path.relative_to(models)
        for path in models.rglob("*")
        if path.is_file()
        and "destination_views" not in path.parts
        and "_unit_tests" not in path.name
    }
    linked = {path.relative_to(links) for path in links.rglob("*") if path.is_symlink()}
    assert linked == wanted
    assert all((links / path).resolve() == models / path for path in linked)
