{#- Raises unless the candidate has exactly the expected columns, by name, order and type. -#}
{% macro refuse_other_columns(model_name, expected, candidate) -%}
    {%- set types = hipaa_mode.data_types(expected) -%}
    {%- set wanted = [] -%}
    {%- for column in expected -%}
        {%- do wanted.append(column.name ~ ' ' ~ types[loop.index0] | upper) -%}
    {%- endfor -%}
    {%- set given = [] -%}
    {%- for column in candidate -%}
        {%- do given.append(column.name ~ ' ' ~ column.dtype | upper) -%}
    {%- endfor -%}
    {%- if wanted != given -%}
        {%- set extra = given | reject('in', wanted) | join(', ') or 'none' -%}
        {%- set missing = wanted | reject('in', given) | join(', ') or 'none' -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: `' ~ model_name ~ '` was refused and the view of the last run stays: its columns are '
            ~ 'not those of the allowlist. Not allowlisted: ' ~ extra ~ '. Missing: ' ~ missing
            ~ '. Allow them in allowed_properties.csv, or make the model one line again: {{ '
            ~ "hipaa_mode.destination_events('…') }}"
        ) -}}
    {%- endif -%}
{%- endmacro %}

{#- Statements by which the reason of the allowlist becomes the column's documentation; to follow
    another one, for dbt takes longer over each than DuckDB. -#}
{% macro column_comments(relation, columns) -%}
    {%- set names = [] -%}
    {%- set texts = [] -%}
    {%- for column in columns if column.reason -%}
        {%- do names.append(column.name) -%}
        {%- do texts.append(column.treatment ~ ': ' ~ column.reason) -%}
    {%- endfor -%}
    {%- set literals = hipaa_mode.each_literal(texts) -%}
    {%- set comments = [] -%}
    {%- for name in hipaa_mode.each_identifier(names) -%}
        {%- do comments.append('comment on column ' ~ relation ~ '.' ~ name ~ ' is ' ~ literals[loop.index0]) -%}
    {%- endfor -%}
    {{- return(comments | join(';\n')) -}}
{%- endmacro %}
