{#- A time as finely as a destination may have it. -#}
{% macro timestamp_at_precision(timestamp, precision) -%}
    {{- return(adapter.dispatch('timestamp_at_precision', 'hipaa_mode')(timestamp, precision)) -}}
{%- endmacro %}

{% macro duckdb__timestamp_at_precision(timestamp, precision) -%}
    {%- if precision == 'none' -%}
        {{- return('cast(null as timestamp)') -}}
    {%- elif precision == 'exact' -%}
        {{- return(timestamp) -}}
    {%- else -%}
        {{- return("cast(date_trunc('" ~ precision ~ "', " ~ timestamp ~ ') as timestamp)') -}}
    {%- endif -%}
{%- endmacro %}
