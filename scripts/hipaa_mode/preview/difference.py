"""The whole comparison of a project with itself at a commit, and how it is written down."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from hipaa_mode.configuration import ANY, Configuration
from hipaa_mode.display import printable
from hipaa_mode.errors import ConfigurationError, RawCallsError
from hipaa_mode.preview.affected import count_affected
from hipaa_mode.preview.changes import EFFECTS, WIDENS, Change, Side, changes
from hipaa_mode.preview.seeds_at import project_at
from hipaa_mode.project import destination_models, raw_calls_of, read_seeds, today
from hipaa_mode.raw_calls import RawLocation
from hipaa_mode.received.environments import known_environments, rows_environments

COMMIT_SHOWN = 12

Reading = Callable[[str, RawLocation], Callable[[int], None]]
"""Told of the environment and location that is read next; returns what is told the bytes."""


@dataclass
class EnvironmentDifference:
    """What changes in one environment.

    Attributes:
        environment: the environment; `*` for what is the same in all.
        changes: what changes, by destination.
        calls_read: raw calls in which affected ones were counted; None where none were.
        note: why none were counted, or what else to know.
    """

    environment: str
    changes: list[Change]
    calls_read: int | None = None
    note: str = ""


@dataclass
class Difference:
    """What changes from a commit to the files as they are."""

    reference: str
    commit: str
    environments: list[EnvironmentDifference] = field(default_factory=list)
    old_faults: list[str] = field(default_factory=list)

    @property
    def changes(self) -> list[Change]:
        """Every change in every environment."""
        return [change for item in self.environments for change in item.changes]

    @property
    def counts(self) -> dict[str, int]:
        """How many changes have each effect."""
        return {effect: sum(c.effect == effect for c in self.changes) for effect in EFFECTS}

    @property
    def counted(self) -> str:
        """The same in words."""
        counted = (f"{count} {effect}" for effect, count in self.counts.items() if count)
        return ", ".join(counted) or "nothing changes"

    def as_json(self) -> dict[str, Any]:
        """Return what machines read."""
        return {
            "reference": self.reference,
            "commit": self.commit,
            "faults_at_reference": self.old_faults,
            "effects": self.counts,
            "environments": [
                {
                    "environment": item.environment,
                    "raw_calls_read": item.calls_read,
                    "note": item.note,
                    "changes": [_change_as_json(change) for change in item.changes],
                }
                for item in self.environments
            ],
        }


def _change_as_json(change: Change) -> dict[str, Any]:
    return {
        "destination": change.destination,
        "kind": change.kind,
        "what": change.what,
        "change": change.verb,
        "effect": change.effect,
        "before": change.before or None,
        "after": change.after or None,
        "reason": change.reason,
        "calls": change.calls,
    }


def difference(
    project: Path,
    reference: str,
    environments: Sequence[str],
    destination: str | None,
    counts_calls: bool,
    reading: Reading,
) -> Difference:
    """Compare a project's seeds with those at a commit.

    Args:
        environments: those to compare; if there are none, all that a row of either side, a target
            or a manifest names.
        destination: the only destination to compare; None for all.
        counts_calls: whether to count the raw calls that are affected.
        reading: told what is read.

    Raises:
        ConfigurationError: the seeds as they are have faults.
        MissingFileError: there is no such commit.
    """
    now = read_seeds(project)
    models = destination_models(project)
    with project_at(project, reference) as (folder, commit):
        then = read_seeds(folder, now.targets)
        found = Difference(reference, commit, old_faults=[str(fault) for fault in then.faults])
        chosen = sorted(
            environments or {*known_environments(project, now, None), *rows_environments(then)}
        )
        old = Side.of(then, chosen, today(), destination_models(folder))
        new = Side.of(now, chosen, today(), models)
    _refuse_faults(now, new)
    changed = changes(old, new)
    if destination is not None:
        changed = [change for change in changed if change.destination in (destination, ANY)]
    for environment in (ANY, *chosen):
        item = EnvironmentDifference(
            environment, [change for change in changed if change.environment == environment]
        )
        if environment == ANY and not item.changes:
            continue
        if counts_calls and any(change.reaches for change in item.changes):
            _count(item, project, reading)
        found.environments.append(item)
    return found


def _refuse_faults(configuration: Configuration, side: Side) -> None:
    faults = list(configuration.faults)
    for plan in side.plans.values():
        faults += [fault for fault in plan.faults if fault not in faults]
    if faults:
        listed = "\n".join(f"- {fault}" for fault in faults)
        raise ConfigurationError(f"The configuration has faults:\n{listed}")


def _count(item: EnvironmentDifference, project: Path, reading: Reading) -> None:
    try:
        location = raw_calls_of(project, item.environment)
        progress = reading(item.environment, location)
        counts, item.calls_read = count_affected(item.changes, location, progress)
    except RawCallsError as error:
        item.note = f"affected calls were not counted: {error}"
        return
    item.changes = [replace(change, calls=n) for change, n in zip(item.changes, counts)]


def in_words(environment: str) -> str:
    """Name an environment, or all of them."""
    return "every environment" if environment == ANY else environment


def as_markdown(found: Difference) -> str:
    """Write the difference for a pull request."""
    since = f"Compared with {_code(found.reference)} ({found.commit[:COMMIT_SHOWN]})"
    widens = any(change.effect == WIDENS for change in found.changes)
    warning = " **Something widens: look at it.**" if widens else ""
    paragraphs = [
        "## What this change does to what destinations receive",
        f"{since}: {found.counted}.{warning}",
        "\n".join(f"- At {_code(found.reference)}: {_text(fault)}" for fault in found.old_faults),
    ]
    for item in found.environments:
        paragraphs.append(f"### {_text(in_words(item.environment))}")
        if not item.changes:
            paragraphs.append("No destination receives anything else.")
        for destination, of_it in groupby(item.changes, lambda change: change.destination):
            name = "every destination" if destination == ANY else destination
            rows = [" | ".join(cells) for cells in (HEADINGS, ALIGNED, *map(_cells, of_it))]
            paragraphs += [f"**{_text(name)}**", "\n".join(f"| {row} |" for row in rows)]
        if item.calls_read is not None:
            read = f"Raw calls: of {item.calls_read:,} at hand, those that have a value for it."
            paragraphs.append(read)
        paragraphs.append(_text(item.note))
    return "\n\n".join(filter(None, paragraphs)) + "\n"


HEADINGS = ("effect", "what", "before", "after", "raw calls", "reason")
ALIGNED = ("---", "---", "---", "---", "---:", "---")


def _cells(change: Change) -> tuple[str, ...]:
    effect = f"**{change.effect}**" if change.effect == WIDENS else change.effect
    return (
        f"{effect}, {change.verb}",
        f"{change.kind} {_code(change.what)}",
        _code(change.before) if change.before else "not sent",
        _code(change.after) if change.after else "not sent",
        "" if change.calls is None else f"{change.calls:,}",
        _text(change.reason),
    )


def _text(text: str) -> str:
    """Write text so that Markdown shows it as it is."""
    plain = html.escape(printable(text), quote=False)
    return re.sub(r"([\\`*_{}\[\]()#+!|~@-])", r"\\\1", plain)


def _code(text: str) -> str:
    """Write text as code in a table's cell."""
    # In GitHub's tables a bar ends a cell even in code, unless it is escaped.
    plain = printable(text).replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{space}{plain}{space}{fence}"
