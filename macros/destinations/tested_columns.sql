{#- Helpers of the generic tests on destination views. -#}

{#- The columns that a view under test must have. Fails, and never passes, where there is
    nothing to test: no relation, no columns, or no plugin (`command` raises). -#}
{% macro tested_columns(model) -%}
    {%- if not execute -%}
        {{- return([]) -}}
    {%- endif -%}
    {%- set parts = hipaa_mode.tested_name(model).rsplit('__', 1) -%}
    {%- set columns = hipaa_mode.view_columns(hipaa_mode.destination_plan(parts[0]), parts[1]) -%}
    {%- if flags.WHICH in ('compile', 'generate') -%}
        {#- Compiling tests nothing, and needs no relation. -#}
        {{- return(columns) -}}
    {%- endif -%}
    {%- set existing = adapter.get_relation(model.database, model.schema, model.identifier) -%}
    {%- if existing is none -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ model.identifier ~ ' does not exist, so it can not be tested. Run: dbt build') -}}
    {%- elif adapter.get_columns_in_relation(model) | length == 0 -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ model.identifier ~ ' has no columns, so it can not be tested. Run: dbt build') -}}
    {%- endif -%}
    {{- return(columns) -}}
{%- endmacro %}

{#- The name of the view under test: <destination>__<view>. -#}
{% macro tested_name(model) -%}
    {%- if not execute -%}
        {{- return('parsing__events') -}}
    {%- endif -%}
    {%- set parts = model.identifier.rsplit('__', 1) -%}
    {%- if parts | length != 2 or parts[1] not in ('events', 'identifies', 'groups') -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ model.identifier ~ ' is not a destination view: its name must be <destination>__events, __identifies or __groups') -}}
    {%- endif -%}
    {{- return(model.identifier) -}}
{%- endmacro %}

{#- Counts the texts of a column, elements of a list one by one, for which a condition on
    `element` holds. -#}
{% macro count_texts(column, condition) -%}
    {{- return(adapter.dispatch('count_texts', 'hipaa_mode')(column, condition)) -}}
{%- endmacro %}

{% macro duckdb__count_texts(column, condition) -%}
    {%- set name = hipaa_mode.identifier(column.name) -%}
    {%- if column.is_list -%}
        {{- return('coalesce(sum(len(list_filter(' ~ name ~ ', lambda element: ' ~ condition ~ '))), 0)') -}}
    {%- endif -%}
    {{- return('count_if(' ~ condition | replace('element', name) ~ ')') -}}
{%- endmacro %}

{#- The texts of a column as rows. -#}
{% macro each_text(column) -%}
    {{- return(('unnest(' ~ hipaa_mode.identifier(column.name) ~ ')') if column.is_list else hipaa_mode.identifier(column.name)) -}}
{%- endmacro %}

{#- A text as a key that takes less memory to count by. -#}
{% macro compact_key(text) -%}
    {{- return(adapter.dispatch('compact_key', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__compact_key(text) -%}
    {{- return('md5_number(' ~ text ~ ')') -}}
{%- endmacro %}

{% macro csv_rows(file) -%}
    {{- return(adapter.dispatch('csv_rows', 'hipaa_mode')(file)) -}}
{%- endmacro %}

{% macro duckdb__csv_rows(file) -%}
    {{- return('read_csv(' ~ hipaa_mode.literal(file) ~ ", header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')") -}}
{%- endmacro %}
