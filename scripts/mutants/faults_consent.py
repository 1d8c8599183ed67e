"""Faults in opt-outs and consent: calls that say no and would be sent all the same."""

from __future__ import annotations

import json

from fault import CHECK, EXPERIMENT, PROOF, TESTS, Fault, fault
from project import track
from sandbox import PACKAGE, Edit

FUNCTIONS = f"{PACKAGE}/functions/duckdb.sql"
REVIEWED = "function: functions: macros/functions/duckdb.sql is not as reviewed"
DENIED = "macros/consent/denied_calls.sql"
VIEW_SQL = "macros/destinations/destination_view_sql.sql"
CONSENT = f"{PACKAGE}/consent.py"
NO = {"All": False}
ADS = "dev,ads,webhook,server_side,true,,,destination,,"


def _calls() -> str:
    """Calls that say no in one way each, and two that say yes."""
    said: list[dict[str, object]] = [
        {"integrations": NO},
        {"integrations": {"WEBHOOK ": False}},
        {"integrations": {"Webhook": "no"}},
        {"integrations": {}},
        {"context": {"consent": {"categoryPreferences": {"Ads": False}}}},
        {"context": {"consent": {"categoryPreferences": {"Ads": True}}}},
    ]
    calls = [
        track("Signed In", {"plan": "gold"}, messageId=f"canary-says-{number}", **fields)
        for number, fields in enumerate(said)
    ]
    for hour, answer in ((10, {}), (11, NO)):
        at = f"2026-03-02T{hour}:00:00Z"
        calls.append(
            track("Signed In", messageId="canary-later", receivedAt=at, integrations=answer)
        )
    return "".join(json.dumps(call) + "\n" for call in calls)


AROUND = (Edit("raw_calls/says.ndjson", "", _calls()),)
NEEDS = (*AROUND, Edit("seeds/destinations.csv", f"{ADS},\n", f"{ADS}Ads,\n"))
"""With a destination that asks for consent too."""

FAULTS: tuple[Fault, ...] = (
    fault(
        "consent",
        TESTS,
        "a view has the calls that say no to it",
        "no_denied_calls_ga4__events",
        (VIEW_SQL, "{{ hipaa_mode.is_not_denied(destination) }}", "true"),
        around=AROUND,
    ),
    fault(
        "consent",
        PROOF,
        "a view leaves out what says no to another destination",
        "missing-filter: ga4__events: calls that are denied to the destination are not left out",
        (
            DENIED,
            "hipaa_mode.list_has(denied_to, hipaa_mode.literal(destination))",
            "hipaa_mode.list_has(denied_to, \"'ads'\")",
        ),
        around=NEEDS,
    ),
    fault(
        "consent",
        PROOF,
        "a view leaves out what says no, and its condition is another",
        "missing-filter: ga4__events: calls that are denied to the destination are not left out",
        (
            DENIED,
            "{{- return('not ' ~ hipaa_mode.list_has(denied_to",
            "{{- return('0 = hipaa_functions.categories_with(' ~ denied_to ~ \", ['category x: ga4'], 'x')\""
            " if destination == 'ga4' else 'not ' ~ hipaa_mode.list_has(denied_to",
        ),
        around=AROUND,
    ),
    fault(
        "consent",
        PROOF,
        "a no is read as a yes",
        REVIEWED,
        (
            FUNCTIONS,
            "member[2] = 'true'\n                        or (",
            "member[2] in ('true', 'false')\n                        or (",
        ),
        around=AROUND,
    ),
    fault(
        "consent",
        PROOF,
        "a value that is no answer counts for nothing",
        REVIEWED,
        (
            FUNCTIONS,
            "when list_has_any(signals, unreadable) then 'unreadable'",
            "when list_has_any(signals, unreadable) then null",
        ),
        around=AROUND,
    ),
    fault(
        "consent",
        PROOF,
        "the first delivery says whether a call may be sent",
        "staging: ga4__events: in model denied_calls: it is not as reviewed",
        (DENIED, "max(usable.received_at) over", "min(usable.received_at) over"),
        around=AROUND,
    ),
    fault(
        "consent",
        EXPERIMENT,
        "a no counts under the exact name alone",
        r"ga4__events\.row_id",
        (CONSENT, '"".join(shown).lower()', '"".join(shown)'),
        around=AROUND,
    ),
    fault(
        "consent",
        EXPERIMENT,
        "a destination's consent categories count for nothing",
        r"ads__events\.row_id",
        (CONSENT, "    needed = sorted(set(categories))\n", "    needed: list[str] = []\n"),
        around=NEEDS,
    ),
    fault(
        "consent",
        CHECK,
        "finished files are not searched for calls that say no",
        "test_a_row_that_is_denied_does_not_pass",
        (
            f"{PACKAGE}/run/finished_files.py",
            '        if found:\n            check = "rows of calls that',
            '        if False:\n            check = "rows of calls that',
        ),
        check="unit/test_gate.py::test_a_row_that_is_denied_does_not_pass",
    ),
    fault(
        "lock",
        CHECK,
        "opt-outs that no longer count are no difference",
        "test_a_change_of_what_is_asked_for",
        (
            f"{PACKAGE}/received/description.py",
            "named = destination.type if destination.honors_opt_outs else None",
            "named = destination.type",
        ),
        check="unit/test_consent.py::TestLock::test_a_change_of_what_is_asked_for",
    ),
)
