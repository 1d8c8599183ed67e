{#- The first three digits of a ZIP or ZIP+4 code; 000 for the areas where 20,000 people or
    fewer live. Source: 45 CFR 164.514(b)(2)(i)(B); the areas are in small_zip3_areas.csv. -#}
{% macro treatment_zip3(text) -%}
    {%- set small_areas = hipaa_mode.plan().small_zip3_areas -%}
    {%- set zip3 = 'left(' ~ text ~ ', 3)' -%}
    {%- set is_small = (zip3 ~ ' in (' ~ hipaa_mode.literals(small_areas) ~ ')') if small_areas else 'true' -%}
    {{- return(
        'case when not coalesce(' ~ hipaa_mode.matches(text, '[0-9]{5}(-?[0-9]{4})?')
        ~ ', false) then null when ' ~ is_small ~ " then '000' else " ~ zip3 ~ ' end'
    ) -}}
{%- endmacro %}

{#- An age in whole years, 90 and over as 90; no age below 0 or above 130.
    Source: 45 CFR 164.514(b)(2)(i)(C). -#}
{% macro treatment_age_cap(text) -%}
    {%- set age = 'floor(' ~ hipaa_mode.text_to('number', text) ~ ')' -%}
    {{- return(
        'case when ' ~ age ~ ' between 0 and 130 then '
        ~ hipaa_mode.as_text('cast(least(' ~ age ~ ', 90) as ' ~ hipaa_mode.data_type('integer') ~ ')') ~ ' end'
    ) -}}
{%- endmacro %}
