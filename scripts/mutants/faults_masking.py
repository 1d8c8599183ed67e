"""Faults in masking, guard, treatments and types."""

from __future__ import annotations

from fault import CONSTRUCTION, PROOF, TESTS, Fault, fault
from sandbox import PACKAGE

MASKING = "macros/masking"
MASKED_CALLS = f"{MASKING}/masked_calls.sql"
FORM = f"{MASKING}/masked_expression.sql"
TOKEN = "macros/engine/masking.sql"
CALLS = f"{MASKING}/value_functions.sql"
FUNCTIONS = f"{PACKAGE}/functions/duckdb.sql"
TIMES = "macros/engine/times.sql"
REVIEWED = "function: functions: macros/functions/duckdb.sql is not as reviewed"
"""What `verify` says of any change of the functions."""

CALL_TOKEN = "'system.main.hipaa_mask(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ')'"
LOOKED_UP = "hipaa_mode.looked_up(column)"
ROW_ID = "hipaa_mode.token('treated.call_key', scope)"
VALUE = "hipaa_mode.identifier(column.value)"
IS_MASKED = "column.treatment == 'mask'"

FAULTS: tuple[Fault, ...] = (
    # Masking
    fault(
        "macros",
        TESTS,
        "the masking function is not called",
        "masked_columns_are_tokens_ga4__events",
        (TOKEN, CALL_TOKEN, "text"),
    ),
    fault(
        "macros",
        TESTS,
        "a masked property is sent as it is",
        "masked_columns_are_tokens_ga4__events",
        (FORM, LOOKED_UP, f"({VALUE} if {IS_MASKED} else {LOOKED_UP})"),
    ),
    fault(
        "macros",
        TESTS,
        "elements of a masked list are sent as they are",
        "masked_columns_are_tokens_ga4__events",
        (
            FORM,
            "return(text if form == 'element' else hipaa_mode.map_list(text, form))",
            "return(text)",
        ),
    ),
    fault(
        "macros",
        TESTS,
        "ids are sent as they are",
        "masked_columns_are_tokens_ads__events",
        (
            MASKED_CALLS,
            "{{ hipaa_mode.identifier(hipaa_mode._id_name(plan, name) ~ '__forms') }}.{{ token }} as",
            "treated.{{ hipaa_mode._id_name(plan, name) }} as",
        ),
    ),
    fault(
        "macros",
        TESTS,
        "the row id is the message id itself",
        "masked_columns_are_tokens_ga4__events",
        (MASKED_CALLS, ROW_ID, "'treated.call_key'"),
    ),
    fault(
        "macros",
        TESTS,
        "tokens are cut short in SQL",
        "masked_columns_are_tokens_ga4__events",
        (TOKEN, CALL_TOKEN, f"'left(' ~ {CALL_TOKEN} ~ ', 16)'"),
    ),
    fault(
        "macros",
        TESTS,
        "an inner join with the tokens drops calls without a value",
        "rows_match_calls_ga4__events",
        (
            MASKED_CALLS,
            "left join {{ forms }}\n",
            "inner join {{ forms }}\n",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "tokens are of the scope that all share",
        r"scope: ads__events\.email: its token is of another scope",
        (
            FORM,
            "column.normalize), column.scope)",
            "column.normalize), '*')",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "row ids are of the scope that all share",
        r"scope: ads__events\.row_id: its token is of another scope",
        (MASKED_CALLS, ROW_ID, "hipaa_mode.token('treated.call_key', '*')"),
    ),
    fault(
        "macros",
        TESTS,
        "a masked value is sent where it has no token",
        "masked_columns_are_tokens_ga4__events",
        (
            FORM,
            LOOKED_UP,
            f"('coalesce(' ~ {LOOKED_UP} ~ ', ' ~ {VALUE} ~ ')' if {IS_MASKED} else {LOOKED_UP})",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "values are not brought to one spelling before they are masked",
        r"form: ga4__events\.email: it is not in the reviewed form of `mask`",
        (CALLS, "if normalize == 'none' -%}", "if normalize in ('none', 'email') -%}"),
    ),
    fault(
        "macros",
        PROOF,
        "ids are masked in every spelling",
        r"form: ga4__events\.anonymous_id: it is not in the reviewed form of `mask`",
        (MASKED_CALLS, "hipaa_mode.normalized('text', id.normalize)", "'text'"),
    ),
    fault(
        "macros",
        PROOF,
        "the masking function is called by a name that can be shadowed",
        "function: ga4__events: in model masked_events: function `hipaa_mask` is not known",
        (TOKEN, "'system.main.hipaa_mask('", "'hipaa_mask('"),
    ),
    fault(
        "macros",
        PROOF,
        "tokens are joined on the raw user id",
        "join: ga4__events: in model masked_events: a form is looked up by something else",
        (
            MASKED_CALLS,
            "on treated.{{ hipaa_mode.identifier(value) }} =",
            "on treated.user_id =",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "a surrogate is a hash of the value",
        "staging: ga4__events: in model surrogate_codes: a surrogate is not a random code",
        (
            TOKEN,
            "'system.main.hipaa_mode_random_code(' ~ value ~ ')'",
            "'md5(' ~ value ~ ')'",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "surrogates are those of another environment",
        "join: ga4__events: in model masked_events: a surrogate is looked up by something else",
        (
            MASKED_CALLS,
            "environment = {{ hipaa_mode.literal(hipaa_mode.environment()) }}",
            "environment = 'prod'",
        ),
    ),
    fault(
        "models",
        CONSTRUCTION,
        "the crosswalk of surrogates is made anew by every run",
        "model `surrogate_codes`: `materialized` must be `incremental`",
        (
            "models/masked/surrogate_codes.sql",
            "materialized='incremental'",
            "materialized='table'",
        ),
    ),
    # Guard, treatments, types
    fault(
        "macros",
        TESTS,
        "the guard lets through what it finds",
        "no_identifier_patterns_ga4__events",
        (
            FUNCTIONS,
            "looks_like_identifier(value) then null",
            "looks_like_identifier(value) then value",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "guard and test are blind to e-mail addresses",
        REVIEWED,
        (FUNCTIONS, "(@|%40)", "(@@|%40)"),
    ),
    fault(
        "macros",
        PROOF,
        "guard and test are blind to numbers within JSON",
        REVIEWED,
        (FUNCTIONS, "'(^|[\\[{:,])\\s*", "'^\\s*"),
    ),
    fault(
        "macros",
        PROOF,
        "small ZIP areas are told",
        REVIEWED,
        (FUNCTIONS, "(small_areas) || ')$'", "(['000']) || ')$'"),
    ),
    fault(
        "macros",
        PROOF,
        "four digits of the ZIP code",
        REVIEWED,
        (FUNCTIONS, "'([0-9]{3})(?:[0-9]{2}(", "'([0-9]{4})(?:[0-9]{1}("),
    ),
    fault(
        "macros",
        PROOF,
        "ages over 89 are told",
        REVIEWED,
        (FUNCTIONS, "least(age, 90)", "least(age, 130)"),
    ),
    fault(
        "macros",
        PROOF,
        "birth years of people over 90 are told",
        REVIEWED,
        (FUNCTIONS, "this_year - 90)", "this_year - 130)"),
    ),
    fault(
        "macros",
        PROOF,
        "a number of uncertain meaning is read as a time",
        REVIEWED,
        (FUNCTIONS, "[1-9][0-9]{11,12}", "[1-9][0-9]{6,12}"),
    ),
    fault(
        "macros",
        PROOF,
        "the day is sent for the month",
        REVIEWED,
        (FUNCTIONS, "'%Y-%m'", "'%Y-%m-%d'"),
    ),
    fault(
        "macros",
        PROOF,
        "all of an IPv6 address is sent for its network",
        REVIEWED,
        (FUNCTIONS, "parts[1:3]", "parts[1:8]"),
    ),
    fault(
        "macros",
        PROOF,
        "the path of a URL keeps its query",
        REVIEWED,
        (FUNCTIONS, r"(/[^?#\s]*)?(?:[?#](?s:.*))?\s*'", r"(/[^\s]*)?\s*'"),
    ),
    fault(
        "macros",
        PROOF,
        "a number is not rounded",
        REVIEWED,
        (FUNCTIONS, "round(round(hipaa", "round((hipaa"),
    ),
    fault(
        "macros",
        PROOF,
        "a text is not truncated",
        REVIEWED,
        (FUNCTIONS, "left(value, characters)", "value"),
    ),
    fault(
        "macros",
        PROOF,
        "a cast that fails quotes the value in its error",
        REVIEWED,
        (
            FUNCTIONS,
            "then try_cast(written as bigint) end",
            "or true then cast(written as bigint) end",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "times are sent exactly, whatever the precision",
        r"form: ga4__events\.timestamp: it is not in the reviewed form of `envelope`",
        (
            TIMES,
            "\"cast(date_trunc('\" ~ precision ~ \"', \" ~ timestamp ~ ') as timestamp)'",
            "timestamp",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "an object passes where a scalar is allowed",
        REVIEWED,
        (FUNCTIONS, "e-[0-9]{1,3}') then value\n", "e-[0-9]{1,3}') then value else value\n"),
    ),
    fault(
        "macros",
        PROOF,
        "a treatment is left out",
        r"form: ga4__events\.zip: it is not in the reviewed form of `zip3`",
        (
            CALLS,
            "return('hipaa_functions.to_' ~ treatment ~ '(' ~ arguments | join(', ') ~ ')')",
            "return(text)",
        ),
    ),
    fault(
        "macros",
        PROOF,
        "one treatment is taken for another",
        r"form: ga4__events\.visited: it is not in the reviewed form of `month`",
        (
            CALLS,
            "return('hipaa_functions.to_' ~ treatment",
            "return('hipaa_functions.to_' ~ treatment | replace('month', 'year')",
        ),
    ),
    fault(
        "macros",
        TESTS,
        "an allowed text passes by the guard",
        "no_identifier_patterns_ga4__events",
        (
            FORM,
            "'hipaa_functions.guarded(' ~ scalar ~ ')' if column.guard == 'block' else scalar",
            "scalar",
        ),
    ),
)
