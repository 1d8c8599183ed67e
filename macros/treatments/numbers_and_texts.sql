{#- A number rounded to the nearest multiple of a step. -#}
{% macro treatment_round(text, step) -%}
    {%- set number = hipaa_mode.text_to('number', text) -%}
    {%- set decimals = step.split('.')[1] | length if '.' in step else 0 -%}
    {#- The second rounding takes off what 3 * 0.1 leaves behind; + 0 makes -0.0 plain. -#}
    {{- return(hipaa_mode.as_text('round(round(' ~ number ~ ' / ' ~ step ~ ') * ' ~ step ~ ', ' ~ decimals ~ ') + 0')) -}}
{%- endmacro %}

{#- The first characters of a text. -#}
{% macro treatment_truncate(text, characters) -%}
    {{- return('left(' ~ text ~ ', ' ~ characters ~ ')') -}}
{%- endmacro %}
