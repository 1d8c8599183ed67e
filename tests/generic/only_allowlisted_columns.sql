{#- The view has exactly the columns of the allowlist, no other and none missing. -#}
{% test only_allowlisted_columns(model) %}
{%- set columns = hipaa_mode.tested_columns(model) -%}
with

expected as (

    {%- for column in columns %}
    select {{ hipaa_mode.literal(column.name) }} as column_name, {{ hipaa_mode.literal(hipaa_mode.data_type(column.data_type, column.is_list) | upper) }} as data_type
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select '' as column_name, '' as data_type where false
    {%- endfor %}

),

actual as (

    {%- for column in adapter.get_columns_in_relation(model) %}
    select {{ hipaa_mode.literal(column.name) }} as column_name, {{ hipaa_mode.literal(column.dtype | upper) }} as data_type
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select '' as column_name, '' as data_type where false
    {%- endfor %}

)

select
    coalesce(actual.column_name, expected.column_name) as column_name,
    case when expected.column_name is null then 'not allowlisted' else 'missing or of another type' end as problem
from actual
full outer join expected
    on actual.column_name = expected.column_name and actual.data_type = expected.data_type
where actual.column_name is null or expected.column_name is null
{% endtest %}
