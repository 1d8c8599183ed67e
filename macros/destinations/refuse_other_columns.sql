{#- Raises unless the candidate has exactly the expected columns, by name, order and type. -#}
{% macro refuse_other_columns(model_name, expected, candidate) -%}
    {%- set wanted = [] -%}
    {%- for column in expected -%}
        {%- do wanted.append(column.name ~ ' ' ~ hipaa_mode.data_type(column.data_type, column.is_list) | upper) -%}
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

{#- The reason of the allowlist becomes the column's documentation. -#}
{% macro comment_on_columns(relation, columns) -%}
    {#- All in one statement: dbt takes longer over each than DuckDB. -#}
    {%- set comments = [] -%}
    {%- for column in columns if column.reason -%}
        {%- do comments.append(
            'comment on column ' ~ relation ~ '.' ~ hipaa_mode.identifier(column.name) ~ ' is '
            ~ hipaa_mode.literal(column.treatment ~ ': ' ~ column.reason)
        ) -%}
    {%- endfor -%}
    {%- if comments -%}
        {%- call statement('comments') -%}
            {{ comments | join(';\n') }}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}
