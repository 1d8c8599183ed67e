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

{#- No function may stand in a lambda there. -#}
{% macro spark__map_list(list, expression) -%}
    {{- return(
        'case when ' ~ list ~ ' is not null then coalesce((select transform(array_sort(array_agg(struct(element_place, ' ~ expression
        ~ ' as form))), placed -> placed.form) from posexplode(' ~ list ~ ') as elements (element_place, element)), ' ~ hipaa_mode.empty_list() ~ ') end'
    ) -}}
{%- endmacro %}

{% macro flatten_list(list) -%}
    {{- return(adapter.dispatch('flatten_list', 'hipaa_mode')(list)) -}}
{%- endmacro %}

{% macro default__flatten_list(list) -%}
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

{% macro spark__count_list_values(list) -%}
    {{- return('coalesce(sum(size(array_compact(' ~ list ~ '))), 0)') -}}
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

{% macro spark__list_of(texts) -%}
    {{- return('cast(array(' ~ hipaa_mode.literals(texts) ~ ') as array<string>)') -}}
{%- endmacro %}

{#- An element of a list; the first is 1. -#}
{% macro element_at(list, place) -%}
    {{- return(adapter.dispatch('element_at', 'hipaa_mode')(list, place)) -}}
{%- endmacro %}

{% macro duckdb__element_at(list, place) -%}
    {{- return(list ~ '[' ~ place ~ ']') -}}
{%- endmacro %}

{% macro postgres__element_at(list, place) -%}
    {{- return((list if list.isidentifier() else '(' ~ list ~ ')') ~ '[' ~ place ~ ']') -}}
{%- endmacro %}

{% macro spark__element_at(list, place) -%}
    {{- return('try_element_at(' ~ list ~ ', ' ~ place ~ ')') -}}
{%- endmacro %}

{#- The elements of a list as rows, in a select's columns. -#}
{% macro rows_of(list) -%}
    {{- return(adapter.dispatch('rows_of', 'hipaa_mode')(list)) -}}
{%- endmacro %}

{% macro default__rows_of(list) -%}
    {{- return('unnest(' ~ list ~ ')') -}}
{%- endmacro %}

{% macro spark__rows_of(list) -%}
    {{- return('explode(' ~ list ~ ')') -}}
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

{% macro spark__empty_list() -%}
    {{- return("cast(array() as array<string>)") -}}
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

{% macro spark__list_has(list, text) -%}
    {{- return('array_contains(' ~ list ~ ', ' ~ text ~ ')') -}}
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

{% macro spark__collected(value, order) -%}
    {{- return('transform(array_sort(array_agg(struct(' ~ order ~ ' as place, ' ~ value ~ ' as value))), placed -> placed.value)') -}}
{%- endmacro %}

{#- Some expressions, each as a row, in a select's columns. -#}
{% macro rows_of_values(expressions) -%}
    {{- return(hipaa_mode.rows_of(hipaa_mode.values_as_list(expressions))) -}}
{%- endmacro %}

{#- Lists of one length side by side, in a select's columns: a row for each place. Of each list its
    SQL, by the name of the column. -#}
{% macro rows_side_by_side(lists) -%}
    {{- return(adapter.dispatch('rows_side_by_side', 'hipaa_mode')(lists)) -}}
{%- endmacro %}

{% macro default__rows_side_by_side(lists) -%}
    {%- set columns = [] -%}
    {%- for name, list in lists.items() -%}
        {%- do columns.append(hipaa_mode.rows_of(list) ~ ' as ' ~ name) -%}
    {%- endfor -%}
    {{- return(columns | join(',\n    ')) -}}
{%- endmacro %}

{#- A select has one such column there. -#}
{% macro spark__rows_side_by_side(lists) -%}
    {{- return('inline(arrays_zip(' ~ lists.values() | join(', ') ~ ')) as (' ~ lists.keys() | join(', ') ~ ')') -}}
{%- endmacro %}

{#- A list of the values of some expressions of one type. -#}
{% macro values_as_list(expressions) -%}
    {{- return(adapter.dispatch('values_as_list', 'hipaa_mode')(expressions)) -}}
{%- endmacro %}

{% macro duckdb__values_as_list(expressions) -%}
    {{- return('[' ~ expressions | join(', ') ~ ']') -}}
{%- endmacro %}

{% macro postgres__values_as_list(expressions) -%}
    {{- return('array[' ~ expressions | join(', ') ~ ']') -}}
{%- endmacro %}

{% macro spark__values_as_list(expressions) -%}
    {{- return('array(' ~ expressions | join(', ') ~ ')') -}}
{%- endmacro %}
