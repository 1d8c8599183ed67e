"""Faults in how a change of the configuration is found, shown and agreed to."""

from __future__ import annotations

from fault import CHECK, Fault, fault

PACKAGE = "scripts/hipaa_mode"


def _tested(name: str, test: str, *edit: str) -> Fault:
    path, before, after = edit
    return fault(
        "changes of the configuration",
        CHECK,
        name,
        test.rpartition("::")[2],
        (f"{PACKAGE}/{path}", before, after),
        check=test,
    )


FAULTS: tuple[Fault, ...] = (
    _tested(
        "optional seeds behind a link are not found",
        "test_seed_search.py::test_behind_a_link_to_a_folder_as_dbt_finds_seeds",
        "seed_search.py",
        "followlinks=True",
        "followlinks=False",
    ),
    _tested(
        "a suppressed id that is misspelt counts as the same",
        "test_optional_lists.py::test_a_person_who_is_no_longer_listed_widens",
        "optional_lists.py",
        "user_id.encode(",
        "user_id[:0].encode(",
    ),
    _tested(
        "a change agrees to what the lock did not say before it",
        "test_editing_lock.py::TestWhatNobodyAgreedToDoesNotComeInBesideAChange"
        "::test_a_lock_that_let_less_through_before_is_left_and_said",
        "editing/agreement.py",
        "    if wider:\n",
        "    if False:\n",
    ),
    _tested(
        "what is sent whole since a restriction was lifted counts as gone",
        "test_preview_difference.py::test_restriction_that_is_taken_off_widens_everything",
        "received/comparison.py",
        'and destination["restrict_phi"] == "false"',
        'and destination["restrict_phi"] == "no"',
    ),
)
