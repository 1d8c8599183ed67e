{#- The token of a text in a scope. The full name matters: a macro could shadow the short one. -#}
{% macro token(text, scope) -%}
    {{- return(adapter.dispatch('token', 'hipaa_mode')(text, scope)) -}}
{%- endmacro %}

{% macro duckdb__token(text, scope) -%}
    {{- return('system.main.hipaa_mask(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ')') -}}
{%- endmacro %}
