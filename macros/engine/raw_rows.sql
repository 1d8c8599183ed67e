{#- The rows of a table of raw calls. -#}

{#- The relation that model calls_read reads of such a table. -#}
{% macro raw_rows(raw) -%}
    {{- return(adapter.dispatch('raw_rows', 'hipaa_mode')(raw)) -}}
{%- endmacro %}

{% macro duckdb__raw_rows(raw) -%}
    {{- return(hipaa_mode._numbered_rows(raw, 'row_number() over ()')) -}}
{%- endmacro %}

{#- Numbers of rows are no more than different there. -#}
{% macro spark__raw_rows(raw) -%}
    {{- return(hipaa_mode._numbered_rows(raw, 'monotonically_increasing_id() + 1')) -}}
{%- endmacro %}

{% macro _numbered_rows(raw, number) %}
{%- set table = hipaa_mode.table_name(raw.table) %}
(
        select
            1 as file_number,
            {{ hipaa_mode.literal(raw.table | join('.')) }} as source_file,
            {{ number }} as line_number,
            cast({{ hipaa_mode.door().run_number() }} as bigint) as run_number,
            {{ hipaa_mode.message_of_row(hipaa_mode.message_column(table)) }}
        from {{ table }}
    ) as raw_table
{%- endmacro %}

{#- Made by `begin_reading_rows`, for the connection of that model alone. -#}
{% macro postgres__raw_rows(raw) -%}
    {{- return(raw.view) -}}
{%- endmacro %}

{#- The message of such a row: its text, and its bytes where they are none. -#}
{% macro message_of_row(column) -%}
    {%- set name = hipaa_mode.identifier(column.name) -%}
            {%- if column.is_bytes -%}
            hipaa_functions.text_of_bytes({{ name }}) as message,
            case when hipaa_functions.text_of_bytes({{ name }}) is null then {{ name }} end as unreadable
            {%- else -%}
            hipaa_functions.text_of_column({{ name }}) as message,
            cast(null as {{ hipaa_mode.data_type('bytes') }}) as unreadable
            {%- endif -%}
{%- endmacro %}

{#- Sees to it that `raw_rows` has the rows that calls_read does not have yet, all of them where it is
    made anew (`since` is none); takes away those that are gone from the table. -#}
{% macro begin_reading_rows(relation, since, run_number) -%}
    {{- return(adapter.dispatch('begin_reading_rows', 'hipaa_mode')(relation, since, run_number)) -}}
{%- endmacro %}

{#- No place tells one row of a table from another in every run: calls_read is always made anew. -#}
{% macro default__begin_reading_rows(relation, since, run_number) -%}
{%- endmacro %}

{#- A table has no order, and a row no place that stays its own. So a row's place is made of what it
    holds: `line_number` of its hash, and `file_number` counts rows that hold the same. -#}
{% macro postgres__begin_reading_rows(relation, since, run_number) -%}
    {%- set raw = hipaa_mode.pinned_raw_calls() -%}
    {%- set table = hipaa_mode.table_name(raw.table) -%}
    {%- set column = hipaa_mode.message_column(table) -%}
    {%- if column.type == 'jsonb' -%}
        {%- do hipaa_mode.warn_of([
            'column `' ~ column.name ~ '` of ' ~ table ~ ' is of type jsonb, which keeps the last of a key that an object has '
            ~ 'twice, and not the first, and spells some numbers otherwise: these have other tokens than in text. Make the column text or bytea'
        ]) -%}
    {%- endif -%}
    {#- One snapshot from here on: rows that come or go meanwhile are the next build's. After a commit of
        dbt's its client library begins no transaction by itself. -#}
    {%- do adapter.commit() -%}
    {%- call statement('one_snapshot') -%}
        begin transaction isolation level repeatable read
    {%- endcall -%}
    {%- call statement('count_rows') -%}
        insert into {{ hipaa_mode.build_table('raw_tables') }} select {{ run_number }}, count(*) from {{ table }}
    {%- endcall -%}
    {%- set rows -%}
        select
            cast(row_number() over (partition by placed.line_number) as integer) as file_number,
            cast({{ hipaa_mode.literal(raw.table | join('.')) }} as text) as source_file,
            placed.line_number,
            cast({{ run_number }} as bigint) as run_number,
            {{ hipaa_mode.message_of_row(column) }}
            {%- if since is not none %},
            known.times
            {%- endif %}
        from (
            select {{ hipaa_mode.identifier(column.name) }}, {{ hipaa_mode._postgres_place(column) }} as line_number
            from {{ table }}
        ) as placed
        {%- if since is not none %}
        inner join hipaa_mode_new_places as known on placed.line_number = known.line_number
        {%- endif %}
    {%- endset -%}
    {%- if since is none -%}
        {%- call statement('name_rows') -%}
            drop view if exists pg_temp.{{ raw.view }};
            create temporary view {{ raw.view }} as
            {{ rows }}
        {%- endcall -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set known_places = 'select line_number, count(*) as times from ' ~ relation ~ ' group by line_number' -%}
    {%- call hipaa_mode.make_temporary_table('hipaa_mode_places') -%}
        select line_number, count(*) as times
        from (select {{ hipaa_mode._postgres_place(column) }} as line_number from {{ table }}) as placed
        group by line_number
    {%- endcall -%}
    {%- call hipaa_mode.make_temporary_table('hipaa_mode_gone_rows') -%}
        select calls_read.file_number, calls_read.line_number
        from {{ relation }} as calls_read
        left join hipaa_mode_places as places on calls_read.line_number = places.line_number
        where calls_read.file_number > coalesce(places.times, 0)
    {%- endcall -%}
    {%- if hipaa_mode.has_rows('hipaa_mode_gone_rows') -%}
        {%- do hipaa_mode.remove_calls(relation, '(file_number, line_number) in (select file_number, line_number from hipaa_mode_gone_rows)', run_number) -%}
    {%- endif -%}
    {%- call hipaa_mode.make_temporary_table('hipaa_mode_new_places') -%}
        select places.line_number, coalesce(known.times, 0) as times
        from hipaa_mode_places as places
        left join ({{ known_places }}) as known on places.line_number = known.line_number
        where places.times > coalesce(known.times, 0)
    {%- endcall -%}
    {%- call hipaa_mode.make_temporary_table(raw.view) -%}
        select file_number, source_file, line_number, run_number, message, unreadable
        from (
        {{ rows }}
        ) as numbered
        where file_number > times
    {%- endcall -%}
    {%- set counts = run_query('select (select count(*) from ' ~ raw.view ~ '), (select count(*) from hipaa_mode_gone_rows)').rows[0] -%}
    {%- do hipaa_mode.door().say('read ' ~ counts[0] ~ ' new rows; ' ~ counts[1] ~ ' are gone') -%}
{%- endmacro %}

{% macro _postgres_place(column) -%}
    {%- set name = hipaa_mode.identifier(column.name) -%}
    {{- return('hipaa_functions.place_of(' ~ (name if column.is_bytes else "convert_to(cast(" ~ name ~ " as text), 'UTF8')") ~ ')') -}}
{%- endmacro %}

{#- The number of raw calls that reading them now gives; see `recount_files`. -#}
{% macro count_of_raw_calls(source_relation) -%}
    {%- set is_table = execute and flags.WHICH not in ('compile', 'generate')
        and hipaa_mode.raw_calls_location() != 'source' and hipaa_mode.pinned_raw_calls().kind == 'table' -%}
    {%- if not is_table -%}
        {{- return('select count(*) from ' ~ hipaa_mode.raw_calls(source_relation)) -}}
    {%- endif -%}
    {{- return(adapter.dispatch('count_of_raw_rows', 'hipaa_mode')(source_relation)) -}}
{%- endmacro %}

{% macro default__count_of_raw_rows(source_relation) -%}
    {{- return('select count(*) from ' ~ hipaa_mode.raw_calls(source_relation)) -}}
{%- endmacro %}

{#- Those that there were when calls_read was made; a loader may have written since. -#}
{% macro postgres__count_of_raw_rows(source_relation) -%}
    {%- set noted = hipaa_mode.build_table('raw_tables') -%}
    {{- return('select coalesce((select calls from ' ~ noted ~ ' order by run_number desc limit 1), -1)') -}}
{%- endmacro %}
