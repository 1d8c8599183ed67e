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

{% macro spark__make_temporary_table(name, sql) -%}
    {%- do hipaa_mode.door().make_temporary(name, sql) -%}
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

{% macro spark__make_table(relation, sql, tokens) -%}
    {{- return('create table ' ~ relation ~ ' using parquet as\n' ~ sql) -}}
{%- endmacro %}

{#- The statement that says whether rows are stored in the order in which they come. Where nothing asks
    for it, several threads write a table with less work. -#}
{% macro keep_order(is_kept) -%}
    {{- return(adapter.dispatch('keep_order', 'hipaa_mode')(is_kept)) -}}
{%- endmacro %}

{% macro duckdb__keep_order(is_kept) -%}
    {{- return('set session preserve_insertion_order = ' ~ is_kept) -}}
{%- endmacro %}

{#- A table has no order there. -#}
{% macro default__keep_order(is_kept) -%}
    {{- return('select 1') -}}
{%- endmacro %}

{#- The statement that adds all rows of a table that has the same columns. -#}
{% macro insert_all(relation, table) -%}
    {{- return(adapter.dispatch('insert_all', 'hipaa_mode')(relation, table)) -}}
{%- endmacro %}

{% macro duckdb__insert_all(relation, table) -%}
    {{- return('insert into ' ~ relation ~ ' from ' ~ table) -}}
{%- endmacro %}

{% macro default__insert_all(relation, table) -%}
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

{% macro default__replace_view(relation, sql) -%}
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

{% macro default__made_once() -%}
    {{- return('') -}}
{%- endmacro %}

{% macro postgres__made_once() -%}
    {{- return('materialized ') -}}
{%- endmacro %}

{#- Whether the rows of a step are kept for all that read them, or found again by each. -#}
{% macro kept(is_kept=true) -%}
    {{- return(adapter.dispatch('kept', 'hipaa_mode')(is_kept)) -}}
{%- endmacro %}

{% macro default__kept(is_kept) -%}
    {{- return('materialized ' if is_kept else 'not materialized ') -}}
{%- endmacro %}

{#- Spark decides that by itself. -#}
{% macro spark__kept(is_kept) -%}
    {{- return('') -}}
{%- endmacro %}

{#- The statement that takes rows of a table away; `alias` is the table's name in the condition. -#}
{% macro delete_rows(relation, condition='true', alias='here') -%}
    {{- return(adapter.dispatch('delete_rows', 'hipaa_mode')(relation, condition, alias)) -}}
{%- endmacro %}

{% macro default__delete_rows(relation, condition, alias) -%}
    {{- return('delete from ' ~ relation ~ ' as ' ~ alias ~ ' where ' ~ condition) -}}
{%- endmacro %}

{#- Files are not changed there: what stays is written anew. -#}
{% macro spark__delete_rows(relation, condition, alias) -%}
    {%- do hipaa_mode.door().delete_rows(relation ~ ' as ' ~ alias, condition) -%}
    {{- return('select 1') -}}
{%- endmacro %}

{#- Makes those of some tables of the build that are not there; of each its columns. -#}
{% macro create_tables(tables) -%}
    {%- do adapter.dispatch('create_tables', 'hipaa_mode')(tables) -%}
{%- endmacro %}

{% macro default__create_tables(tables) -%}
    {%- call statement('build_tables') -%}
        {%- for name, columns in tables.items() %}
        create table if not exists {{ hipaa_mode.build_table(name) }} ({{ columns }});
        {%- endfor %}
    {%- endcall -%}
{%- endmacro %}

{#- Codes are kept there as the tables of the build are. dbt looked for relations before that. -#}
{% macro spark__create_tables(tables) -%}
    {%- set codes = hipaa_mode.package_relation('surrogate_codes') -%}
    {%- do hipaa_mode.door().create_tables(codes.schema, {codes.identifier: 'environment varchar, scope varchar, value varchar, code varchar'}) -%}
    {%- do hipaa_mode.door().create_tables(hipaa_mode.build_table('build_state').schema, tables) -%}
    {%- do adapter.cache_added(codes.incorporate(type='table')) -%}
{%- endmacro %}

{#- A statement that makes a view, and others that follow it. -#}
{% macro with_comments(statement, comments) -%}
    {{- return(adapter.dispatch('with_comments', 'hipaa_mode')(statement, comments)) -}}
{%- endmacro %}

{% macro default__with_comments(statement, comments) -%}
    {{- return(statement ~ ';\n        ' ~ comments) -}}
{%- endmacro %}

{#- Columns of views have no comments of their own there. -#}
{% macro spark__with_comments(statement, comments) -%}
    {{- return(statement) -}}
{%- endmacro %}

{#- A recursive step, which has each `id` once: those of `start`, and those that `further` finds from
    the ones found. `steps` are the queries before it. -#}
{% macro reached(name, start, further, steps) -%}
    {{- return(adapter.dispatch('reached', 'hipaa_mode')(name, start, further, steps)) -}}
{%- endmacro %}

{% macro default__reached(name, start, further, steps) -%}
{{ name }} as (

    {{ start }}
    union
    {{ further }}

)
{%- endmacro %}

{#- Spark's own recursion finds an id again and again: Python asks for further ones until there are
    none, and makes a view of them, which is read in the place of the step when the query is run. -#}
{% macro spark__reached(name, start, further, steps) -%}
    {%- set step = hipaa_mode.default__reached(name, start, further, steps) | trim -%}
    {%- if execute and flags.WHICH not in ('compile', 'generate') -%}
        {%- do hipaa_mode.door().reach(step, name, start, further, steps) -%}
    {%- endif -%}
    {{- return(step) -}}
{%- endmacro %}

{#- A step of a query whose rows are kept for the many that read it: where a temporary table is named,
    that may be made of them at once. -#}
{% macro kept_step(name, sql, kept_in=none) -%}
    {{- return(adapter.dispatch('kept_step', 'hipaa_mode')(name, sql, kept_in)) -}}
{%- endmacro %}

{#- Within one query DuckDB would keep all that the step and the query both read, every call with its
    values: gigabytes that are written to disk. -#}
{% macro duckdb__kept_step(name, sql, kept_in) -%}
    {%- if kept_in is none -%}
        {{- return(hipaa_mode.default__kept_step(name, sql, kept_in)) -}}
    {%- endif -%}
    {%- call hipaa_mode.make_temporary_table(kept_in) -%}
        {{ sql }}
    {%- endcall -%}
    {{- return(name ~ ' as (select * from ' ~ kept_in ~ ')') -}}
{%- endmacro %}

{% macro default__kept_step(name, sql, kept_in) -%}
{{ name }} as materialized (

    {{ sql }}

)
{%- endmacro %}

{#- Each that reads a step would find its rows anew: they are read of a view when the query is run. -#}
{% macro spark__kept_step(name, sql, kept_in) -%}
    {%- set step = name ~ ' as (\n\n    ' ~ sql ~ '\n\n)' -%}
    {%- if execute and flags.WHICH not in ('compile', 'generate') -%}
        {%- do hipaa_mode.door().keep(step, name, sql) -%}
    {%- endif -%}
    {{- return(step) -}}
{%- endmacro %}

{#- Forgets the rows that a step was kept in. -#}
{% macro forget_step(kept_in) -%}
    {{- return(adapter.dispatch('forget_step', 'hipaa_mode')(kept_in)) -}}
{%- endmacro %}

{% macro duckdb__forget_step(kept_in) -%}
    {%- call statement('forget_step') -%}
        drop table if exists {{ kept_in }}
    {%- endcall -%}
{%- endmacro %}

{% macro default__forget_step(kept_in) -%}
{%- endmacro %}
