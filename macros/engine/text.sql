{#- Text literals and identifiers. Whatever comes from a seed or a file goes through these. -#}

{% macro literal(text) -%}
    {{- return(adapter.dispatch('literal', 'hipaa_mode')(text)) -}}
{%- endmacro %}

{% macro default__literal(text) -%}
    {{- return("'" ~ (text | string | replace("'", "''")) ~ "'") -}}
{%- endmacro %}

{% macro identifier(name) -%}
    {{- return(adapter.dispatch('identifier', 'hipaa_mode')(name)) -}}
{%- endmacro %}

{% macro default__identifier(name) -%}
    {{- return('"' ~ (name | string | replace('"', '""')) ~ '"') -}}
{%- endmacro %}

{% macro literals(texts) -%}
    {%- set quoted = [] -%}
    {%- for text in texts -%}
        {%- do quoted.append(hipaa_mode.literal(text)) -%}
    {%- endfor -%}
    {{- return(quoted | join(', ')) -}}
{%- endmacro %}
