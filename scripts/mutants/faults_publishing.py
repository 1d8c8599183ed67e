"""Faults in publishing, the audit log and the proof itself."""

from __future__ import annotations

from fault import CHECK, EXPERIMENT, Fault, fault

PUBLISH = "macros/publishing/publish.sql"
START = "macros/configuration/start_run.sql"
PACKAGE = "scripts/hipaa_mode"
PUBLISHING = f"{PACKAGE}/publishing.py"
PERMISSION = f"{PACKAGE}/run/permission.py"
REQUIRED = f"{PACKAGE}/run/required_checks.py"
GATE = f"{PACKAGE}/run/gate.py"
FILES = f"{PACKAGE}/run/finished_files.py"
AUDIT = f"{PACKAGE}/audit.py"
VIEW_SQL = "macros/destinations/destination_view_sql.sql"
MASKED = "{%- set masked = ref('hipaa_mode', 'masked_' ~ view) -%}\n"

FAULTS: tuple[Fault, ...] = (
    # Publishing
    fault(
        "publishing",
        CHECK,
        "a destination is published though a test failed",
        "a destination that did not pass was published",
        (PERMISSION, 'PASSED = ("success", "pass")', 'PASSED = ("success", "pass", "fail")'),
        is_built=True,
        check="failed test",
    ),
    fault(
        "publishing",
        CHECK,
        "a destination is published though a test warned",
        "a destination that did not pass was published",
        (PERMISSION, 'PASSED = ("success", "pass")', 'PASSED = ("success", "pass", "warn")'),
        is_built=True,
        check="warned test",
    ),
    fault(
        "publishing",
        CHECK,
        "a destination is published though a test did not run",
        "a destination that did not pass was published",
        (PERMISSION, "    if status in PASSED:", "    if status in (None, *PASSED):"),
        is_built=True,
        check="left out test",
    ),
    fault(
        "publishing",
        CHECK,
        "a run on a part of the calls publishes, and no test counts the calls",
        "a run on a part of the calls published",
        (PERMISSION, "if request.is_part:", "if False:"),
        (
            "macros/materializations/destination_view.sql",
            "and destination_plan and not flags.EMPTY and not flags.SAMPLE",
            "and destination_plan",
        ),
        (
            "tests/reconciliation/raw_calls_are_all_accounted_for.sql",
            "where raw_calls <> calls_read or all_calls <> staged + duplicates + rejected + withheld",
            "where false",
        ),
        is_built=True,
        check="run of a part",
    ),
    fault(
        "publishing",
        EXPERIMENT,
        "rows are published in the order of arrival",
        r"ga4__events\.row_id: rows are in another order than that of their row ids",
        (
            "macros/publishing/write_files.sql",
            " order by try_cast('0x' || left(row_id, 15) as bigint)",
            "",
        ),
    ),
    fault(
        "publishing",
        CHECK,
        "a destination that was removed stays published",
        "its files are still published",
        (PUBLISHING, "if name in kept or not is_destination(name):", "if True:"),
        is_built=True,
        check="removed destination",
    ),
    fault(
        "publishing",
        CHECK,
        "the old files are removed before the new ones are there",
        "test_the_whole_set_changes_in_one_step",
        (
            PUBLISHING,
            "    elif _exchange(incoming, published):\n",
            "    elif shutil.rmtree(published) is None:\n        incoming.rename(published)\n"
            "    elif _exchange(incoming, published):\n",
        ),
        check="unit/test_publishing.py::test_the_whole_set_changes_in_one_step",
    ),
    fault(
        "publishing",
        CHECK,
        "published files can be read by others",
        "test_everything_published_is_its_owners_alone",
        (f"{PACKAGE}/folders.py", "FILE_MODE = 0o600", "FILE_MODE = 0o644"),
        check="unit/test_publishing.py::test_everything_published_is_its_owners_alone",
    ),
    fault(
        "publishing",
        CHECK,
        "a file that differs from its manifest is not told",
        "test_every_difference_from_the_manifest_is_told",
        (PUBLISHING, '[name]["sha256"]:\n', '[name]["sha256"] and False:\n'),
        check="unit/test_publishing.py::test_every_difference_from_the_manifest_is_told",
    ),
    fault(
        "publishing",
        CHECK,
        "a required check may be switched off",
        "test_a_required_check_that_is_switched_off_is_named",
        (PERMISSION, "        else:\n            reasons.append(reason)\n", ""),
        check="unit/test_permission.py::test_a_required_check_that_is_switched_off_is_named",
    ),
    fault(
        "publishing",
        CHECK,
        "a required check may be weakened",
        "test_a_check_that_is_weakened_is_as_good_as_none",
        (
            REQUIRED,
            "name for name, values in UNCHANGED.items() if name in config and",
            "name for name, values in UNCHANGED.items() if False and",
        ),
        check="unit/test_permission.py::test_a_check_that_is_weakened_is_as_good_as_none",
    ),
    fault(
        "publishing",
        CHECK,
        "a test may overlook ids of any length",
        "test_arguments_that_weaken_a_check_are_bounded",
        (REQUIRED, " or length > MOST_MINIMUM_LENGTH", ""),
        check="unit/test_permission.py::test_arguments_that_weaken_a_check_are_bounded",
    ),
    fault(
        "publishing",
        CHECK,
        "a macro of the project's own passes for a check",
        "test_a_macro_of_the_projects_own_is_no_check_of_ours",
        (
            PERMISSION,
            'return self.test == test and f"macro.{PACKAGE}.test_{test}" in self.macros',
            "return self.test == test",
        ),
        check="unit/test_permission.py::test_a_macro_of_the_projects_own_is_no_check_of_ours",
    ),
    fault(
        "publishing",
        CHECK,
        "a destination model may be more than its one line",
        "test_a_destination_model_is_one_line",
        (PERMISSION, "if not re.fullmatch(", "if not re.search("),
        check="unit/test_permission.py::test_a_destination_model_is_one_line",
    ),
    fault(
        "publishing",
        CHECK,
        "a model of the package may differ by command",
        "test_a_model_of_the_package_that_could_differ_by_command_is_held_back",
        (PERMISSION, "        if not is_plain(node.code)", "        if False"),
        check="unit/test_permission.py::test_a_model_of_the_package_that_could_differ_by_command_is_held_back",
    ),
    *(
        fault(
            "macros",
            EXPERIMENT,
            f"views are built from other SQL than is compiled, by the {name}",
            "nothing proves what was built",
            (VIEW_SQL, MASKED, MASKED + f"-- {{{{ {asked} }}}}\n"),
        )
        for name, asked in {
            "command": "flags.WHICH",
            "environment variables": "env_var('HIPAA_MODE_KEY_FILE', '')",
            "day": "run_started_at.date()",
        }.items()
    ),
    fault(
        "publishing",
        CHECK,
        "what was built otherwise is published all the same",
        "test_what_was_built_otherwise_holds_back_what_is_made_of_it",
        (PERMISSION, "for one in unique_ids if one in reasons]", "for one in ()]"),
        check="unit/test_permission.py::test_what_was_built_otherwise_holds_back_what_is_made_of_it",
    ),
    fault(
        "publishing",
        CHECK,
        "SQL that begins as it was compiled is taken for the same",
        "test_any_other_difference_is_one",
        (
            f"{PACKAGE}/run/compiled_again.py",
            "        and built.endswith(after)\n",
            "",
        ),
        check="unit/test_compiled_again.py",
    ),
    fault(
        "publishing",
        CHECK,
        "finished files are not looked at",
        "test_an_id_of_the_calls_does_not_pass",
        (GATE, "        if problems:", "        if False:"),
        check="unit/test_gate.py::test_an_id_of_the_calls_does_not_pass",
    ),
    fault(
        "publishing",
        CHECK,
        "only the columns of the first finished file are looked at",
        "test_a_column_more_in_any_file_is_found",
        (FILES, "    for file in finished.files:", "    for file in finished.files[:1]:"),
        check="unit/test_gate.py::test_a_column_more_in_any_file_is_found",
    ),
    fault(
        "publishing",
        CHECK,
        "tokens in finished files may have any form",
        "test_what_must_not_leave_is_found",
        (FILES, "        if column.treatment in DIGITS:", "        if False:"),
        check="unit/test_gate.py::test_what_must_not_leave_is_found",
    ),
    fault(
        "publishing",
        CHECK,
        "times in finished files may be as fine as they like",
        "test_what_must_not_leave_is_found",
        (FILES, "plan.timestamp_precision in TRUNCATED:", "False:"),
        check="unit/test_gate.py::test_what_must_not_leave_is_found",
    ),
    fault(
        "publishing",
        CHECK,
        "seeds may change while a run goes on",
        "test_seeds_that_changed_during_the_run_hold_back",
        (GATE, "        self._check_seeds(name)\n", ""),
        check="unit/test_gate.py::test_seeds_that_changed_during_the_run_hold_back",
    ),
    # The audit log
    fault(
        "audit log",
        CHECK,
        "what was held back is not recorded",
        "the audit log does not say that it was held back",
        (
            PUBLISH,
            "hipaa_mode.record_audit(door.held_back(), is_end=true)",
            "none",
        ),
        is_built=True,
        check="failed test",
    ),
    fault(
        "publishing",
        CHECK,
        "a reason of the whole run holds back nobody",
        "test_a_reason_of_the_run_holds_back_all_and_closes_the_gate",
        ("scripts/hipaa_mode/run/ending.py", "permission.reasons += self.reasons", "pass"),
        check="unit/test_run_ending.py::TestChoice::test_a_reason_of_the_run_holds_back_all_and_closes_the_gate",
    ),
    fault(
        "publishing",
        CHECK,
        "another key is taken without a word",
        "test_another_key_is_refused_by_both_fingerprints",
        ("scripts/hipaa_mode/run/stored.py", "if accepted != fingerprint:", "if False:"),
        check="unit/test_run_stored.py::test_another_key_is_refused_by_both_fingerprints",
    ),
    fault(
        "macros",
        CHECK,
        "columns of JSON are not looked through for ids",
        "test_each_check_reads_what_can_break_it",
        (
            "scripts/hipaa_mode/run/checked_columns.py",
            'objects = tuple(column for column in others if column.data_type == "json")',
            "objects: Columns = ()",
        ),
        check="unit/test_checked_columns.py::test_each_check_reads_what_can_break_it",
    ),
    fault(
        "audit log",
        CHECK,
        "what was published is not recorded",
        "`ga4` (is published|was published by a run) without an entry",
        (
            "macros/publishing/publish_destination.sql",
            "hipaa_mode.record_audit([{'destination': name, 'outcome': 'published'}], is_end=true)",
            "none",
        ),
        check="publication recorded",
    ),
    fault(
        "audit log",
        CHECK,
        "a refused run is not recorded",
        "the audit log does not say that it was refused",
        (
            START,
            "hipaa_mode.record_audit([{'destination': '*', 'outcome': 'refused', 'reasons': started.faults}], create=false)",
            "none",
        ),
        is_built=True,
        check="refusal recorded",
    ),
    fault(
        "audit log",
        CHECK,
        "the chain of hashes is not checked",
        r"test_tampering_is_found\[dropped\]",
        (
            AUDIT,
            'if entry["previous"] != previous or entry["sequence"] != sequence + 1:',
            "if False:",
        ),
        check="unit/test_audit.py::test_tampering_is_found",
    ),
    fault(
        "audit log",
        CHECK,
        "an entry's own hash is not checked",
        r"test_tampering_is_found\[a reason added\]",
        (AUDIT, ' or sealed(entry, None)["hash"] != entry["hash"]:', ":"),
        check="unit/test_audit.py::test_tampering_is_found",
    ),
    fault(
        "audit log",
        CHECK,
        "an allowlist that entries name, and that is gone, is not missed",
        "test_one_that_is_gone_breaks_the_chain",
        (
            AUDIT,
            '    if ("allowlist" in entry or is_delivery) and named not in known:',
            "    if False:",
        ),
        check="unit/test_audit.py::TestAllowlists::test_one_that_is_gone_breaks_the_chain",
    ),
    fault(
        "audit log",
        CHECK,
        "the HMACs are not checked",
        r"test_tampering_is_found\[edited and hashed anew\]",
        (AUDIT, "elif not hmac.compare_digest(", "elif False and hmac.compare_digest("),
        check="unit/test_audit.py::test_tampering_is_found",
    ),
    fault(
        "audit log",
        CHECK,
        "the file is not compared with the table",
        r"test_tampering_is_found\[truncated\]",
        (AUDIT, "    if table is not None:\n", "    if False:\n"),
        check="unit/test_audit.py::test_tampering_is_found",
    ),
    fault(
        "audit log",
        CHECK,
        "the log is written anew by every run",
        "test_a_log_written_in_several_runs_is_one_sound_chain",
        (AUDIT, "os.O_RDWR | os.O_APPEND | os.O_CREAT", "os.O_RDWR | os.O_TRUNC | os.O_CREAT"),
        check="unit/test_audit.py::test_a_log_written_in_several_runs_is_one_sound_chain",
    ),
    fault(
        "audit log",
        CHECK,
        "a published file that was changed is not noticed",
        "`audit verify` does not see a changed file",
        (AUDIT, "    findings.faults += _published_faults(root, environment, found)\n", ""),
        is_built=True,
        check="changed file noticed",
    ),
    # The proof itself
    fault(
        "proof",
        CHECK,
        "verify takes any form for the reviewed one",
        "a column of another property is proven",
        (
            f"{PACKAGE}/verify/proof.py",
            "is_proven = inner in self._forms(column)",
            "is_proven = True",
        ),
        check="column of another property refused",
    ),
    fault(
        "proof",
        CHECK,
        "verify takes any predicate for safe",
        "a filter on a token is proven",
        (
            f"{PACKAGE}/verify/proof.py",
            "if not is_wider or listed is None or not listed <= predicate.arguments[1]:",
            "if False:",
        ),
        check="filter on a token refused",
    ),
    fault(
        "proof",
        CHECK,
        "verify takes any lookup of a token for safe",
        "a token looked up by another id is proven",
        (f"{PACKAGE}/verify/proof.py", "if condition != frozenset((wanted,)):", "if False:"),
        check="token looked up by another id refused",
    ),
    fault(
        "proof",
        EXPERIMENT,
        "the selftest takes any two values for the same",
        "the comparison did not see",
        (
            f"{PACKAGE}/selftest/compare.py",
            "return bool(one == other) or (one != one and other != other)",
            "return True",
        ),
    ),
    fault(
        "proof",
        EXPERIMENT,
        "the selftest changes nothing",
        "no call could be changed, so nothing is shown",
        (
            f"{PACKAGE}/selftest/twin.py",
            "line = dump(self._changed(call)).encode()",
            "line = call.line",
        ),
    ),
)
