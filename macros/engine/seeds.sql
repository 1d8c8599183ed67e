{#- Seeds on Spark. dbt-spark puts their texts between quotes without escaping them. -#}

{% macro spark__create_csv_table(model, agate_table) -%}
    {%- set columns = [] -%}
    {%- for name in agate_table.column_names -%}
        {%- do columns.append(hipaa_mode.identifier(name) ~ ' string') -%}
    {%- endfor -%}
    {%- set sql = 'create table ' ~ this ~ ' (' ~ columns | join(', ') ~ ') using parquet' -%}
    {%- call statement('create_seed') -%}
        {{ sql }}
    {%- endcall -%}
    {{- return(sql) -}}
{%- endmacro %}

{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows -%}
        {%- do rows.append('(' ~ hipaa_mode.cells_of(row) ~ ')') -%}
    {%- endfor -%}
    {%- set sql = 'insert into ' ~ this ~ ' values ' ~ rows | join(', ') -%}
    {%- if rows -%}
        {%- call statement('load_seed') -%}
            {{ sql }}
        {%- endcall -%}
    {%- endif -%}
    {{- return(sql) -}}
{%- endmacro %}
