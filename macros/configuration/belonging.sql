{#- Refuses raw calls of which none was read before, and those of another environment. -#}
{% macro check_raw_calls() -%}
    {%- if 'model.hipaa_mode.calls_read' in selected_resources -%}
        {%- set raw = hipaa_mode.settled_raw_calls() -%}
        {%- set request = hipaa_mode.raw_calls_request() -%}
        {%- do request.update({'database': '', 'is_empty': false}) -%}
        {%- if raw.kind == 'table' and request.location != 'source' -%}
            {%- do request.update({
                'database': hipaa_mode._database_file(raw.table),
                'is_empty': not hipaa_mode.has_rows(hipaa_mode.table_name(raw.table)),
            }) -%}
        {%- endif -%}
        {%- do hipaa_mode.refuse(hipaa_mode.door().check_raw_calls(**request)) -%}
    {%- endif -%}
{%- endmacro %}

{#- The name of the file that a table is in: another environment's table may have its name. -#}
{% macro _database_file(parts) -%}
    {%- set named = [target.database, parts[0] if parts | length > 1 else target.database] -%}
    {%- set sql -%}
        select coalesce(path, database_name)
        from system.main.duckdb_databases()
        where lower(database_name) in ({{ hipaa_mode.literals(named | map('lower')) }})
        order by lower(database_name) = lower({{ hipaa_mode.literal(named[1]) }}) desc
        limit 1
    {%- endset -%}
    {%- for row in run_query(sql).rows -%}
        {{- return(row[0].split('/')[-1]) -}}
    {%- endfor -%}
    {{- return(target.database) -}}
{%- endmacro %}

{#- Notes what the environment was built from, once its raw calls were read. -#}
{% macro note_run(run_number) -%}
    {%- set record = hipaa_mode.door().note_run() -%}
    {%- call statement('forget_run') -%}
        delete from {{ hipaa_mode.build_table('run_records') }}
        where environment = {{ hipaa_mode.literal(hipaa_mode.environment()) }}
    {%- endcall -%}
    {%- call statement('note_run') -%}
        insert into {{ hipaa_mode.build_table('run_records') }} values (
            {{ run_number }}, {{ hipaa_mode.literal(hipaa_mode.environment()) }}, {{ hipaa_mode.literal(record) }}
        )
    {%- endcall -%}
{%- endmacro %}
