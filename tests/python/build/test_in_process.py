"""dbt run in another program's process, as orchestrators do, gives back what it took."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from project import KEY, Project, destination, event, token, track

SCRIPT = """
import gc, json, os, subprocess, sys
from pathlib import Path
from dbt.cli.main import dbtRunner

def open_elsewhere(path):
    code = "import duckdb, sys; duckdb.connect(sys.argv[1]).close()"
    return subprocess.run([sys.executable, "-c", code, path], capture_output=True).returncode == 0

def is_free(path):
    code = (
        "import fcntl, os, sys; "
        "fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    )
    return subprocess.run([sys.executable, "-c", code, path], capture_output=True).returncode == 0

os.umask(0o027)
gc.set_threshold(701, 11, 12)
told = []
for target, key, arguments in json.loads(sys.argv[1]):
    database = f"restricted/{target}.duckdb"
    os.environ["HIPAA_MODE_DATABASE"] = database
    os.environ["HIPAA_MODE_KEY"] = key
    done = dbtRunner().invoke(["--quiet", "build", "--target", target, *arguments])
    umask = os.umask(0o027)
    told.append({
        "success": done.success,
        "umask": umask,
        "collection": gc.get_threshold(),
        "database": open_elsewhere(database),
        "lock": is_free(database + ".lock"),
        "published": not Path("published", target).exists() or is_free(f"published/{target}"),
    })
print("TOLD" + json.dumps(told))
"""
OTHER_KEY = "9c" * 31 + "07"


@pytest.fixture(scope="class")
def told(new_project: Callable[..., Project]) -> tuple[Project, list[dict[str, Any]]]:
    rows = [destination("alpha", environment=name) for name in ("dev", "prod")]
    events = [event("alpha", "Signed Up", environment=name) for name in ("dev", "prod")]
    calls = [track("Signed Up", messageId="m-1", userId="patient-1")]
    project = new_project("in_process", rows, events, [], calls, views={"alpha": ["events"]})
    project.write_lock()
    runs = [
        ("dev", KEY, []),
        ("prod", OTHER_KEY, ["--vars", "{hipaa_mode__share_with: [dev]}"]),
        ("dev", KEY, ["--vars", '{"hipaa_mode__environment": ".."}']),
    ]
    environ = project.variables()
    del environ["HIPAA_MODE_KEY_FILE"]
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(runs)],
        cwd=project.folder,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert "TOLD" in run.stdout, run.stdout + run.stderr
    return project, json.loads(run.stdout.partition("TOLD")[2])


class TestInProcess:
    def test_runs_with_other_environments_and_keys_follow_one_another(self, told: Any) -> None:
        project, runs = told
        assert [run["success"] for run in runs] == [True, True, False]
        [dev] = project.published_rows("alpha__events")
        [prod] = project.published_rows("alpha__events", "prod")
        assert dev["user_id"] == token("patient-1")
        assert prod["user_id"] == token("patient-1", "prod", key=OTHER_KEY)

    def test_the_umask_is_the_programs_own_again(self, told: Any) -> None:
        assert [run["umask"] for run in told[1]] == [0o027] * 3

    def test_garbage_is_looked_for_as_the_program_has_it_again(self, told: Any) -> None:
        assert [run["collection"] for run in told[1]] == [[701, 11, 12]] * 3

    def test_nothing_is_held_when_a_run_has_ended(self, told: Any) -> None:
        for what in ("database", "lock", "published"):
            assert [run[what] for run in told[1]] == [True] * 3, what
