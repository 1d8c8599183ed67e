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
        "a preview is kept though a macro changed",
        "unit/test_preview_state.py::test_every_file_that_a_preview_reads_counts",
        "preview/state.py",
        '(".sql", ".csv",',
        '(".csv",',
    ),
    _tested(
        "a row for one environment gives the column another name",
        "console/test_editing.py::TestOneEnvironment::test_the_column_keeps_its_name",
        "editing/properties.py",
        '    names = ["column_name"]',
        "    names = []",
    ),
    _tested(
        "a destination is called valid though its property row is refused",
        "console/test_refusals.py::test_a_fault_is_about_who_its_row_names",
        "editing/workspace.py",
        "replace(fault, destination=ANY)",
        'replace(fault, destination="")',
    ),
    _tested(
        "a command that is told to end leaves its builds running",
        "console/test_ending.py::test_builds_at_once_end_too",
        "ending.py",
        "        _end_children()\n",
        "",
    ),
    _tested(
        "optional seeds behind a link are not found",
        "unit/test_seed_search.py::test_behind_a_link_to_a_folder_as_dbt_finds_seeds",
        "seed_search.py",
        "followlinks=True",
        "followlinks=False",
    ),
    _tested(
        "a suppressed id that is misspelt counts as the same",
        "unit/test_optional_lists.py::test_a_person_who_is_no_longer_listed_widens",
        "optional_lists.py",
        "user_id.encode(",
        "user_id[:0].encode(",
    ),
    _tested(
        "a change agrees to what the lock did not say before it",
        "console/test_editing_lock.py::TestWhatNobodyAgreedToDoesNotComeInBesideAChange"
        "::test_a_lock_that_let_less_through_before_is_left_and_said",
        "editing/agreement.py",
        "    if wider:\n",
        "    if False:\n",
    ),
    _tested(
        "what is sent whole since a restriction was lifted counts as gone",
        "console/test_preview_difference.py::test_restriction_that_is_taken_off_widens_everything",
        "received/comparison.py",
        'and destination["restrict_phi"] == "false"',
        'and destination["restrict_phi"] == "no"',
    ),
)
