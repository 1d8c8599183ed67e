"""The end of a run: what it publishes, what it holds back and why, and what it says of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hipaa_mode.run import summary
from hipaa_mode.run.permission import EndOfRun, Permission

HELD_BACK = "held back"


@dataclass(frozen=True)
class Said:
    """What the last hook logs, and with what it fails; blank where it does not."""

    lines: list[str]
    failure: str = ""


@dataclass
class Ending:
    """What becomes of each destination at the end of a run.

    Attributes:
        ended: what may be published, as far as its own nodes go.
        environment_has: all destinations of the environment.
        was_read: whether raw calls were read, so that the rejected lines are judged.
        problems: what makes the run fail.
        hints: what to look at, by what the calls have had.
    """

    ended: EndOfRun
    environment_has: Sequence[str]
    was_read: bool = False
    reasons: list[str] = field(default_factory=list)
    published: list[dict[str, Any]] = field(default_factory=list)
    held_back: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unselected: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    totals: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Of a run that publishes nothing, say why in its log."""
        if self.ended.notice:
            self.lines.append(self.ended.notice)
        if self.ended.reason:
            self.held_back += [
                _entry(name, [self.ended.reason], ()) for name in self.environment_has
            ]

    @property
    def is_publishable(self) -> bool:
        """Whether some destination may be published, so that all tables are there."""
        permissions = self.ended.permissions.values()
        return any(item.is_selected and not item.reasons for item in permissions)

    def choose(self, stopped: Mapping[str, str]) -> list[str]:
        """Return the destinations to publish; hold back the others, each for its reasons.

        Args:
            stopped: destinations that are stopped as the seed is now, each with the reason: a stop
                wins over a run that is at work, and is no fault of it.
        """
        chosen = []
        for name, permission in self.ended.permissions.items():
            own = permission.summary()
            permission.reasons += self.reasons
            if name in stopped:
                self.say_stopped(name, stopped[name])
            elif not permission.is_selected:
                self.unselected.append(name)
            elif permission.reasons:
                self._hold_back(name, permission.reasons, permission)
                self._not_published(name, "; ".join(filter(None, (*self.reasons, own))))
            else:
                chosen.append(name)
        return chosen

    def refuse(self, name: str, error: str) -> None:
        """Hold a destination back that was about to be published."""
        self._hold_back(name, [error], self.ended.permissions[name])
        self._not_published(name, error)

    def say_stopped(self, name: str, reason: str) -> None:
        """Say that a destination is stopped, and how that ends."""
        self.lines.append(
            f"STOPPED: `{name}` is not published: {reason}. To end it: hipaa-mode stop {name} "
            "--lift"
        )

    def lacks_entries(self, names: Iterable[str], error: str) -> None:
        """Note that the audit log could not be written; that stops no destination."""
        listed = "`, `".join(names)
        self.problems.append(f"the audit log lacks an entry of `{listed}`: {error}")

    def say(self, noted: Sequence[str], seconds: float) -> Said:
        """Put together what the run says."""
        if self.ended.notice or not self.held_back:
            self.problems += self.reasons
        lines = [*noted, *self.lines, *self.totals]
        for manifest in self.published:
            lines += summary.of_destination(manifest)
        lines += summary.unselected(self.unselected) + self.hints
        if not self.ended.notice:
            lines.append(summary.last_line(len(self.published), seconds))
        return Said(lines, "\nhipaa_mode: ".join(self.problems))

    def _hold_back(self, name: str, reasons: Sequence[str], permission: Permission) -> None:
        self.held_back.append(_entry(name, reasons, permission.checks))

    def _not_published(self, name: str, why: str) -> None:
        self.problems.append(f"NOT published: `{name}`, its last good files stay: {why}")


def _entry(name: str, reasons: Sequence[str], checks: Sequence[str]) -> dict[str, Any]:
    return {
        "destination": name,
        "outcome": HELD_BACK,
        "reasons": list(reasons),
        "checks": list(checks),
    }
