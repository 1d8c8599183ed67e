{#- The token of a text in a scope. The full name matters: a macro could shadow the short one. -#}
{% macro token(text, scope) -%}
    {{- return(adapter.dispatch('token', 'hipaa_mode')(text, scope)) -}}
{%- endmacro %}

{% macro duckdb__token(text, scope) -%}
    {{- return('system.main.hipaa_mask(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ')') -}}
{%- endmacro %}

{#- One spelling of an identifier, so that one person has one token. -#}
{% macro normalized(text, normalize) -%}
    {%- if normalize == 'email' -%}
        {{- return('lower(' ~ hipaa_mode.remove_pattern(text, '^\\s+|\\s+$') ~ ')') -}}
    {%- elif normalize == 'phone' -%}
        {{- return(hipaa_mode.remove_pattern(text, '[^0-9]')) -}}
    {%- elif normalize == 'lower' -%}
        {{- return('lower(' ~ text ~ ')') -}}
    {%- else -%}
        {{- return(text) -}}
    {%- endif -%}
{%- endmacro %}
