{#- What of the connection could change what the reviewed SQL means: settings and extensions. Asked
    in SQL, of the very connection: its values may be secrets, and stay in the engine. -#}
{% macro connection_faults() -%}
    {%- set state -%}
        cast(system.main.to_json({
            'settings': (select system.main.list([name, value]) from system.main.duckdb_settings()),
            'extensions': (select system.main.list(extension_name) from system.main.duckdb_extensions() where loaded)
        }) as varchar)
    {%- endset -%}
    {{- return(hipaa_mode._ask_in_sql('connection_faults', state).result) -}}
{%- endmacro %}

{#- Refuses a connection that something changed since the run started: every model and test is on
    one of its own. -#}
{% macro check_connection() -%}
    {%- if execute and flags.WHICH not in ('compile', 'generate') -%}
        {%- set faults = hipaa_mode.connection_faults() -%}
        {%- if faults -%}
            {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ faults | join('\n')) -}}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Why nothing may be published: what hooks and other models did to functions and settings. -#}
{% macro changed_since_start() -%}
    {{- return([hipaa_mode.function_fault()] | select | list + hipaa_mode.connection_faults()) -}}
{%- endmacro %}
