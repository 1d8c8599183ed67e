"""The flow picture of an environment, as boxes and lines: wide for screens, tall for phones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hipaa_mode.display import printable
from hipaa_mode.report.content import DestinationReport, EnvironmentReport

NAME_LENGTH = 26
"""Characters of a destination's name that fit a box."""


@dataclass(frozen=True)
class Box:
    """A box with lines of text.

    Attributes:
        style: CSS class: `raw`, `private`, `safe`, `open` or `invalid`.
        lines: its texts; the first is its title.
    """

    x: int
    y: int
    width: int
    height: int
    style: str
    lines: tuple[str, ...]

    @property
    def middle(self) -> int:
        """Height of its middle."""
        return self.y + self.height // 2


@dataclass
class Picture:
    """A picture: its size, the zone around what is private, boxes and lines."""

    width: int
    height: int
    zone: tuple[int, int, int, int]
    boxes: list[Box] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def wide(environment: EnvironmentReport) -> Picture:
    """Draw from left to right."""
    destinations = environment.destinations
    height = max(250, 60 + 68 * len(destinations))
    middle = height // 2
    raw, staged, masked = _boxes(environment)
    picture = Picture(960, height, (190, 16, 430, height - 32))
    picture.boxes = [
        Box(10, middle - 40, 150, 80, "raw", raw),
        Box(214, middle - 46, 180, 92, "private", staged),
        Box(424, middle - 46, 172, 92, "private", masked),
    ]
    picture.paths = [f"M160 {middle}H208", f"M394 {middle}H418"]
    for number, destination in enumerate(destinations):
        y = (height - 68 * len(destinations)) // 2 + 68 * number + 6
        box = Box(680, y, 270, 56, _style(destination), _lines(destination))
        picture.boxes.append(box)
        picture.paths.append(f"M596 {middle}C640 {middle} 630 {box.middle} 674 {box.middle}")
    return picture


def tall(environment: EnvironmentReport) -> Picture:
    """Draw from top to bottom."""
    destinations = environment.destinations
    raw, staged, masked = _boxes(environment)
    top = 352
    picture = Picture(340, top + 68 * len(destinations) + 6, (10, 92, 320, 232))
    picture.boxes = [
        Box(70, 6, 200, 70, "raw", raw),
        Box(70, 120, 200, 84, "private", staged),
        Box(70, 226, 200, 84, "private", masked),
    ]
    picture.paths = ["M170 76V114", "M170 204V220"]
    for number, destination in enumerate(destinations):
        box = Box(46, top + 68 * number, 284, 56, _style(destination), _lines(destination))
        picture.boxes.append(box)
        picture.paths.append(f"M170 310V336H24V{box.middle}H40")
    return picture


def _boxes(
    environment: EnvironmentReport,
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    calls = environment.calls
    if not calls:
        return ("Raw calls",), ("Staged",), ("Masked", "only allowlisted", "ids as tokens")
    return (
        ("Raw calls", f"{calls.get('raw', 0):,}"),
        (
            "Staged",
            f"{calls.get('staged', 0):,} usable",
            f"{calls.get('duplicates', 0):,} duplicates",
            f"{calls.get('rejected', 0):,} rejected{_withheld(calls)}",
        ),
        ("Masked", "only allowlisted", "ids as tokens"),
    )


def _withheld(calls: Mapping[str, int]) -> str:
    count = calls.get("withheld", 0)
    return f", {count:,} withheld" if count else ""


def _style(destination: DestinationReport) -> str:
    if not destination.is_valid:
        return "invalid"
    return "safe" if destination.mode == "HIPAA mode" else "open"


def _lines(destination: DestinationReport) -> tuple[str, ...]:
    rows = [view.rows for view in destination.views if view.rows is not None]
    words = f"{sum(rows):,} rows" if rows else "nothing published"
    stopped = "stopped, " if destination.stopped else ""
    return (printable(destination.name, NAME_LENGTH), f"{destination.mode}: {stopped}{words}")


def described(environment: EnvironmentReport) -> str:
    """Say in words what the picture shows."""
    calls = environment.calls
    words = [
        f"{calls.get('raw', 0):,} raw calls go into a restricted zone, where they are staged "
        f"({calls.get('duplicates', 0):,} duplicates, {calls.get('rejected', 0):,} "
        f"rejected{_withheld(calls)}) and masked."
        if calls
        else "Raw calls go into a restricted zone, where they are staged and masked."
    ]
    words += [". ".join(_lines(destination)) + "." for destination in environment.destinations]
    return " ".join(words)
