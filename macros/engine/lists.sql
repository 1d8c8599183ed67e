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

{#- A list of text literals. -#}
{% macro list_of(texts) -%}
    {{- return(adapter.dispatch('list_of', 'hipaa_mode')(texts)) -}}
{%- endmacro %}

{% macro duckdb__list_of(texts) -%}
    {{- return('[' ~ hipaa_mode.literals(texts) ~ ']' if texts else hipaa_mode.empty_list()) -}}
{%- endmacro %}

{#- An element of a list; the first is 1. -#}
{% macro element_at(list, place) -%}
    {{- return(adapter.dispatch('element_at', 'hipaa_mode')(list, place)) -}}
{%- endmacro %}

{% macro duckdb__element_at(list, place) -%}
    {{- return(list ~ '[' ~ place ~ ']') -}}
{%- endmacro %}

{#- The elements of a list as rows, in a select's columns. -#}
{% macro rows_of(list) -%}
    {{- return(adapter.dispatch('rows_of', 'hipaa_mode')(list)) -}}
{%- endmacro %}

{% macro duckdb__rows_of(list) -%}
    {{- return('unnest(' ~ list ~ ')') -}}
{%- endmacro %}

{#- Text literals as rows, in a select without from. -#}
{% macro rows_of_list(texts) -%}
    {{- return(adapter.dispatch('rows_of_list', 'hipaa_mode')(texts)) -}}
{%- endmacro %}

{% macro duckdb__rows_of_list(texts) -%}
    {{- return('unnest(' ~ hipaa_mode.list_of(texts) ~ ')') -}}
{%- endmacro %}

{% macro empty_list() -%}
    {{- return(adapter.dispatch('empty_list', 'hipaa_mode')()) -}}
{%- endmacro %}

{% macro duckdb__empty_list() -%}
    {{- return('cast([] as varchar[])') -}}
{%- endmacro %}

{#- Whether a list has a text; null of no list. -#}
{% macro list_has(list, text) -%}
    {{- return(adapter.dispatch('list_has', 'hipaa_mode')(list, text)) -}}
{%- endmacro %}

{% macro duckdb__list_has(list, text) -%}
    {{- return('list_contains(' ~ list ~ ', ' ~ text ~ ')') -}}
{%- endmacro %}

{#- The values of a group as a list, in an order. -#}
{% macro collected(value, order) -%}
    {{- return(adapter.dispatch('collected', 'hipaa_mode')(value, order)) -}}
{%- endmacro %}

{% macro duckdb__collected(value, order) -%}
    {{- return('list(' ~ value ~ ' order by ' ~ order ~ ')') -}}
{%- endmacro %}

{#- All columns but some, of a relation or of all there are. -#}
{% macro all_but(names, relation=none) -%}
    {{- return(adapter.dispatch('all_but', 'hipaa_mode')(names, relation)) -}}
{%- endmacro %}

{% macro duckdb__all_but(names, relation) -%}
    {{- return((relation ~ '.' if relation else '') ~ '* exclude (' ~ names | join(', ') ~ ')') -}}
{%- endmacro %}

{#- Some expressions, each as a row, in a select's columns. -#}
{% macro rows_of_values(expressions) -%}
    {{- return(adapter.dispatch('rows_of_values', 'hipaa_mode')(expressions)) -}}
{%- endmacro %}

{% macro duckdb__rows_of_values(expressions) -%}
    {{- return('unnest([' ~ expressions | join(', ') ~ '])') -}}
{%- endmacro %}
