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

{#- What texts are sorted by so that numbers within them come in their order: `9` before `10`. -#}
{% macro natural_order(text) -%}
    {{- return(adapter.dispatch('natural_order', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro duckdb__natural_order(text) -%}
    {%- set digits = "ltrim(element, '0')" -%}
    {{- return(
        'list_transform(regexp_extract_all(' ~ text ~ ", '[0-9]+|[^0-9]+'), lambda element: case when regexp_full_match(element, '[0-9]+') then lpad(cast(length("
        ~ digits ~ ") as varchar), 4, '0') || " ~ digits ~ ' else element end)'
    ) -}}
{%- endmacro %}
