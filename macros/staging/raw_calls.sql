{#- The raw calls, one a row: file_number, source_file, line_number, run_number, message,
    unreadable.

    `message` is the call's text; where the bytes are not UTF-8 it is null and `unreadable` has
    them. Reads what HIPAA_MODE_RAW_CALLS names (see raw_calls_location); where that is the word
    `source`, the dbt source itself, which then has those columns: unit tests give it so. -#}
{% macro raw_calls(source_relation) -%}
    {%- if not execute -%}
        {{- return(source_relation) -}}
    {%- endif -%}
    {%- if hipaa_mode.raw_calls_location() == 'source' -%}
        {{- return(source_relation) -}}
    {%- endif -%}
    {%- if flags.WHICH in ('compile', 'generate') -%}
        {#- Reads nothing, so a fresh clone without raw calls compiles, and to the same SQL
            wherever the calls are: a review of the compiled SQL needs no data. -#}
        {{- return('hipaa_mode_raw_lines') -}}
    {%- endif -%}
    {%- set raw = hipaa_mode.pinned_raw_calls() -%}
    {#- Files are read by the plugin, whose view of them every cursor has. -#}
    {{- return(hipaa_mode.raw_rows(raw) if raw.kind == 'table' else raw.view) -}}
{%- endmacro %}

{#- Where the raw calls are, pinned when first asked for: files with their sizes, or a table. -#}
{% macro pinned_raw_calls() -%}
    {{- return(hipaa_mode.door().raw_calls(**hipaa_mode.raw_calls_request())) -}}
{%- endmacro %}

{% macro raw_calls_request() -%}
    {{- return({
        'location': hipaa_mode.raw_calls_location(),
        'column': var('hipaa_mode__raw_message_column', none),
        'is_default': not (var('hipaa_mode__raw_calls', none) or env_var('HIPAA_MODE_RAW_CALLS', '')),
    }) -}}
{%- endmacro %}

{#- What names the raw calls: the variable, the environment variable, or the demo. -#}
{% macro raw_calls_location() -%}
    {{- return(
        var('hipaa_mode__raw_calls', none)
        or env_var('HIPAA_MODE_RAW_CALLS', '')
        or 'demo/raw_calls/' ~ hipaa_mode.environment() ~ '/*.ndjson.gz'
    ) -}}
{%- endmacro %}

{#- A table's name in SQL, of its parts. -#}
{% macro table_name(parts) -%}
    {{- return(hipaa_mode.each_identifier(parts) | join('.')) -}}
{%- endmacro %}

{#- The column of a table that holds the messages: its name, its type, and whether it holds bytes. -#}
{% macro message_column(table) -%}
    {%- set columns = [] -%}
    {%- for column in hipaa_mode.columns_of(table) -%}
        {%- do columns.append({'name': column.name, 'type': column.dtype}) -%}
    {%- endfor -%}
    {%- set types = hipaa_mode.message_types() -%}
    {%- set wanted = var('hipaa_mode__raw_message_column', none) or 'message' -%}
    {%- set named = columns | selectattr('name', 'equalto', wanted) | list -%}
    {%- set usable = named if named else (columns if columns | length == 1 else []) -%}
    {%- if not usable -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: ' ~ table ~ ' has no column `' ~ wanted ~ '`. Name the column that holds the '
            ~ "message: dbt build --vars '{hipaa_mode__raw_message_column: …}'"
        ) -}}
    {%- elif usable[0].type.split('(')[0] not in types -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: column `' ~ usable[0].name ~ '` of ' ~ table ~ ' holds no text but '
            ~ usable[0].type.split('(')[0] | lower ~ '. Make a view that gives each message as JSON text, to_json(…), and name that'
        ) -}}
    {%- endif -%}
    {%- set type = usable[0].type.split('(')[0] -%}
    {{- return({'name': usable[0].name, 'type': type, 'is_bytes': types[type]}) -}}
{%- endmacro %}

{#- The condition that tells, among the calls read, those that reading the raw calls now gives: all of
    a table; of files, in a run that read some, the same parts of the same ones, else all of those that
    were read. -#}
{% macro recount_files() -%}
    {%- if not execute or flags.WHICH in ('compile', 'generate') -%}
        {{- return('true') -}}
    {%- endif -%}
    {%- set run_number = hipaa_mode.door().run_number() -%}
    {%- set state = hipaa_mode.table_state('calls_read') -%}
    {%- if hipaa_mode.pinned_raw_calls().kind == 'table' -%}
        {{- return('true') -}}
    {%- endif -%}
    {%- if state is not none and state.run_number == run_number -%}
        {{- return('run_number = ' ~ run_number) -}}
    {%- endif -%}
    {%- set again = hipaa_mode.door().read_again(hipaa_mode.known_files()) -%}
    {{- return('file_number in (' ~ again | join(', ') ~ ')' if again else 'false') -}}
{%- endmacro %}
