{#- The guard on allowed values counts what looks like an identifier: macros/functions/ has what does. -#}

{#- What guard_count reads of a masked column: the value before a guard took it; or, where nothing is
    taken, how many of the row's values it would take. -#}
{% macro before_guard(column, texts) -%}
    {%- set values = hipaa_mode.unguarded_values(column, texts) -%}
    {%- set before = values if column.guard == 'block' else 'hipaa_functions.suspected' ~ ('_of_list' if column.is_list else '') ~ '(' ~ values ~ ')' -%}
    {{- return(hipaa_mode.on_its_events(column, before)) -}}
{%- endmacro %}

{#- How many of the values of a masked column's row look like an identifier: a number, never a value. -#}
{% macro guard_count(column) -%}
    {%- set before = 'treated.' ~ hipaa_mode.identifier(column.guard_column) -%}
    {%- if column.guard == 'block' -%}
        {{- return('hipaa_functions.taken' ~ ('_of_list' if column.is_list else '') ~ '(' ~ before ~ ', treated.' ~ hipaa_mode.identifier(column.name) ~ ')') -}}
    {%- endif -%}
    {{- return('coalesce(' ~ before ~ ', 0)') -}}
{%- endmacro %}
