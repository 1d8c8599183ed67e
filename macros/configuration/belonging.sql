{#- What a run is compared with before anything is touched: what earlier runs left in the database
    (what they left beside the published files Python reads), the fingerprints of their keys among it,
    and what this one accepts by name. See scripts/hipaa_mode/belonging.py. -#}
{% macro belonging_request() -%}
    {%- set accepted = {} -%}
    {%- for name in ['accept_raw_calls', 'share_with', 'accept_day', 'give_up_suppression_lists', 'accept_returning_people', 'accept_returning_calls'] -%}
        {%- do accepted.update({'hipaa_mode__' ~ name: var('hipaa_mode__' ~ name, none)}) -%}
    {%- endfor -%}
    {%- set environments = [] -%}
    {%- set used_keys = [] -%}
    {%- set stored = namespace(record=none) -%}
    {%- set keys = hipaa_mode.build_table('masking_keys') -%}
    {%- set there -%}
        select table_name
        from system.main.duckdb_tables()
        where
            lower(database_name) = lower({{ hipaa_mode.literal(keys.database) }})
            and lower(schema_name) = lower({{ hipaa_mode.literal(keys.schema) }})
            and table_name in ('masking_keys', 'run_records')
    {%- endset -%}
    {%- set tables = run_query(there).columns[0].values() | list -%}
    {%- if 'masking_keys' in tables -%}
        {%- for row in run_query('select environment, fingerprint from ' ~ keys ~ ' order by first_used_at, rowid').rows -%}
            {%- do environments.append(row[0]) -%}
            {%- do used_keys.extend([row[1]] if row[0] == hipaa_mode.environment() else []) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if 'run_records' in tables -%}
        {%- set last -%}
            select record from {{ hipaa_mode.build_table('run_records') }}
            where environment = {{ hipaa_mode.literal(hipaa_mode.environment()) }}
            order by run_number desc
            limit 1
        {%- endset -%}
        {%- for row in run_query(last).rows -%}
            {%- set stored.record = row[0] -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return({
        'used_keys': used_keys,
        'belonging': {
            'root': hipaa_mode.published_request().root,
            'stored_record': stored.record,
            'database_environments': environments | unique | list,
            'accepted': accepted,
        },
    }) -}}
{%- endmacro %}

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

{% macro refuse(reasons) -%}
    {%- if reasons -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: nothing was built or published; what was published before stays.\n- '
            ~ reasons | join('\n- ')
        ) -}}
    {%- endif -%}
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
