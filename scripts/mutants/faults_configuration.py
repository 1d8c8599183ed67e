"""Faults in what refuses settings and rows that say more than they do."""

from __future__ import annotations

from fault import CHECK, CONSTRUCTION, Fault, fault

SETTINGS = "scripts/hipaa_mode/settings.py"
EFFECTS = "scripts/hipaa_mode/effects.py"
SEEDS = "scripts/hipaa_mode/seeds.py"
CONFIGURATION = "scripts/hipaa_mode/configuration.py"

FAULTS: tuple[Fault, ...] = (
    fault(
        "project",
        CONSTRUCTION,
        "a dbt variable is misspelt",
        "no dbt variable is called `hipaa_mode__enviroment`",
        (
            "dbt_project.yml",
            "vars:\n",
            "vars:\n  hipaa_mode__enviroment: prod\n",
        ),
    ),
    fault(
        "Python",
        CHECK,
        "an environment variable that nobody knows is let be",
        "unit/test_settings.py::test_an_unknown_environment_variable_is_a_fault_and_names_the_nearest",
        (SETTINGS, "elif (is_meant or is_ours)(str(name)):", "elif False:"),
        check="unit/test_settings.py",
    ),
    fault(
        "Python",
        CHECK,
        "seeds of unit tests may be those of a run",
        "unit/test_settings.py::test_the_seed_folder_is_for_unit_tests_alone",
        (
            SETTINGS,
            "if setting.use is Use.UNIT_TESTS:",
            "if False:",
        ),
        check="unit/test_settings.py",
    ),
    fault(
        "Python",
        CHECK,
        "a URL is taken for a folder",
        "unit/test_settings.py::test_a_value_of_the_wrong_sort_is_a_fault",
        (SETTINGS, "and any(map(is_url, map(str, texts))):", "and False:"),
        check="unit/test_settings.py",
    ),
    fault(
        "Python",
        CHECK,
        "a part of a granted object may seem to be denied",
        "unit/test_effects.py::test_a_row_below_a_granted_object_keeps_nothing_back",
        (
            EFFECTS,
            '    if row.treatment.kind.name != "allow":\n        return True\n',
            '    if row.treatment.kind.name != "allow":\n        return False\n',
        ),
        check="unit/test_effects.py",
    ),
    fault(
        "Python",
        CHECK,
        "rows may seem to restrict a destination that gets everything",
        "unit/test_effects.py::test_a_row_for_a_destination_without_restriction_is_a_fault",
        (EFFECTS, "if problems and all(problems):", "if False:"),
        check="unit/test_effects.py",
    ),
    fault(
        "Python",
        CHECK,
        "a row that narrows nothing is not told",
        "unit/test_effects.py::test_a_narrowing_row_without_which_nothing_changes_is_told",
        (EFFECTS, "if narrows and id(row) not in works:", "if False:"),
        check="unit/test_effects.py",
    ),
    fault(
        "Python",
        CHECK,
        "destinations for every environment make any environment known",
        "unit/test_effects.py::test_destinations_for_every_environment_make_no_environment_known",
        (CONFIGURATION, "elif not configuration.names(row.environment):", "elif False:"),
        check="unit/test_effects.py",
    ),
    fault(
        "Python",
        CHECK,
        "a column that nothing reads is let be",
        "unit/test_seeds.py::test_a_column_that_nothing_reads_is_a_fault",
        (SEEDS, "if column not in known and not missing]", "if False]"),
        check="unit/test_seeds.py",
    ),
    fault(
        "Python",
        CHECK,
        "a path that no call has is not told",
        "unit/test_never_matched.py::test_many_rows_are_told_in_a_few_lines",
        (
            "scripts/hipaa_mode/never_matched.py",
            "        if not was_matched:\n",
            "        if False:\n",
        ),
        check="unit/test_never_matched.py::test_many_rows_are_told_in_a_few_lines",
    ),
)
