{#- All but the first delivery of each message id, among some of the calls. -#}
{% macro duplicates_among(calls_read, condition=none) -%}
with

repeated_ids as (

    select message_id
    from {{ calls_read }}
    where rejection_reason is null and message_id is not null{{ ' and ' ~ condition if condition }}
    group by message_id
    having count(*) > 1

),

deliveries as (

    select
        calls_read.file_number,
        calls_read.source_file,
        calls_read.line_number,
        calls_read.run_number,
        calls_read.message_id,
        row_number() over (
            partition by calls_read.message_id
            order by calls_read.source_file, calls_read.line_number
        ) as delivery
    from {{ calls_read }} as calls_read
    inner join repeated_ids on calls_read.message_id = repeated_ids.message_id
    where calls_read.rejection_reason is null

)

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

{#- A key for every call that came without a message id, made of its content. Two calls of the
    same content are two calls; the key counts them. -#}
{% macro keys_of_calls(calls_read, condition=none) -%}
select
    file_number,
    line_number,
    content_hash,
    'content:' || content_hash || ':' || row_number() over (
        partition by content_hash
        order by source_file, line_number
    ) as call_key
from {{ calls_read }}
where content_hash is not null{{ ' and ' ~ condition if condition }}
{%- endmacro %}
