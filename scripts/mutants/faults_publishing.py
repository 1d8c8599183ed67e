"""Faults in publishing, the audit log and the proof itself."""

from __future__ import annotations

from fault import CHECK, EXPERIMENT, Fault, fault

BLOCKERS = "macros/publishing/publishing_blockers.sql"
PUBLISH = "macros/publishing/publish.sql"
START = "macros/configuration/start_run.sql"
PACKAGE = "scripts/hipaa_mode"
PUBLISHING = f"{PACKAGE}/publishing.py"
AUDIT = f"{PACKAGE}/audit.py"

FAULTS: tuple[Fault, ...] = (
    # Publishing
    fault(
        "publishing",
        CHECK,
        "a destination is published though a test failed",
        "a destination that did not pass was published",
        (BLOCKERS, "return(name ~ ' failed')", "return('')"),
        is_built=True,
        check="failed test",
    ),
    fault(
        "publishing",
        CHECK,
        "a destination is published though a test warned",
        "a destination that did not pass was published",
        (BLOCKERS, "return(name ~ ' warned, which is not passing')", "return('')"),
        is_built=True,
        check="warned test",
    ),
    fault(
        "publishing",
        CHECK,
        "a destination is published though a test did not run",
        "a destination that did not pass was published",
        (BLOCKERS, "return(name ~ ' did not run')", "return('')"),
        is_built=True,
        check="left out test",
    ),
    fault(
        "publishing",
        CHECK,
        "a run on a part of the calls publishes, and no test counts the calls",
        "a run on a part of the calls published",
        (PUBLISH, "flags.EMPTY or flags.SAMPLE", "false"),
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
        (PUBLISHING, "or published.is_symlink() or published.name in kept", "or True"),
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
            "    elif _exchange(incoming, published):\n        shutil.rmtree(incoming)\n",
            "    elif shutil.rmtree(published) is None:\n        incoming.rename(published)\n",
        ),
        check="test_publishing.py::test_the_whole_set_changes_in_one_step",
    ),
    fault(
        "publishing",
        CHECK,
        "published files can be read by others",
        "test_everything_published_is_its_owners_alone",
        (PUBLISHING, "FILE_MODE = 0o600", "FILE_MODE = 0o644"),
        check="test_publishing.py::test_everything_published_is_its_owners_alone",
    ),
    fault(
        "publishing",
        CHECK,
        "a file that differs from its manifest is not told",
        "test_every_difference_from_the_manifest_is_told",
        (PUBLISHING, '[name]["sha256"]:\n', '[name]["sha256"] and False:\n'),
        check="test_publishing.py::test_every_difference_from_the_manifest_is_told",
    ),
    # The audit log
    fault(
        "audit log",
        CHECK,
        "what was held back is not recorded",
        "the audit log does not say that it was held back",
        (PUBLISH, "hipaa_mode.record_audit(held_back, after=audit.sequence)", "none"),
        is_built=True,
        check="failed test",
    ),
    fault(
        "audit log",
        CHECK,
        "what was published is not recorded",
        "`ga4` (is published|was published by a run) without an entry",
        (
            PUBLISH,
            "hipaa_mode.record_audit([{'destination': name, 'outcome': 'published', 'checks': blockers[name].checks, 'token_bridge': published[-1].token_bridge}], after=audit.sequence)",
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
        check="test_audit.py::test_tampering_is_found",
    ),
    fault(
        "audit log",
        CHECK,
        "an entry's own hash is not checked",
        r"test_tampering_is_found\[a reason added\]",
        (AUDIT, ' or sealed(entry, None)["hash"] != entry["hash"]:', ":"),
        check="test_audit.py::test_tampering_is_found",
    ),
    fault(
        "audit log",
        CHECK,
        "the HMACs are not checked",
        r"test_tampering_is_found\[edited and hashed anew\]",
        (AUDIT, "elif not hmac.compare_digest(", "elif False and hmac.compare_digest("),
        check="test_audit.py::test_tampering_is_found",
    ),
    fault(
        "audit log",
        CHECK,
        "the file is not compared with the table",
        r"test_tampering_is_found\[truncated\]",
        (AUDIT, "    if table is not None:\n", "    if False:\n"),
        check="test_audit.py::test_tampering_is_found",
    ),
    fault(
        "audit log",
        CHECK,
        "the log is written anew by every run",
        "test_a_log_written_in_several_runs_is_one_sound_chain",
        (AUDIT, "os.O_RDWR | os.O_APPEND | os.O_CREAT", "os.O_RDWR | os.O_TRUNC | os.O_CREAT"),
        check="test_audit.py::test_a_log_written_in_several_runs_is_one_sound_chain",
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
