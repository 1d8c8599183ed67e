"""What is measured: calls, and who runs on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contestants import DEMO, FLOOR, HIPAA_MODE, PEERS, Contestant, write_demo_calls
from destinations import FEW, MANY, write_wide_calls


@dataclass(frozen=True)
class Section:
    """One part of the page.

    Attributes:
        name: what the command line and the JSON call it.
        calls: how many.
        contestants: who runs on them, hipaa_mode first where outputs are compared.
        write_calls: makes the calls; None for those of the comparison.
        most_runs: runs of each are no more than this.
    """

    name: str
    calls: int
    contestants: tuple[Contestant, ...]
    write_calls: Callable[[Path, int], None] | None = None
    most_runs: int = 9


DEMO_CALLS = 6_000
_PEERS = {peer.name: peer for peer in PEERS}
COMPARED = (
    Section("1_million", 1_000_000, (HIPAA_MODE, *PEERS, FLOOR)),
    Section("10_million", 10_000_000, (HIPAA_MODE, _PEERS["sql_table"], _PEERS["node"], FLOOR)),
    Section("30_million", 30_000_000, (HIPAA_MODE, FLOOR), most_runs=1),
)
BY_DESTINATIONS = tuple(
    Section(f"destinations_{calls}", calls, (FEW, MANY), write_wide_calls, most_runs=1)
    for calls in (1, 10_000, 100_000)
)
OF_DEMO = Section("demo", DEMO_CALLS, (DEMO,), write_demo_calls)
SECTIONS = (*COMPARED, *BY_DESTINATIONS, OF_DEMO)
