{#- Every value of a masked column is a token (64 hexadecimal digits) or a surrogate (32). -#}
{% test masked_columns_are_tokens(model) %}
{%- set tested = [] -%}
{%- for column in hipaa_mode.tested_columns(model) if column.treatment in ('mask', 'surrogate') -%}
    {%- do tested.append(column) -%}
{%- endfor %}
with

counts as (

    {%- for column in tested %}
    select
        {{ hipaa_mode.literal(column.name) }} as column_name,
        {{ hipaa_mode.count_where('not ' ~ hipaa_mode.is_hexadecimal('shown_text', 64 if column.treatment == 'mask' else 32)) }} as not_tokens
    from {{ hipaa_mode.shown_texts(model, column) }}
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select 'none' as column_name, 0 as not_tokens from {{ model }} where false
    {%- endfor %}

)

select
    column_name,
    not_tokens
from counts
where not_tokens > 0
{% endtest %}
