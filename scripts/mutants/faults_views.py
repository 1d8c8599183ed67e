"""Faults in staging and in destination views."""

from __future__ import annotations

from fault import CONSTRUCTION, PROOF, TESTS, Fault, fault
from sandbox import PACKAGE, Edit

MASKING = "macros/masking"
FORM = f"{MASKING}/masked_expression.sql"
TOKEN = "macros/engine/masking.sql"
STAGING = "macros/staging"
READ_CALLS = f"{STAGING}/read_calls.sql"
VIEW_SQL = "macros/destinations/destination_view_sql.sql"
GA4 = "models/destination_views/ga4/ga4__events.sql"
ADS = "models/destination_views/ads/ads__events.sql"
CALL_TOKEN = "'system.main.hipaa_mask(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ')'"
PATH = "do paths.append(value.json_path)"
BY_HAND = "{{ config(materialized='destination_view', group='restricted_zone') }}\n"
VIEW = "{{ hipaa_mode.destination_view_sql('ga4', 'events')"
ADS_VIEW = "{{ hipaa_mode.destination_view_sql('ads', 'events')"
WIDER = f"{BY_HAND}select *, 'x' as extra from (\n{VIEW} }}}}\n) as own\n"
RAW = "{{ ref('stg_calls') }} as raw"
CHECKS_COLUMNS = "hipaa_mode.refuse_other_columns(model.name, columns, hipaa_mode.columns_of('(' ~ sql ~ '\\n) as candidate'))"
ABSENT = (
    Edit(
        "seeds/destinations.csv",
        "prod,ga4,webhook,server_side,true,,,,,,\n",
        "prod,ga4,webhook,server_side,true,,,,,,\nprod,crm,webhook,server_side,true,,,,,,\n",
    ),
    Edit(
        "models/destination_views/crm/crm__events.sql",
        "",
        "{{ hipaa_mode.destination_events('crm') }}\n",
    ),
    Edit(
        "models/destination_views/crm/_crm.yml",
        "",
        "version: 2\nmodels:\n  - name: crm__events\n    data_tests: [rows_match_calls]\n",
    ),
)
CHECKS = "macros/destinations/checks.sql"

FAULTS: tuple[Fault, ...] = (
    # Staging
    fault(
        "macros",
        PROOF,
        "a path is widened to its parent object",
        r"unlisted-property: ga4__events\.plan: it is made of something that is not allowlisted",
        (READ_CALLS, PATH, """do paths.append('$."properties"')"""),
    ),
    fault(
        "macros",
        PROOF,
        "a path finds a name of another case",
        r"unlisted-property: ga4__events\.plan: it is made of something that is not allowlisted",
        (READ_CALLS, PATH, """do paths.append(value.json_path | replace('"plan"', '"Plan"'))"""),
    ),
    fault(
        "macros",
        PROOF,
        "a path is a wildcard",
        "syntax: ga4__events: in model calls_read: a JSON path that is no one place",
        (READ_CALLS, PATH, """do paths.append('$."properties".*')"""),
    ),
    fault(
        "macros",
        PROOF,
        "the event's name comes from another field too",
        "staging: ga4__events",
        (
            READ_CALLS,
            "when call_type = 'track' then event_text",
            "when call_type = 'track' then coalesce(event_text, name_text)",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "the user id comes from another field too",
        "staging: ga4__events: in model withheld_calls: its column user_id of calls_read",
        (
            READ_CALLS,
            "'user_id': ['userId', 'user_id']",
            "'user_id': ['userId', 'email']",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "calls of unknown types are not rejected",
        "staging: ga4__events: its rows are not those of staging",
        (READ_CALLS, "then 'unknown_type'", "then null"),
    ),
    fault(
        "macros",
        TESTS,
        "rejected calls are lost",
        "raw_calls_are_all_accounted_for",
        (READ_CALLS, "select * from final", "select * from final where rejection_reason is null"),
    ),
    fault(
        "macros",
        TESTS,
        "rejected calls are staged all the same",
        "raw_calls_are_all_accounted_for",
        (f"{STAGING}/staged_calls.sql", "calls_read.rejection_reason is null", "true"),
    ),
    fault(
        "macros",
        TESTS,
        "repeated deliveries are staged too",
        "raw_calls_are_all_accounted_for",
        (
            f"{STAGING}/staged_calls.sql",
            "        and duplicate_calls.line_number is null\n",
            "",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "calls of people whose data are deleted are staged all the same",
        "staging: ga4__events: its rows are not those of staging",
        (
            f"{STAGING}/staged_calls.sql",
            "        and withheld_calls.line_number is null\n",
            "",
        ),
    ),
    fault(
        "models",
        PROOF,
        "alias calls tie nobody to a person whose data are deleted",
        "staging: ga4__events: in model withheld_calls: it is not as reviewed",
        (
            f"{STAGING}/tied_people.sql",
            "inner join ties on {{ name }}.id = ties.one_id",
            "inner join ties on false",
        ),
    ),
    fault(
        "models",
        PROOF,
        "threads may lose steps between a deleted person and those tied to them",
        "staging: ga4__events: in model withheld_calls: it is not as reviewed",
        (f"{STAGING}/tied_people.sql", "ties as {{ hipaa_mode.kept() }}(", "ties as ("),
    ),
    fault(
        "models",
        PROOF,
        "a deleted person in another spelling is somebody else",
        "staging: ga4__events: in model withheld_calls: it is not as reviewed",
        (
            f"{STAGING}/tied_people.sql",
            "{%- for normalize in normalizations %}",
            "{%- for normalize in [] %}",
        ),
    ),
    fault(
        "models",
        PROOF,
        "one spelling of the former id in an alias call is not read",
        "staging: ga4__events: in model withheld_calls: its column previous_id of calls_read is not"
        " as reviewed",
        (READ_CALLS, "['previousId', 'previous_id']", "['previous_id', 'previous_id']"),
    ),
    fault(
        "models",
        TESTS,
        "the second delivery of a message id is staged too",
        "row_id_is_primary_key_ga4__events",
        ("macros/staging/calls_and_duplicates.sql", "where delivery > 1", "where delivery > 2"),
    ),
    fault(
        "models",
        PROOF,
        "the last delivery counts and not the first",
        "staging: ga4__events: in model duplicate_calls: it is not as reviewed",
        (
            "macros/staging/calls_and_duplicates.sql",
            "order = 'timestamp nulls last,",
            "order = 'timestamp desc nulls last,",
        ),
    ),
    fault(
        "models",
        PROOF,
        "calls of other people are one call where they share a message id",
        "staging: ga4__events: in model call_keys: it is not as reviewed",
        (
            "macros/staging/calls_and_duplicates.sql",
            "partition by message_id, call_type, user_id, anonymous_id, group_id",
            "partition by message_id",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "when a call was sent counts before when it happened",
        "in model withheld_calls: its column timestamp of calls_read is not as reviewed",
        (READ_CALLS, "            possible_timestamp,\n            {{", "            {{"),
    ),
    fault(
        "macros",
        PROOF,
        "what stands for an id that is not there is an id",
        "in model withheld_calls: its column user_id of calls_read is not as reviewed",
        (
            READ_CALLS,
            "first_id({{ field }}_text1, {{ field }}_text2, {{ placeholders }})",
            "not_blank({{ field }}_text1)",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "keys in another spelling are not read",
        "in model withheld_calls: its column user_id of calls_read is not as reviewed",
        (
            READ_CALLS,
            "case when hipaa_functions.has_any(other_keys) then hipaa_functions.json_texts",
            "case when false then hipaa_functions.json_texts",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "of two spellings of integrations the first counts",
        "function: functions: macros/functions/duckdb.sql is not as reviewed",
        (f"{PACKAGE}/functions/duckdb.sql", "case len(telling) when 0", "case 0 when 0"),
    ),
    fault(
        "macros",
        PROOF,
        "a text that is cut within a character costs the call",
        "in model withheld_calls: its column user_id of calls_read is not as reviewed",
        (
            READ_CALLS,
            "            when hipaa_functions.may_break_characters(message) then",
            "            when false then",
        ),
    ),
    fault(
        "models",
        PROOF,
        "the key of a call without message id is its place in the file",
        "staging: ga4__events: in model call_keys: it is not as reviewed",
        (
            "macros/staging/calls_and_duplicates.sql",
            "'content:' || content_hash ||",
            "'content:' || line_number ||",
        ),
    ),
    # Destination views
    fault(
        "models",
        CONSTRUCTION,
        "a column is added by hand",
        "`ga4__events` was refused .* Not allowlisted: extra (VARCHAR|TEXT)",
        (GA4, "", WIDER),
    ),
    fault(
        "models",
        CONSTRUCTION,
        "a view selects everything",
        "`ga4__events` was refused .* Not allowlisted: row_id__for_ads (VARCHAR|TEXT)",
        (GA4, "", f"{BY_HAND}select * from {{{{ ref('masked_events') }}}}\n"),
    ),
    fault(
        "models",
        CONSTRUCTION,
        "a view is made by another materialization",
        "destination `ga4` has no model",
        (
            GA4,
            "",
            f"{{{{ config(materialized='view', group='restricted_zone') }}}}\n{VIEW} }}}}\n",
        ),
    ),
    fault(
        "models",
        TESTS,
        "a view has no filter on events",
        "only_allowed_events_ads__events",
        (ADS, "", f"{BY_HAND}{ADS_VIEW}.split('where masked.event')[0] }}}}\n"),
    ),
    fault(
        "models",
        PROOF,
        "a view shows another property under an allowed name",
        r"unlisted-property: ga4__events\.plan: it is made of something that is not allowlisted",
        (GA4, "", f"{BY_HAND}{VIEW}.replace('plan__allow', 'note__allow') }}}}\n"),
    ),
    fault(
        "models",
        PROOF,
        "a view shows a value only where an unlisted one says so",
        "(syntax|unresolved|form|unlisted-property): ga4__events",
        (
            GA4,
            "",
            f'{BY_HAND}{VIEW}.replace(\'masked."properties__plan__allow"\', "case when exists (select 1 '
            "from \" ~ ref('stg_calls') ~ \" as raw where raw.user_id = 'x') then 'y' else "
            'masked.properties__plan__allow end") }}\n',
        ),
    ),
    fault(
        "models",
        PROOF,
        "a row is there only if a raw call says so",
        "predicate: ga4__events: rows are chosen by a predicate that the configuration",
        (
            GA4,
            "",
            f"{BY_HAND}{VIEW} }}}} and exists (select 1 from {RAW} where raw.user_id <> 'x')\n",
        ),
    ),
    fault(
        "models",
        PROOF,
        "a view is joined to raw calls on the raw id",
        "(syntax|join): ga4__events",
        (
            GA4,
            "",
            f"{BY_HAND}{VIEW}.replace(' as masked', ' as masked left join ' ~ ref('call_keys')"
            " ~ ' as raw on raw.call_key = masked.row_id__shared') }}\n",
        ),
    ),
    fault(
        "models",
        CONSTRUCTION,
        "a masked table runs SQL that makes times exact",
        "model `masked_events`: a pre-hook runs SQL that nothing proves",
        (
            "models/masked/masked_events.sql",
            "{{ hipaa_mode.masked_calls('events') }}",
            "{{ config(pre_hook='create or replace macro main.date_trunc(a, b) as b') }}\n"
            "{{ hipaa_mode.masked_calls('events') }}",
        ),
    ),
    fault(
        "macros",
        TESTS,
        "the event filter is skipped",
        "only_allowed_events_ads__events",
        (VIEW_SQL, "where {% if restricts_events %}", "where {% if false %}"),
    ),
    fault(
        "macros",
        TESTS,
        "the event filter is skipped and its test passes anything",
        "rows_match_calls_ads__events",
        (VIEW_SQL, "where {% if restricts_events %}", "where {% if false %}"),
        (
            CHECKS,
            "and (event is null or event not in (select allowed.sent_as from allowed))",
            "and false",
        ),
    ),
    fault(
        "macros",
        TESTS,
        "an environment shows rows of a destination that it does not have",
        "rows_match_calls_crm__events",
        (VIEW_SQL, "where false\n", "where true\n"),
        around=ABSENT,
    ),
    fault(
        "macros",
        TESTS,
        "events are sent under their own names",
        "only_allowed_events_ga4__events",
        (
            VIEW_SQL,
            "' then ' ~ hipaa_mode.literal(sent_as)",
            "' then ' ~ hipaa_mode.literal(name)",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "a property of one event is shown on all",
        r"missing-filter: ga4__events\.coupon: it is not shown on its own events alone",
        (VIEW_SQL, "{%- elif column.events is not none -%}", "{%- elif false -%}"),
        (FORM, "if column.events is none else", "if true else"),
    ),
    fault(
        "macros",
        TESTS,
        "the materialization checks no columns, and a model has one more",
        "only_allowlisted_columns_ga4__events",
        ("macros/materializations/destination_view.sql", CHECKS_COLUMNS, "none"),
        (GA4, "", WIDER),
    ),
    fault(
        "macros",
        PROOF,
        "nothing is masked and the test for tokens tests nothing",
        r"unmasked: ga4__events\.email: it does not pass through the masking function",
        (TOKEN, CALL_TOKEN, "text"),
        (
            CHECKS,
            "'not ' ~ is_token",
            "'false'",
        ),
        (
            CHECKS,
            "'shown_text in (select identifier from identifiers where length(identifier) = 64)'",
            "'false'",
        ),
        (
            CHECKS,
            "then leaks else leaks + coincidences end as failures",
            "then 0 else 0 end as failures",
        ),
    ),
)
