{#- Applies one generalisation of the catalogue (scripts/hipaa_mode/treatments.py) to a text.
    The result is text; what does not fit the treatment is null. -#}
{% macro treat(treatment, argument, text) -%}
    {%- set treatments = {
        'year': hipaa_mode.treatment_year,
        'birth_year': hipaa_mode.treatment_birth_year,
        'month': hipaa_mode.treatment_month,
        'zip3': hipaa_mode.treatment_zip3,
        'age_cap': hipaa_mode.treatment_age_cap,
        'domain': hipaa_mode.treatment_domain,
        'url_path': hipaa_mode.treatment_url_path,
        'url_origin': hipaa_mode.treatment_url_origin,
        'ip_prefix': hipaa_mode.treatment_ip_prefix,
    } -%}
    {%- set treatments_with_argument = {
        'round': hipaa_mode.treatment_round,
        'truncate': hipaa_mode.treatment_truncate,
    } -%}
    {%- if treatment in treatments -%}
        {{- return(treatments[treatment](text)) -}}
    {%- elif treatment in treatments_with_argument -%}
        {{- return(treatments_with_argument[treatment](text, argument)) -}}
    {%- else -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: no such treatment: ' ~ treatment) -}}
    {%- endif -%}
{%- endmacro %}
