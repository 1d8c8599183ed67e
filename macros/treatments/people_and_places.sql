{#- The first three digits of a ZIP or ZIP+4 code; 000 for the areas where 20,000 people or
    fewer live. Four digits have lost their leading zero; three are such an area already.
    Related to 45 CFR 164.514(b)(2)(i)(B); the areas are in small_zip3_areas.csv. -#}
{% macro treatment_zip3(text) -%}
    {%- set small_areas = hipaa_mode.plan().small_zip3_areas -%}
    {%- set zip3 = 'coalesce(' ~ hipaa_mode.pattern_group('written', '([0-9]{3})(?:[0-9]{2}(?:[- ]?[0-9]{4})?)?', 1)
        ~ ", '0' || " ~ hipaa_mode.pattern_group('written', '([0-9]{2})[0-9]{2}(?:-[0-9]{4})?', 1) ~ ')' -%}
    {%- set area = "case when zip3 in (" ~ hipaa_mode.literals(small_areas) ~ ") then '000' else zip3 end" if small_areas else "case when zip3 is not null then '000' end" -%}
    {{- return(hipaa_mode.bind('zip3', hipaa_mode.bind('written', hipaa_mode.trimmed(text), zip3), area)) -}}
{%- endmacro %}

{#- An age in whole years, 90 and over (also written `90+`) as 90; no age below 0 or above 130.
    Related to 45 CFR 164.514(b)(2)(i)(C). -#}
{% macro treatment_age_cap(text) -%}
    {#- Of 89+ nobody knows on which side it is. -#}
    {%- set number = "case when " ~ hipaa_mode.matches('written', '(9[0-9]|1[0-9]{2})[+]') ~ " then rtrim(written, '+') else written end" -%}
    {%- set age = 'floor(' ~ hipaa_mode.text_to('number', hipaa_mode.bind('written', hipaa_mode.trimmed(text), number)) ~ ')' -%}
    {%- set capped = 'case when age between 0 and 130 then '
        ~ hipaa_mode.as_text('cast(least(age, 90) as ' ~ hipaa_mode.data_type('integer') ~ ')') ~ ' end' -%}
    {{- return(hipaa_mode.bind('age', age, capped)) -}}
{%- endmacro %}
