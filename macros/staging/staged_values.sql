{#- What follows the common extraction for one staged value: `found` is the JSON text at the
    value's first path. The result is a JSON text, or a list of them where the path goes into an
    array. JSON null is null. An object or array is kept only where a row of the allowlist grants
    it whole; elsewhere `{}` stands for it, so that it is counted and nothing of it is kept. -#}
{% macro staged_value(value, found) -%}
    {%- set state = namespace(expression=found, is_list=false) -%}
    {%- for step in value.steps -%}
        {%- if step == '[]' -%}
            {%- set name = 'json_elements_of_each' if state.is_list else 'json_elements' -%}
            {%- set state.expression = 'hipaa_functions.' ~ name ~ '(' ~ state.expression ~ ')' -%}
            {%- set state.is_list = true -%}
        {%- else -%}
            {%- set name = 'json_at_each' if state.is_list else 'json_at' -%}
            {%- set state.expression = 'hipaa_functions.' ~ name ~ '(' ~ state.expression ~ ', ' ~ hipaa_mode.literal(step) ~ ')' -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set name = ('kept_json' if value.keeps_objects else 'kept_scalar') ~ ('s' if state.is_list else '') -%}
    {{- return('hipaa_functions.' ~ name ~ '(' ~ state.expression ~ ')') -}}
{%- endmacro %}
