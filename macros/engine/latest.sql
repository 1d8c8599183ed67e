{#- Values in the order of a number that no two rows of a group share. -#}

{#- The last value that is not null; to be used where rows are grouped. -#}
{% macro latest_value(value, place) -%}
    {{- return(adapter.dispatch('latest_value', 'hipaa_mode')(value, place)) -}}
{%- endmacro %}

{% macro duckdb__latest_value(value, place) -%}
    {{- return('arg_max(' ~ value ~ ', ' ~ place ~ ')') -}}
{%- endmacro %}

{% macro postgres__latest_value(value, place) -%}
    {{- return('hipaa_functions.latest(' ~ value ~ ' order by ' ~ place ~ ')') -}}
{%- endmacro %}

{% macro spark__latest_value(value, place) -%}
    {{- return('max_by(' ~ value ~ ', case when ' ~ value ~ ' is not null then ' ~ place ~ ' end)') -}}
{%- endmacro %}

{#- Whether a value is another one than the last of the rows before that is not null. -#}
{% macro is_new_value(value, group, place) -%}
    {{- return(adapter.dispatch('is_new_value', 'hipaa_mode')(value, group, place)) -}}
{%- endmacro %}

{% macro duckdb__is_new_value(value, group, place) -%}
    {{- return(
        '(' ~ value ~ ' is not null and ' ~ value ~ ' is distinct from lag(' ~ value
        ~ ' ignore nulls) over (partition by ' ~ group ~ ' order by ' ~ place ~ '))'
    ) -}}
{%- endmacro %}

{% macro postgres__is_new_value(value, group, place) -%}
    {{- return(
        '(' ~ value ~ ' is not null and ' ~ value ~ ' is distinct from hipaa_functions.latest(' ~ value
        ~ ') over (partition by ' ~ group ~ ' order by ' ~ place ~ ' rows between unbounded preceding and 1 preceding))'
    ) -}}
{%- endmacro %}

{% macro spark__is_new_value(value, group, place) -%}
    {{- return(
        '(' ~ value ~ ' is not null and ' ~ value ~ ' is distinct from lag(' ~ value
        ~ ') ignore nulls over (partition by ' ~ group ~ ' order by ' ~ place ~ '))'
    ) -}}
{%- endmacro %}
