{#- Forgets what no later run asks for: calls that changed before all tables followed, and what came
    back before something was published. Then asks for the database file to be written anew, if that is
    due, when the run has ended: DuckDB leaves what was deleted in the file's free space until that is
    used again. See scripts/hipaa_mode/rewriting.py. -#}
{% macro clear_space() -%}
    {%- set published = hipaa_mode.door().published_before() -%}
    {%- call statement('forget') -%}
        {%- for table in ['released_people', 'released_calls'] %}
        delete from {{ hipaa_mode.build_table(table) }} where run_number <= {{ published }};
        {%- endfor %}
        delete from {{ hipaa_mode.build_table('changed_calls') }}
        where run_number <= (
            select min(run_number)
            from (
                select max(run_number) as run_number
                from {{ hipaa_mode.build_table('build_state') }}
                group by relation
            ) as latest
        )
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {%- if hipaa_mode.has_rows(hipaa_mode.build_table('space_to_clear')) -%}
        {%- do hipaa_mode.door().rewrite_database(hipaa_mode.database_file()) -%}
    {%- endif -%}
{%- endmacro %}

{% macro note_space_to_clear() -%}
    {%- call statement('note_space_to_clear') -%}
        insert into {{ hipaa_mode.build_table('space_to_clear') }} values ({{ hipaa_mode.door().run_number() }})
    {%- endcall -%}
{%- endmacro %}

{#- The file of the restricted zone; empty where it is in memory. -#}
{% macro database_file() -%}
    {{- return(adapter.dispatch('database_file', 'hipaa_mode')()) -}}
{%- endmacro %}

{% macro duckdb__database_file() -%}
    {%- set database = hipaa_mode.package_relation('calls_read').database -%}
    {%- set sql -%}
        select coalesce(path, '') from system.main.duckdb_databases() where database_name = {{ hipaa_mode.literal(database) }}
    {%- endset -%}
    {{- return(run_query(sql).columns[0].values() | first or '') -}}
{%- endmacro %}
