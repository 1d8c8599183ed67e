"""Judges the seeds by the lock: what is proven must be what was agreed to."""

from __future__ import annotations

from pathlib import Path

from hipaa_mode.received.gate import judge_project
from hipaa_mode.received.lock_file import LOCK_FILE
from hipaa_mode.verify.proof import ALL, Verdict


def lock_verdicts(project: Path, environment: str) -> list[Verdict]:
    """Return a violation for everything that the seeds say and the lock does not, or the reverse.

    Less than agreed to is one too: a pull request brings its lock.
    """
    judgement = judge_project(project, environment)
    return [
        Verdict(
            destination=ALL,
            view=LOCK_FILE,
            column="",
            outcome="violation",
            rule="lock",
            problem=fault.problem,
            remedy=fault.remedy,
            file=LOCK_FILE,
        )
        for fault in (*judgement.faults, *judgement.notices)
    ]
