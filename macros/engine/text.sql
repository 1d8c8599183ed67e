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
