{#- The latest value of each property, one row a user or group.

    Made of nothing but what the destination receives call by call: calls of one time, as coarsely
    as it may know times, are in the order of their row ids, which says nothing of the order in
    which they came. So a value's being the latest tells no finer time than the calls do. -#}
{% macro latest_view_sql(destination, view) -%}
{%- set of = hipaa_mode.latest_of(view) -%}
{%- set masked = ref('hipaa_mode', 'masked_' ~ of.view) -%}
{{ hipaa_mode.depends_on_configuration() }}
{%- if execute %}
{%- set destination_plan = hipaa_mode.destination_plan(destination) %}
{%- set columns = hipaa_mode.view_columns(destination_plan, view) %}
{%- set values = columns[3:] %}
{%- set expressions = hipaa_mode._view_expressions(columns) %}
{%- set masked_row_id = hipaa_mode.identifier(columns[0].masked_column) %}
{%- set suffix = hipaa_mode.scope_suffix(destination_plan.scope) if destination_plan %}
{%- set precision = destination_plan.timestamp_precision if destination_plan %}

with

calls as (

    select
        {{ 'masked.row_id' ~ suffix if destination_plan else 'cast(null as ' ~ hipaa_mode.data_type('text') ~ ')' }} as call_id,
        {{ expressions[0] }} as row_id,
        {{ 'masked.timestamp__' ~ precision if destination_plan else 'cast(null as timestamp)' }} as called_at,
        {{ expressions[2] }} as id
        {%- for expression in expressions[3:] %},
        {{ expression }} as value_{{ loop.index }}
        {%- endfor %}
    from {{ masked }} as masked
    where {% if destination_plan %}masked.{{ masked_row_id }} is not null
        and {{ hipaa_mode.is_not_denied(destination) }}{% else %}false{% endif %}

),

placed as (

    select
        row_id,
        called_at,
        id,
        {%- for column in values %}
        value_{{ loop.index }},
        {%- endfor %}
        row_number() over (partition by row_id order by called_at nulls first, call_id) as place
    from calls

),

compared as (

    select
        row_id,
        called_at,
        id,
        place,
        {%- for column in values %}
        value_{{ loop.index }},
        {%- endfor %}
        place = 1
        {%- for column in values %}
        or {{ hipaa_mode.is_new_value('value_' ~ loop.index, 'row_id', 'place') }}
        {%- endfor %} as has_changed
    from placed

)

select
    row_id,
    max(case when has_changed then called_at end) as changed_at,
    {{ hipaa_mode.latest_value('id', 'place') }} as {{ columns[2].name }}
    {%- for column in values %},
    {{ hipaa_mode.latest_value('value_' ~ loop.index, 'place') }} as {{ hipaa_mode.identifier(column.name) }}
    {%- endfor %}
from compared
group by row_id
{%- else %}
select 1 from {{ masked }}
{%- endif %}
{%- endmacro %}

{#- What a view of latest values is made of: the view of its calls and the id that tells whose values
    they are, as in configuration.py; none for a view of calls. -#}
{% macro latest_of(view) -%}
    {{- return({
        'users': {'view': 'identifies', 'id': 'user_id'},
        'groups_latest': {'view': 'groups', 'id': 'group_id'},
    }.get(view)) -}}
{%- endmacro %}

{#- The view of calls that a view is, or is made of. -#}
{% macro calls_view(view) -%}
    {%- set of = hipaa_mode.latest_of(view) -%}
    {{- return(of.view if of else view) -}}
{%- endmacro %}
