{#- Data types. -#}

{% macro data_type(name, is_list=false) -%}
    {{- return(adapter.dispatch('data_type', 'hipaa_mode')(name, is_list)) -}}
{%- endmacro %}

{% macro duckdb__data_type(name, is_list) -%}
    {%- set types = {
        'text': 'varchar', 'json': 'varchar', 'integer': 'bigint', 'number': 'double',
        'boolean': 'boolean', 'timestamp': 'timestamp', 'date': 'date', 'bytes': 'blob',
    } -%}
    {{- return(types[name] ~ ('[]' if is_list else '')) -}}
{%- endmacro %}

{% macro postgres__data_type(name, is_list) -%}
    {%- set types = {
        'text': 'text', 'json': 'text', 'integer': 'bigint', 'number': 'double precision',
        'boolean': 'boolean', 'timestamp': 'timestamp without time zone', 'date': 'date', 'bytes': 'bytea',
    } -%}
    {{- return(types[name] ~ ('[]' if is_list else '')) -}}
{%- endmacro %}

{% macro spark__data_type(name, is_list) -%}
    {%- set types = {
        'text': 'string', 'json': 'string', 'integer': 'bigint', 'number': 'double',
        'boolean': 'boolean', 'timestamp': 'timestamp_ntz', 'date': 'date', 'bytes': 'binary',
    } -%}
    {{- return('array<' ~ types[name] ~ '>' if is_list else types[name]) -}}
{%- endmacro %}

{#- The types of columns of a view, in their order. -#}
{% macro data_types(columns) -%}
    {%- set known = {} -%}
    {%- set types = [] -%}
    {%- for column in columns -%}
        {%- set kind = (column.data_type, column.is_list) -%}
        {%- if kind not in known -%}
            {%- do known.update({kind: hipaa_mode.data_type(column.data_type, column.is_list)}) -%}
        {%- endif -%}
        {%- do types.append(known[kind]) -%}
    {%- endfor -%}
    {{- return(types) -}}
{%- endmacro %}

{#- The columns of a relation, or of a relation in SQL, each with its `name` and `dtype`. -#}
{% macro columns_of(relation) -%}
    {{- return(adapter.dispatch('columns_of', 'hipaa_mode')(relation)) -}}
{%- endmacro %}

{% macro duckdb__columns_of(relation) -%}
    {{- return(adapter.get_column_schema_from_query('select * from ' ~ relation) if relation is string else adapter.get_columns_in_relation(relation)) -}}
{%- endmacro %}

{#- dbt's own answer has no types of elements. -#}
{% macro postgres__columns_of(relation) -%}
    {%- call statement('describe') -%}
        drop view if exists hipaa_mode_described;
        create temporary view hipaa_mode_described as select * from {{ relation }}
    {%- endcall -%}
    {%- set sql -%}
        select attname, format_type(atttypid, atttypmod)
        from pg_attribute
        where attrelid = cast('pg_temp.hipaa_mode_described' as regclass) and attnum > 0
        order by attnum
    {%- endset -%}
    {%- set columns = [] -%}
    {%- for row in run_query(sql).rows -%}
        {%- do columns.append({'name': row[0], 'dtype': row[1]}) -%}
    {%- endfor -%}
    {%- do run_query('drop view hipaa_mode_described') -%}
    {{- return(columns) -}}
{%- endmacro %}

{% macro spark__columns_of(relation) -%}
    {%- set columns = [] -%}
    {%- for row in run_query('describe query select * from ' ~ relation).rows -%}
        {%- do columns.append({'name': row[0], 'dtype': row[1]}) -%}
    {%- endfor -%}
    {{- return(columns) -}}
{%- endmacro %}

{#- The types that a column of messages may have, each with whether it holds bytes. -#}
{% macro message_types() -%}
    {{- return(adapter.dispatch('message_types', 'hipaa_mode')()) -}}
{%- endmacro %}

{% macro duckdb__message_types() -%}
    {{- return({'VARCHAR': false, 'JSON': false, 'BLOB': true}) -}}
{%- endmacro %}

{% macro postgres__message_types() -%}
    {{- return({'text': false, 'character varying': false, 'json': false, 'jsonb': false, 'bytea': true}) -}}
{%- endmacro %}

{% macro spark__message_types() -%}
    {{- return({'string': false, 'binary': true}) -}}
{%- endmacro %}
