{{ config(group='restricted_zone') }}
-- Every raw call is staged, a duplicate, rejected or withheld: none lost, none counted twice. The calls of
-- the files that this run read are counted anew, from where they came; those of a table that a loader may
-- write to were counted as they were read.
{%- do hipaa_mode.check_connection() -%}
{% set counted = hipaa_mode.recount_files() %}
with

counts as (

    select
        ({{ hipaa_mode.count_of_raw_calls(source('raw', 'calls')) }}) as raw_calls,
        (select count(*) from {{ ref('hipaa_mode', 'calls_read') }} where {{ counted }}) as calls_read,
        (select count(*) from {{ ref('hipaa_mode', 'calls_read') }}) as all_calls,
        (select count(*) from {{ ref('hipaa_mode', 'stg_calls') }}) as staged,
        (select count(*) from {{ ref('hipaa_mode', 'duplicate_calls') }}) as duplicates,
        (select count(*) from {{ ref('hipaa_mode', 'rejected_calls') }}) as rejected,
        (select count(*) from {{ ref('hipaa_mode', 'withheld_calls') }}) as withheld

)

select *
from counts
where raw_calls <> calls_read or all_calls <> staged + duplicates + rejected + withheld
{%- if flags.EMPTY %}
-- Such a run stages no call, and publishes none.
limit 0
{%- endif %}
