{#- The usable calls: neither rejected nor a duplicate nor withheld.

    `calls` names a relation to take the place of calls_read, with the same columns. -#}
{% macro staged_calls(calls=none) -%}
{%- set plan = hipaa_mode.plan() -%}
with

usable as (

    select
        calls_read.*,
        coalesce(call_keys.call_key, calls_read.message_id) as call_key,
        coalesce(denied_calls.denied_to, {{ hipaa_mode.empty_list() }}) as denied_to
    from {{ calls or ref('hipaa_mode', 'calls_read') }} as calls_read
    left join {{ hipaa_mode.package_relation('call_keys') if calls else ref('hipaa_mode', 'call_keys') }} as call_keys
        on calls_read.file_number = call_keys.file_number
        and calls_read.line_number = call_keys.line_number
    {#- Joined and not `not exists`, for which DuckDB would keep all calls in memory. -#}
    {%- for left_out in ['duplicate_calls', 'withheld_calls', 'denied_calls'] %}
    left join {{ hipaa_mode.package_relation(left_out) if calls else ref('hipaa_mode', left_out) }} as {{ left_out }}
        on calls_read.file_number = {{ left_out }}.file_number
        and calls_read.line_number = {{ left_out }}.line_number
    {%- endfor %}
    where
        calls_read.rejection_reason is null
        and duplicate_calls.line_number is null
        and withheld_calls.line_number is null

)

select
    call_key,
    source_file,
    line_number,
    run_number,
    message_id,
    call_type,
    event,
    timestamp,
    received_at,
    user_id,
    anonymous_id,
    group_id,
    denied_to
    {%- if var('hipaa_mode__count_dropped_properties', true) %},
    properties_names,
    traits_names,
    context_names
    {%- endif %}
    {%- if plan and plan.keeps_whole_objects %},
    properties__whole,
    traits__whole,
    context__whole
    {%- endif %}
    {%- for value in (plan.staged_values if plan else []) %},
    {{ hipaa_mode.identifier(value.name) }}
    {%- endfor %}
from usable
{%- endmacro %}
