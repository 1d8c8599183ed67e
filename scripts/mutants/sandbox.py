"""A small sound project, and copies of it with a fault put in.

The project is the tests' own (tests/python/project.py): two destinations, a row of the allowlist
for everything that a fault could spoil, and a dozen calls. What no destination may see begins
with `canary`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/python"))

from forks import Forks  # noqa: E402
from project import (  # noqa: E402
    GENERIC_TESTS,
    Project,
    allowed,
    destination,
    event,
    page,
    track,
)

PACKAGE = "scripts/hipaa_mode"
COPIED = ("macros", "models", "seeds", "tests", PACKAGE)
FILES = ("dbt_project.yml", "profiles.yml", "pyproject.toml")
DBT = ("--no-use-colors", "--no-version-check")
EXPIRED = "2020-01-01"

DESTINATIONS = [
    destination("ga4", timestamp_precision="hour"),
    destination("ads", mask_scope="destination", consent_categories=""),
    destination("ga4", environment="prod"),
]
EVENTS = [
    event("ga4", "Signed In"),
    event("ga4", "Bill Paid", "paid"),
    event("ga4", "Home"),
    event("ads", "Signed In"),
    event("ga4", "Booked Canary Visit", environment="prod"),
]
PROPERTIES = [
    allowed("ga4", "event", "plan", guard="none"),
    allowed("ga4", "event", "note"),
    allowed("ga4", "event", "email", "mask", normalize="email"),
    allowed("ga4", "event", "phones[]", "mask", normalize="phone"),
    allowed("ga4", "event", "member", "surrogate"),
    allowed("ga4", "event", "zip", "zip3"),
    allowed("ga4", "event", "age", "age_cap"),
    allowed("ga4", "event", "born", "birth_year"),
    allowed("ga4", "event", "visited", "month"),
    allowed("ga4", "event", "price", "round(5)"),
    allowed("ga4", "event", "code", "truncate(2)"),
    allowed("ga4", "event", "count", data_type="integer"),
    allowed("ga4", "event", "coupon", event="Bill Paid", guard="none"),
    allowed("ga4", "event", "address.city", guard="none"),
    allowed("ga4", "event", "items[].sku", guard="none"),
    allowed("ga4", "event", "Ward", guard="none"),
    allowed("ga4", "event", '"*"', guard="none", column_name="star"),
    allowed("ga4", "context", "ip", "ip_prefix"),
    allowed("ga4", "context", "page.url", "url_path"),
    # A destination's own row beats one for all, and an expired or denying one widens nothing.
    allowed("*", "event", "tier", guard="none"),
    allowed("ga4", "event", "tier", "mask"),
    allowed("*", "event", "region", guard="none"),
    allowed("ga4", "event", "region", "deny"),
    allowed("*", "event", "segment", guard="none"),
    allowed("ga4", "event", "segment", "mask", expires_on=EXPIRED),
    allowed("ga4", "event", "retired", guard="none", expires_on=EXPIRED),
    allowed("ga4", "envelope", "group_id", "deny"),
    allowed("ga4", "envelope", "anonymous_id", "mask", normalize="lower"),
    allowed("ga4", "event", "diagnosis", environment="prod", guard="none"),
    allowed("ads", "event", "email", "mask"),
    allowed("ads", "event", "member", "mask"),
]
VIEWS = {"ga4": ("events",), "ads": ("events",)}


def properties(number: int) -> dict[str, Any]:
    """The properties of a call: everything that is allowed somewhere, and more."""
    return {
        "plan": ("gold", "silver", "basic")[number % 3],
        "note": ("on time", "write to canary@example.org", "late")[number % 3],
        "email": " " if number == 4 else f"{' ' * (number % 2)}Canary{number % 4}@Example.com",
        "phones": [f"+1 212 555 01{number % 4:02}", f"212-555-01{number % 3:02}"],
        "member": f"canary-member-{number % 5}",
        "zip": ("02139", "03601", "10001")[number % 3],
        "age": (34, 93, 61)[number % 3],
        "born": ("1985-06-07", "1921-02-03", "1999-12-31")[number % 3],
        "visited": f"2026-0{number % 6 + 1}-17",
        "price": 7.2 + number,
        "code": f"canary{number}",
        "count": number if number % 4 else "canary count",
        "coupon": f"code{number % 3}",
        "address": {"city": "Springfield", "street": f"canary street {number}"},
        "items": [{"sku": f"sku{number}", "name": "canary item"}, {"sku": "plain"}],
        "Ward": "west",
        "ward": "canary-ward",
        "*": "starred",
        "tier": "upper",
        "region": "west",
        "segment": "young",
        "retired": "canary-retired",
        "diagnosis": "canary-diagnosis",
        "Plan": "canary-plan",
        "nested": {"plan": "canary-nested"},
        "mrn": f"canary-{number}",
    }


def calls() -> Iterator[dict[str, Any] | bytes]:
    """A dozen usable calls, and those that must become nothing."""
    names = ("Signed In", "Bill Paid", "Signed In", "Booked Canary Visit")
    for number in range(12):
        ids = {
            "userId": f"canary-user-{number % 5}",
            "anonymousId": f"canary-device-{number % 7}",
            "groupId": f"canary-clinic-{number % 2}",
            "sentAt": f"2026-03-0{number % 9 + 1}T14:{number + 10}:09.25Z",
            "receivedAt": f"2026-03-0{number % 9 + 1}T14:{number + 11}:10Z",
        }
        if number % 4 == 0:
            # The experiment changes no other times: what counts would be another one.
            ids["timestamp"] = ids["sentAt"]
        if number != 7:
            ids["messageId"] = f"canary-message-{number}"
        context = {
            "ip": f"203.0.113.{number}",
            "page": {"url": f"https://x.example/a{number}?canary={number}"},
        }
        call = track(names[number % 4], properties(number), context=context, **ids)
        yield call
        if number in (1, 2):
            yield {**call, "properties": {**properties(number), "plan": "bronze"}}
        if number == 7:
            yield call
    yield page("Home", {"plan": "gold"}, messageId="canary-page", user_id="canary-user-1")
    yield {"type": "identify", "userId": "canary-user-2", "traits": {"plan": "gold"}}
    yield {"type": "canary", "event": "Signed In", "messageId": "canary-odd"}
    yield {"type": "track", "event": {"canary": 1}}
    yield b'{"type":"track","event":"Signed In","userId":"canary'
    yield b'{"type":"track","userId":"canary\xff"}'


@dataclass(frozen=True)
class Edit:
    """A change of one file. The old text must be there exactly once; without one, it is new.

    Attributes:
        file: the file, from the repository's root.
        old: text of the file; empty to add one.
        new: what takes its place.
    """

    file: str
    old: str
    new: str

    def apply(self, path: Path) -> None:
        """Change the file, which is at a path.

        Raises:
            ValueError: the text to replace is not there exactly once.
        """
        text = path.read_text(encoding="utf-8") if self.old else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.made_of(text), encoding="utf-8")

    def made_of(self, text: str) -> str:
        """Return what a file's text becomes; see `apply`."""
        if not self.old:
            return self.new
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"{self.file} has {found} times, and not once: {self.old!r}")
        return text.replace(self.old, self.new)

    def place(self, folder: Path) -> Path:
        """Return where its file is below a sandbox's folder."""
        return folder / ("repository" if self.file.startswith(PACKAGE) else "project") / self.file


class Sandbox:
    """One copy of the project, built or not, and the programs that run in it.

    Attributes:
        options_of_selftest: what names its target.
    """

    options_of_selftest: tuple[str, ...] = ()

    def __init__(self, folder: Path, server: Forks) -> None:
        self.folder = folder
        self.server = server
        self.project = Project(folder / "project")
        self.package = folder / "repository/scripts"
        self.runs = 0

    @classmethod
    def create(cls, folder: Path, server: Forks) -> Sandbox:
        """Make the sound project and build it once, so that copies need not be parsed anew."""
        sandbox = cls(folder, server)
        cls.write(folder)
        code, output = sandbox.dbt("build")
        assert code == 0, output
        return sandbox

    @staticmethod
    def write(folder: Path) -> None:
        """Write the sound project, and the package beside it."""
        Project.create(
            folder / "project",
            *(DESTINATIONS, EVENTS, PROPERTIES, calls()),
            views=VIEWS,
            # One check a test, so that it is told which one finds a fault.
            view_tests=GENERIC_TESTS,
        ).write_lock()
        repository = folder / "repository"
        for name in COPIED:
            left_out = shutil.ignore_patterns(".*", "*.egg-info")
            shutil.copytree(REPOSITORY / name, repository / name, ignore=left_out)
        for name in FILES:
            shutil.copy(REPOSITORY / name, repository)
        shutil.copy(REPOSITORY / "scripts/dbt_hipaa_mode.py", repository / "scripts")

    def at(self, folder: Path) -> Sandbox:
        """Return the sandbox that is in another folder."""
        return Sandbox(folder, self.server)

    def copy(self, folder: Path, edits: Iterable[Edit], is_built: bool = False) -> Sandbox:
        """Copy the project and the package, with a fault in the copy.

        Args:
            folder: where to.
            edits: the changes.
            is_built: whether the copy keeps the database and what was published.
        """
        kept = () if is_built else ("calls.duckdb*", "published", "logs")
        # With its bytecode: who imports the copy need not compile it.
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns(*kept), symlinks=True)
        copy = self.at(folder)
        edits = tuple(edits)
        for edit in edits:
            edit.apply(edit.place(folder))
        if not all(edit.file.startswith("macros/") for edit in edits):
            # By the code of the copy: the lock is no second opinion of what the seeds say.
            copy.run("hipaa-mode", "lock", "--yes")
        return copy

    def copy_of_package(self, folder: Path, edits: Iterable[Edit]) -> Sandbox:
        """Copy the package and its tests alone, with a fault in the copy."""
        shutil.copytree(self.folder / "repository", folder / "repository", symlinks=True)
        for edit in edits:
            edit.apply(edit.place(folder))
        return Sandbox(folder, self.server)

    def run(self, program: str, *arguments: str, folder: Path | None = None) -> tuple[int, str]:
        """Run a program in the project; return its exit code and what it showed."""
        self.runs += 1
        output = self.folder / f"output{self.runs}.txt"
        environ = {
            **self.project.variables(),
            "PYTHONPATH": str(self.package),
            "COLUMNS": "200",
        }
        where = folder or self.project.folder
        code = self.server.run(program, arguments, where, environ, output)
        return code, output.read_text("utf-8", "backslashreplace")

    def dbt(self, command: str, *arguments: str) -> tuple[int, str]:
        """Run dbt."""
        return self.run("dbt", *DBT, command, *arguments)

    def sql(self, *statements: str) -> None:
        """Change the database behind dbt's back."""
        with duckdb.connect(str(self.project.database)) as connection:
            for statement in statements:
                connection.execute(statement)
