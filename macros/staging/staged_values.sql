{#- What follows the common extraction for one staged value: `found` is the JSON text at the
    value's first path. The result is a JSON text, or a list of them where the path goes into an
    array. JSON null is null. An object or array is kept only where a row of the allowlist grants
    it whole; elsewhere `{}` stands for it, so that it is counted and nothing of it is kept. -#}
{% macro staged_value(value, found) -%}
    {%- set state = namespace(expression=found, is_list=false) -%}
    {%- for step in value.steps -%}
        {%- if step == '[]' and state.is_list -%}
            {%- set elements = 'coalesce(' ~ hipaa_mode.json_elements('element') ~ ', [])' -%}
            {%- set state.expression = hipaa_mode.flatten_list(hipaa_mode.map_list(state.expression, elements)) -%}
        {%- elif step == '[]' -%}
            {%- set state.expression = hipaa_mode.json_elements(state.expression) -%}
            {%- set state.is_list = true -%}
        {%- elif state.is_list -%}
            {%- set state.expression = hipaa_mode.map_list(state.expression, hipaa_mode.json_text_at('element', step)) -%}
        {%- else -%}
            {%- set state.expression = hipaa_mode.json_text_at(state.expression, step) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if state.is_list -%}
        {{- return(hipaa_mode.map_list(state.expression, hipaa_mode._kept_json('element', value.keeps_objects))) -}}
    {%- endif -%}
    {{- return(hipaa_mode._kept_json(state.expression, value.keeps_objects)) -}}
{%- endmacro %}

{% macro _kept_json(json_text, keeps_objects) -%}
    {%- set not_null = 'nullif(' ~ json_text ~ ", 'null')" -%}
    {%- if keeps_objects -%}
        {{- return(not_null) -}}
    {%- endif -%}
    {{- return('case when ' ~ hipaa_mode.is_json_container(json_text) ~ " then '{}' else " ~ not_null ~ ' end') -}}
{%- endmacro %}
