"""Writes violations as SARIF 2.1.0 (OASIS), which code review tools show beside the lines."""

from __future__ import annotations

from typing import Any

from hipaa_mode import __version__
from hipaa_mode.verify.proof import RULES, Proof, Verdict


def as_sarif(proofs: list[Proof]) -> dict[str, Any]:
    """Return the violations of some environments as one SARIF log."""
    rules = [{"id": rule, "shortDescription": {"text": text}} for rule, text in RULES.items()]
    driver = {"name": "hipaa-mode verify", "version": __version__, "rules": rules}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "results": [
                    _result(proof.environment, verdict)
                    for proof in proofs
                    for verdict in proof.violations
                ],
            }
        ],
    }


def _result(environment: str, verdict: Verdict) -> dict[str, Any]:
    place = f"{verdict.view}.{verdict.column}" if verdict.column else verdict.view
    text = f"{place} in {environment}: {verdict.problem}. {verdict.remedy}."
    return {
        "ruleId": verdict.rule,
        "level": "error",
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": verdict.file or "seeds/destinations.csv"},
                    # Lines are of the compiled SQL; a destination model is one line.
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": place}],
            }
        ],
    }
