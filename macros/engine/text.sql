{#- Text literals and identifiers. Whatever comes from a seed or a file goes through these. -#}

{% macro literal(text) -%}
    {{- return(adapter.dispatch('each_literal', 'hipaa_mode')([text])[0]) -}}
{%- endmacro %}

{% macro identifier(name) -%}
    {{- return(adapter.dispatch('each_identifier', 'hipaa_mode')([name])[0]) -}}
{%- endmacro %}

{% macro literals(texts) -%}
    {{- return(hipaa_mode.each_literal(texts) | join(', ')) -}}
{%- endmacro %}

{#- A list of literals. Of many texts this takes a fraction of the time of a macro for each. -#}
{% macro each_literal(texts) -%}
    {{- return(adapter.dispatch('each_literal', 'hipaa_mode')(texts)) -}}
{%- endmacro %}

{% macro default__each_literal(texts) -%}
    {%- set quoted = [] -%}
    {%- for text in texts -%}
        {%- do quoted.append("'" ~ (text | string | replace("'", "''")) ~ "'") -%}
    {%- endfor -%}
    {{- return(quoted) -}}
{%- endmacro %}

{#- A backslash escapes there. -#}
{% macro spark__each_literal(texts) -%}
    {%- set quoted = [] -%}
    {%- for text in texts -%}
        {%- do quoted.append("'" ~ (text | string | replace('\\', '\\\\') | replace("'", "\\'")) ~ "'") -%}
    {%- endfor -%}
    {{- return(quoted) -}}
{%- endmacro %}

{#- A list of identifiers. -#}
{% macro each_identifier(names) -%}
    {{- return(adapter.dispatch('each_identifier', 'hipaa_mode')(names)) -}}
{%- endmacro %}

{% macro default__each_identifier(names) -%}
    {%- set quoted = [] -%}
    {%- for name in names -%}
        {%- do quoted.append('"' ~ (name | string | replace('"', '""')) ~ '"') -%}
    {%- endfor -%}
    {{- return(quoted) -}}
{%- endmacro %}

{% macro spark__each_identifier(names) -%}
    {%- set quoted = [] -%}
    {%- for name in names -%}
        {%- do quoted.append('`' ~ (name | string | replace('`', '``')) ~ '`') -%}
    {%- endfor -%}
    {{- return(quoted) -}}
{%- endmacro %}

{#- PostgreSQL would cut a longer name, and take two for one. -#}
{% macro postgres__each_identifier(names) -%}
    {%- set fitting = [] -%}
    {%- for name in names | map('string') -%}
        {%- do fitting.append(name if name.encode('utf-8') | length <= 63 else name.encode('utf-8')[:46].decode('utf-8', 'ignore') ~ '_' ~ local_md5(name)[:16]) -%}
    {%- endfor -%}
    {{- return(hipaa_mode.default__each_identifier(fitting)) -}}
{%- endmacro %}

{#- All texts of a column, sorted, a line each. -#}
{% macro lines_of(column) -%}
    {{- return(adapter.dispatch('lines_of', 'hipaa_mode')(column)) -}}
{%- endmacro %}

{% macro default__lines_of(column) -%}
    {{- return('string_agg(' ~ column ~ ', chr(10) order by ' ~ column ~ ')') -}}
{%- endmacro %}

{% macro spark__lines_of(column) -%}
    {{- return('string_agg(' ~ column ~ ', chr(10)) within group (order by ' ~ column ~ ')') -}}
{%- endmacro %}

{#- The names that a text has, with a unit separator between them, as a list. -#}
{% macro parts_of(text) -%}
    {{- return(adapter.dispatch('parts_of', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__parts_of(text) -%}
    {{- return('string_split(' ~ text ~ ', chr(31))') -}}
{%- endmacro %}

{% macro postgres__parts_of(text) -%}
    {{- return('string_to_array(' ~ text ~ ', chr(31))') -}}
{%- endmacro %}

{% macro spark__parts_of(text) -%}
    {{- return('split(' ~ text ~ ', chr(31))') -}}
{%- endmacro %}
