"""Which destinations a run may publish, from what ran in it and from the project's graph.

A destination needs its views, all they are built from, and every test on any of these to have run
and passed in this very run; of the tests the package requires, none may be missing, left out or
weakened. A test that reads a destination's view counts for that destination alone, whatever else
it reads.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hipaa_mode import PACKAGE
from hipaa_mode.plan import DestinationPlan
from hipaa_mode.run.facts import Node
from hipaa_mode.run.plain_models import is_plain
from hipaa_mode.run.required_checks import (
    ALL_VIEW_CHECKS,
    SEED_CHECKS,
    STAGING_CHECKS,
    VIEW_CHECKS,
    Exceptions,
    RequiredCheck,
    changed_settings,
    masked_checks,
    masked_table,
    view_checks,
    weakened,
)

PASSED = ("success", "pass")
REASONS_SHOWN = 5

_ONE_LINE = r"\{{\{{-?\s*hipaa_mode\.destination_{view}\(\s*(['\"]){destination}\1\s*\)\s*-?\}}\}}"
_COMMENT = re.compile(r"\{#.*?#\}|^[ \t]*--[^\n{]*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class RunOutcome:
    """What ran.

    Attributes:
        statuses: status of each node that ran, by its unique id.
        unit_tests: the unit tests that did not pass: name and the nodes each reads.
        failures: by failed check of a view: check, column, count and problem of each failure.
        errors: by failed node, what our own macros or the file system said.
        is_retry: whether that was `dbt retry`, which tells hooks the command that it repeats.
    """

    statuses: Mapping[str, str]
    selected: frozenset[str]
    unit_tests: Sequence[tuple[str, Collection[str]]] = ()
    failures: Mapping[str, Sequence[Failure]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    command: str = "build"
    is_retry: bool = False
    is_part: bool = False


Failure = tuple[str, str, str, int]
"""A failure of a check of a view: check, column, problem, count."""


@dataclass
class Permission:
    """Whether a destination may be published.

    Attributes:
        is_selected: whether the run was to build it at all.
        exceptions: what its checks overlook, by the view's name.
        advice: what to run instead, where a part of it was not to run.
    """

    is_selected: bool = False
    reasons: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    exceptions: dict[str, Exceptions] = field(default_factory=dict)
    advice: str = ""

    def summary(self) -> str:
        """Say why it may not be published, in a line."""
        shown = self.reasons[:REASONS_SHOWN]
        more = len(self.reasons) - len(shown)
        text = "; ".join(shown) + (f"; and {more} more" if more else "")
        return text + (f". {self.advice}" if self.advice else "")


def read_outcome(
    results: Iterable[Any],
    selected: Collection[str],
    command: str,
    invoked: object,
    is_part: bool,
    failures: Callable[[str], Sequence[Failure]],
) -> RunOutcome:
    """Read what ran from dbt's results.

    Args:
        results: dbt's, each with its node.
        selected: unique ids of what the command was to run; none for a retry.
        invoked: the whole command line, where dbt knows it.
        failures: runs the SQL of a failed check of a view. The rows of other tests may hold
            values, and are not read.
    """
    statuses: dict[str, str] = {}
    unit_tests: list[tuple[str, Collection[str]]] = []
    found: dict[str, Sequence[Failure]] = {}
    errors: dict[str, str] = {}
    for result in results:
        node, status = result.node, str(result.status)
        statuses[node.unique_id] = status
        if str(node.resource_type) == "unit_test" and status not in PASSED:
            unit_tests.append((node.name, node.depends_on.nodes))
        elif status == "fail" and _is_view_check(node):
            found[node.unique_id] = failures(node.compiled_code)
        elif status == "error" and (error := quotable(str(result.message))):
            errors[node.unique_id] = error
    is_retry = not selected or "retry" in str(invoked).split()
    return RunOutcome(
        statuses, frozenset(selected), unit_tests, found, errors, command, is_retry, is_part
    )


def _is_view_check(test: Any) -> bool:
    of_test = getattr(test, "test_metadata", None)
    return bool(
        of_test
        and of_test.name in (*VIEW_CHECKS, ALL_VIEW_CHECKS)
        and f"macro.{PACKAGE}.test_{of_test.name}" in test.depends_on.macros
    )


def quotable(error: str) -> str:
    """Return the line of an error that can't hold a value: our own, or the file system's."""
    for line in error.splitlines():
        if match := re.search(r"hipaa_mode: .*|IO Error: .*", line):
            return match[0].removeprefix("hipaa_mode: ")
    return ""


BuiltOtherwise = Callable[[Collection[str]], Mapping[str, str]]
"""Says of which models the SQL that ran is not what `verify` proves; see `compiled_again`."""


def permissions(
    outcome: RunOutcome,
    nodes: Iterable[Node],
    destinations: Mapping[str, DestinationPlan],
    built_otherwise: BuiltOtherwise = lambda unique_ids: {},
) -> dict[str, Permission]:
    """Decide for each destination of the environment whether it may be published."""
    graph = _Graph(nodes)
    found = {name: _permission(outcome, graph, plan) for name, plan in destinations.items()}
    # Of what is not published anyway, nothing needs to be compiled again.
    models = {
        name: [node.unique_id for node in graph.made_from(name) if node.kind == "model"]
        for name, permission in found.items()
        if permission.is_selected and not permission.reasons
    }
    reasons = built_otherwise(sorted({one for ids in models.values() for one in ids}))
    for name, unique_ids in models.items():
        found[name].reasons += [reasons[one] for one in unique_ids if one in reasons]
    return found


@dataclass(frozen=True)
class EndOfRun:
    """What a run may do at its end.

    Attributes:
        permissions: by destination.
        notice: why no destination at all is published, where the run was not to.
        reason: what the audit log says of each of them then; blank where it says nothing.
    """

    permissions: Mapping[str, Permission]
    notice: str = ""
    reason: str = ""


def end_of_run(
    outcome: RunOutcome,
    nodes: Callable[[], Iterable[Node]],
    destinations: Mapping[str, DestinationPlan],
    built_otherwise: BuiltOtherwise = lambda unique_ids: {},
) -> EndOfRun:
    """Decide what a run may publish, from what ran and the project's nodes."""
    command = outcome.command
    if not outcome.statuses:
        return EndOfRun({}, "nothing ran, so nothing was published")
    if command != "build":
        does_not = f"`dbt {command}` does not build and test everything"
        reason = "" if command == "test" else does_not
        notice = f"nothing was published: {does_not} in one run. Run: dbt build"
        return EndOfRun({}, notice, reason)
    if outcome.is_part:
        reason = "the run read only a part of the calls"
        return EndOfRun({}, f"nothing was published: {reason}. Run: dbt build", reason)
    return EndOfRun(permissions(outcome, nodes(), destinations, built_otherwise))


class _Graph:
    """The nodes, by what is asked of them."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = {node.unique_id: node for node in nodes}
        self.views: dict[str, list[Node]] = defaultdict(list)
        for node in self.nodes.values():
            if node.is_view:
                self.views[node.destination].append(node)
        # A test on a disabled model stays in the graph, and is no test of anything.
        self.tests = [
            node
            for node in self.nodes.values()
            if node.kind == "test" and (not node.attached or node.attached in self.nodes)
        ]
        self.owners = {test.unique_id: self._owners(test) for test in self.tests}
        """The destinations whose views a test reads."""
        self.on: dict[str, list[Node]] = defaultdict(list)
        """The tests that are attached to a node: of many destinations each has a few."""
        for test in self.tests:
            self.on[test.attached].append(test)

    def made_from(self, destination: str) -> list[Node]:
        """Return a destination's views and everything they are built from."""
        views = self.views.get(destination, [])
        found = {node.unique_id: node for node in views}
        waiting = list(views)
        while waiting:
            for parent in waiting.pop().parents:
                if parent in self.nodes and parent not in found:
                    found[parent] = self.nodes[parent]
                    waiting.append(self.nodes[parent])
        return list(found.values())

    def _owners(self, test: Node) -> set[str]:
        views = (self.nodes[parent] for parent in test.parents if parent in self.nodes)
        return {view.destination for view in views if view.is_view}


def _permission(outcome: RunOutcome, graph: _Graph, plan: DestinationPlan) -> Permission:
    views = graph.views.get(plan.name, [])
    found = Permission()
    needed = graph.made_from(plan.name)
    ids = {node.unique_id for node in needed}
    own = list(views)
    concerning: list[Node] = []
    for test in graph.tests:
        owners = graph.owners[test.unique_id]
        on = (test.attached,) if test.attached else test.parents
        if plan.name in owners if owners else ids.intersection(on):
            concerning.append(test)
            own += [test] if owners else []
    # A view, or a test on one alone: dbt retry runs no more than that.
    found.is_selected = any(
        node.unique_id in outcome.selected or node.unique_id in outcome.statuses for node in own
    )
    for node in (*needed, *concerning):
        if reason := _reason(outcome, node):
            found.reasons.append(reason)
        elif node.kind == "test":
            found.checks += _checks_of(graph, node)
    found.reasons += [
        f"{node.name} does more than call the package's macros, so that nothing proves what was "
        "built of it. Take the package's own"
        for node in needed
        if node.kind == "model" and node.package == PACKAGE and not node.is_view
        if not is_plain(node.code)
    ]
    for name, read in outcome.unit_tests:
        if ids.intersection(read):
            found.reasons.append(f"unit test {name} failed")
    for view in views:
        found.reasons += _wrong_view(view)
        found.exceptions[view.name] = Exceptions()
        found.reasons += _missing_view_checks(
            graph, view, _protected(plan, view.view), found.exceptions[view.name]
        )
    required = (*SEED_CHECKS, *STAGING_CHECKS, *masked_checks([view.view for view in views]))
    found.reasons += _missing(graph, outcome, required, needed)
    found.checks.sort()
    if found.reasons:
        found.advice = _advice(outcome, views, (*needed, *concerning))
    return found


def _reason(outcome: RunOutcome, node: Node) -> str:
    status = outcome.statuses.get(node.unique_id)
    if status in PASSED:
        return ""
    if status is None:
        return f"{node.name} did not run"
    if status == "warn":
        return f"{node.name} warned, which is not passing"
    if status == "skipped":
        return f"{node.name} was skipped"
    said = [
        check + (f" on `{column}`" if column else "") + f": {count} ({problem})"
        for check, column, problem, count in outcome.failures.get(node.unique_id, ())
    ]
    if error := outcome.errors.get(node.unique_id):
        said.append(error)
    return f"{node.name} failed" + (f" ({'; '.join(said)})" if said else "")


def _checks_of(graph: _Graph, test: Node) -> list[str]:
    """Return what a test checked: its name, or of the one that runs all checks each name."""
    view = graph.nodes.get(test.attached)
    if test.test != ALL_VIEW_CHECKS or view is None:
        return [test.name]
    return [f"{check}_{view.name}" for check in view_checks(view.view)]


def _wrong_view(view: Node) -> list[str]:
    """Find what a destination model says besides its one line."""
    reasons: list[str] = []
    pattern = _ONE_LINE.format(view=view.view, destination=re.escape(view.destination))
    if not re.fullmatch(pattern, _COMMENT.sub("", view.code).strip()):
        reasons.append(
            f"{view.name} is not the one line "
            f"{{{{ hipaa_mode.destination_{view.view}('{view.destination}') }}}}"
        )
    table = f"model.{PACKAGE}.{masked_table(view.view)}"
    if table not in view.parents:
        reasons.append(f"{view.name} is not made of {masked_table(view.view)}")
    return reasons


def _missing_view_checks(
    graph: _Graph, view: Node, protected: Collection[str], exceptions: Exceptions
) -> list[str]:
    """Return the checks that a view lacks; note what those it has overlook."""
    found: set[str] = set()
    problems: dict[str, str] = {}
    for test in graph.on[view.unique_id]:
        if test.test not in (*VIEW_CHECKS, ALL_VIEW_CHECKS):
            continue
        checks = view_checks(view.view) if test.test == ALL_VIEW_CHECKS else (test.test,)
        if not test.calls(test.test):
            problem = "is a macro of the project's own"
        elif changed := changed_settings(test.config):
            problem = f"sets {', '.join(changed)}"
        else:
            problem = weakened(test.arguments, protected, exceptions)
        if problem:
            problems.update(dict.fromkeys(checks, problem))
        else:
            found.update(checks)
    if not found and not problems:
        return [f"no test is configured on {view.name}"]
    missing: dict[str, list[str]] = defaultdict(list)
    for check in view_checks(view.view):
        if check not in found:
            missing[problems.get(check, "")].append(check)
    return [
        f"{view.name} has no whole test of {', '.join(checks)}"
        + (f": the one it has {problem}" if problem else "")
        for problem, checks in missing.items()
    ]


def _missing(
    graph: _Graph,
    outcome: RunOutcome,
    required: Iterable[RequiredCheck],
    needed: Collection[Node],
) -> list[str]:
    """Return the required checks that are not there, or not whole, or did not pass."""
    seeds = {node.name: node.unique_id for node in needed if node.kind == "seed"}
    reasons: list[str] = []
    for check in required:
        if not check.seed:
            singular = graph.nodes.get(f"test.{PACKAGE}.{check.test}")
            tests = [singular] if singular else []
        else:
            attached = graph.on[seeds[check.seed]] if check.seed in seeds else []
            tests = [test for test in attached if test.calls(check.test)]
        reason = f"required check {check.label} is missing or switched off"
        for test in tests:
            if changed := changed_settings(test.config):
                reason = f"required check {check.label} sets {', '.join(changed)}"
            elif set(test.arguments) - {"model"}:
                reason = f"required check {check.label} has other arguments than the package's"
            elif outcome.statuses.get(test.unique_id) not in PASSED:
                reason = f"required check {check.label} did not pass"
            else:
                break
        else:
            reasons.append(reason)
    return reasons


def _protected(plan: DestinationPlan, view: str) -> set[str]:
    """Return the columns of a view that hold tokens."""
    return {
        column.name.casefold()
        for column in plan.columns(view)
        if column.treatment in ("mask", "surrogate")
    }


def _advice(outcome: RunOutcome, views: Sequence[Node], concerned: Iterable[Node]) -> str:
    if outcome.is_retry:
        return "dbt retry runs only what failed before. Run: dbt build"
    left_out = [node for node in concerned if node.unique_id not in outcome.selected]
    if not left_out or not outcome.selected:
        return ""
    folders = {view.file.rpartition("/")[0] for view in views}
    whole = " ".join(f"+path:{folder}" for folder in sorted(folders) if folder)
    return "The command left out a part of it. Run: dbt build" + (
        f", or dbt build --select {whole}" if whole else ""
    )
