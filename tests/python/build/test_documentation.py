"""The demo as dbt documents it: descriptions, owners, groups, and no value of a call."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from project import DBT, KEY, NOT_INHERITED, REPOSITORY

PARTS = (
    *("dbt_project.yml", "profiles.yml", "receives.lock.yml"),
    *("macros", "models", "seeds", "tests/generic"),
)
CALL = {
    "type": "identify",
    "userId": "patient-10482",
    "messageId": "m-1",
    "sentAt": "2026-03-01T10:17:05Z",
    "traits": {"email": "ann@clinic.example", "plan_tier": "gold-of-the-call", "note": "pregnant"},
}
VALUES = ("patient-10482", "ann@clinic", "gold-of-the-call", "pregnant", "10:17:05")

# Columns that come from the seeds say by their names what they hold; the model's description
# says how to read them.
NAMED_BY_THE_SEEDS = re.compile(
    r"(row_id|timestamp|received_at|[a-z]+_id|properties|traits|context)__\w+"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo project, built over one call and documented."""
    folder = tmp_path_factory.mktemp("documentation")
    for part in PARTS:
        copy = shutil.copytree if (REPOSITORY / part).is_dir() else shutil.copy
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        copy(REPOSITORY / part, folder / part)
    for path in folder.rglob("_unit_tests.yml"):
        path.unlink()
    (folder / "restricted").mkdir()
    (folder / "calls.ndjson").write_text(json.dumps(CALL) + "\n")
    # Without its tests every destination is held back, which is all that fails.
    built = dbt(folder, "build", "--exclude-resource-type", "test", exit_code=1)
    held_back = re.findall(r"NOT published: `(\w+)`.* did not run", built)
    assert set(held_back) == {
        path.name for path in (folder / "models/destination_views").iterdir()
    }
    assert " ERROR=1 SKIP=0 " in built
    return folder


@pytest.fixture(scope="module")
def said(demo: Path) -> str:
    """What dbt says of documenting; afterwards our command completes its manifest."""
    told = dbt(demo, "docs", "generate")
    run = subprocess.run(
        [str(DBT.with_name("hipaa-mode")), "destination", "document"],
        cwd=demo,
        env={**os.environ, "HIPAA_MODE_KEY": KEY, "PYTHONPATH": str(REPOSITORY / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return told


@pytest.fixture(scope="module")
def manifest(demo: Path, said: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((demo / "target/manifest.json").read_text())
    return read


@pytest.fixture(scope="module")
def catalog(demo: Path, said: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((demo / "target/catalog.json").read_text())
    return read


def dbt(folder: Path, *arguments: str, exit_code: int = 0) -> str:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HIPAA_MODE_", "DBT_")) and name not in NOT_INHERITED
    }
    done = subprocess.run(
        [str(DBT), "--no-use-colors", "--no-version-check", *arguments],
        cwd=folder,
        env={
            **inherited,
            "HIPAA_MODE_KEY": KEY,
            "HIPAA_MODE_RAW_CALLS": "calls.ndjson",
            "DO_NOT_TRACK": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done.stdout + done.stderr


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def test_documenting_warns_of_nothing(said: str) -> None:
    assert "Catalog written" in said
    assert not re.search(r"warning|deprecat|invalid|every event name", said, re.IGNORECASE)


def test_everything_is_described(manifest: dict[str, Any], catalog: dict[str, Any]) -> None:
    nodes = {**manifest["nodes"], **manifest["sources"], **manifest["exposures"]}
    described = ("model", "seed", "source", "exposure")
    bare = [
        name
        for name, node in nodes.items()
        if node["resource_type"] in described and not node["description"].strip()
    ]
    assert bare == []
    # An optional seed that dbt does not load is no relation; all the others are in the catalog.
    built = [name for name in nodes if nodes[name]["resource_type"] in ("model", "seed")]
    assert set(built) == set(catalog["nodes"])


def test_every_column_is_described(manifest: dict[str, Any], catalog: dict[str, Any]) -> None:
    bare = []
    for name, relation in catalog["nodes"].items():
        node = manifest["nodes"][name]
        known = {column.lower() for column, told in node["columns"].items() if told["description"]}
        of_the_seeds = NAMED_BY_THE_SEEDS if node.get("access") == "private" else None
        bare += [
            f"{name}.{column}"
            for column in relation["columns"]
            if column.lower() not in known
            and not (of_the_seeds and of_the_seeds.fullmatch(column))
        ]
    assert bare == []


def test_columns_are_described_as_the_seeds_say(manifest: dict[str, Any]) -> None:
    columns = manifest["nodes"]["model.hipaa_mode.ga4__identifies"]["columns"]
    said = {name: column["description"] for name, column in columns.items()}
    assert said["zip3"].startswith("zip3: First three digits")
    assert said["user_id"] == "Id of the user, a token."
    users = manifest["nodes"]["model.hipaa_mode.ga4__users"]["columns"]
    assert users["row_id"]["description"].startswith("Token of the user")


def test_the_restricted_zone_is_private_and_the_views_are_public(manifest: dict[str, Any]) -> None:
    access = {node["name"]: (node["group"], node["access"]) for node in models(manifest)}
    folders = {node["name"]: node["path"].split("/")[0] for node in models(manifest)}
    for name, folder in folders.items():
        wanted = "public" if folder == "destination_views" else "private"
        assert access[name] == ("restricted_zone", wanted), name
    assert set(folders.values()) == {"staging", "masked", "destination_views"}


def test_dotted_names_select_a_destination_or_the_seed(demo: Path) -> None:
    """As Dagster and Cosmos select: by the names of folders and of the node with dots between."""

    def selected(name: str) -> set[str]:
        listed = dbt(demo, "--quiet", "ls", "--select", name, "--resource-type", "model", "seed")
        return set(listed.split())

    assert selected("hipaa_mode.destinations") == {"hipaa_mode.destinations"}
    views = {
        f"hipaa_mode.destination_views.ga4.{path.stem}"
        for path in (demo / "models/destination_views/ga4").glob("*.sql")
    }
    assert selected("hipaa_mode.destination_views.ga4") == views != set()


def test_every_destination_has_an_exposure_with_an_owner_and_all_its_views(
    manifest: dict[str, Any],
) -> None:
    views: dict[str, set[str]] = {}
    for node in models(manifest):
        if node["config"]["materialized"] == "destination_view":
            views.setdefault(node["name"].rpartition("__")[0], set()).add(node["unique_id"])
    exposures = {item["name"]: item for item in manifest["exposures"].values()}
    assert exposures.keys() == views.keys()
    for name, exposure in exposures.items():
        assert exposure["owner"]["email"]
        assert set(exposure["depends_on"]["nodes"]) == views[name]


def test_lineage_goes_from_raw_calls_to_the_views(manifest: dict[str, Any]) -> None:
    parents = manifest["parent_map"]

    def above(name: str) -> set[str]:
        return {found for parent in parents[name] for found in (parent, *above(parent))}

    views = [n for n in models(manifest) if n["config"]["materialized"] == "destination_view"]
    assert views
    for node in views:
        direct = {item for item in parents[node["unique_id"]] if item.startswith("model.")}
        assert len(direct) == 1
        assert all(".masked_" in item for item in direct)
        assert "source.hipaa_mode.raw.calls" in above(node["unique_id"])


def test_what_dbt_documents_holds_no_value(demo: Path, said: str) -> None:
    files = [path for path in (demo / "target").rglob("*") if path.is_file()]
    assert {"manifest.json", "catalog.json"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        assert [value for value in VALUES if value.encode() in content] == [], path


def test_compiled_models_can_be_read(demo: Path, said: str) -> None:
    """Every line is short but for lists of names, and calls functions by name; in tests too."""
    files = list((demo / "target/compiled/hipaa_mode/models").rglob("*.sql"))
    names = {file.name for file in files}
    assert "masked_events.sql" in names
    assert any(name.startswith("holds_only_what_is_allowed_ga4") for name in names)
    for file in files:
        text = file.read_text("utf-8")
        assert len(text) < 25_000, file.name
        for line in text.splitlines():
            without_names = re.sub(
                r"""(\[|in \()(['"])(?:(?!\2).|\2\2)*\2(, \2(?:(?!\2).|\2\2)*\2)*""", r"\1", line
            )
            assert len(without_names) <= 200, f"{file.name}: {line}"
            assert "regexp_" not in line, f"{file.name}: {line}"


def test_no_stored_view_calls_a_function_that_only_a_run_has(demo: Path, said: str) -> None:
    with duckdb.connect(demo / "restricted/dev.duckdb") as connection:
        views = connection.execute(
            "select view_name, sql from duckdb_views() where not internal"
        ).fetchall()
        assert len(views) > 10
        assert [name for name, sql in views if "hipaa_functions." in sql] == []
        for (view,) in connection.execute(
            "select schema_name || '.' || view_name from duckdb_views() where not internal"
        ).fetchall():
            connection.execute(f"select * from {view}").fetchall()
