{#- What checks of the destination views are made of. -#}

{#- The texts that a row shows in a column, one a row of the result. -#}
{% macro each_shown_text(column, in_json=false) -%}
    {{- return(adapter.dispatch('each_shown_text', 'hipaa_mode')(column, in_json)) -}}
{%- endmacro %}

{% macro duckdb__each_shown_text(column, in_json) -%}
    {%- set name = hipaa_mode.identifier(column.name) -%}
    {%- if not in_json -%}
        {{- return('unnest(' ~ name ~ ')' if column.is_list else name) -}}
    {%- elif column.is_list -%}
        {{- return('unnest(' ~ hipaa_mode.flatten_list(hipaa_mode.map_list(name, hipaa_mode.door().json_texts('element'))) ~ ')') -}}
    {%- endif -%}
    {{- return('unnest(' ~ hipaa_mode.door().json_texts(name) ~ ')') -}}
{%- endmacro %}

{#- A text as a key of 64 bits, quicker to count by. That two of ten million texts share one is as
    likely as three in a million, and then a check fails that should pass. -#}
{% macro compact_key(text) -%}
    {{- return(adapter.dispatch('compact_key', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__compact_key(text) -%}
    {{- return('case when ' ~ text ~ ' is not null then hash(' ~ text ~ ') end') -}}
{%- endmacro %}

{#- The relation of the rows of published files, or of those about to be. `all_columns` are those
    that any of them has; else all must have those of the first. -#}
{% macro file_rows(files, all_columns=false) -%}
    {{- return(adapter.dispatch('file_rows', 'hipaa_mode')(files, all_columns)) -}}
{%- endmacro %}

{% macro duckdb__file_rows(files, all_columns) -%}
    {%- set listed = hipaa_mode.each_literal(files) | join(',\n    ') -%}
    {{- return('read_parquet([\n    ' ~ listed ~ '\n]' ~ (', union_by_name = true' if all_columns else '') ~ ')') -}}
{%- endmacro %}

{% macro csv_rows(file) -%}
    {{- return(adapter.dispatch('csv_rows', 'hipaa_mode')(file)) -}}
{%- endmacro %}

{% macro duckdb__csv_rows(file) -%}
    {{- return('read_csv(' ~ hipaa_mode.literal(file) ~ ", header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')") -}}
{%- endmacro %}

{#- Notes how many values of a column are taken for a coincidence; true once that is done. -#}
{% macro note_coincidences(view_name, column_name, count) -%}
    {{- return(adapter.dispatch('note_coincidences', 'hipaa_mode')(view_name, column_name, count)) -}}
{%- endmacro %}

{% macro duckdb__note_coincidences(view_name, column_name, count) -%}
    {{- return('system.main.hipaa_mode_note_coincidences(' ~ hipaa_mode.literal(view_name) ~ ', ' ~ column_name ~ ', ' ~ count ~ ')') -}}
{%- endmacro %}

{#- A statement that fails with a message: the one way for a last hook to make dbt's exit code 1 and
    still have it write its results. -#}
{% macro failing_statement(message) -%}
    {{- return(adapter.dispatch('failing_statement', 'hipaa_mode')(message)) -}}
{%- endmacro %}

{% macro duckdb__failing_statement(message) -%}
    {{- return('select system.main.error(' ~ hipaa_mode.literal(message) ~ ')') -}}
{%- endmacro %}
