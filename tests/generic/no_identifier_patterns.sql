{#- No unmasked text looks like an e-mail address, phone number, social security number or
    payment card. A column that must hold such a thing is named in `except_columns`, in review. -#}
{% test no_identifier_patterns(model, except_columns=[]) %}
{%- set destination_plan = hipaa_mode.destination_plan(hipaa_mode.tested_name(model).rsplit('__', 1)[0]) -%}
{%- set restricted = not destination_plan or destination_plan.restrict_phi -%}
{%- set tested = [] -%}
{%- for column in hipaa_mode.tested_columns(model) -%}
    {%- set allowed_id = column.property_list == 'envelope' and column.treatment == 'allow' -%}
    {%- if restricted and not allowed_id and column.data_type in ('text', 'json') and column.treatment not in ('mask', 'surrogate') and column.name not in except_columns and column.name != 'call_type' -%}
        {%- do tested.append(column) -%}
    {%- endif -%}
{%- endfor -%}
{%- set patterns = hipaa_mode.identifier_patterns() %}
with

counts as (

    {%- for column in tested %}
    select
        {{ hipaa_mode.literal(column.name) }} as column_name
        {%- for name, condition in patterns.items() %},
        {{ hipaa_mode.count_where(condition) }} as {{ name }}
        {%- endfor %}
    from {{ hipaa_mode.shown_texts(model, column) }}
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select 'none' as column_name{% for name in patterns %}, 0 as {{ name }}{% endfor %} from {{ model }} where false
    {%- endfor %}

)

select *
from counts
where {% for name in patterns %}{{ name }} > 0{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
