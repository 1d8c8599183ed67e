"""Faults in the lock of what is received: its comparison, and who compares."""

from __future__ import annotations

from fault import CHECK, Fault, fault

COMPARISON = "scripts/hipaa_mode/received/comparison.py"
TESTS_OF_RECEIVED = "unit/test_received.py"

FAULTS: tuple[Fault, ...] = (
    fault(
        "lock",
        CHECK,
        "a build does not compare the seeds with the lock",
        "more than the lock says was built",
        (
            "scripts/hipaa_mode/run/start_questions.py",
            "if asked.needs_lock and",
            "if False and",
        ),
        check="more than the lock says refused",
    ),
    fault(
        "lock",
        CHECK,
        "the comparison takes a removed event filter for less",
        r"widens\[an event filter is deleted\]",
        (
            COMPARISON,
            "    if after is None:\n        return WIDENS\n",
            "    if after is None:\n        return NARROWS\n",
        ),
        check=f"{TESTS_OF_RECEIVED}::test_what_lets_more_through_widens",
    ),
    fault(
        "lock",
        CHECK,
        "the comparison takes a setting that it does not know for less",
        "test_what_the_comparison_does_not_know_widens",
        (
            COMPARISON,
            "def _unknown(before: Any, after: Any) -> str:\n    return WIDENS",
            "def _unknown(before: Any, after: Any) -> str:\n    return NARROWS",
        ),
        check=f"{TESTS_OF_RECEIVED}::test_what_the_comparison_does_not_know_widens",
    ),
    *(
        fault(
            "lock",
            CHECK,
            f"the comparison takes {name} for less",
            rf"widens\[{case}\]",
            (COMPARISON, old, new),
            check=f"{TESTS_OF_RECEIVED}::test_what_lets_more_through_widens",
        )
        for name, case, old, new in (
            (
                "calls that are kept longer",
                "calls are kept longer",
                "return NARROWS if before == FOR_GOOD or int(after) < int(before) else WIDENS",
                "return NARROWS",
            ),
            (
                "another event",
                "another event",
                "        elif was is None or is_now == event:\n            effect = WIDENS\n",
                "        elif was is None or is_now == event:\n            effect = NARROWS\n",
            ),
        )
    ),
)
