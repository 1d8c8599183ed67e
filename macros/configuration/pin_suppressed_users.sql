{#- Copies the list of suppressed users into the restricted zone, so that all of a run goes by one
    list. Only the names of relations are in the SQL. -#}
{% macro pin_suppressed_users(started) -%}
    {%- set relation = hipaa_mode.build_table('suppressed_users') -%}
    {%- call statement('suppressed_users') -%}
        create or replace table {{ relation }} as
        select distinct user_id from {{ started.suppressed_users_view }}
        {%- if started.suppressed_users_table %}
        union
        {{ hipaa_mode._suppressed_users_of_table(started.suppressed_users_table) }}
        {%- endif %}
    {%- endcall -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{#- Checked first: what the engine says of a table that does not fit could quote a row of it. -#}
{% macro _suppressed_users_of_table(parts) -%}
    {%- set columns_sql -%}
        select distinct lower(column_name)
        from system.main.duckdb_columns()
        where lower(table_name) = lower({{ hipaa_mode.literal(parts[-1]) }})
        {%- if parts | length > 1 %}
            and lower(schema_name) = lower({{ hipaa_mode.literal(parts[-2]) }})
        {%- endif %}
        {%- if parts | length > 2 %}
            and lower(database_name) = lower({{ hipaa_mode.literal(parts[-3]) }})
        {%- endif %}
    {%- endset -%}
    {%- set columns = run_query(columns_sql).columns[0].values() | list -%}
    {%- if 'user_id' not in columns -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: ' ~ parts | join('.') ~ ', which lists suppressed users, is not there or has no column `user_id`. '
            ~ 'Nothing was built. Correct HIPAA_MODE_SUPPRESSED_USERS, or attach its database in profiles.yml'
        ) -}}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for part in parts -%}
        {%- do names.append(hipaa_mode.identifier(part)) -%}
    {%- endfor -%}
    {%- set user_id = hipaa_mode.without_blanks('cast(user_id as varchar)') %}
        select {{ user_id }}
        from {{ names | join('.') }}
        where
            {{ user_id }} <> ''
            {%- if 'environment' in columns %}
            and coalesce(nullif(trim(environment), ''), '*') in ('*', {{ hipaa_mode.literal(hipaa_mode.environment()) }})
            {%- endif %}
{%- endmacro %}
