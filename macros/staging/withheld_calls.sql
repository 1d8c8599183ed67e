{#- Usable calls that nothing is made of: of people who are suppressed, and of days that the
    environment no longer keeps.

    Of a suppressed person are the calls with an id that is listed, and those with a user id that
    alias and merge calls tie to it. A call without user id is theirs if its anonymous id is such an
    id, or was ever seen with one; one with another user id is somebody else's, whatever device it
    came from. A call without a time can't be shown to be young enough, so it is withheld wherever
    calls expire.

    `calls` names a relation of those to be judged, to take the place of calls_read; where `ids_are_known`,
    the ids of all calls are in table `withheld_ids`. -#}
{% macro withheld_calls(calls=none, ids_are_known=false) -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set calls_read = calls or ref('hipaa_mode', 'calls_read') -%}
{%- set anonymous_id = 'hipaa_functions.trimmed_id(anonymous_id)' -%}
with {{ 'recursive' if not ids_are_known }}

{% if not ids_are_known -%}
{{ hipaa_mode.steps_of_withheld_ids(calls_read) }},

{% endif -%}
{% for kind in (hipaa_mode.kinds_of_withheld_ids() if ids_are_known else []) -%}
{{ kind }} as (

    {{ hipaa_mode.known_withheld_ids(kind) }}

),

{% endfor -%}
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

{#- The ids by which calls are withheld: steps of a `with recursive`, of these kinds. -#}
{% macro kinds_of_withheld_ids() -%}
    {{- return(['listed_ids', 'tied', 'listed_devices', 'tied_devices']) -}}
{%- endmacro %}

{% macro steps_of_withheld_ids(calls_read) -%}
{%- set tied_people = hipaa_mode.tied_people(hipaa_mode.build_table('suppressed_users'), calls_read) -%}
{{ tied_people }},

{{ hipaa_mode.devices_of('listed_devices', 'listed_ids', calls_read, tied_people, ['spelling']) }},

{{ hipaa_mode.devices_of('tied_devices', 'tied', calls_read, tied_people) }}
{%- endmacro %}

{#- The query of these ids, each with its kind. -#}
{% macro withheld_ids(calls_read) -%}
with recursive

{{ hipaa_mode.steps_of_withheld_ids(calls_read) }}

{% for kind in hipaa_mode.kinds_of_withheld_ids() -%}
select {{ hipaa_mode.literal(kind) }} as kind, id
from {{ kind }}
where id is not null
{% if not loop.last %}union all
{% endif -%}
{%- endfor -%}
{%- endmacro %}

{#- The query of those of a kind that were found, and of all who are listed, who are of every kind. -#}
{% macro known_withheld_ids(kind) -%}
select id
    from {{ hipaa_mode.build_table('withheld_ids') }}
    where kind = {{ hipaa_mode.literal(kind) }}
    union all
    select user_id as id
    from {{ hipaa_mode.build_table('suppressed_users') }}
{%- endmacro %}

{#- Whether an id is one of these; not where it is null. -#}
{% macro is_withheld_id(id, kind) -%}
    {{- return('coalesce(' ~ id ~ ' in (' ~ hipaa_mode.known_withheld_ids(kind) ~ '), false)') -}}
{%- endmacro %}
