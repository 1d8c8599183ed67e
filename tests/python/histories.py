"""Random histories of raw files and configurations, and what a build made of them."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from project import (
    Project,
    Run,
    allowed,
    as_line,
    destination,
    event,
    group,
    identify,
    track,
)

from hipaa_mode.raw_formats import is_compressed

DESTINATIONS = [
    destination("daily"),
    destination("hourly", mask_scope="destination", timestamp_precision="hour"),
    destination("monthly", timestamp_precision="month"),
    destination("timeless", timestamp_precision="none"),
]
EVENTS = [
    *(event("*", name) for name in ("Visit", "Search")),
    event("hourly", "Order", "purchase"),
]
PROPERTIES = [
    *(allowed("*", "event", name) for name in ("plan", "note", "tags[]")),
    allowed("*", "event", "email", "mask", normalize="email"),
    allowed("hourly", "event", "amount", "round(5)"),
    allowed("daily", "event", "zip", "zip3", event="Visit"),
    allowed("*", "user", "email", "mask"),
    allowed("*", "user", "age", "age_cap"),
    allowed("*", "group", "name"),
]
IDS = [allowed("daily", "envelope", "user_id", "mask", normalize="lower")]
"""Rows that stay: without them, people whom the list spells otherwise would come back."""

FIRST_DAY = dt.datetime(2026, 2, 26, 6)


class History:
    """Random calls, delivered to a folder step by step."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.count = 0
        self.delivered: list[bytes] = []

    def call(self) -> bytes:
        dice = self.dice
        kind = dice.random()
        if self.delivered and kind < 0.12:
            return dice.choice(self.delivered)
        if kind < 0.16:
            return dice.choice([b"broken {", b'{"type":"pageleave"}', b'{"type":"track"', b"[]"])
        self.count += 1
        sent = FIRST_DAY + dt.timedelta(hours=dice.randrange(24 * 6))
        common: dict[str, Any] = {
            # An id may come again with other content, of another day and even another type.
            "messageId": dice.choice(
                [*[f"m{self.count}"] * 5, *[None] * 3, f"m{dice.randint(1, self.count)}"]
            ),
            "userId": dice.choice([*[self.patient()] * 5, None]),
            "anonymousId": dice.choice([None, f"device-{dice.randrange(4)}"]),
            "sentAt": dice.choice([sent.isoformat() + "Z"] * 8 + [None, "9999-12-31"]),
        }
        if common["messageId"] is None and dice.random() < 0.5:
            # The same content without message id comes again and again.
            common = {"messageId": None, "userId": "patient-1", "sentAt": "2026-03-01T10:00:00Z"}
            return as_line(track("Visit", {"plan": "twin"}, **common))
        kind = dice.random()
        if kind < 0.01:
            former = {dice.choice(["previousId", "previous_id"]): self.patient()}
            return as_line({"type": "alias", **common, **former})
        if kind < 0.2:
            traits = {"email": f"p{dice.randrange(9)}@example.org", "age": dice.randrange(99)}
            return as_line(identify(traits, **common))
        if kind < 0.3:
            return as_line(group({"name": f"clinic {dice.randrange(3)}"}, **common))
        return as_line(
            track(
                dice.choice(["Visit", "Search", "Order", "Unlisted"]),
                {
                    "plan": dice.choice(["gold", "silver", {"an": "object"}, None]),
                    "note": dice.choice(["plain", "mail jane@example.org", "call 212-555-0187"]),
                    "tags": dice.choice([["a", "b"], [], ["jo@example.org"], "text"]),
                    "email": dice.choice([" Ann@Example.org", "ann@example.org", "", None]),
                    "amount": dice.choice([7.5, "12", "much"]),
                    "zip": dice.choice(["03601", "94110", "none"]),
                    f"unlisted {dice.randrange(4)}": 1,
                },
                **common,
            )
        )

    def patient(self) -> str:
        name = f"patient-{self.dice.randrange(9)}"
        return name if self.dice.random() < 0.8 else name.title()

    def calls(self, count: int) -> list[bytes]:
        made = [self.call() for _ in range(count)]
        self.delivered += made
        return made

    def step(self, folder: Path) -> str:
        """Change the folder of raw calls in some way; say in which."""
        dice = self.dice
        files = sorted(folder.iterdir())
        # Names sort before and after those that were there.
        new = folder / f"{dice.choice('abz')}{len(files)}-{dice.randrange(10**6)}.ndjson"
        what = dice.choice(
            ["new", "new", "grow", "again", "change", "remove"] if files else ["new"]
        )
        if what == "new":
            write(new, self.calls(dice.randrange(5, 60)), as_gzip=dice.random() < 0.15)
        elif what == "grow":
            grow(dice.choice(files), self.calls(dice.randrange(1, 20)), dice.random() < 0.8)
        elif what == "again":
            shutil.copy(dice.choice(files), new)
        elif what == "change":
            chosen = dice.choice(files)
            kept = [line for line in lines_of(chosen) if dice.random() < 0.8]
            write(chosen, kept + self.calls(3))
        elif len(files) > 1:
            dice.choice(files).unlink()
        return what


def write(path: Path, lines: list[bytes], as_gzip: bool = False) -> None:
    content = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(content) if as_gzip else content)


def grow(path: Path, lines: list[bytes], ends_line: bool) -> None:
    """Append lines; the last one may be without its end, as when a file is still being written."""
    content = b"\n".join(lines) + (b"\n" if ends_line else b"")
    with path.open("ab") as file:
        file.write(gzip.compress(content) if is_gzip(path) else content)


def is_gzip(path: Path) -> bool:
    return is_compressed(path.read_bytes())


def lines_of(path: Path) -> list[bytes]:
    content = path.read_bytes()
    return (gzip.decompress(content) if is_gzip(path) else content).splitlines()


def make(new_project: Callable[..., Project], name: str) -> Project:
    project = new_project(name, DESTINATIONS, EVENTS, [*PROPERTIES, *IDS])
    (project.folder / "raw_calls/calls.ndjson").unlink()
    # All files may be others at once.
    glob = str(project.folder / "raw_calls/*.ndjson")
    project.environment["HIPAA_MODE_RAW_CALLS"] = glob
    project.set_variable("hipaa_mode__accept_raw_calls", glob)
    return project


STORED = {
    "main_restricted.stg_calls": "* exclude (run_number)",
    "main_restricted.duplicate_calls": "source_file, line_number, message_id, delivery",
    "main_restricted.rejected_calls": "*",
    "main_restricted.masked_events": "*",
    "main_restricted.masked_identifies": "*",
    "main_restricted.masked_groups": "*",
}


def stored(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """What the warehouse holds, without the numbers of runs and files."""
    return {
        table: sorted(project.query(f"select {columns} from {table}"), key=repr)
        for table, columns in STORED.items()
    }


def published(project: Project) -> dict[str, Any]:
    """Published Parquet files by name, and what the manifests say besides when."""
    files = project.published_bytes()
    found: dict[str, Any] = {
        name: content for name, content in files.items() if name.endswith(".parquet")
    }
    for row in DESTINATIONS:
        manifest = project.manifest(row["destination"])
        for fact in ("published_at", "dbt_invocation_id", "run_number"):
            del manifest[fact]
        for view in manifest["views"].values():
            del view["files_written"]
        found[f"{row['destination']} manifest"] = manifest
    return found


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def nameless(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """What is stored, with each file known by its name alone."""
    return {
        table: sorted(
            (
                tuple(Path(v).name if str(v).endswith(".ndjson") else v for v in row)
                for row in rows
            ),
            key=repr,
        )
        for table, rows in stored(project).items()
    }


class Course:
    """A project in which builds are cut short, and the configuration changes between them."""

    def __init__(self, project: Project, seed: int) -> None:
        self.project = project
        self.dice = random.Random(seed)
        self.history = History(seed)
        self.seeds = Seeds(self.dice)
        self.steps: list[str] = []

    def step(self) -> None:
        """Change raw files, perhaps the seeds, and run dbt in some way."""
        folder = self.project.folder / "raw_calls"
        self.steps += [self.history.step(folder) for _ in range(self.dice.choice([0, 1, 1, 2]))]
        if self.dice.random() < 0.5:
            self.steps.append(self.seeds.change())
            self.seeds.write(self.project)
        how = self.dice.choice([self.killed, self.killed, self.part, self.run, self.whole])
        self.steps.append(how())

    def whole(self) -> str:
        self.build()
        return "build"

    def build(self) -> None:
        """Build; where calls come back that were withheld, since a file is gone, accept it."""
        run = self.project.dbt("build")
        asked = re.search(r"hipaa_mode__accept_returning_calls: \d+", run.output)
        if asked:
            run = self.project.dbt("build", "--vars", f"{{{asked.group()}}}")
        assert run.exit_code == 0, run.output

    def run(self) -> str:
        run = self.project.dbt("run", *self.dice.choice([[], [], ["--full-refresh"]]))
        assert run.exit_code == 0, run.output
        return "run"

    def part(self) -> str:
        """Run some nodes alone: they may not fit what the others hold, and then fail."""
        nodes = self.dice.sample(PARTS, self.dice.choice([1, 1, 2, 3]))
        arguments = [
            self.dice.choice(["run", "build"]),
            self.dice.choice(["--select", "--exclude"]),
            *nodes,
        ]
        run = self.project.dbt(*arguments)
        return f"{' '.join(arguments)} ({run.exit_code})"

    def killed(self) -> str:
        """Kill a build while it is at some node, or while it publishes."""
        process = self.project.start_dbt("build", start_new_session=True)
        assert process.stdout is not None
        lines_left, last = self.dice.randrange(60), "start"
        for line in process.stdout:
            if " START " in line or " OK " in line or " PASS " in line:
                last = line.split("  ", 1)[-1].strip()
                lines_left -= "START seed" not in line
                if lines_left <= 0 or ("holds_only" in line and self.dice.random() < 0.1):
                    break
        time.sleep(self.dice.random() * 0.3)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"killed ({process.returncode}) after {last[:70]}"


PARTS = [
    *("calls_read", "duplicate_calls", "call_keys", "withheld_calls"),
    *("masked_events", "masked_identifies", "masked_groups", "stg_calls"),
    *("daily__events", "+hourly__events", "calls_read+", "masked_events+"),
]


class Seeds:
    """Seeds that change one row or one column at a time."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.destinations = [dict(row) for row in DESTINATIONS]
        self.properties = [dict(row) for row in PROPERTIES]
        self.events = [dict(row) for row in EVENTS]
        self.left_out: list[dict[str, str]] = []
        self.suppressed: list[str] = []
        self.retained_from: dt.date | None = None

    def change(self) -> str:
        dice = self.dice
        what = dice.choice(
            ["property", "treatment", "scope", "precision", "event", "suppressed", "retained"]
        )
        row = dice.choice(self.destinations)
        if what == "property":
            source, target = self.properties, self.left_out
            if self.left_out and dice.random() < 0.5:
                source, target = target, source
            target.append(source.pop(dice.randrange(len(source))))
        elif what == "treatment":
            chosen = dice.choice([row for row in PROPERTIES if row["treatment"] == "allow"])
            for row in self.properties + self.left_out:
                if row["property"] == chosen["property"]:
                    row["treatment"] = "mask" if row["treatment"] == "allow" else "allow"
        elif what == "scope":
            row["mask_scope"] = "" if row.get("mask_scope") else "destination"
        elif what == "precision":
            row["timestamp_precision"] = dice.choice(["second", "hour", "day", "month", "none"])
        elif what == "event":
            self.events[-1]["event"] = dice.choice(["Order", "Unlisted"])
            self.events[-1]["sent_as"] = dice.choice(["", "purchase"])
        elif what == "suppressed":
            self.suppressed = [f"patient-{n}" for n in range(9) if dice.random() < 0.2]
        else:
            day = FIRST_DAY.date() + dt.timedelta(days=dice.randrange(4))
            self.retained_from = dice.choice([None, day])
        return what

    def write(self, project: Project) -> None:
        project.write_seed("destinations", self.destinations)
        project.write_seed("allowed_events", self.events)
        project.write_seed("allowed_properties", [*self.properties, *IDS])
        people = [{"environment": "dev", "user_id": user_id} for user_id in self.suppressed]
        project.write_seed("suppressed_users", people)
        days = (
            self.retained_from
            and (dt.datetime.now(dt.timezone.utc).date() - self.retained_from).days
        )
        project.write_seed(
            "environments", [{"environment": "dev", "retain_days": str(days)}] if days else []
        )


@dataclass
class Story:
    """One project through builds in which more and more is done to it."""

    project: Project
    runs: dict[str, Run] = field(default_factory=dict)
    inodes: dict[str, dict[str, int]] = field(default_factory=dict)
    bytes: dict[str, dict[str, bytes]] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)

    def build(self, step: str, *arguments: str) -> None:
        self.runs[step] = self.project.dbt("build", *arguments)
        self.note(step)

    def note(self, step: str) -> None:
        """Note what is published after a step."""
        root = self.project.published_folder()
        self.inodes[step] = {
            str(path.relative_to(root)): path.stat().st_ino for path in root.rglob("*.parquet")
        }
        self.bytes[step] = {
            str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.parquet")
        }
        self.rows[step] = self.project.published_rows("daily__events")
        self.columns[step] = self.project.published_columns("daily__events")

    def rewritten(self, before: str, after: str) -> set[str]:
        """Files that are not the very files they were."""
        one, other = self.inodes[before], self.inodes[after]
        return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def visit(number: int, day: int, **properties: object) -> bytes:
    common = {"messageId": f"v{number}", "userId": f"patient-{number}"}
    sent = f"2026-03-{day:02d}T10:00:00Z"
    return as_line(track("Visit", {"plan": "gold", **properties}, sentAt=sent, **common))
