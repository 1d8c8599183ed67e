{#- Refuses a connection of which something that could change what the reviewed SQL means, a setting or
    an extension, was changed since the run started: every model and test is on one of its own. -#}
{% macro check_connection() -%}
    {%- if execute and flags.WHICH not in ('compile', 'generate') -%}
        {%- set faults = hipaa_mode.door().connection_faults() -%}
        {%- if faults -%}
            {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ faults | join('\n')) -}}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Why nothing may be published: what hooks and other models did to functions and settings. -#}
{% macro changed_since_start() -%}
    {{- return([hipaa_mode.function_fault()] | select | list + hipaa_mode.door().connection_faults()) -}}
{%- endmacro %}
