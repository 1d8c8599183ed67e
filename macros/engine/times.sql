{#- A time as finely as a destination may have it. -#}
{% macro timestamp_at_precision(timestamp, precision) -%}
    {{- return(adapter.dispatch('timestamp_at_precision', 'hipaa_mode')(timestamp, precision)) -}}
{%- endmacro %}

{% macro default__timestamp_at_precision(timestamp, precision) -%}
    {%- if precision == 'none' -%}
        {{- return('cast(null as timestamp)') -}}
    {%- elif precision == 'exact' -%}
        {{- return(timestamp) -}}
    {%- else -%}
        {{- return("cast(date_trunc('" ~ precision ~ "', " ~ timestamp ~ ') as timestamp)') -}}
    {%- endif -%}
{%- endmacro %}

{#- The day of a time, ISO 8601; null where there is none, or none between the years 1 and 9999. -#}
{% macro day_of(timestamp, period='day') -%}
    {{- return(adapter.dispatch('day_of', 'hipaa_mode')(timestamp, period)) -}}
{%- endmacro %}

{% macro duckdb__day_of(timestamp, period) -%}
    {{- return(
        'case when isfinite(' ~ timestamp ~ ') and year(' ~ timestamp ~ ") between 1 and 9999 then cast(cast(date_trunc('"
        ~ period ~ "', " ~ timestamp ~ ') as date) as varchar) end'
    ) -}}
{%- endmacro %}

{% macro postgres__day_of(timestamp, period) -%}
    {{- return(
        'case when isfinite(' ~ timestamp ~ ') and extract(year from ' ~ timestamp ~ ") between 1 and 9999 then to_char(date_trunc('"
        ~ period ~ "', " ~ timestamp ~ "), 'YYYY-MM-DD') end"
    ) -}}
{%- endmacro %}

{% macro spark__day_of(timestamp, period) -%}
    {{- return(
        'case when year(' ~ timestamp ~ ") between 1 and 9999 then cast(cast(date_trunc('" ~ period ~ "', " ~ timestamp ~ ') as date) as string) end'
    ) -}}
{%- endmacro %}
