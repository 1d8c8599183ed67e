{#- The statement that writes the rows of one file; `shown` are its columns. -#}
{% macro write_file(relation, shown, condition, path) -%}
    {{- return(adapter.dispatch('write_file', 'hipaa_mode')(relation, shown, condition, path)) -}}
{%- endmacro %}

{% macro duckdb__write_file(relation, shown, condition, path) -%}
    {#- In the order of row ids, that of arrival would tell finer times than the columns do. Their
        first 15 digits as a number sort quicker. A column in `try` may be null for all that DuckDB
        knows: else a file would say of a column that it is never null, which DuckDB knows of all rows
        that are stored, also of those that this destination does not get. -#}
    {%- set selected = [] -%}
    {%- for name in shown -%}
        {%- do selected.append('try(' ~ name ~ ') as ' ~ name) -%}
    {%- endfor -%}
    {{- return(
        'copy (select ' ~ selected | join(', ') ~ ' from ' ~ relation ~ ' where ' ~ condition ~ " order by try_cast('0x' || left(row_id, 15) as bigint)) to "
        ~ hipaa_mode.literal(path) ~ ' (format parquet, parquet_version v2, compression zstd, compression_level 1, write_bloom_filter false, use_tmp_file false)'
    ) -}}
{%- endmacro %}
