"""Raw lines that can't be used: what a run says of them, and when they hold everything back.

A line is judged once. What a build has let pass, as few of its new lines or as accepted by number,
is noted by file and is not judged again, also where all files are read anew; what held everything
back is judged again by every build until it is accepted or the file is put right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

ACCEPT_REJECTED_LINES = "hipaa_mode__accept_rejected_lines"
MOST_FILES = 5
"""Files that a message names."""


@dataclass(frozen=True)
class Lines:
    """Lines of a file that one run read.

    Attributes:
        file: the file, or the table.
        run_number: the run.
        lines: how many there are.
        reasons: how many of them were rejected, by reason.
    """

    file: str
    run_number: int
    lines: int
    reasons: Mapping[str, int]

    @property
    def rejected(self) -> int:
        """How many were rejected."""
        return sum(self.reasons.values())


def lines_of(rows: Iterable[tuple[str, int, str | None, int]]) -> list[Lines]:
    """Put counts together: of a file, a run and a reason, or none for lines that can be used."""
    lines: Counter[tuple[str, int]] = Counter()
    reasons: dict[tuple[str, int], dict[str, int]] = {}
    for file, run_number, reason, count in rows:
        lines[file, run_number] += count
        if reason is not None:
            reasons.setdefault((file, run_number), {})[reason] = count
    return [Lines(*place, count, reasons.get(place, {})) for place, count in lines.items()]


@dataclass(frozen=True)
class Judgement:
    """What becomes of a run for its rejected lines.

    Attributes:
        notices: what the run's summary says.
        reasons: why nothing may be published; none where it may.
        lines: lines that were judged now.
    """

    notices: tuple[str, ...]
    reasons: tuple[str, ...]
    lines: int


def judge(
    read: Iterable[Lines],
    accepted: Mapping[str, tuple[int, int]],
    share: float,
    accepted_number: object = None,
    kind_of: Callable[[str], tuple[str, str] | None] = lambda file: None,
) -> Judgement:
    """Judge the lines that no build has let pass yet.

    Args:
        read: all lines that the warehouse has.
        accepted: lines and rejected ones of each file that a build let pass.
        share: part of the new lines of a run that may be rejected.
        accepted_number: value of the variable `ACCEPT_REJECTED_LINES`.
        kind_of: tells of a file without calls what it seems to be, and what to do.
    """
    new = [item for item in _not_accepted(read, accepted) if item.lines]
    total = sum(item.lines for item in new)
    rejected = sum(item.rejected for item in new)
    if not rejected:
        return Judgement((), (), total)
    notices = (f"rejected {rejected} of {_counted(total, 'new line')}", *_by_file(new))
    if share >= 1 or str(accepted_number) == str(rejected):
        return Judgement(notices, (), total)
    reasons = [*_whole_files(new, kind_of), *_above(new, share)]
    if reasons:
        variables = f"'{{{ACCEPT_REJECTED_LINES}: {rejected}}}'"
        reasons.append(
            "look at rejected_calls in the restricted zone, and put the raw calls right; or, to "
            f"publish without these lines: dbt build --vars {variables}"
        )
    return Judgement(notices, tuple(reasons), total)


@dataclass(frozen=True)
class _New:
    """What is left of a reading to judge: so many lines, and rejected ones among them."""

    read: Lines
    lines: int
    rejected: int


def _not_accepted(
    read: Iterable[Lines], accepted: Mapping[str, tuple[int, int]]
) -> Iterator[_New]:
    left = dict(accepted)
    for item in sorted(read, key=lambda item: (item.file, item.run_number)):
        lines, rejected = left.get(item.file, (0, 0))
        left[item.file] = (max(0, lines - item.lines), max(0, rejected - item.rejected))
        new_rejected = max(0, item.rejected - rejected)
        yield _New(item, max(0, item.lines - lines, new_rejected), new_rejected)


def _by_file(new: Sequence[_New]) -> Iterator[str]:
    of_file: dict[str, Counter[str]] = {}
    for item in new:
        if item.rejected:
            of_file.setdefault(item.read.file, Counter()).update(item.read.reasons)
    for file in sorted(of_file)[:MOST_FILES]:
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(of_file[file].items()))
        yield f"rejected in {file}: {counts}"
    if len(of_file) > MOST_FILES:
        yield f"rejected in {_counted(len(of_file) - MOST_FILES, 'more file')}"


def _above(new: Sequence[_New], share: float) -> Iterator[str]:
    """Yield a reason for each run of which more than a share of the lines was rejected."""
    for run_number in sorted({item.read.run_number for item in new}):
        of_run = [item for item in new if item.read.run_number == run_number]
        lines = sum(item.lines for item in of_run)
        rejected = sum(item.rejected for item in of_run)
        if rejected > share * lines:
            yield f"{rejected} of {_counted(lines, 'new line')} rejected, more than {share:.0%}"


def _whole_files(
    new: Sequence[_New], kind_of: Callable[[str], tuple[str, str] | None]
) -> Iterator[str]:
    usable: Counter[str] = Counter()
    for item in new:
        usable[item.read.file] += item.read.lines - item.read.rejected
    files = sorted({item.read.file for item in new if item.rejected} - set(+usable))
    for file in files[:MOST_FILES]:
        kind = kind_of(file)
        seems = f": it seems to be {kind[0]}. {kind[1]}" if kind else ""
        yield f"nothing in {file} could be used{seems}"
    if len(files) > MOST_FILES:
        yield f"nothing in {_counted(len(files) - MOST_FILES, 'more file')} could be used"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
