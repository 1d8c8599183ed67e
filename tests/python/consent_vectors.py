"""The test vectors of opt-outs and consent: one call and one destination each, and what is right.

`denied` is the reason for which the call is denied to the destination, blank where it is not, and
`vendor` what the sender's own product would do. Where the two differ, ours is stricter on purpose:
docs/consent.md.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Vector:
    """One row of the file; `call` is the text of a JSON object to be merged into a call."""

    vector: str
    source: str
    call: str
    integration_names: str
    consent_categories: str
    consent_strategy: str
    honor_opt_outs: str
    denied: str
    vendor: str

    @property
    def asked(self) -> tuple[str, str, str, str]:
        """What the destination's rows ask for."""
        return (
            self.integration_names,
            self.consent_categories,
            self.consent_strategy,
            self.honor_opt_outs,
        )

    @property
    def name(self) -> str:
        return f"{self.source}: {self.vector}"

    def line(self, message_id: str) -> bytes:
        """A track call that says so, as text: a JSON object may name a key twice."""
        own = f'{{"type": "track", "event": "Visit", "messageId": "{message_id}"'
        rest = self.call.strip().removeprefix("{")
        return (own + (", " + rest if rest != "}" else "}")).encode()


def read_vectors() -> list[Vector]:
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return [Vector(**row) for row in csv.DictReader(file)]


VECTORS = read_vectors()

ASKED = {asked: f"d{number}" for number, asked in enumerate({v.asked: 0 for v in VECTORS}, 1)}
"""The destination of each different demand that some vector has."""
