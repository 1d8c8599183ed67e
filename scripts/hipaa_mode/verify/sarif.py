"""Writes violations as SARIF 2.1.0 (OASIS), which code review tools show beside the lines."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from hipaa_mode import __version__
from hipaa_mode.verify.proof import RULES, Proof, Verdict
from hipaa_mode.verify.trace import Step


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
    file = verdict.file or "seeds/destinations.csv"
    nearest = verdict.trace[0] if verdict.trace and verdict.trace[0].file == file else None
    location = _location(file, nearest.source_line if nearest else None)
    result: dict[str, Any] = {
        "ruleId": verdict.rule,
        "level": "error",
        "message": {"text": text},
        "locations": [{**location, "logicalLocations": [{"fullyQualifiedName": place}]}],
    }
    if verdict.trace:
        steps = [{"location": _step(step)} for step in verdict.trace]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    return result


def _step(step: Step) -> dict[str, Any]:
    line = f", line {step.line} as compiled" if step.line else ""
    text = f"{step.model}{line}: {step.expression}"
    return {**_location(step.file, step.source_line), "message": {"text": text}}


def _location(file: str, line: int | None) -> dict[str, Any]:
    """Point at a line of a file; at the first one where a macro's lines are not the file's."""
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(file)},
            "region": {"startLine": line or 1},
        }
    }
