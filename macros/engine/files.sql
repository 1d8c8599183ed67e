{#- Writes a view's rows to the files that are planned; `shown` are its columns. -#}
{% macro write_rows(view, relation, shown, planned) -%}
    {{- return(adapter.dispatch('write_rows', 'hipaa_mode')(view, relation, shown, planned)) -}}
{%- endmacro %}

{% macro duckdb__write_rows(view, relation, shown, planned) -%}
    {#- In the order of row ids: that of arrival would tell finer times than the columns do. -#}
    {%- set rows = 'select ' ~ shown | join(', ') ~ ' from ' ~ relation ~ ' where ' -%}
    {%- set written = hipaa_mode.door().write_days(view, rows ~ hipaa_mode.in_partition(planned.days)) if planned.days else [] -%}
    {%- for file in planned.write if file.name not in written -%}
        {%- do hipaa_mode.door().write_file(view, file.name, rows ~ hipaa_mode.in_partition(file) ~ ' order by ' ~ hipaa_mode.token_order('row_id')) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro postgres__write_rows(view, relation, shown, planned) -%}
    {{- exceptions.raise_compiler_error('hipaa_mode: PostgreSQL publishes no files') -}}
{%- endmacro %}

{#- One query for all days: in the order of days, and of row ids within one. -#}
{% macro spark__write_rows(view, relation, shown, planned) -%}
    {%- set rows = 'select ' ~ shown | join(', ') ~ ' from ' ~ relation ~ ' where ' -%}
    {%- set whole = hipaa_mode.door().all_days(view) -%}
    {%- set written = [] -%}
    {%- if whole -%}
        {%- set is_written = hipaa_mode._in_days(planned.write) if planned.kept else 'true' -%}
        {%- set query = rows ~ hipaa_mode.in_partition(whole) ~ ' and ' ~ is_written ~ " order by date_trunc('day', timestamp), row_id" -%}
        {%- do written.extend(hipaa_mode.door().write_days(view, query)) -%}
    {%- endif -%}
    {%- for file in planned.write if file.name not in written -%}
        {%- do hipaa_mode.door().write_file(view, file.name, rows ~ hipaa_mode.in_partition(file) ~ ' order by row_id') -%}
    {%- endfor -%}
{%- endmacro %}

{#- The condition that a row is of one of the days that have a file among some. -#}
{% macro _in_days(files) -%}
    {%- set days = [] -%}
    {%- for file in files if file.name == file.first -%}
        {%- do days.append("date '" ~ file.first ~ "'") -%}
    {%- endfor -%}
    {{- return('cast(timestamp as date) in (' ~ days | join(', ') ~ ')') -}}
{%- endmacro %}
