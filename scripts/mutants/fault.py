"""What a fault is: a small change that would weaken the product, and what must catch it.

A fault names the text that it replaces, which must be there exactly once, so that it can't stop
being a fault unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox import Edit

CONSTRUCTION = "construction"
TESTS = "dbt test"
PROOF = "verify"
EXPERIMENT = "non-interference"
CANARIES = "canaries"
CHECK = "project check"

MEANING = {
    CONSTRUCTION: "the build refuses, with a message of the package",
    TESTS: "a test of the build fails, so nothing is published",
    PROOF: "`hipaa-mode verify` finds a violation in the compiled SQL",
    EXPERIMENT: "`hipaa-mode selftest` finds that something interferes, or is not shown",
    CANARIES: "a planted value or the key is found in what a build wrote or said",
    CHECK: "a check of what a run does fails: one of `checks.py`, or a test named by its file",
}
"""The layers, and what it means that one catches a fault."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: what goes wrong, in a few words.
        area: the part of the product that it is in.
        layer: the first layer that catches it.
        expects: pattern of a line that the layer must say of it, so that it is caught for the
            right reason.
        edits: the change.
        around: changes that the fault needs around it and that are none themselves.
        sql: what is done to the database of a built project, in the place of edits.
        is_built: whether the project was built before, soundly.
        check: for layer `project check`: a check of checks.py, or tests below tests/python.
    """

    name: str
    area: str
    layer: str
    expects: str
    edits: tuple[Edit, ...] = ()
    around: tuple[Edit, ...] = ()
    sql: tuple[str, ...] = ()
    is_built: bool = False
    check: str = ""

    @property
    def is_of_python(self) -> bool:
        """Whether tests without a build catch it, in a second or two."""
        return self.check.startswith("unit/")


def fault(
    area: str, layer: str, name: str, expects: str, *edits: tuple[str, str, str], **more: object
) -> Fault:
    """Make a fault of edits, each a file, the text to replace and what takes its place."""
    changed = tuple(Edit(*edit) for edit in edits)
    return Fault(name, area, layer, expects, changed, **more)  # type: ignore[arg-type]
