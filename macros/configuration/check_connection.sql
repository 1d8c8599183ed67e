{#- Refuses a connection of which something that could change what the reviewed SQL means, a setting or
    an extension, was changed since the run started: every model and test is on one of its own. -#}
{% macro check_connection() -%}
    {%- if execute and flags.WHICH not in ('compile', 'generate') -%}
        {%- do hipaa_mode.door().check_connection() -%}
    {%- endif -%}
{%- endmacro %}
