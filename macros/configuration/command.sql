{#- Asks the plugin for something and returns its answer. Raises the plugin's message if it
    refuses, and a plain one if it is not loaded. -#}
{% macro command(action, request={}) -%}
    {%- set answer = hipaa_mode.ask(action, request) -%}
    {%- if 'error' in answer -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ answer.error) -}}
    {%- endif -%}
    {{- return(answer.result) -}}
{%- endmacro %}

{#- The same for who goes on after a refusal: returns the answer as `result`, or `error`. -#}
{% macro ask(action, request={}) -%}
    {{- return(hipaa_mode._ask_in_sql(action, hipaa_mode.literal(tojson(request)))) -}}
{%- endmacro %}

{#- As above; the request is an expression of SQL that gives JSON. -#}
{% macro _ask_in_sql(action, request) -%}
    {%- set sql -%}
        select system.main.hipaa_mode_command({{ hipaa_mode.literal(action) }}, {{ request }}) as answer
    {%- endset -%}
    {{- return(fromjson(run_query(sql).columns[0].values()[0])) -}}
{%- endmacro %}
