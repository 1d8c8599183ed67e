"""Faults in views of latest values, in what they are published as, and in their proof."""

from __future__ import annotations

import json

from fault import CHECK, EXPERIMENT, PROOF, TESTS, Fault, fault
from project import GENERIC_TESTS, group, identify
from sandbox import PACKAGE, Edit

LATEST_SQL = "macros/destinations/latest_view_sql.sql"
PLAN = f"{PACKAGE}/plan.py"
VERIFY = f"{PACKAGE}/verify/proof.py"
LAST_ROW = "dev,ads,event,,member,mask,,,,,a test needs it,tests,\n"
CALL_ID = "'masked.row_id' ~ suffix if destination_plan"
CALLED_AT = "'masked.timestamp__' ~ precision if destination_plan"
FINER_TIME = "'masked.timestamp__hour' if destination_plan"
PERSON = "masked.{{ masked_row_id }} is not null"
CHECKS_CALL_ID = (
    'if terms.pop("call_id", None) is not super()._envelope(self._call_id, staging):\n'
    '            problem = "calls of one time'
)


def _rows(*rows: str) -> str:
    return "".join(f"dev,{row},a test needs it,tests,\n" for row in rows)


def _model(destination: str, view: str) -> Edit:
    path = f"models/destination_views/{destination}/{destination}__{view}.sql"
    return Edit(path, "", f"{{{{ hipaa_mode.destination_{view}('{destination}') }}}}\n")


def _yaml(destination: str, *views: str) -> Edit:
    """The views' tests; one of latest values has no event names to test."""
    lines = ["version: 2", "models:"]
    for view in views:
        is_of_calls = view in ("identifies", "groups")
        tests = [name for name in GENERIC_TESTS if is_of_calls or name != "only_allowed_events"]
        lines.append(f"  - name: {destination}__{view}\n    data_tests: [{', '.join(tests)}]")
    return Edit(
        f"models/destination_views/{destination}/_{views[-1]}.yml", "", "\n".join(lines) + "\n"
    )


def _calls() -> str:
    """Calls of five users and groups, several of each on a day, at other hours."""
    calls = []
    for number in range(40):
        ids = {
            "userId": f"canary-user-{number % 5}",
            "messageId": f"canary-trait-{number}",
            "sentAt": f"2026-03-0{number % 2 + 1}T{7 * number % 24:02}:10:09.25Z",
        }
        traits = {
            "tier": f"tier {number % 13}",
            "email": f"canary{number % 4}@example.com",
            "mrn": f"canary-{number}",
        }
        calls.append(identify(traits, **ids))
        group_ids = {**ids, "groupId": f"canary-clinic-{number % 5}"}
        calls.append(group({"size": number}, **{**group_ids, "messageId": f"canary-g{number}"}))
    calls.append(identify({"tier": "gold"}, messageId="canary-nobody"))
    return "".join(json.dumps(call) + "\n" for call in calls)


LATEST = (
    Edit(
        "seeds/allowed_properties.csv",
        LAST_ROW,
        LAST_ROW
        + _rows(
            "ga4,user,,tier,allow,,,none,",
            "ga4,user,,email,mask,email,,,",
            "ads,group,,size,allow,,integer,,",
        ),
    ),
    Edit("raw_calls/people.ndjson", "", _calls()),
    _model("ga4", "identifies"),
    _model("ga4", "users"),
    _yaml("ga4", "identifies", "users"),
    _model("ads", "groups"),
    _model("ads", "groups_latest"),
    _yaml("ads", "groups", "groups_latest"),
)
"""Views of latest values, of users and of groups, with calls and allowed values for them."""

DENIED = (
    _model("ga4", "groups"),
    _model("ga4", "groups_latest"),
    _yaml("ga4", "groups", "groups_latest"),
)


def _fault(*told: object, **more: object) -> Fault:
    return fault(*told, around=LATEST, **more)  # type: ignore[arg-type]


FAULTS: tuple[Fault, ...] = (
    _fault(
        "macros",
        TESTS,
        "latest values: calls of nobody are somebody's",
        "row_id_is_primary_key_ga4__users|masked_columns_are_tokens_ga4__users",
        (LATEST_SQL, PERSON, "true"),
    ),
    _fault(
        "macros",
        PROOF,
        "latest values: calls of one day are in the order of their hours",
        "form: ads__groups_latest: calls of one time are in an order that may tell more",
        (LATEST_SQL, CALL_ID, FINER_TIME),
    ),
    _fault(
        "macros",
        PROOF,
        "latest values: the hour when one changed is told, and not the day",
        r"form: ads__groups_latest\.changed_at: it is not in the reviewed form",
        (LATEST_SQL, CALLED_AT, FINER_TIME),
    ),
    _fault(
        "macros",
        PROOF,
        "latest values: whether one changed depends on other people's",
        "form: ga4__users: it is not the reviewed query of latest values",
        (
            "macros/engine/latest.sql",
            "' ignore nulls) over (partition by ' ~ group ~ ' order by '",
            "' ignore nulls) over (order by '",
        ),
    ),
    _fault(
        "macros",
        PROOF,
        "latest values: all values ever sent are in one text",
        "form: ga4__users: it is not the reviewed query of latest values",
        (
            LATEST_SQL,
            "{{ hipaa_mode.latest_value('value_' ~ loop.index, 'place') }} as",
            "{{ \"string_agg(distinct value_\" ~ loop.index ~ \", ' ')\" if column.name == 'tier' "
            "else hipaa_mode.latest_value('value_' ~ loop.index, 'place') }} as",
        ),
    ),
    _fault(
        "Python",
        PROOF,
        "latest values: their keys are of the scope that all share",
        r"scope: ads__groups_latest\.row_id: its token is of another scope",
        (PLAN, "masked_column=person,", 'masked_column=f"{id_name}__shared",'),
    ),
    fault(
        "Python",
        EXPERIMENT,
        "latest values: there is a row for each group that the destination may not know",
        r"ga4__groups_latest\.row_id: not the tokens of those whose values they are",
        (PLAN, '        if id_column.treatment == "deny":\n            continue\n', ""),
        *((edit.file, edit.old, edit.new) for edit in DENIED),
        around=LATEST,
    ),
    _fault(
        "macros, verify",
        EXPERIMENT,
        "latest values: calls of one day are in the order of their hours, and verify takes it",
        r"ads__groups_latest\.\w+: is not what follows from the calls",
        (LATEST_SQL, CALL_ID, FINER_TIME),
        (VERIFY, CHECKS_CALL_ID, CHECKS_CALL_ID.replace(" is not super()", " is super()")),
    ),
    _fault(
        "verify",
        CHECK,
        "latest values: verify takes calls of nobody",
        "calls of nobody are proven",
        (VERIFY, "if is_there not in filters:", "if False:"),
        check="calls of nobody refused",
    ),
    _fault(
        "verify",
        CHECK,
        "latest values: verify takes any query over the calls",
        "all values ever sent are proven",
        (
            VERIFY,
            "if _bare(query) != _bare(self.reviewed.latest_query(id_name, columns)):",
            "if False:",
        ),
        check="all values ever sent refused",
    ),
    _fault(
        "macros",
        CHECK,
        "latest values: their file stays although a call was taken back",
        "the file does not have the latest values",
        (
            f"{PACKAGE}/run/view_files.py",
            "if int(number) > since]",
            "if int(number) > since and not built.is_whole]",
        ),
        check="latest values of what is left",
    ),
)
