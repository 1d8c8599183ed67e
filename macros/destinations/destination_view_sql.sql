{#- A projection of a masked table to exactly the columns of the allowlist. A destination that
    this environment does not have gets its envelope and no rows. -#}
{% macro destination_view_sql(destination, view) -%}
{%- set masked = ref('hipaa_mode', 'masked_' ~ view) -%}
{{ hipaa_mode.depends_on_configuration() }}
{%- if execute %}
{%- set destination_plan = hipaa_mode.destination_plan(destination) %}
{%- set events = destination_plan.events if destination_plan and view == 'events' else none %}
{%- if events is not none and '*' in events %}{% set restricts_events = false %}{% else %}{% set restricts_events = events is not none %}{% endif %}
{%- set columns = hipaa_mode.view_columns(destination_plan, view) %}
{%- set names = hipaa_mode.each_identifier(columns | map(attribute='name')) %}

select
    {%- for expression in hipaa_mode._view_expressions(columns, events) %}
    {{ expression }} as {{ names[loop.index0] }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ masked }} as masked
{%- if not destination_plan %}
where false
{%- else %}
where {% if restricts_events %}{% if events %}masked.event in ({{ hipaa_mode.literals(events) }}){% else %}false{% endif %}
    and {% endif %}{{ hipaa_mode.is_not_denied(destination) }}
{%- endif %}
{%- else %}
select 1 from {{ masked }}
{%- endif %}
{%- endmacro %}

{#- The columns a view must have, in order. -#}
{% macro view_columns(destination_plan, view) -%}
    {%- set of = hipaa_mode.latest_of(view) -%}
    {%- if destination_plan -%}
        {{- return(destination_plan.latest_views[view] if of else destination_plan.views[view]) -}}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- set of_calls = ['row_id', 'call_type', 'event', 'timestamp', 'received_at', 'user_id', 'anonymous_id', 'group_id'] -%}
    {%- for name in (['row_id', 'changed_at', of.id] if of else of_calls) -%}
        {%- do columns.append({
            'name': name, 'masked_column': '', 'property_list': 'envelope', 'path': '', 'treatment': 'envelope',
            'data_type': 'timestamp' if name in ('timestamp', 'received_at', 'changed_at') else 'text', 'is_list': false,
            'events': none, 'reason': '', 'guard': '',
        }) -%}
    {%- endfor -%}
    {{- return(columns) -}}
{%- endmacro %}

{#- The SQL of each of a view's columns. A macro for each would take longer than all else of a view. -#}
{% macro _view_expressions(columns, events=none) -%}
    {%- set expressions = [] -%}
    {%- for name in hipaa_mode.each_identifier(columns | map(attribute='masked_column')) -%}
        {%- set column = columns[loop.index0] -%}
        {%- set expression = 'masked.' ~ name -%}
        {%- if column.other_masked_column -%}
            {%- set expression = 'coalesce(' ~ expression ~ ', masked.' ~ hipaa_mode.identifier(column.other_masked_column) ~ ')' -%}
        {%- endif -%}
        {%- if column.masked_column == '' -%}
            {%- set expression = 'cast(null as ' ~ hipaa_mode.data_type(column.data_type) ~ ')' -%}
        {%- elif column.name == 'event' and column.property_list == 'envelope' -%}
            {%- set expression = hipaa_mode._sent_as(expression, events) -%}
        {%- elif column.events is not none -%}
            {%- set expression = 'case when masked.event in (' ~ hipaa_mode.literals(column.events) ~ ') then ' ~ expression ~ ' end' -%}
        {%- endif -%}
        {%- do expressions.append(expression) -%}
    {%- endfor -%}
    {{- return(expressions) -}}
{%- endmacro %}

{#- The event's name as the destination gets it. -#}
{% macro _sent_as(event, events) -%}
    {%- set branches = [] -%}
    {%- for name, sent_as in (events or {}).items() if name != sent_as -%}
        {%- do branches.append('when ' ~ hipaa_mode.literal(name) ~ ' then ' ~ hipaa_mode.literal(sent_as)) -%}
    {%- endfor -%}
    {%- if not branches -%}
        {{- return(event) -}}
    {%- endif -%}
    {{- return('case ' ~ event ~ ' ' ~ branches | join(' ') ~ ' else ' ~ event ~ ' end') -}}
{%- endmacro %}
