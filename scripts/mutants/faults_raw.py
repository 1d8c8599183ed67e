"""Faults in what a run reads: whose calls, whose lists, which lines, which day."""

from __future__ import annotations

from fault import CHECK, Fault, fault

PACKAGE = "scripts/hipaa_mode"
BELONGING = f"{PACKAGE}/belonging.py"
SUPPRESSION = f"{PACKAGE}/suppression.py"
REJECTIONS = f"{PACKAGE}/rejections.py"
FORMATS = f"{PACKAGE}/raw_formats.py"


def _tested(area: str, name: str, test: str, file: str, text: str, instead: str) -> Fault:
    """Make a fault that a test in tests/python finds."""
    return fault(area, CHECK, name, test.rpartition("::")[2], (file, text, instead), check=test)


FAULTS: tuple[Fault, ...] = (
    _tested(
        "belonging",
        "raw calls of which none was read before are read",
        "unit/test_belonging.py::TestRawCalls::test_other_calls_are_refused_until_they_are_accepted",
        BELONGING,
        "and not before & set(marks) and not is_accepted:",
        "and False:",
    ),
    _tested(
        "belonging",
        "an emptied file is one that was read before",
        "unit/test_belonging.py::TestRawCalls::test_other_calls_are_refused_until_they_are_accepted",
        BELONGING,
        "[file for file in files if file.size > 0]",
        "[file for file in files if file.size >= 0]",
    ),
    _tested(
        "belonging",
        "raw calls of another environment are read",
        "unit/test_belonging.py::TestSharing::test_files_of_another_environment_are_refused",
        BELONGING,
        "if not is_shared and",
        "if False and",
    ),
    _tested(
        "belonging",
        "the database of another environment is used",
        "unit/test_belonging.py::TestSharing::test_a_database_belongs_to_who_used_it_first",
        BELONGING,
        "if others and is_new and",
        "if False and",
    ),
    _tested(
        "belonging",
        "a clock that was set back counts",
        "unit/test_belonging.py::TestDay::test_the_day_is_the_later_of_the_clocks_and_the_last_runs",
        BELONGING,
        "if last <= clock:",
        "if True:",
    ),
    _tested(
        "suppression",
        "a list of suppressed people that is not named any more is forgotten",
        "unit/test_suppression.py::TestComingBack"
        "::test_a_list_that_is_not_named_any_more_is_refused_until_given_up",
        SUPPRESSION,
        "if not item.is_named and not has_moved:",
        "if False:",
    ),
    _tested(
        "suppression",
        "people who are on no list now come back",
        "unit/test_suppression.py::TestComingBack"
        "::test_people_who_are_on_no_list_now_are_accepted_by_their_number",
        SUPPRESSION,
        "    if count and str(",
        "    if False and str(",
    ),
    _tested(
        "suppression",
        "a suppressed person may have an id that stands for none",
        "unit/test_suppression.py::test_what_stands_for_no_id_is_a_fault_with_its_line",
        SUPPRESSION,
        "if user_id.lower() in self._placeholder_ids:",
        "if False:",
    ),
    _tested(
        "suppression",
        "a file without people is taken for nobody",
        "unit/test_suppression.py::TestComingBack"
        "::test_a_file_that_lists_nobody_is_refused_until_given_up",
        SUPPRESSION,
        "if not rows and not may_be_empty and",
        "if False and",
    ),
    _tested(
        "suppression",
        "only the first list from outside is read",
        "unit/test_suppression.py::TestComingBack::test_several_lists_add_up",
        SUPPRESSION,
        "        for location in locations:\n            known_faults",
        "        for location in locations[:1]:\n            known_faults",
    ),
    _tested(
        "suppression",
        "calls that were withheld come back",
        "unit/test_suppression.py::TestReturningCalls"
        "::test_calls_that_came_back_are_accepted_by_their_number",
        SUPPRESSION,
        "if returning <= 0 or",
        "if True or",
    ),
    _tested(
        "suppression",
        "an id that ties many others to a suppressed person goes unsaid",
        "unit/test_suppression.py::test_an_id_that_ties_many_others_to_somebody_is_said",
        SUPPRESSION,
        "if most <= MOST_TIES:",
        "if True:",
    ),
    _tested(
        "suppression",
        "a deletion leaves the free space of the database file as it is",
        "build/test_erasure.py::test_a_run_that_withholds_somebody_writes_the_database_file_anew",
        f"{PACKAGE}/run_end.py",
        "if _to_rewrite is not None:",
        "if False:",
    ),
    _tested(
        "suppression",
        "a copy that lacks rows takes the place of the database",
        "unit/test_rewriting.py::test_a_copy_that_lacks_something_is_refused",
        f"{PACKAGE}/rewriting.py",
        "if contents(name) != contents(_FRESH):",
        "if False:",
    ),
    _tested(
        "suppression",
        "a person is deleted in one spelling alone",
        "unit/test_plan.py::test_people_are_one_in_every_spelling_that_some_destination_takes_for_one",
        f"{PACKAGE}/plan.py",
        "if id_.name in PERSON_IDS",
        "if not id_",
    ),
    _tested(
        "raw ids",
        "a value is no id in another spelling",
        "unit/test_raw_ids.py::TestLeaks"
        "::test_an_id_in_another_spelling_is_a_leak_where_it_is_the_same_person",
        f"{PACKAGE}/raw_ids.py",
        '_respelled(shown, "column_number", spellings)',
        "shown",
    ),
    _tested(
        "raw ids",
        "an id in a finished file is no id in another spelling",
        "unit/test_gate.py::test_an_id_in_another_spelling_is_found_where_it_is_the_same_person",
        f"{PACKAGE}/run/finished_files.py",
        'spellings = self._spellings("shown_text", ENVELOPE_IDS)',
        "spellings: list[str] = []",
    ),
    _tested(
        "raw ids",
        "the ids of calls that came later are not counted",
        "unit/test_raw_ids.py::test_ids_that_are_counted_run_by_run_are_those_of_all_calls",
        f"{PACKAGE}/raw_ids.py",
        "run_number > (select coalesce(max(run_number), 0) from {counted})",
        "(select max(run_number) from {counted}) is null",
    ),
    _tested(
        "rejected lines",
        "any part of the lines may be rejected",
        "unit/test_rejections.py::test_more_than_a_tenth_holds_everything_back",
        REJECTIONS,
        "if rejected > share * lines:",
        "if False:",
    ),
    _tested(
        "rejected lines",
        "a file of which nothing could be used is let pass",
        "unit/test_rejections.py::test_a_file_of_which_nothing_could_be_used_holds_everything_back",
        REJECTIONS,
        "[*_whole_files(new, kind_of), *_above(new, share)]",
        "[*_above(new, share)]",
    ),
    _tested(
        "rejected lines",
        "what was held back is diluted by what comes later",
        "unit/test_rejections.py::test_what_was_held_back_is_not_diluted_by_what_comes_later",
        REJECTIONS,
        "if item.read.run_number == run_number]",
        "if item.read.run_number]",
    ),
    fault(
        "rejected lines",
        CHECK,
        "a run does not ask whether it may publish",
        "a destination that did not pass was published",
        ("scripts/hipaa_mode/run/end_questions.py", "if ending.was_read:", "if False:"),
        is_built=True,
        check="rejected lines",
    ),
    fault(
        "raw files",
        CHECK,
        "calls keep the values that they were read with",
        "calls keep values",
        (
            "macros/engine/values_of_calls.sql",
            "case when {} is not null then '' end",
            "{}",
        ),
        check="no value kept",
    ),
    _tested(
        "raw files",
        "a file is read again whatever became of it since",
        "unit/test_raw_files.py::test_what_is_not_as_it_was_is_not_read_again",
        f"{PACKAGE}/raw_files.py",
        "not (_is_unchanged(file, before) or _only_grew(file, before))",
        "False",
    ),
    _tested(
        "raw files",
        "on Spark kept files are used whatever became of them",
        "unit/test_spark_kept.py::test_what_is_not_as_it_was_left_is_not_used",
        f"{PACKAGE}/engines/spark_kept.py",
        'content["parts"] != _sizes(place)',
        "False",
    ),
    _tested(
        "raw files",
        "on Spark masked rows are kept of calls that are read anew",
        "unit/test_spark_kept.py::test_a_masked_table_goes_on_only_if_the_calls_read_did",
        f"{PACKAGE}/run/build_questions.py",
        "name in MASKED and not (READ in self._kept_models and",
        "name in MASKED and not (True and",
    ),
    _tested(
        "raw files",
        "a bzip2 file that is cut short is read as far as it goes",
        "unit/test_raw_formats.py::TestCompressed::test_one_that_is_cut_short_is_refused",
        FORMATS,
        "                    raise EOFError\n",
        '                    return b""\n',
    ),
    _tested(
        "raw files",
        "an archive is read as lines",
        "unit/test_raw_formats.py::TestOthers::test_it_is_named",
        f"{PACKAGE}/raw_calls.py",
        "    if kind is not None and not (is_parquet",
        "    if False and not (is_parquet",
    ),
)
