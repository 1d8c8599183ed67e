{#- Lists. The expression given for an element names it `element`. -#}

{% macro map_list(list, expression) -%}
    {{- return(adapter.dispatch('map_list', 'hipaa_mode')(list, expression)) -}}
{%- endmacro %}

{% macro duckdb__map_list(list, expression) -%}
    {{- return('list_transform(' ~ list ~ ', lambda element: ' ~ expression ~ ')') -}}
{%- endmacro %}

{% macro postgres__map_list(list, expression) -%}
    {{- return(
        'case when ' ~ list ~ ' is not null then array(select ' ~ expression ~ ' from unnest(' ~ list
        ~ ') with ordinality as elements (element, element_place) order by element_place) end'
    ) -}}
{%- endmacro %}

{% macro flatten_list(list) -%}
    {{- return(adapter.dispatch('flatten_list', 'hipaa_mode')(list)) -}}
{%- endmacro %}

{% macro duckdb__flatten_list(list) -%}
    {{- return('flatten(' ~ list ~ ')') -}}
{%- endmacro %}

{% macro postgres__flatten_list(list) -%}
    {{- exceptions.raise_compiler_error('hipaa_mode: PostgreSQL has no lists of lists') -}}
{%- endmacro %}

{% macro count_list_values(list) -%}
    {{- return(adapter.dispatch('count_list_values', 'hipaa_mode')(list)) -}}
{%- endmacro %}

{% macro duckdb__count_list_values(list) -%}
    {{- return('coalesce(sum(len(list_filter(' ~ list ~ ', lambda element: element is not null))), 0)') -}}
{%- endmacro %}

{% macro postgres__count_list_values(list) -%}
    {{- return('coalesce(sum(cardinality(array_remove(' ~ list ~ ', null))), 0)') -}}
{%- endmacro %}

{#- A list of text literals. -#}
{% macro list_of(texts) -%}
    {{- return(adapter.dispatch('list_of', 'hipaa_mode')(texts)) -}}
{%- endmacro %}

{% macro duckdb__list_of(texts) -%}
    {{- return('[' ~ hipaa_mode.literals(texts) ~ ']' if texts else hipaa_mode.empty_list()) -}}
{%- endmacro %}

{% macro postgres__list_of(texts) -%}
    {{- return('cast(array[' ~ hipaa_mode.literals(texts) ~ '] as text[])') -}}
{%- endmacro %}

{#- An element of a list; the first is 1. -#}
{% macro element_at(list, place) -%}
    {{- return(adapter.dispatch('element_at', 'hipaa_mode')(list, place)) -}}
{%- endmacro %}

{% macro duckdb__element_at(list, place) -%}
    {{- return(list ~ '[' ~ place ~ ']') -}}
{%- endmacro %}

{% macro postgres__element_at(list, place) -%}
    {{- return('(' ~ list ~ ')[' ~ place ~ ']') -}}
{%- endmacro %}

{#- The elements of a list as rows, in a select's columns. -#}
{% macro rows_of(list) -%}
    {{- return(adapter.dispatch('rows_of', 'hipaa_mode')(list)) -}}
{%- endmacro %}

{% macro default__rows_of(list) -%}
    {{- return('unnest(' ~ list ~ ')') -}}
{%- endmacro %}

{#- Text literals as rows, in a select without from. -#}
{% macro rows_of_list(texts) -%}
    {{- return(adapter.dispatch('rows_of_list', 'hipaa_mode')(texts)) -}}
{%- endmacro %}

{% macro default__rows_of_list(texts) -%}
    {{- return('unnest(' ~ hipaa_mode.list_of(texts) ~ ')') -}}
{%- endmacro %}

{% macro empty_list() -%}
    {{- return(adapter.dispatch('empty_list', 'hipaa_mode')()) -}}
{%- endmacro %}

{% macro duckdb__empty_list() -%}
    {{- return('cast([] as varchar[])') -}}
{%- endmacro %}

{% macro postgres__empty_list() -%}
    {{- return("cast('{}' as text[])") -}}
{%- endmacro %}

{#- Whether a list has a text; null of no list. -#}
{% macro list_has(list, text) -%}
    {{- return(adapter.dispatch('list_has', 'hipaa_mode')(list, text)) -}}
{%- endmacro %}

{% macro duckdb__list_has(list, text) -%}
    {{- return('list_contains(' ~ list ~ ', ' ~ text ~ ')') -}}
{%- endmacro %}

{% macro postgres__list_has(list, text) -%}
    {{- return('(' ~ text ~ ' = any (' ~ list ~ '))') -}}
{%- endmacro %}

{#- The values of a group as a list, in an order. -#}
{% macro collected(value, order) -%}
    {{- return(adapter.dispatch('collected', 'hipaa_mode')(value, order)) -}}
{%- endmacro %}

{% macro duckdb__collected(value, order) -%}
    {{- return('list(' ~ value ~ ' order by ' ~ order ~ ')') -}}
{%- endmacro %}

{% macro postgres__collected(value, order) -%}
    {{- return('array_agg(' ~ value ~ ' order by ' ~ order ~ ')') -}}
{%- endmacro %}

{#- Some expressions, each as a row, in a select's columns. -#}
{% macro rows_of_values(expressions) -%}
    {{- return(adapter.dispatch('rows_of_values', 'hipaa_mode')(expressions)) -}}
{%- endmacro %}

{% macro duckdb__rows_of_values(expressions) -%}
    {{- return('unnest([' ~ expressions | join(', ') ~ '])') -}}
{%- endmacro %}

{% macro postgres__rows_of_values(expressions) -%}
    {{- return('unnest(array[' ~ expressions | join(', ') ~ '])') -}}
{%- endmacro %}
