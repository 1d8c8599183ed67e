"""A small copy of the project for whole-project tests, and what it takes to run dbt in it.

dbt always runs as a process of its own: in one process a second run would reuse the first
one's connection, plugin and key. Most are forks of one that has imported dbt (forks.py), and
start from what dbt once parsed of the package; `as_users_do` leaves both out.
"""

from __future__ import annotations

import atexit
import contextlib
import csv
import functools
import hashlib
import hmac
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from forks import Forks, forks

from hipaa_mode import audit
from hipaa_mode.errors import HipaaModeError
from hipaa_mode.keys import load_master_key
from hipaa_mode.received.environments import lock_project

REPOSITORY = Path(__file__).resolve().parents[2]
DBT = Path(sys.executable).with_name("dbt")
HIPAA_MODE = DBT.with_name("hipaa-mode")
KEY = hashlib.sha256(b"the masking key of the whole-project tests").hexdigest()
OTHER_KEY = hashlib.sha256(b"a second masking key").hexdigest()

SEED_COLUMNS = {
    "destinations": (
        "environment",
        "destination",
        "destination_type",
        "connection_mode",
        "restrict_phi",
        "baa_reference",
        "baa_expires_on",
        "mask_scope",
        "timestamp_precision",
        "consent_categories",
        "consent_strategy",
        "honor_opt_outs",
        "description",
    ),
    "allowed_events": ("environment", "destination", "event", "sent_as"),
    "allowed_properties": (
        "environment",
        "destination",
        "property_list",
        "event",
        "property",
        "treatment",
        "normalize",
        "data_type",
        "guard",
        "mask_scope",
        "column_name",
        "reason",
        "approved_by",
        "expires_on",
    ),
    "environments": ("environment", "retain_days"),
    "suppressed_users": ("environment", "user_id", "requested_on", "reference"),
    "stopped_destinations": (
        "environment",
        "destination",
        "reason",
        "stopped_on",
        "stopped_by",
    ),
}
CONSENT_COLUMNS = ("consent_categories", "consent_strategy", "honor_opt_outs")

ENVIRONMENTS = ("dev", "prod")
"""Environments that a project is locked for though no row of it may name them."""

DEFAULTS = {
    "environment": "dev",
    "destination_type": "webhook",
    "connection_mode": "server_side",
    "restrict_phi": "true",
    "treatment": "allow",
    "reason": "a test needs it",
    "approved_by": "tests",
}
TESTS = tuple(f"tests/{name}" for name in ("generic", "masked", "reconciliation", "staging"))
VIEWS = ("events", "identifies", "groups")
GENERIC_TESTS = (
    "only_allowlisted_columns",
    "masked_columns_are_tokens",
    "no_raw_identifiers",
    "no_identifier_patterns",
    "only_allowed_events",
    "no_denied_calls",
    "row_id_is_primary_key",
    "rows_match_calls",
)
ALL_CHECKS = "holds_only_what_is_allowed"
WITH_EXCEPTIONS = ("no_raw_identifiers", "no_identifier_patterns", ALL_CHECKS)
CALL_TYPES = {
    "events": ("track", "page", "screen"),
    "identifies": ("identify",),
    "groups": ("group",),
}

# Without bytecode a start of dbt takes twice as long.
NOT_INHERITED = ("PYTHONDONTWRITEBYTECODE",)

OPTIONS = ("--no-use-colors", "--no-version-check")
PARSED = "target/partial_parse.msgpack"
BARE = "bare"

SeedRow = Mapping[str, str]
RawCall = Mapping[str, Any] | bytes


def destination(name: str, **columns: str) -> dict[str, str]:
    """A row of destinations.csv: server-side and restricted unless told otherwise."""
    return {"destination": name, **columns}


def event(destination: str, name: str, sent_as: str = "", **columns: str) -> dict[str, str]:
    """A row of allowed_events.csv."""
    return {"destination": destination, "event": name, "sent_as": sent_as, **columns}


def allowed(
    destination: str, property_list: str, path: str, treatment: str = "allow", **columns: str
) -> dict[str, str]:
    """A row of allowed_properties.csv."""
    return {
        "destination": destination,
        "property_list": property_list,
        "property": path,
        "treatment": treatment,
        **columns,
    }


def subkey(environment: str, scope: str, key: str = KEY) -> str:
    """HKDF-SHA-256 (RFC 5869) of the masking key, made anew here from the standard library."""
    extracted = hmac.digest(bytes(32), bytes.fromhex(key), "sha256")
    info = f"hipaa-mode/v1/{environment}/{scope}".encode()
    return hmac.digest(extracted, info + b"\x01", "sha256").hex()


def token(value: str, environment: str = "dev", scope: str = "*", key: str = KEY) -> str:
    """HMAC-SHA-256 of a value under the subkey of an environment and scope."""
    return hmac.digest(subkey(environment, scope, key).encode(), value.encode(), "sha256").hex()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Run:
    """What one dbt command came to."""

    exit_code: int
    output: str
    seconds: float


@dataclass
class Project:
    """A copy of the project with the destinations, allowlist and calls that a test asks for.

    Paths given to dbt are relative to the folder, so that one parse of the project
    (target/partial_parse.msgpack) does for every copy with the same models.

    What the seeds say is agreed to before each dbt command, unless `locks` is false. Variables in
    `unset` are not there at all. `launcher` is what starts dbt, where it is to run with less.
    With `as_users_do` every run is a program started anew that finds nothing parsed.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    unsuspected: tuple[str, ...] = ()
    view_tests: tuple[str, ...] = (ALL_CHECKS,)
    locks: bool = True
    unset: tuple[str, ...] = ()
    launcher: tuple[str, ...] = ()
    as_users_do: bool = False

    @classmethod
    def create(
        cls,
        folder: Path,
        destinations: Sequence[SeedRow],
        events: Sequence[SeedRow] = (),
        properties: Sequence[SeedRow] = (),
        calls: Iterable[RawCall] = (),
        views: Mapping[str, Sequence[str]] | None = None,
        unsuspected: Sequence[str] = (),
        view_tests: Sequence[str] = (ALL_CHECKS,),
    ) -> Project:
        """Copy the project to a folder and write its seeds, models, key and raw calls.

        `views` names the views of a destination, all three where it says nothing; columns in
        `unsuspected` may hold what looks like an identifier. Each view has the tests that
        `view_tests` names.
        """
        folder.mkdir(parents=True, exist_ok=True)
        project = cls(folder, unsuspected=tuple(unsuspected), view_tests=tuple(view_tests))
        project._copy_product()
        project.write_seed("destinations", destinations)
        project.write_seed("allowed_events", events)
        project.write_seed("allowed_properties", properties)
        project.write_seed("environments", [])
        project.write_seed("suppressed_users", [])
        project.write_seed("stopped_destinations", [])
        for name in dict.fromkeys(row["destination"] for row in destinations):
            project.add_models(name, (views or {}).get(name, VIEWS))
        project.write_key(KEY)
        project.write_calls(calls)
        return project

    def _copy_product(self) -> None:
        for name in ("dbt_project.yml", "profiles.yml"):
            shutil.copy(REPOSITORY / name, self.folder)
        # dbt's unit tests bring seeds of their own and are run with the real project.
        for name in ("macros", "models", *TESTS):
            left_out = ("*unit_test*", "destination_views" if name == "models" else "")
            ignore = shutil.ignore_patterns(*left_out)
            shutil.copytree(REPOSITORY / name, self.folder / name, ignore=ignore)
        # Broken lines are what many tests are of.
        self.set_variable("hipaa_mode__rejected_share", 1)
        (self.folder / "seeds").mkdir()
        for name in ("destination_types.csv", "small_zip3_areas.csv", "_seeds.yml"):
            shutil.copy(REPOSITORY / "seeds" / name, self.folder / "seeds")
        (self.folder / "restricted").mkdir()

    # Inputs

    def set_variable(self, name: str, value: object) -> None:
        """Give a variable of dbt_project.yml another value."""
        file = self.folder / "dbt_project.yml"
        lines = file.read_text("utf-8").splitlines(keepends=True)
        found = [place for place, line in enumerate(lines) if line.startswith(f"  {name}: ")]
        [place] = found
        lines[place] = f"  {name}: {json.dumps(value)}\n"
        file.write_text("".join(lines), "utf-8")

    def write_seed(self, seed: str, rows: Sequence[SeedRow]) -> None:
        columns = SEED_COLUMNS[seed]
        # Columns that a file may lack are there if a test says something of them.
        said = {name for row in rows for name in row}
        unsaid = {"mask_scope"} if seed == "allowed_properties" else set(CONSENT_COLUMNS)
        columns = tuple(name for name in columns if name in said or name not in unsaid)
        path = self.folder / "seeds" / f"{seed}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            for row in rows:
                defaults = {name: DEFAULTS.get(name, "") for name in columns}
                writer.writerow({**defaults, **row})

    def add_models(self, name: str, views: Sequence[str] = VIEWS) -> None:
        folder = self.folder / "models/destination_views" / name
        folder.mkdir(parents=True)
        lines = ["version: 2", "", "models:"]
        for view in views:
            model = f"{{{{ hipaa_mode.destination_{view}('{name}') }}}}\n"
            (folder / f"{name}__{view}.sql").write_text(model)
            lines += [f"  - name: {name}__{view}", "    data_tests:"]
            for test in self.view_tests:
                lines.append(f"      - {test}")
                if self.unsuspected and test in WITH_EXCEPTIONS:
                    columns = json.dumps(list(self.unsuspected))
                    lines[-1] += f": {{arguments: {{except_columns: {columns}}}}}"
        (folder / f"_{name}.yml").write_text("\n".join(lines) + "\n")

    def remove_models(self, name: str) -> None:
        shutil.rmtree(self.folder / "models/destination_views" / name)

    def write_key(self, key: str) -> None:
        path = self.folder / ".hipaa_mode/masking.key"
        path.parent.mkdir(exist_ok=True)
        path.write_text(key + "\n")
        path.chmod(0o600)

    def write_calls(self, calls: Iterable[RawCall], file: str = "calls.ndjson") -> None:
        """Write raw calls a line each: a mapping as JSON, bytes as they are."""
        path = self.folder / "raw_calls" / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"".join(as_line(call) + b"\n" for call in calls))

    # Runs

    def write_lock(self) -> None:
        """Agree to what the seeds say; faulty ones are left for the build to refuse."""
        with contextlib.suppress(HipaaModeError):  # None, where there is no project yet.
            lock_project(self.folder, ENVIRONMENTS)

    def variables(self) -> dict[str, str]:
        """The environment of dbt: nothing of ours or dbt's from outside the test."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HIPAA_MODE_", "DBT_")) and name not in NOT_INHERITED
        }
        ours = {
            "HIPAA_MODE_KEY_FILE": ".hipaa_mode/masking.key",
            "HIPAA_MODE_RAW_CALLS": "raw_calls/*.ndjson",
            "HIPAA_MODE_DATABASE": "restricted/calls.duckdb",
            "DBT_PROFILES_DIR": str(self.folder),
            "DO_NOT_TRACK": "1",
            **self.environment,
        }
        return inherited | {name: ours[name] for name in ours if name not in self.unset}

    def start_dbt(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start dbt, what the seeds say being agreed to unless the test is of the lock."""
        if self.locks:
            self.write_lock()
        command = [*self.launcher, str(DBT), *OPTIONS, *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="backslashreplace",
            **options,
        )

    def dbt(self, *arguments: str, timeout: int = 300) -> Run:
        """Run dbt to its end."""
        started = time.monotonic()
        if self.as_users_do or self.launcher:
            process = self.start_dbt(*arguments)
            try:
                output, _ = process.communicate(timeout=timeout)
            finally:
                process.kill()
            return Run(process.returncode, output, time.monotonic() - started)
        if self.locks:
            self.write_lock()
        self._use_what_was_parsed()
        with tempfile.NamedTemporaryFile() as file:
            shown = Path(file.name)
            variables = self.variables()
            code = next(_servers()).run(
                "dbt", (*OPTIONS, *arguments), self.folder, variables, shown, timeout
            )
            output = shown.read_text("utf-8", "backslashreplace")
        return Run(code, output, time.monotonic() - started)

    def _use_what_was_parsed(self) -> None:
        """Give dbt what it parsed of the package, unless it parsed this project before."""
        parsed = self.folder / PARSED
        if not parsed.exists() and self.folder.name != BARE:
            parsed.parent.mkdir(exist_ok=True)
            shutil.copy(_parsed_package(), parsed)

    def build(self, *arguments: str) -> Run:
        """Run `dbt build` and expect it to succeed."""
        run = self.dbt("build", *arguments)
        assert run.exit_code == 0, run.output
        return run

    def hipaa_mode(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `hipaa-mode` in the project's folder, with some variables besides the project's."""
        if self.locks and arguments[0] in ("check", "verify"):
            self.write_lock()
        return subprocess.run(
            [str(HIPAA_MODE), *arguments],
            cwd=self.folder,
            env={**self.variables(), **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    # Outputs

    @property
    def database(self) -> Path:
        return self.folder / "restricted/calls.duckdb"

    def published_folder(self, environment: str = "dev") -> Path:
        return self.folder / "published" / environment

    @property
    def incoming(self) -> Path:
        """Where files are written before they are published; gone when nothing is unfinished."""
        return self.folder / ".published.incoming"

    def audit_log(self, environment: str = "dev") -> Path:
        return self.published_folder(environment) / "audit_log.jsonl"

    def verify_audit(self, table: Sequence[str] | None = None) -> audit.Findings:
        """Check the audit log of `dev` with the key of the tests."""
        key = subkey("dev", audit.KEY_SCOPE).encode()
        fingerprint = load_master_key({"HIPAA_MODE_KEY": KEY}).fingerprint("dev")
        return audit.verify(self.folder / "published", "dev", key, fingerprint, table)

    def published_files(self, view: str, environment: str = "dev") -> list[Path]:
        """The files of a view, one for each day of it."""
        name = view.rsplit("__", 1)[0]
        return sorted((self.published_folder(environment) / name / view).glob("*.parquet"))

    def published_file(self, view: str, environment: str = "dev") -> Path:
        """The only file of a view whose calls are all of one day, or without a time."""
        [file] = self.published_files(view, environment)
        return file

    def published_columns(self, view: str, environment: str = "dev") -> list[str]:
        [columns] = {
            tuple(pq.read_schema(file).names) for file in self.published_files(view, environment)
        }
        return list(columns)

    def published_rows(self, view: str, environment: str = "dev") -> list[dict[str, Any]]:
        files = self.published_files(view, environment)
        assert files, f"{view} is not published"
        return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]

    def manifest(self, name: str, environment: str = "dev") -> dict[str, Any]:
        path = self.published_folder(environment) / name / "manifest.json"
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def published_bytes(self) -> dict[str, bytes]:
        """Every published file by its path: two equal ones mean that nothing changed."""
        root = self.folder / "published"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.name not in ("audit_log.jsonl", "run_record.json")
        }

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the database as the last run left it, without the plugin."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, *statements: str) -> None:
        """Change the database behind dbt's back."""
        with duckdb.connect(str(self.database)) as connection:
            for statement in statements:
                connection.execute(statement).fetchall()

    def results(self) -> dict[str, dict[str, Any]]:
        """The last run's results by node, named without project and hash; none if it has none."""
        path = self.folder / "target/run_results.json"
        results = json.loads(path.read_text("utf-8"))["results"] if path.exists() else []
        return {result["unique_id"].split(".")[2]: result for result in results}

    def written_by_dbt(self) -> dict[str, bytes]:
        """Everything in target/ and logs/, where a raw value must never be."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for name in ("target", "logs")
            for path in sorted((self.folder / name).rglob("*"))
            if path.is_file()
        }


def as_line(call: RawCall) -> bytes:
    if isinstance(call, bytes):
        return call
    return json.dumps(call, ensure_ascii=False, separators=(",", ":")).encode()


def track(event: object, properties: object = None, **fields: object) -> dict[str, object]:
    """A track call; a field given as None is left out."""
    return _call("track", event=event, properties=properties, **fields)


def page(name: object = None, properties: object = None, **fields: object) -> dict[str, object]:
    return _call("page", name=name, properties=properties, **fields)


def identify(traits: object = None, **fields: object) -> dict[str, object]:
    return _call("identify", traits=traits, **fields)


def group(traits: object = None, **fields: object) -> dict[str, object]:
    return _call("group", traits=traits, **fields)


def _call(kind: str, **fields: object) -> dict[str, object]:
    return {"type": kind, **{name: value for name, value in fields.items() if value is not None}}


@functools.cache
def _servers() -> Iterator[Forks]:
    """Two servers of forks in turn, in which sets have different orders, as in other processes."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return itertools.cycle(
        [stack.enter_context(forks(PYTHONHASHSEED=seed)) for seed in ("1", "2")]
    )


@functools.cache
def _parsed_package() -> Path:
    """What dbt parses of a project without destinations: the package's own."""
    place = Path(tempfile.mkdtemp(prefix="hipaa_mode_parsed_")) / BARE
    atexit.register(shutil.rmtree, place.parent)
    project = Project.create(place, [])
    run = project.dbt("parse")
    assert run.exit_code == 0, run.output
    return place / PARSED
