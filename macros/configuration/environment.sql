{#- The environment whose rows of the seeds count: the dbt target, unless a variable says. -#}
{% macro environment() -%}
    {{- return(var('hipaa_mode__environment', none) or target.name) -}}
{%- endmacro %}
