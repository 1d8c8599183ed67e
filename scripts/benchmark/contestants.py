"""What is compared: how each contestant is set up, run, and where its outputs are."""

from __future__ import annotations

import gzip
import itertools
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hipaa_mode.keys import load_master_key
from hipaa_mode.received.environments import lock_project

BENCHMARK = Path(__file__).resolve().parent
PROJECT = BENCHMARK.parents[1]
OVERLAY = BENCHMARK / "hipaa_mode_overlay"
DEMO_CALLS = PROJECT / "demo" / "raw_calls" / "dev" / "portal.ndjson.gz"
HAND_WRITTEN = BENCHMARK / "hand_written"

DESTINATIONS = ("ga4", "mixpanel", "amplitude")
ENVIRONMENT = "dev"
DBT = (str(Path(sys.executable).with_name("dbt")),)


@dataclass(frozen=True)
class Job:
    """What a contestant gets: a folder of its own, the raw calls and the master key."""

    folder: Path
    raw_calls: Path
    key: str

    @property
    def arriving(self) -> Path:
        """The folder that hipaa_mode reads its raw calls from."""
        return self.folder / "arriving"

    @property
    def subkey(self) -> str:
        """HMAC key of the scope that all three destinations share."""
        master_key = load_master_key({"HIPAA_MODE_KEY": self.key})
        return master_key.subkey(ENVIRONMENT, "*").reveal()


@dataclass(frozen=True)
class Command:
    """A contestant made ready to run.

    Attributes:
        arguments: the command.
        folder: folder to run it in.
        environ: environment variables it needs.
        outputs: a glob of the files it writes for each destination.
    """

    arguments: tuple[str, ...]
    folder: Path
    environ: dict[str, str]
    outputs: dict[str, str]

    def full_environ(self) -> dict[str, str]:
        """Return this process's environment without what configures dbt, and with `environ`."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DBT_", "HIPAA_MODE_"))
        }
        return inherited | {"DO_NOT_TRACK": "1"} | self.environ


@dataclass(frozen=True)
class Contestant:
    """One way to do the work.

    Attributes:
        name: what the command line and the JSON call it.
        title: what the tables call it.
        same_tokens: whether its tokens must be those of hipaa_mode.
        prepare: makes it ready to run.
        is_compared: whether its outputs are those of hipaa_mode.
    """

    name: str
    title: str
    same_tokens: bool
    prepare: Callable[[Job], Command]
    is_compared: bool = True


def copy_project(job: Job, *left_out: str) -> Path:
    """Copy the project, but for its tests of Python and what else is left out."""
    project = job.folder / "project"
    (project / "restricted").mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml", "receives.lock.yml"):
        shutil.copy(PROJECT / name, project / name)
    ignored = shutil.ignore_patterns("python", *left_out)
    for name in ("macros", "models", "seeds", "tests"):
        shutil.copytree(PROJECT / name, project / name, ignore=ignored)
    return project


def prepare_hipaa_mode(job: Job) -> Command:
    """Copy the project, with the benchmark's seeds and destinations in place of the demo's."""
    project = copy_project(job, "destination_views")
    shutil.copytree(OVERLAY, project, dirs_exist_ok=True)
    lock_project(project)
    published = job.folder / "published"
    # A folder of its own, so that more calls can arrive.
    job.arriving.mkdir()
    (job.arriving / "calls.ndjson").hardlink_to(job.raw_calls)
    return Command(
        # Unit tests are for development: dbt's own advice is to leave them out of production.
        (*DBT, "build", "--exclude-resource-type", "unit_test", "--target", ENVIRONMENT),
        project,
        {
            "HIPAA_MODE_KEY": job.key,
            "HIPAA_MODE_RAW_CALLS": str(job.arriving / "*.ndjson"),
            "HIPAA_MODE_DATABASE": str(project / "restricted" / "benchmark.duckdb"),
            "HIPAA_MODE_PUBLISHED": str(published),
        },
        {
            name: str(published / ENVIRONMENT / name / f"{name}__events" / "*.parquet")
            for name in DESTINATIONS
        },
    )


def write_demo_calls(path: Path, count: int) -> None:
    """Write the first calls of the demo."""
    with gzip.open(DEMO_CALLS, "rb") as calls, path.open("wb") as file:
        file.writelines(itertools.islice(calls, count))


def prepare_demo(job: Job) -> Command:
    """Copy the project as it is, with all its tests."""
    published = job.folder / "published"
    return Command(
        (*DBT, "build", "--target", ENVIRONMENT),
        copy_project(job),
        {
            "HIPAA_MODE_KEY": job.key,
            "HIPAA_MODE_RAW_CALLS": str(job.raw_calls),
            "HIPAA_MODE_DATABASE": str(job.folder / "project" / "restricted" / "demo.duckdb"),
            "HIPAA_MODE_PUBLISHED": str(published),
        },
        {"all": str(published / ENVIRONMENT / "*" / "*" / "*.parquet")},
    )


def prepare_hand_written(job: Job, staging: str) -> Command:
    """Copy the hand-written project; `staging` is `view` or `table`."""
    project = job.folder / "project"
    shutil.copytree(HAND_WRITTEN, project)
    output = job.folder / "output"
    output.mkdir()
    return Command(
        (*DBT, "build"),
        project,
        {
            "HAND_WRITTEN_STAGING": staging,
            "HAND_WRITTEN_SALT": job.subkey,
            "HAND_WRITTEN_RAW_CALLS": str(job.raw_calls),
            "HAND_WRITTEN_DATABASE": str(project / "hand_written.duckdb"),
            "HAND_WRITTEN_OUTPUT": str(output),
        },
        {name: str(output / f"{name}__events.parquet") for name in DESTINATIONS},
    )


def prepare_per_call(job: Job, program: tuple[str, ...], *options: str) -> Command:
    """Run a per-call transform: `program` and the paths of input and output."""
    output = job.folder / "output"
    return Command(
        (*program, *options, str(job.raw_calls), str(output)),
        job.folder,
        {"PER_CALL_KEY": job.subkey},
        {name: str(output / f"{name}.ndjson") for name in DESTINATIONS},
    )


def prepare_floor(job: Job) -> Command:
    """Read, parse once and write Parquet, with DuckDB and nothing else."""
    output = job.folder / "floor.parquet"
    return Command(
        (sys.executable, str(BENCHMARK / "floor.py"), str(job.raw_calls), str(output)),
        job.folder,
        {},
        {"floor": str(output)},
    )


PYTHON = (sys.executable, str(BENCHMARK / "per_call.py"))
NODE = ("node", str(BENCHMARK / "per_call.mjs"))

FLOOR = Contestant("floor", "floor: read, parse, write", False, prepare_floor, is_compared=False)
HIPAA_MODE = Contestant("hipaa_mode", "hipaa_mode", True, prepare_hipaa_mode)
DEMO = Contestant("demo", "all calls", True, prepare_demo, is_compared=False)

PEERS = (
    Contestant(
        "sql_view",
        "SQL, staging view",
        False,
        lambda job: prepare_hand_written(job, "view"),
    ),
    Contestant(
        "sql_table",
        "SQL, staging table",
        False,
        lambda job: prepare_hand_written(job, "table"),
    ),
    Contestant(
        "python",
        "Python",
        True,
        lambda job: prepare_per_call(job, PYTHON),
    ),
    Contestant(
        "python_isolated",
        "Python, isolated",
        True,
        lambda job: prepare_per_call(job, PYTHON, "--isolated"),
    ),
    Contestant(
        "node",
        "Node",
        True,
        lambda job: prepare_per_call(job, NODE),
    ),
    Contestant(
        "node_isolated",
        "Node, isolated",
        True,
        lambda job: prepare_per_call(job, NODE, "--isolated"),
    ),
)
