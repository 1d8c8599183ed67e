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

{#- A list of text literals. -#}
{% macro list_of(texts) -%}
    {{- return(adapter.dispatch('list_of', 'hipaa_mode')(texts)) -}}
{%- endmacro %}

{% macro duckdb__list_of(texts) -%}
    {{- return('[' ~ hipaa_mode.literals(texts) ~ ']') -}}
{%- endmacro %}

{#- An element of a list; the first is 1. -#}
{% macro element_at(list, place) -%}
    {{- return(adapter.dispatch('element_at', 'hipaa_mode')(list, place)) -}}
{%- endmacro %}

{% macro duckdb__element_at(list, place) -%}
    {{- return(list ~ '[' ~ place ~ ']') -}}
{%- endmacro %}

{#- Text literals as rows, in a select without from. -#}
{% macro rows_of_list(texts) -%}
    {{- return(adapter.dispatch('rows_of_list', 'hipaa_mode')(texts)) -}}
{%- endmacro %}

{% macro duckdb__rows_of_list(texts) -%}
    {{- return('unnest(' ~ hipaa_mode.list_of(texts) ~ ')') -}}
{%- endmacro %}

{#- The first element of a list that is not null. -#}
{% macro first_in_list(list) -%}
    {{- return(adapter.dispatch('first_in_list', 'hipaa_mode')(list)) -}}
{%- endmacro %}

{% macro duckdb__first_in_list(list) -%}
    {{- return('list_filter(' ~ list ~ ', lambda element: element is not null)[1]') -}}
{%- endmacro %}
