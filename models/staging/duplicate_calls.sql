-- Calls delivered again under a message id that came before: all but the first of each id.
with

repeated_ids as (

    select message_id
    from {{ ref('calls_read') }}
    where rejection_reason is null and message_id is not null
    group by message_id
    having count(*) > 1

),

deliveries as (

    select
        calls_read.file_number,
        calls_read.source_file,
        calls_read.line_number,
        calls_read.message_id,
        row_number() over (
            partition by calls_read.message_id
            order by calls_read.file_number, calls_read.line_number
        ) as delivery
    from {{ ref('calls_read') }} as calls_read
    inner join repeated_ids on calls_read.message_id = repeated_ids.message_id
    where calls_read.rejection_reason is null

)

select
    file_number,
    source_file,
    line_number,
    message_id,
    delivery
from deliveries
where delivery > 1
