{#- Tables of the build itself, in the restricted zone. They are no models: they must outlive
    every rebuild of the models they tell of. All are only ever added to, since dbt's threads
    write to them at once. -#}
{% macro create_build_tables() -%}
    {%- set tables = {
        'masking_keys': 'environment varchar, fingerprint varchar, first_used_at timestamp',
        'audit_log': 'environment varchar, sequence bigint, recorded_at varchar, destination varchar, outcome varchar, entry_hash varchar, entry varchar',
        'build_state': 'relation varchar, fingerprint varchar, run_number bigint, rebuilt_number bigint',
        'raw_files': 'run_number bigint, file_number integer, source_file varchar, size bigint, modified_at bigint, sample varchar, lines bigint, can_grow boolean, is_gone boolean',
        'raw_tables': 'run_number bigint, calls bigint',
        'changed_calls': 'run_number bigint, message_id varchar, content_hash varchar, call_key varchar',
        'changed_days': 'run_number bigint, view_name varchar, day varchar',
        'masked_counts': 'run_number bigint, view_name varchar, column_name varchar, event varchar, not_fitting bigint, like_identifiers bigint, arrived bigint',
        'ids_of_calls': 'run_number bigint, kind varchar, id varchar, calls bigint',
        'ids_of_people': 'run_number bigint, kind varchar, id varchar',
        'withheld_ids': 'kind varchar, id varchar',
        'suppressed_users': 'user_id varchar',
        'listed_people': 'environment varchar, user_id varchar, location varchar',
        'released_people': 'run_number bigint, user_id varchar',
        'released_calls': 'run_number bigint, call_key varchar, reason varchar',
        'accepted_lines': 'run_number bigint, source_file varchar, lines bigint, rejected bigint',
        'run_records': 'run_number bigint, environment varchar, record varchar',
        'space_to_clear': 'run_number bigint',
        'property_names': 'run_number bigint, view_name varchar, root varchar, name varchar',
    } -%}
    {%- do adapter.create_schema(hipaa_mode.build_table('build_state')) -%}
    {%- do hipaa_mode.create_tables(tables) -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{#- Beside the package's models, wherever the project puts these. -#}
{% macro build_table(name) -%}
    {%- if not execute -%}
        {{- return(api.Relation.create(identifier=name)) -}}
    {%- endif -%}
    {%- set models = hipaa_mode.package_relation('calls_read') -%}
    {{- return(api.Relation.create(
        database=models.database, schema=models.schema, identifier=name, type='table'
    )) -}}
{%- endmacro %}

{#- How a table of the restricted zone was built last: the fingerprint of its query, the run that
    brought it up to date, and the run that made it anew. None where it was not. -#}
{% macro table_state(name) -%}
    {{- return(hipaa_mode.door().table_state(name)) -}}
{%- endmacro %}

{#- The highest number that a file of this warehouse ever had, also one that is gone. -#}
{% macro last_file_number() -%}
    {%- set sql = 'select coalesce(max(file_number), 0) from ' ~ hipaa_mode.build_table('raw_files') -%}
    {{- return(run_query(sql).columns[0].values()[0] | int) -}}
{%- endmacro %}

{#- The files that the warehouse has read, as `plan_reading` wants them. -#}
{% macro known_files() -%}
    {%- set sql -%}
        select file_number, source_file, size, modified_at, sample, lines, can_grow, is_gone
        from (
            select *, row_number() over (partition by file_number order by run_number desc, is_gone) as place
            from {{ hipaa_mode.build_table('raw_files') }}
        ) as placed
        where place = 1
    {%- endset -%}
    {%- set files = [] -%}
    {%- for row in run_query(sql).rows if not row[7] -%}
        {%- do files.append({
            'number': row[0] | int, 'path': row[1], 'size': row[2] | int, 'modified_at': row[3] | int,
            'sample': row[4], 'lines': row[5] | int, 'can_grow': row[6],
        }) -%}
    {%- endfor -%}
    {{- return(files) -}}
{%- endmacro %}
