{#- A number rounded to the nearest multiple of a step. -#}
{% macro treatment_round(text, step) -%}
    {%- set number = hipaa_mode.text_to('number', text) -%}
    {{- return(hipaa_mode.as_text('round(' ~ number ~ ' / ' ~ step ~ ') * ' ~ step)) -}}
{%- endmacro %}

{#- The first characters of a text. -#}
{% macro treatment_truncate(text, characters) -%}
    {{- return('left(' ~ text ~ ', ' ~ characters ~ ')') -}}
{%- endmacro %}
