{#- Copies the lists of suppressed users into the restricted zone, so that all of a run goes by one
    list; first compares them with those of the last run. Only the names of relations and lists are
    in the SQL. -#}
{% macro pin_suppressed_users(started) -%}
    {%- set environment = hipaa_mode.literal(hipaa_mode.environment()) -%}
    {%- set people = hipaa_mode.build_table('listed_people') -%}
    {%- set counts = {} -%}
    {%- call statement('listed_now') -%}
        create or replace temp table hipaa_mode_listed_now as
        select distinct user_id, location from {{ started.suppressed_users_view }}
        {%- for location, parts in started.suppression_tables.items() %}
        {%- set table = hipaa_mode._suppression_table(parts) %}
        union
        select hipaa_functions.trimmed(cast(user_id as varchar)), {{ hipaa_mode.literal(location) }}
        from {{ table.name }}
        where
            hipaa_functions.trimmed(cast(user_id as varchar)) <> ''
            and {{ table.environment }} in ('*', {{ environment }})
        {%- endfor %}
    {%- endcall -%}
    {%- for location in started.suppression_lists -%}
        {%- do counts.update({location: {'is_named': true}}) -%}
    {%- endfor -%}
    {%- for location, parts in started.suppression_tables.items() -%}
        {%- do counts[location].update(hipaa_mode._suppression_table_counts(parts, started.environments)) -%}
    {%- endfor -%}
    {%- set compared -%}
        select
            coalesce(before.location, now.location) as location,
            count(distinct now.user_id) as now,
            count(distinct before.user_id) as before,
            count(distinct before.user_id) filter ({{ hipaa_mode._is_on_no_list('before.user_id', started.person_normalizations) }}) as lost
        from (select * from {{ people }} where environment = {{ environment }}) as before
        full join hipaa_mode_listed_now as now
            on before.location = now.location and before.user_id = now.user_id
        group by 1
    {%- endset -%}
    {%- for row in run_query(compared).rows if row[0] -%}
        {%- do counts.setdefault(row[0], {}).update({'now': row[1] | int, 'before': row[2] | int, 'lost': row[3] | int}) -%}
    {%- endfor -%}
    {%- do hipaa_mode.refuse(hipaa_mode.door().judge_lists(counts)) -%}
    {%- call statement('pinned_people') -%}
        insert into {{ hipaa_mode.build_table('released_people') }}
        select distinct {{ hipaa_mode.door().run_number() }}, user_id
        from {{ people }}
        where environment = {{ environment }} and {{ hipaa_mode._is_on_no_list('user_id', started.person_normalizations) }};
        delete from {{ people }} where environment = {{ environment }};
        insert into {{ people }}
        select {{ environment }}, user_id, location from hipaa_mode_listed_now;
        create or replace table {{ hipaa_mode.build_table('suppressed_users') }} as
        select distinct user_id from hipaa_mode_listed_now;
        drop table hipaa_mode_listed_now
    {%- endcall -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{#- Whether somebody is on no list of this run, in any spelling. -#}
{% macro _is_on_no_list(user_id, normalizations) -%}
    {%- set conditions = [] -%}
    {%- for spelling in hipaa_mode.spellings(user_id, normalizations) -%}
        {%- for listed in hipaa_mode.spellings('user_id', normalizations) -%}
            {%- do conditions.append('coalesce(' ~ spelling ~ ' not in (select ' ~ listed ~ ' from hipaa_mode_listed_now where ' ~ listed ~ ' is not null), true)') -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(conditions | join(' and ')) -}}
{%- endmacro %}

{#- A table's name in SQL, and the environment of each of its rows. Checked first: what the engine
    says of a table that does not fit could quote a row of it. -#}
{% macro _suppression_table(parts) -%}
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
    {{- return({
        'name': hipaa_mode.table_name(parts),
        'environment': "coalesce(nullif(trim(cast(environment as varchar)), ''), '*')" if 'environment' in columns else "'*'",
    }) -}}
{%- endmacro %}

{#- Counts of a table's rows: all, those without an id, those for an environment that there is not,
    and those whose id stands for none. -#}
{% macro _suppression_table_counts(parts, environments) -%}
    {%- set table = hipaa_mode._suppression_table(parts) -%}
    {%- set id = 'hipaa_functions.trimmed(cast(user_id as varchar))' -%}
    {%- set sql -%}
        select
            count(*),
            count(*) filter (coalesce({{ id }}, '') = ''),
            count(*) filter ({{ table.environment }} not in ({{ hipaa_mode.literals(['*'] + environments) }})),
            count(*) filter ({{ id }} <> '' and hipaa_functions.is_no_id({{ id }}, {{ hipaa_mode.listed_placeholders() }}))
        from {{ table.name }}
    {%- endset -%}
    {%- set row = run_query(sql).rows[0] -%}
    {{- return({'rows': row[0] | int, 'blank': row[1] | int, 'unknown': row[2] | int, 'placeholders': row[3] | int}) -}}
{%- endmacro %}
