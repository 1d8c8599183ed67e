{#- Data types. -#}

{% macro data_type(name, is_list=false) -%}
    {{- return(adapter.dispatch('data_type', 'hipaa_mode')(name, is_list)) -}}
{%- endmacro %}

{% macro duckdb__data_type(name, is_list) -%}
    {%- set types = {
        'text': 'varchar', 'json': 'varchar', 'integer': 'bigint', 'number': 'double',
        'boolean': 'boolean', 'timestamp': 'timestamp', 'date': 'date',
    } -%}
    {{- return(types[name] ~ ('[]' if is_list else '')) -}}
{%- endmacro %}

{#- The types of columns of a view, in their order. -#}
{% macro data_types(columns) -%}
    {%- set known = {} -%}
    {%- set types = [] -%}
    {%- for column in columns -%}
        {%- set kind = (column.data_type, column.is_list) -%}
        {%- if kind not in known -%}
            {%- do known.update({kind: hipaa_mode.data_type(column.data_type, column.is_list)}) -%}
        {%- endif -%}
        {%- do types.append(known[kind]) -%}
    {%- endfor -%}
    {{- return(types) -}}
{%- endmacro %}
