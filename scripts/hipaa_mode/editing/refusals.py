"""Why a build refuses an environment, and which of its destinations each reason is about.

One judgement for `check`, the lists and pages of destinations, and the report.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from hipaa_mode.configuration import ANY
from hipaa_mode.editing.seed_text import SeedText, UneditableSeedError
from hipaa_mode.received.gate import Judgement
from hipaa_mode.seeds import Fault

_OF_A_MODEL = "model "


@dataclass(frozen=True)
class Refusal:
    """A reason why a build refuses an environment.

    Attributes:
        fault: what is wrong.
        destination: the destination that it is about; `*` for all of them.
    """

    fault: Fault
    destination: str = ANY


def attributed(
    faults: Iterable[Fault], content: Callable[[str], bytes | None], known: Collection[str]
) -> list[Refusal]:
    """Tell which destination each fault of the seeds and models is about.

    A fault that is about none of the known destinations is about all: it refuses all of them.

    Args:
        faults: what is wrong.
        content: gives what the file of a fault holds; None where there is none.
        known: the destinations that are listed.
    """
    rows: dict[str, dict[int, dict[str, str]]] = {}

    def named(fault: Fault) -> str:
        if fault.file.startswith(_OF_A_MODEL):
            return fault.file.removeprefix(_OF_A_MODEL).rpartition("__")[0]
        if fault.line is None:
            return ANY
        if fault.file not in rows:
            rows[fault.file] = _rows(fault.file, content(fault.file))
        return rows[fault.file].get(fault.line, {}).get("destination", ANY).strip()

    found: list[Refusal] = []
    for fault in faults:
        destination = named(fault)
        found.append(Refusal(fault, destination if destination in known else ANY))
    return found


def of_lock(judgement: Judgement, known: Collection[str]) -> list[Refusal]:
    """Tell which destination each fault of the lock is about."""
    whose = [difference.destination for difference in judgement.wider]
    whose += [ANY] * (len(judgement.faults) - len(whose))
    return [
        Refusal(fault, destination if destination in known else ANY)
        for fault, destination in zip(judgement.faults, whose, strict=True)
    ]


def faults_of(refusals: Iterable[Refusal], destination: str) -> list[Fault]:
    """Return the faults that are about a destination."""
    return [item.fault for item in refusals if item.destination in (destination, ANY)]


def _rows(file: str, content: bytes | None) -> dict[int, dict[str, str]]:
    if content is None or not file.endswith(".csv"):
        return {}
    try:
        return SeedText.parse(content, file).rows
    except UneditableSeedError:
        return {}
