-- Calls that can't be used, kept whole with the reason and their place.
{{ config(materialized='view') }}
select
    source_file,
    line_number,
    rejection_reason,
    rejected_bytes as message_bytes
from {{ ref('hipaa_mode', 'calls_read') }}
where rejection_reason is not null
