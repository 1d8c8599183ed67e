{#- The one way to Python: an object that answers by name, `hipaa_mode.door().plan()`. It raises
    the message of a refusal. See scripts/hipaa_mode/run/door.py. -#}
{% macro door() -%}
    {%- if modules.hipaa_mode is not defined -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: dbt does not find the Python package hipaa-mode, so nothing was built. Install it into the '
            ~ 'environment that dbt runs in: pip install and the folder of this package; as an editable one with --config-settings editable_mode=compat'
        ) -}}
    {%- endif -%}
    {{- return(modules.hipaa_mode) -}}
{%- endmacro %}
