"""A build on Spark publishes the rows and tokens of one on DuckDB, and keeps nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import spark_session
from project import KEY, Project, subkey, token

from engines.test_postgres import EMAIL, seeds_and_calls

SECRETS = (KEY, subkey("dev", "*"), subkey("dev", "suppression-list"), EMAIL, EMAIL.upper())


@dataclass(frozen=True)
class Built:
    """A project that was built on both engines."""

    on_duckdb: Project
    on_spark: Project
    output: str

    def dbt(self, *arguments: str) -> Any:
        """Run dbt on Spark."""
        named = "{hipaa_mode__environment: dev}"
        return self.on_spark.dbt(*arguments, "--target", "spark", "--vars", named)


@pytest.fixture(scope="module")
def built(new_project: Callable[..., Project]) -> Iterator[Built]:
    if not spark_session.can_run():
        must_run = spark_session.must_run()
        (pytest.fail if must_run else pytest.skip)(spark_session.CAN_NOT_RUN)
    on_duckdb, on_spark = (new_project(name, *seeds_and_calls()) for name in ("duckdb", "spark"))
    on_spark.as_users_do = True
    on_duckdb.build()
    both = Built(on_duckdb, on_spark, "")
    run = both.dbt("build")
    assert run.exit_code == 0, run.output
    yield Built(on_duckdb, on_spark, run.output)


def _rows(project: Project, view: str) -> dict[str, list[dict[str, Any]]]:
    files = project.published_files(f"tool__{view}")
    return {Path(file).name: pq.read_table(file).to_pylist() for file in files}


class TestSpark:
    """One class, so that one worker builds once for all."""

    @pytest.mark.parametrize("view", ["events", "identifies", "users"])
    def test_files_have_the_rows_of_duckdb_in_their_order(self, built: Built, view: str) -> None:
        expected = _rows(built.on_duckdb, view)
        assert sum(map(len, expected.values())) > 2
        assert _rows(built.on_spark, view) == expected

    def test_tokens_are_made_with_the_key(self, built: Built) -> None:
        rows = [row for file in _rows(built.on_spark, "events").values() for row in file]
        assert {row["email"] for row in rows} - {None} == {token(EMAIL)}

    def test_manifest_is_that_of_duckdb(self, built: Built) -> None:
        counted = []
        for project in (built.on_duckdb, built.on_spark):
            folder = project.published_folder() / "tool"
            manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
            views = {
                name: {key: view[key] for key in ("rows", "files", "files_written")}
                for name, view in manifest["views"].items()
            }
            counted.append((views, manifest["calls"], manifest["key_fingerprint"]))
        assert counted[0] == counted[1]

    def test_no_key_and_no_value_is_left_anywhere(self, built: Built) -> None:
        folder = built.on_spark.folder
        left = [path for path in (folder / "restricted").rglob("*") if path.is_file()]
        written = [*left, folder / "logs" / "dbt.log", *folder.glob("target/**/*.*")]
        texts = [built.output.encode(), *(path.read_bytes() for path in written if path.is_file())]
        assert any(b"system.session.hipaa_mask" in text for text in texts)
        assert not any(secret.encode() in text for secret in SECRETS for text in texts)
        kept = {path.parent.name for path in left}
        assert "calls_read" not in kept and "masking_keys" in kept

    def test_other_commands_are_refused(self, built: Built) -> None:
        run = built.dbt("run")
        assert run.exit_code != 0
        assert "`dbt run` has no tables on Spark" in run.output

    def test_the_compiled_sql_is_proven(self, built: Built) -> None:
        proof = built.on_spark.hipaa_mode("verify", "--target", "spark", PATH="", JAVA_HOME="")
        assert proof.returncode == 0, proof.stdout + proof.stderr
