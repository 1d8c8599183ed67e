{#- The seed's table holds the same rows as the reviewed file: what the tests read is what the
    build read. -#}
{% test matches_reviewed_file(model) %}
{%- do hipaa_mode.check_connection() -%}
{%- set file = hipaa_mode.configuration_request().seed_files.get(hipaa_mode.node_name(model), '') if execute else '' %}
with

loaded as (

    {{ hipaa_mode.rows_as_texts(model) }}

),

reviewed as (

    select * from {{ hipaa_mode.csv_rows(file) }}
    {%- if flags.EMPTY %}
    {#- Such a run loads no row of a seed. #}
    where false
    {%- endif %}

),

only_loaded as (

    select * from loaded
    except all
    select * from reviewed

),

only_reviewed as (

    select * from reviewed
    except all
    select * from loaded

),

counts as (

    select
        (select count(*) from only_loaded) as rows_only_loaded,
        (select count(*) from only_reviewed) as rows_only_reviewed

)

select
    rows_only_loaded,
    rows_only_reviewed
from counts
where rows_only_loaded + rows_only_reviewed > 0
{% endtest %}
