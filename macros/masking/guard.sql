{#- The guard on allowed values: free text can hold an identifier that nobody expected. -#}

{#- A text, or null where it looks like an identifier. Always this one form:
    case when (<looks like an identifier>) then null else <text> end. -#}
{% macro guarded(text) -%}
    {{- return('case when ' ~ hipaa_mode.looks_like_identifier(text) ~ ' then null else ' ~ text ~ ' end') -}}
{%- endmacro %}

{#- How many of the values of a masked column's row look like an identifier: a number, never a
    value. -#}
{% macro guard_count(column) -%}
    {%- set value = hipaa_mode.identifier(column.value ~ ('__json' if column.data_type == 'json' else '')) -%}
    {%- if column.is_list -%}
        {%- set found = hipaa_mode.looks_like_identifier(hipaa_mode.unguarded_scalar(column, 'element')) -%}
        {%- set count = hipaa_mode.count_elements(value, found) -%}
    {%- else -%}
        {%- set count = 'case when ' ~ hipaa_mode.looks_like_identifier(hipaa_mode.unguarded_scalar(column, value)) ~ ' then 1 else 0 end' -%}
    {%- endif -%}
    {%- if column.events is not none -%}
        {%- set count = 'case when event in (' ~ hipaa_mode.literals(column.events) ~ ') then ' ~ count ~ ' end' -%}
    {%- endif -%}
    {{- return('cast(coalesce(' ~ count ~ ', 0) as ' ~ hipaa_mode.data_type('integer') ~ ')') -}}
{%- endmacro %}
