{#- Usable calls that nothing is made of: of people who are suppressed, and of days that the
    environment no longer keeps.

    Of a suppressed person are the calls with a user id that is listed, or tied to a listed one by
    alias and merge calls. A call without user id is theirs if its anonymous id is such an id, or was
    ever seen with one; one with another user id is somebody else's, whatever device it came from. A
    call without a time can't be shown to be young enough, so it is withheld wherever calls expire. -#}
{% macro withheld_calls() -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set suppressed_users = hipaa_mode.build_table('suppressed_users') -%}
{%- set calls_read = ref('hipaa_mode', 'calls_read') -%}
{%- set user_id = hipaa_mode.without_blanks('user_id') -%}
{%- set anonymous_id = hipaa_mode.without_blanks('anonymous_id') -%}
with recursive

{{ hipaa_mode.tied_people(suppressed_users, calls_read) }},

devices as (

    select {{ anonymous_id }} as id
    from {{ calls_read }}
    where {{ user_id }} in (select user_id from {{ suppressed_users }})
    union
    select user_id as id
    from {{ suppressed_users }}

),

tied_devices as (

    select {{ anonymous_id }} as id
    from {{ calls_read }}
    where {{ user_id }} in (select id from tied)
    union
    select id
    from tied

),

judged as (

    select
        file_number,
        line_number,
        message_id,
        case
            when {{ user_id }} in (select user_id from {{ suppressed_users }}) then 'suppressed'
            when user_id is null and {{ anonymous_id }} in (select id from devices) then 'suppressed'
            when {{ user_id }} in (select id from tied) then 'suppressed_by_alias'
            when user_id is null and {{ anonymous_id }} in (select id from tied_devices) then 'suppressed_by_alias'
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

{#- An id as the list of suppressed users has it: nobody is missed for a blank beside their id. -#}
{% macro without_blanks(text) -%}
    {{- return(adapter.dispatch('without_blanks', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__without_blanks(text) -%}
    {{- return('trim(' ~ text ~ ", ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13))") -}}
{%- endmacro %}
