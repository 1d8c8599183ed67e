{#- The token of a text in a scope. The full name matters: a macro could shadow the short one. -#}
{% macro token(text, scope) -%}
    {{- return(adapter.dispatch('token', 'hipaa_mode')(text, scope)) -}}
{%- endmacro %}

{% macro duckdb__token(text, scope) -%}
    {{- return('system.main.hipaa_mask(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ')') -}}
{%- endmacro %}

{% macro postgres__token(text, scope) -%}
    {{- return('hipaa_functions.token(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ')') -}}
{%- endmacro %}

{% macro spark__token(text, scope) -%}
    {{- return('system.session.hipaa_mask(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ')') -}}
{%- endmacro %}

{#- What rows are sorted by to be in the order of their tokens: the first 15 digits, which sort quicker
    as a number. -#}
{% macro token_order(token) -%}
    {{- return(adapter.dispatch('token_order', 'hipaa_mode')(token)) -}}
{%- endmacro %}

{% macro duckdb__token_order(token) -%}
    {{- return("try_cast('0x' || left(" ~ token ~ ', 15) as bigint)') -}}
{%- endmacro %}

{% macro default__token_order(token) -%}
    {{- return(token) -}}
{%- endmacro %}

{#- The token that a text had under a retired key. -#}
{% macro retired_token(text, scope, fingerprint) -%}
    {{- return(adapter.dispatch('retired_token', 'hipaa_mode')(text, scope, fingerprint)) -}}
{%- endmacro %}

{% macro duckdb__retired_token(text, scope, fingerprint) -%}
    {{- return('system.main.hipaa_mask_retired(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ', ' ~ hipaa_mode.literal(fingerprint) ~ ')') -}}
{%- endmacro %}

{% macro postgres__retired_token(text, scope, fingerprint) -%}
    {{- return('hipaa_functions.retired_token(' ~ text ~ ', ' ~ hipaa_mode.literal(scope) ~ ', ' ~ hipaa_mode.literal(fingerprint) ~ ')') -}}
{%- endmacro %}

{#- A retired key's subkeys are given beside the others: see `_subkeys`. -#}
{% macro spark__retired_token(text, scope, fingerprint) -%}
    {{- return(hipaa_mode.spark__token(text, fingerprint ~ ' ' ~ scope)) -}}
{%- endmacro %}

{#- A random 128-bit code for every row, as 32 hexadecimal digits. -#}
{% macro random_code(value) -%}
    {{- return(adapter.dispatch('random_code', 'hipaa_mode')(value)) -}}
{%- endmacro %}

{% macro duckdb__random_code(value) -%}
    {{- return('system.main.hipaa_mode_random_code(' ~ value ~ ')') -}}
{%- endmacro %}

{% macro postgres__random_code(value) -%}
    {{- return('hipaa_functions.random_code(' ~ value ~ ')') -}}
{%- endmacro %}

{% macro spark__random_code(value) -%}
    {{- return('system.session.hipaa_mode_random_code(' ~ value ~ ')') -}}
{%- endmacro %}
