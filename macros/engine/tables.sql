{#- What is done with whole tables. -#}

{#- Makes a table of the query that it is called with, in place of one of that name; it goes with the
    connection. -#}
{% macro make_temporary_table(name) -%}
    {{- return(adapter.dispatch('make_temporary_table', 'hipaa_mode')(name, caller())) -}}
{%- endmacro %}

{% macro duckdb__make_temporary_table(name, sql) -%}
    {%- call statement('make_temporary_table') -%}
        create or replace temp table {{ name }} as
        {{ sql }}
    {%- endcall -%}
{%- endmacro %}

{% macro postgres__make_temporary_table(name, sql) -%}
    {%- call statement('make_temporary_table') -%}
        drop table if exists pg_temp.{{ name }};
        create temporary table {{ name }} as
        {{ sql }}
    {%- endcall -%}
{%- endmacro %}

{#- The statements that make a table of a query, in place of one of that name. Tokens and codes look
    random: to compress them, the texts of some `tokens` columns, takes more time than all else. -#}
{% macro make_table(relation, sql, tokens=[]) -%}
    {{- return(adapter.dispatch('make_table', 'hipaa_mode')(relation, sql, tokens)) -}}
{%- endmacro %}

{% macro duckdb__make_table(relation, sql, tokens) -%}
    {%- if not tokens -%}
        {%- set made = 'create or replace table ' ~ relation ~ ' as (\n' ~ sql ~ '\n)' -%}
        {{- return(made) -}}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- for row in run_query('describe select * from (\n' ~ sql ~ '\n)').rows -%}
        {%- do columns.append(hipaa_mode.identifier(row[0]) ~ ' ' ~ row[1] ~ (' using compression uncompressed' if row[0] in tokens else '')) -%}
    {%- endfor -%}
    {{- return('create or replace table ' ~ relation ~ ' (' ~ columns | join(', ') ~ ');\ninsert into ' ~ relation ~ '\n' ~ sql) -}}
{%- endmacro %}

{#- What reads the table goes with it: in a build all of that is made after it. -#}
{% macro postgres__make_table(relation, sql, tokens) -%}
    {%- set existing = load_cached_relation(relation) -%}
    {%- if existing is not none -%}
        {%- do adapter.drop_relation(existing) -%}
    {%- endif -%}
    {{- return('create table ' ~ relation ~ ' as (\n' ~ sql ~ '\n)') -}}
{%- endmacro %}

{#- The statement that says whether rows are stored in the order in which they come. Where nothing asks
    for it, several threads write a table with less work. -#}
{% macro keep_order(is_kept) -%}
    {{- return(adapter.dispatch('keep_order', 'hipaa_mode')(is_kept)) -}}
{%- endmacro %}

{% macro duckdb__keep_order(is_kept) -%}
    {{- return('set preserve_insertion_order = ' ~ is_kept) -}}
{%- endmacro %}

{#- A table has no order there. -#}
{% macro postgres__keep_order(is_kept) -%}
    {{- return('select 1') -}}
{%- endmacro %}

{#- The statement that adds all rows of a table that has the same columns. -#}
{% macro insert_all(relation, table) -%}
    {{- return(adapter.dispatch('insert_all', 'hipaa_mode')(relation, table)) -}}
{%- endmacro %}

{% macro duckdb__insert_all(relation, table) -%}
    {{- return('insert into ' ~ relation ~ ' from ' ~ table) -}}
{%- endmacro %}

{% macro postgres__insert_all(relation, table) -%}
    {{- return('insert into ' ~ relation ~ ' select * from ' ~ table) -}}
{%- endmacro %}

{#- The statement that takes away the rows (`here`) that match one of another table (`there`). -#}
{% macro delete_matching(relation, table, condition) -%}
    {{- return(adapter.dispatch('delete_matching', 'hipaa_mode')(relation, table, condition)) -}}
{%- endmacro %}

{% macro default__delete_matching(relation, table, condition) -%}
    {{- return('delete from ' ~ relation ~ ' as here using ' ~ table ~ ' as there where ' ~ condition) -}}
{%- endmacro %}

{#- The statement that puts a view in the place of the one there was. -#}
{% macro replace_view(relation, sql) -%}
    {{- return(adapter.dispatch('replace_view', 'hipaa_mode')(relation, sql)) -}}
{%- endmacro %}

{% macro duckdb__replace_view(relation, sql) -%}
        create or replace view {{ relation }} as (
            {{ sql }}
        )
{%- endmacro %}

{#- PostgreSQL replaces no view by one of other columns. -#}
{% macro postgres__replace_view(relation, sql) -%}
        drop view if exists {{ relation }};
        create view {{ relation }} as (
            {{ sql }}
        )
{%- endmacro %}

{#- What makes a step of a query be made once, where the engine would make it again for each column
    that is read of it. -#}
{% macro made_once() -%}
    {{- return(adapter.dispatch('made_once', 'hipaa_mode')()) -}}
{%- endmacro %}

{% macro duckdb__made_once() -%}
    {{- return('') -}}
{%- endmacro %}

{% macro postgres__made_once() -%}
    {{- return('materialized ') -}}
{%- endmacro %}
