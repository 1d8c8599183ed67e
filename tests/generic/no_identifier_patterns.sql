{#- No unmasked text looks like an e-mail address, phone number, social security number, payment
    card, medical record number, IP address or URL with a query. Left out are columns that may
    hold such a thing as reviewed: those whose row says `none` or `warn` as its guard, and those
    named in `except_columns`. -#}
{% test no_identifier_patterns(model, except_columns=[]) %}
{%- set destination_plan = hipaa_mode.destination_plan(hipaa_mode.tested_name(model).rsplit('__', 1)[0]) -%}
{%- set restricted = not destination_plan or destination_plan.restrict_phi -%}
{%- set tested = [] -%}
{%- for column in hipaa_mode.tested_columns(model) -%}
    {%- set allowed_id = column.property_list == 'envelope' and column.treatment == 'allow' -%}
    {%- set is_excepted = column.name in except_columns or column.guard in ('none', 'warn') -%}
    {%- if restricted and not allowed_id and not is_excepted and column.data_type in ('text', 'json') and column.treatment not in ('mask', 'surrogate') and column.name != 'call_type' -%}
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
        {#- A network is all that treatment ip_prefix leaves, and looks like an address. -#}
        {{ hipaa_mode.count_where('false' if name == 'ip_like' and column.treatment == 'ip_prefix' else condition) }} as {{ name }}
        {%- endfor %}
    from {{ hipaa_mode.shown_texts(model, column) }} as texts
    where {{ hipaa_mode.looks_like_identifier('shown_text') }}
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select 'none' as column_name{% for name in patterns %}, 0 as {{ name }}{% endfor %} from {{ model }} where false
    {%- endfor %}

)

select *
from counts
where {% for name in patterns %}{{ name }} > 0{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
