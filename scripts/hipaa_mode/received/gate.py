"""What a build, `check` and `verify` say of the lock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from hipaa_mode.configuration import Configuration
from hipaa_mode.display import printable
from hipaa_mode.plan import Plan, make_plan
from hipaa_mode.project import destination_models, read_seeds, today
from hipaa_mode.received.comparison import NARROWS, Difference, compare
from hipaa_mode.received.description import Description, describe_plans
from hipaa_mode.received.lock_file import LOCK_FILE, LockFileError, read_lock
from hipaa_mode.seeds import Fault

REMEDY = "Review it, then run: hipaa-mode lock"


@dataclass
class Judgement:
    """What the lock says of one environment.

    Attributes:
        faults: what must be agreed to before anything is built.
        notices: what is less than agreed to, and goes on.
    """

    faults: list[Fault] = field(default_factory=list)
    notices: list[Fault] = field(default_factory=list)


def judge(
    read: Callable[[], Description | None],
    configuration: Configuration,
    plan: Plan,
    day: dt.date,
    models: Collection[str] | None,
) -> Judgement:
    """Compare what one environment's destinations would receive with the lock.

    Args:
        read: reads the lock; None where there is none.
    """
    try:
        locked = read()
    except LockFileError as error:
        problem, _, remedy = str(error).removeprefix(f"{LOCK_FILE}: ").rpartition(". ")
        return Judgement([Fault(LOCK_FILE, None, problem, remedy)])
    if locked is None:
        problem = "the file is missing, so that nothing says what may be received"
        return Judgement([Fault(LOCK_FILE, None, problem, REMEDY)])
    current = describe_plans(configuration, [plan], day, models)
    judgement = Judgement()
    for difference in compare(locked, current, day, [plan.environment]):
        if difference.effect == NARROWS:
            remedy = "A build goes on; to agree to it, run: hipaa-mode lock"
            judgement.notices.append(_as_fault(difference, remedy))
        else:
            judgement.faults.append(_as_fault(difference, REMEDY))
    return judgement


def judge_project(project: Path, environment: str) -> Judgement:
    """Compare what a project's seeds on disk say of an environment with its lock; see `judge`.

    Of seeds with faults nothing is said: they come to nothing that could be compared.
    """
    configuration = read_seeds(project, [environment])
    plan = make_plan(configuration, environment, today())
    if plan.faults:
        return Judgement()
    models = destination_models(project)
    return judge(lambda: read_lock(project), configuration, plan, today(), models)


def _as_fault(difference: Difference, remedy: str) -> Fault:
    problem = printable(str(difference))
    return Fault(LOCK_FILE, None, problem, remedy, difference.destination)
