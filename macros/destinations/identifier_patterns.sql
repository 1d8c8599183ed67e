{#- Conditions on a text, by kind of identifier; true where the text holds one: macros/functions/. -#}
{% macro identifier_patterns(text='shown_text') -%}
    {%- set conditions = {} -%}
    {%- for kind in ['email_like', 'phone_like', 'ssn_like', 'mrn_like', 'ip_like', 'url_query_like', 'card_like'] -%}
        {%- do conditions.update({kind: 'hipaa_functions.is_' ~ kind ~ '(' ~ text ~ ')'}) -%}
    {%- endfor -%}
    {{- return(conditions) -}}
{%- endmacro %}
