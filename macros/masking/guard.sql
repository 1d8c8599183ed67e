{#- The guard on allowed values: free text can hold an identifier that nobody expected. -#}

{#- A text, or null where it looks like an identifier. Always this one form:
    case when (<looks like an identifier>) then null else <text> end. -#}
{% macro guarded(text) -%}
    {{- return('case when ' ~ hipaa_mode.looks_like_identifier(text) ~ ' then null else ' ~ text ~ ' end') -}}
{%- endmacro %}

{#- What guard_count compares a masked column with: the value before a guard took it; or, where
    nothing is taken, the number itself. -#}
{% macro before_guard(column) -%}
    {%- set value = hipaa_mode.identifier(column.value ~ ('__json' if column.data_type == 'json' else '')) -%}
    {%- if column.guard == 'block' and column.is_list -%}
        {%- set before = hipaa_mode.map_list(value, hipaa_mode.unguarded_scalar(column, 'element')) -%}
    {%- elif column.guard == 'block' -%}
        {%- set before = hipaa_mode.unguarded_scalar(column, value) -%}
    {%- elif column.is_list -%}
        {%- set before = hipaa_mode.count_elements(value, hipaa_mode.looks_like_identifier(hipaa_mode.unguarded_scalar(column, 'element'))) -%}
    {%- else -%}
        {%- set before = 'case when ' ~ hipaa_mode.looks_like_identifier(hipaa_mode.unguarded_scalar(column, value)) ~ ' then 1 else 0 end' -%}
    {%- endif -%}
    {%- if column.events is not none -%}
        {{- return('case when event in (' ~ hipaa_mode.literals(column.events) ~ ') then ' ~ before ~ ' end') -}}
    {%- endif -%}
    {{- return(before) -}}
{%- endmacro %}

{#- How many of the values of a masked column's row look like an identifier: a number, never a
    value. Reads what `before_guard` gave. -#}
{% macro guard_count(column) -%}
    {%- set before = hipaa_mode.identifier(column.guard_column) -%}
    {%- set after = hipaa_mode.identifier(column.name) -%}
    {%- if column.guard == 'block' and column.is_list -%}
        {%- set is_there = 'element is not null' -%}
        {%- set count = hipaa_mode.count_elements(before, is_there) ~ ' - ' ~ hipaa_mode.count_elements(after, is_there) -%}
    {%- elif column.guard == 'block' -%}
        {%- set count = 'case when ' ~ before ~ ' is not null and ' ~ after ~ ' is null then 1 else 0 end' -%}
    {%- else -%}
        {%- set count = before -%}
    {%- endif -%}
    {{- return('cast(coalesce(' ~ count ~ ', 0) as ' ~ hipaa_mode.data_type('integer') ~ ')') -}}
{%- endmacro %}
