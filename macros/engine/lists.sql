{#- Lists. The expression given for an element names it `element`. -#}

{% macro map_list(list, expression) -%}
    {{- return(adapter.dispatch('map_list', 'hipaa_mode')(list, expression)) -}}
{%- endmacro %}

{% macro duckdb__map_list(list, expression) -%}
    {{- return('list_transform(' ~ list ~ ', lambda element: ' ~ expression ~ ')') -}}
{%- endmacro %}

{% macro flatten_list(list) -%}
    {{- return(adapter.dispatch('flatten_list', 'hipaa_mode')(list)) -}}
{%- endmacro %}

{% macro duckdb__flatten_list(list) -%}
    {{- return('flatten(' ~ list ~ ')') -}}
{%- endmacro %}

{% macro count_list_values(list) -%}
    {{- return(adapter.dispatch('count_list_values', 'hipaa_mode')(list)) -}}
{%- endmacro %}

{% macro duckdb__count_list_values(list) -%}
    {{- return('coalesce(sum(len(list_filter(' ~ list ~ ', lambda element: element is not null))), 0)') -}}
{%- endmacro %}

{#- How many elements of a list meet a condition. -#}
{% macro count_elements(list, condition) -%}
    {{- return(adapter.dispatch('count_elements', 'hipaa_mode')(list, condition)) -}}
{%- endmacro %}

{% macro duckdb__count_elements(list, condition) -%}
    {{- return('len(list_filter(' ~ list ~ ', lambda element: ' ~ condition ~ '))') -}}
{%- endmacro %}
