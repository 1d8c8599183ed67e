{#- The calls that are denied to some destination, by the place of their first delivery, with the
    destinations and why.

    Of several deliveries of a call the first gives what is sent, and the last one received says
    whether it may be; where receipt does not tell which is the last, each of those that it may be
    counts. `calls` names a relation of those to be judged, to take the place of calls_read. -#}
{% macro denied_calls(calls=none) -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set destinations = plan.destinations.values() | list if plan else [] -%}
{%- set needs_consent = destinations | selectattr('consent.needed') | list | length > 0 -%}
{%- set columns = ['says_no', 'unreadable', 'integration_no_to_all', 'integration_yes', 'consent_no_to_all', 'consent_yes', 'categories'] -%}
with

rules as (

    {%- for destination in destinations %}
    select
        {{ hipaa_mode.literal(destination.name) }} as destination,
        {%- for column in columns %}
        {{ hipaa_mode.list_of(destination.consent[column]) }} as {{ column }},
        {%- endfor %}
        {{ destination.consent.needed }} as needed
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select
        '' as destination,
        {%- for column in columns %}
        {{ hipaa_mode.empty_list() }} as {{ column }},
        {%- endfor %}
        0 as needed
    where false
    {%- endfor %}

),

usable as (

    select
        file_number,
        line_number,
        message_id,
        content_hash,
        call_type,
        user_id,
        anonymous_id,
        group_id,
        received_at,
        coalesce(consent_signals, {{ hipaa_mode.empty_list() }}) as signals
    from {{ calls or ref('hipaa_mode', 'calls_read') }}
    where
        rejection_reason is null

),

repeated as (

    select
        usable.*,
        max(case when duplicate_calls.line_number is null then usable.file_number end) over same_call as first_file,
        max(case when duplicate_calls.line_number is null then usable.line_number end) over same_call as first_line,
        max(usable.received_at) over same_call as last_received_at
    from usable
    left join {{ ref('hipaa_mode', 'duplicate_calls') }} as duplicate_calls
        on usable.file_number = duplicate_calls.file_number
        and usable.line_number = duplicate_calls.line_number
    where usable.message_id in (select message_id from {{ ref('hipaa_mode', 'duplicate_calls') }})
    {#- What are deliveries of one call, duplicate_calls says. #}
    window same_call as (partition by usable.message_id, usable.call_type, usable.user_id, usable.anonymous_id, usable.group_id)

),

heard as (

    select
        file_number,
        line_number,
        message_id,
        content_hash,
        signals
    from usable
    where
        (message_id is null or message_id not in (select message_id from {{ ref('hipaa_mode', 'duplicate_calls') }}))
        {%- if not needs_consent %}
        and signals <> {{ hipaa_mode.empty_list() }}
        {%- endif %}
    union all
    select
        first_file,
        first_line,
        message_id,
        content_hash,
        signals
    from repeated
    where received_at is null or received_at = last_received_at

),

answers as (

    select
        different.signals,
        rules.destination,
        hipaa_functions.denial(
            different.signals,
            {%- for column in columns %}
            rules.{{ column }},
            {%- endfor %}
            rules.needed
        ) as reason
    from (select distinct signals from heard) as different
    cross join rules

),

denials as (

    select
        heard.file_number,
        heard.line_number,
        heard.message_id,
        heard.content_hash,
        answers.destination,
        max(answers.reason) as reason
    from heard
    inner join answers on heard.signals = answers.signals
    where answers.reason is not null
    group by heard.file_number, heard.line_number, heard.message_id, heard.content_hash, answers.destination

),

denied as (

    select
        file_number,
        line_number,
        message_id,
        content_hash,
        {{ hipaa_mode.collected('destination', 'destination') }} as denied_to,
        {{ hipaa_mode.collected('reason', 'destination') }} as reasons
    from denials
    group by file_number, line_number, message_id, content_hash

)

select
    denied.file_number,
    denied.line_number,
    denied.message_id,
    denied.content_hash,
    coalesce(call_keys.call_key, denied.message_id) as call_key,
    denied.denied_to,
    denied.reasons
from denied
left join {{ ref('hipaa_mode', 'call_keys') }} as call_keys
    on denied.file_number = call_keys.file_number
    and denied.line_number = call_keys.line_number
{%- endmacro %}

{#- Whether a row of a masked table is not denied to a destination; never so where it is not known. -#}
{% macro is_not_denied(destination, denied_to='masked.denied_to') -%}
    {{- return('not ' ~ hipaa_mode.list_has(denied_to, hipaa_mode.literal(destination))) -}}
{%- endmacro %}

{#- A query of the row ids that a destination's view may not have: of calls that are denied to it; in a
    view of latest values of those all of whose calls are. -#}
{% macro denied_rows(destination_plan, view) -%}
    {%- set of_view = hipaa_mode.calls_view(view) -%}
    {%- set masked = hipaa_mode.package_relation('masked_' ~ of_view) -%}
    {%- set row_id = hipaa_mode.identifier(hipaa_mode.view_columns(destination_plan, view)[0].masked_column) -%}
    {%- set is_not_denied = hipaa_mode.is_not_denied(destination_plan.name, 'denied_to') -%}
    {%- set denied -%}
        select {{ row_id }} as row_id
        from {{ masked }}
        where not coalesce({{ is_not_denied }}, false)
        {%- if view != of_view %}
        except
        select {{ row_id }}
        from {{ masked }}
        where {{ is_not_denied }}
        {%- endif %}
    {%- endset -%}
    {{- return(denied) -}}
{%- endmacro %}
