{#- Dates. Related to 45 CFR 164.514(b)(2)(i)(C), which lets of a date only the year stay, and of
    ages over 89 neither the age nor any date, year included, that tells it. -#}

{#- A date or timestamp to its year. For birth dates use birth_year. -#}
{% macro treatment_year(text) -%}
    {{- return(
        'coalesce(' ~ hipaa_mode.pattern_group(hipaa_mode.trimmed(text), '([0-9]{4})(?:-(?:0[1-9]|1[0-2]))?', 1) ~ ', '
        ~ hipaa_mode.date_part_text(hipaa_mode.text_to_date(text), 'year') ~ ')'
    ) -}}
{%- endmacro %}

{#- A birth date to its year; people who are or turn 90 this year, or are older, share one. -#}
{% macro treatment_birth_year(text) -%}
    {%- set this_year = run_started_at.year -%}
    {%- set year = 'cast(' ~ hipaa_mode.treatment_year(text) ~ ' as ' ~ hipaa_mode.data_type('integer') ~ ')' -%}
    {%- set capped = 'case when year <= ' ~ this_year ~ ' then ' ~ hipaa_mode.as_text('greatest(year, ' ~ (this_year - 90) ~ ')') ~ ' end' -%}
    {{- return(hipaa_mode.bind('year', year, capped)) -}}
{%- endmacro %}

{#- A date or timestamp to yyyy-mm (ISO 8601). Finer than Safe Harbor allows. -#}
{% macro treatment_month(text) -%}
    {{- return(
        'coalesce(' ~ hipaa_mode.pattern_group(hipaa_mode.trimmed(text), '([0-9]{4}-(?:0[1-9]|1[0-2]))', 1) ~ ', '
        ~ hipaa_mode.date_part_text(hipaa_mode.text_to_date(text), 'month') ~ ')'
    ) -}}
{%- endmacro %}

{% macro date_part_text(date, part) -%}
    {{- return(adapter.dispatch('date_part_text', 'hipaa_mode')(date, part)) -}}
{%- endmacro %}

{% macro duckdb__date_part_text(date, part) -%}
    {{- return('strftime(' ~ date ~ ', ' ~ hipaa_mode.literal({'year': '%Y', 'month': '%Y-%m'}[part]) ~ ')') -}}
{%- endmacro %}

{% macro as_text(expression) -%}
    {{- return('cast(' ~ expression ~ ' as ' ~ hipaa_mode.data_type('text') ~ ')') -}}
{%- endmacro %}
