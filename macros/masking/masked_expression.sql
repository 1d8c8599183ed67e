{#- A value in the form that a masked column has, from the text that staging took out. -#}

{% macro masked_expression(column) -%}
    {%- set value = hipaa_mode.identifier(column.value) -%}
    {%- if column.treatment == 'mask' and not column.is_list -%}
        {%- set expression = hipaa_mode.identifier(hipaa_mode.tokens_name(column)) ~ '.token' ~ hipaa_mode.scope_suffix(column.scope) -%}
    {%- elif column.treatment == 'surrogate' -%}
        {%- set expression = hipaa_mode.identifier(column.name ~ '__code') ~ '.code' -%}
    {%- else -%}
        {%- if column.data_type == 'json' -%}
            {%- set value = hipaa_mode.identifier(column.value ~ '__json') -%}
        {%- endif -%}
        {%- set expression = hipaa_mode._of_values(column, value, hipaa_mode._masked_scalar(column, 'element' if column.is_list else value)) -%}
    {%- endif -%}
    {%- if column.events is not none -%}
        {%- set expression = 'case when event in (' ~ hipaa_mode.literals(column.events) ~ ') then ' ~ expression ~ ' end' -%}
    {%- endif -%}
    {{- return('cast(' ~ expression ~ ' as ' ~ hipaa_mode.data_type(column.data_type, column.is_list) ~ ')') -}}
{%- endmacro %}

{% macro _masked_scalar(column, text) -%}
    {%- set scalar = hipaa_mode.unguarded_scalar(column, text) -%}
    {{- return('hipaa_functions.guarded(' ~ scalar ~ ')' if column.guard == 'block' else scalar) -}}
{%- endmacro %}

{#- The value, or list of values, in its form before anyone has looked whether it is an identifier. -#}
{% macro unguarded_values(column, value) -%}
    {{- return(hipaa_mode._of_values(column, value, hipaa_mode.unguarded_scalar(column, 'element' if column.is_list else value))) -}}
{%- endmacro %}

{#- A form as it is, or that of each `element` of a list. -#}
{% macro _of_values(column, value, form) -%}
    {%- if not column.is_list -%}
        {{- return(form) -}}
    {%- endif -%}
    {{- return(value if form == 'element' else hipaa_mode.map_list(value, form)) -}}
{%- endmacro %}

{#- One value in its form, unguarded. -#}
{% macro unguarded_scalar(column, text) -%}
    {%- if column.treatment == 'mask' -%}
        {{- return(hipaa_mode.token(hipaa_mode.normalized(text, column.normalize), column.scope)) -}}
    {%- elif column.data_type == 'json' -%}
        {{- return(text) -}}
    {%- elif column.treatment == 'allow' -%}
        {{- return(hipaa_mode.text_to(column.data_type, text)) -}}
    {%- else -%}
        {{- return(hipaa_mode.text_to(column.data_type, hipaa_mode.treat(column.treatment, column.argument, text))) -}}
    {%- endif -%}
{%- endmacro %}
