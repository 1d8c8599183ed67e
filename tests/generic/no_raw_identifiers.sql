{#- No user, anonymous or group id of any call, as it arrived, is a value of the view. An id
    that the allowlist lets pass is left out; ids shorter than `minimum_length` characters are
    too, since they would be found in any column of small numbers. -#}
{% test no_raw_identifiers(model, minimum_length=4, except_columns=[]) %}
{%- set destination_plan = hipaa_mode.destination_plan(hipaa_mode.tested_name(model).rsplit('__', 1)[0]) -%}
{%- set restricted = not destination_plan or destination_plan.restrict_phi -%}
{%- set columns = hipaa_mode.tested_columns(model) -%}
{%- set passing = [] -%}
{%- set tested = [] -%}
{%- for column in columns -%}
    {%- if column.property_list == 'envelope' and column.treatment == 'allow' -%}
        {%- do passing.append(column.name) -%}
    {%- elif restricted and column.data_type == 'text' and column.name not in except_columns and column.name not in ('call_type', 'event') -%}
        {%- do tested.append(column) -%}
    {%- endif -%}
{%- endfor %}
with

identifiers as (

    {%- for name in ['user_id', 'anonymous_id', 'group_id'] if name not in passing %}
    select {{ name }} as identifier from {{ ref('hipaa_mode', 'stg_calls') }} where length({{ name }}) >= {{ minimum_length }}
    {% if not loop.last %}union{% endif %}
    {%- else %}
    select call_key as identifier from {{ ref('hipaa_mode', 'stg_calls') }} where false
    {%- endfor %}

),

shown as (

    {%- for column in tested %}
    select
        {{ hipaa_mode.literal(column.name) }} as column_name,
        count(*) as raw_identifiers
    from {{ hipaa_mode.shown_texts(model, column) }} as texts
    where texts.shown_text in (select identifier from identifiers)
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select 'none' as column_name, 0 as raw_identifiers
    {%- endfor %}

)

select
    column_name,
    raw_identifiers
from shown
where raw_identifiers > 0
{% endtest %}
