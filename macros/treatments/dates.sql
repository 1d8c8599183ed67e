{#- Dates. Source: 45 CFR 164.514(b)(2)(i)(C), which lets of a date only the year stay, and of
    ages over 89 neither the age nor any date, year included, that tells it. -#}

{#- A date or timestamp to its year. For birth dates use birth_year. -#}
{% macro treatment_year(text) -%}
    {{- return(
        'case when ' ~ hipaa_mode.matches(text, '[0-9]{4}') ~ ' then ' ~ text
        ~ ' else ' ~ hipaa_mode.date_part_text(hipaa_mode.text_to_timestamp(text), 'year') ~ ' end'
    ) -}}
{%- endmacro %}

{#- A birth date to its year; people who are or turn 90 this year, or are older, share one. -#}
{% macro treatment_birth_year(text) -%}
    {%- set year = hipaa_mode.text_to('integer', hipaa_mode.treatment_year(text)) -%}
    {%- set this_year = run_started_at.year -%}
    {{- return(
        'case when ' ~ year ~ ' <= ' ~ this_year ~ ' then '
        ~ hipaa_mode.as_text('greatest(' ~ year ~ ', ' ~ (this_year - 90) ~ ')') ~ ' end'
    ) -}}
{%- endmacro %}

{#- A date or timestamp to yyyy-mm (ISO 8601). Finer than Safe Harbor allows. -#}
{% macro treatment_month(text) -%}
    {{- return(
        'case when ' ~ hipaa_mode.matches(text, '[0-9]{4}-(0[1-9]|1[0-2])') ~ ' then ' ~ text
        ~ ' else ' ~ hipaa_mode.date_part_text(hipaa_mode.text_to_timestamp(text), 'month') ~ ' end'
    ) -}}
{%- endmacro %}

{% macro date_part_text(timestamp, part) -%}
    {{- return(adapter.dispatch('date_part_text', 'hipaa_mode')(timestamp, part)) -}}
{%- endmacro %}

{% macro duckdb__date_part_text(timestamp, part) -%}
    {{- return('strftime(' ~ timestamp ~ ', ' ~ hipaa_mode.literal({'year': '%Y', 'month': '%Y-%m'}[part]) ~ ')') -}}
{%- endmacro %}

{% macro as_text(expression) -%}
    {{- return('cast(' ~ expression ~ ' as ' ~ hipaa_mode.data_type('text') ~ ')') -}}
{%- endmacro %}
