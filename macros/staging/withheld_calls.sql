{#- Usable calls that nothing is made of: of people who are suppressed, and of days that the
    environment no longer keeps.

    Of a suppressed person are the calls with an id that is listed, and those with a user id that
    alias and merge calls tie to it. A call without user id is theirs if its anonymous id is such an
    id, or was ever seen with one; one with another user id is somebody else's, whatever device it
    came from. A call without a time can't be shown to be young enough, so it is withheld wherever
    calls expire. -#}
{% macro withheld_calls() -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set suppressed_users = hipaa_mode.build_table('suppressed_users') -%}
{%- set calls_read = ref('hipaa_mode', 'calls_read') -%}
{%- set anonymous_id = 'hipaa_functions.trimmed_id(anonymous_id)' -%}
{%- set tied_people = hipaa_mode.tied_people(suppressed_users, calls_read) -%}
with recursive

{{ tied_people }},

{{ hipaa_mode.devices_of('listed_devices', 'listed_ids', calls_read, tied_people, ['spelling']) }},

{{ hipaa_mode.devices_of('tied_devices', 'tied', calls_read, tied_people) }},

judged as (

    select
        file_number,
        line_number,
        message_id,
        case
            when {{ anonymous_id }} in (select id from listed_ids) then 'suppressed'
            when {{ hipaa_mode.is_of('listed_ids', 'listed_devices') }} then 'suppressed'
            when {{ hipaa_mode.is_of('tied', 'tied_devices') }} then 'suppressed_by_alias'
            {%- if plan and plan.retained_from %}
            when timestamp is null then 'undated'
            when timestamp < timestamp {{ hipaa_mode.literal(plan.retained_from) }} then 'expired'
            {%- endif %}
        end as reason
    from {{ calls_read }}
    where rejection_reason is null

)

select
    judged.file_number,
    judged.line_number,
    coalesce(call_keys.call_key, judged.message_id) as call_key,
    judged.reason
from judged
left join {{ ref('hipaa_mode', 'call_keys') }} as call_keys
    on judged.file_number = call_keys.file_number
    and judged.line_number = call_keys.line_number
left join {{ ref('hipaa_mode', 'duplicate_calls') }} as duplicate_calls
    on judged.file_number = duplicate_calls.file_number
    and judged.line_number = duplicate_calls.line_number
where
    judged.reason is not null
    and duplicate_calls.line_number is null
{%- endmacro %}
