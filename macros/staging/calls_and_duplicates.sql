{#- The calls of each message id that came more than once, among some of the calls. Deliveries are of
    the same call if type and ids agree; `delivery` counts these, and `place` all of the message id.
    The first is by event time, then by receipt, then by file and line. -#}
{% macro _deliveries(calls_read, condition=none) -%}
{%- set order = 'timestamp nulls last, received_at nulls last, hipaa_functions.natural_order(source_file), source_file, line_number, file_number' -%}
repeated_ids as (

    select message_id
    from {{ calls_read }}
    where rejection_reason is null and message_id is not null{{ ' and ' ~ condition if condition }}
    group by message_id
    having count(*) > 1

),

repeated as (

    select calls_read.*
    from {{ calls_read }} as calls_read
    inner join repeated_ids on calls_read.message_id = repeated_ids.message_id
    where calls_read.rejection_reason is null

),

deliveries as (

    select
        file_number,
        source_file,
        line_number,
        run_number,
        message_id,
        {{ hipaa_mode.key_of_namesake() }} as call_key,
        row_number() over (
            partition by message_id, call_type, user_id, anonymous_id, group_id
            order by {{ order }}
        ) as delivery,
        row_number() over (
            partition by message_id
            order by {{ order }}
        ) as place
    from repeated

)
{%- endmacro %}

{#- All but the first delivery of each call, among some of the calls. -#}
{% macro duplicates_among(calls_read, condition=none) -%}
with

{{ hipaa_mode._deliveries(calls_read, condition) }}

select
    file_number,
    source_file,
    line_number,
    run_number,
    message_id,
    delivery
from deliveries
where delivery > 1
{%- endmacro %}

{#- Keys of the calls that no message id tells apart. A call without one has a key made of its
    content; two calls of the same content are two calls, and the key counts them. Of different
    calls with one message id all but the first have a key made of type and ids as well. -#}
{% macro keys_of_calls(calls_read, has_changed_content=none, has_changed_id=none) -%}
with

{{ hipaa_mode._deliveries(calls_read, has_changed_id) }}

select
    file_number,
    line_number,
    content_hash,
    cast(null as {{ hipaa_mode.data_type('text') }}) as message_id,
    'content:' || content_hash || ':' || row_number() over (
        partition by content_hash
        order by source_file, line_number, file_number
    ) as call_key
from {{ calls_read }}
where content_hash is not null{{ ' and ' ~ has_changed_content if has_changed_content }}
union all
select
    file_number,
    line_number,
    cast(null as {{ hipaa_mode.data_type('text') }}) as content_hash,
    message_id,
    call_key
from deliveries
where delivery = 1 and place > 1
{%- endmacro %}

{#- The key of a call whose message id another call has too. -#}
{% macro key_of_namesake() -%}
    {{- return('hipaa_functions.key_of_namesake(message_id, call_type, user_id, anonymous_id, group_id)') -}}
{%- endmacro %}
