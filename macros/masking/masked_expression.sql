{#- A value in the form that a masked column has: looked up, or made of what staging took out. -#}

{% macro masked_expression(column, texts) -%}
    {%- if hipaa_mode.is_looked_up(column) -%}
        {%- set expression = hipaa_mode.looked_up(column) -%}
    {%- else -%}
        {%- set text = hipaa_mode._text(column, texts) -%}
        {%- set expression = hipaa_mode._of_values(column, text, hipaa_mode.masked_scalar(column, 'element' if column.is_list else text)) -%}
    {%- endif -%}
    {{- return('cast(' ~ hipaa_mode.on_its_events(column, expression) ~ ' as ' ~ hipaa_mode.data_type(column.data_type, column.is_list) ~ ')') -}}
{%- endmacro %}

{#- The form of a column's value, from the relation that has them by value. -#}
{% macro looked_up(column) -%}
    {{- return(hipaa_mode.identifier(column.value ~ '__forms') ~ '.' ~ hipaa_mode.identifier(column.name)) -}}
{%- endmacro %}

{#- An expression, null on the events that no destination may have the column of. -#}
{% macro on_its_events(column, expression) -%}
    {{- return(expression if column.events is none else 'case when event in (' ~ hipaa_mode.literals(column.events) ~ ') then ' ~ expression ~ ' end') -}}
{%- endmacro %}

{#- One value in its form. -#}
{% macro masked_scalar(column, text) -%}
    {%- set scalar = hipaa_mode.unguarded_scalar(column, text) -%}
    {{- return('hipaa_functions.guarded(' ~ scalar ~ ')' if column.guard == 'block' else scalar) -}}
{%- endmacro %}

{#- The value, or list of values, in its form before anyone has looked whether it is an identifier. -#}
{% macro unguarded_values(column, texts) -%}
    {%- set text = hipaa_mode._text(column, texts) -%}
    {{- return(hipaa_mode._of_values(column, text, hipaa_mode.unguarded_scalar(column, 'element' if column.is_list else text))) -}}
{%- endmacro %}

{#- What a form is made of: a text or list of texts, or JSON as staging took it out. -#}
{% macro _text(column, texts) -%}
    {{- return(hipaa_mode.identifier(column.value) if column.data_type == 'json' else texts[column.value].name) -}}
{%- endmacro %}

{#- A form as it is, or that of each `element` of a list. -#}
{% macro _of_values(column, text, form) -%}
    {%- if not column.is_list -%}
        {{- return(form) -}}
    {%- endif -%}
    {{- return(text if form == 'element' else hipaa_mode.map_list(text, form)) -}}
{%- endmacro %}

{#- One value in its form, unguarded. -#}
{% macro unguarded_scalar(column, text) -%}
    {%- if column.treatment == 'mask' -%}
        {{- return(hipaa_mode.token(hipaa_mode.normalized(text, column.normalize), column.scope)) -}}
    {%- elif column.treatment == 'surrogate' -%}
        {{- return(hipaa_mode.identifier(column.name ~ '__code') ~ '.code') -}}
    {%- elif column.data_type == 'json' -%}
        {{- return(text) -}}
    {%- elif column.treatment == 'allow' -%}
        {{- return(hipaa_mode.text_to(column.data_type, text)) -}}
    {%- else -%}
        {{- return(hipaa_mode.text_to(column.data_type, hipaa_mode.treat(column.treatment, column.argument, text))) -}}
    {%- endif -%}
{%- endmacro %}
