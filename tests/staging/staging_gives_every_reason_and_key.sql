{{ config(group='restricted_zone') }}
-- Rejected calls have a known reason and their bytes, the others a key. Says how many have not.
{%- do hipaa_mode.check_connection() %}
with

lacking as (

    select 'calls_read.rejection_reason' as place
    from {{ ref('hipaa_mode', 'calls_read') }}
    where
        rejection_reason not in (
            'empty',
            'not_utf8',
            'broken_json',
            'not_an_object',
            'missing_type',
            'type_not_text',
            'unknown_type',
            'properties_not_an_object',
            'traits_not_an_object',
            'event_not_text',
            'name_not_text'
        )

    union all
    select 'rejected_calls.rejection_reason' as place
    from {{ ref('hipaa_mode', 'rejected_calls') }}
    where rejection_reason is null

    union all
    select 'rejected_calls.message_bytes' as place
    from {{ ref('hipaa_mode', 'rejected_calls') }}
    where message_bytes is null

    union all
    select 'call_keys.call_key' as place
    from {{ ref('hipaa_mode', 'call_keys') }}
    where call_key is null or (message_id is null) = (content_hash is null)

    union all
    select 'withheld_calls.call_key' as place
    from {{ ref('hipaa_mode', 'withheld_calls') }}
    where call_key is null

    union all
    select 'stg_calls.call_key' as place
    from {{ ref('hipaa_mode', 'stg_calls') }}
    where call_key is null

)

select
    place,
    count(*) as failures
from lacking
group by place
