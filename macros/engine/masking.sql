{#- The token of a text in a scope. The full name matters: a macro could shadow the short one. -#}
{% macro token(text, scope) -%}
    {{- return(adapter.dispatch('token', 'hipaa_mode')(text, scope)) -}}
{%- endmacro %}

{% macro duckdb__token(text, scope) -%}
    {{- return('system.main.hipaa_mask(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ')') -}}
{%- endmacro %}

{#- The token that a text had under a retired key. -#}
{% macro retired_token(text, scope, fingerprint) -%}
    {{- return(adapter.dispatch('retired_token', 'hipaa_mode')(text, scope, fingerprint)) -}}
{%- endmacro %}

{% macro duckdb__retired_token(text, scope, fingerprint) -%}
    {{- return('system.main.hipaa_mask_retired(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ', ' ~ hipaa_mode.literal(fingerprint) ~ ')') -}}
{%- endmacro %}

{#- A random 128-bit code for every row, as 32 hexadecimal digits. -#}
{% macro random_code(value) -%}
    {{- return(adapter.dispatch('random_code', 'hipaa_mode')(value)) -}}
{%- endmacro %}

{% macro duckdb__random_code(value) -%}
    {{- return('system.main.hipaa_mode_random_code(' ~ value ~ ')') -}}
{%- endmacro %}
