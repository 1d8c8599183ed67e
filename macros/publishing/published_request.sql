{#- Where this environment's destinations are published. -#}
{% macro published_request() -%}
    {{- return({
        'root': var('hipaa_mode__published', none) or env_var('HIPAA_MODE_PUBLISHED', '') or 'published',
        'environment': hipaa_mode.environment(),
    }) -}}
{%- endmacro %}
