{#- Calls of the functions that a value passes through, as the seeds say: macros/functions/. -#}

{#- Text to a type of the allowlist's `data_type` column; null where it does not fit. -#}
{% macro text_to(data_type, text) -%}
    {%- if data_type == 'text' -%}
        {{- return(text) -}}
    {%- elif data_type in ('integer', 'number', 'boolean', 'timestamp', 'date') -%}
        {{- return('hipaa_functions.as_' ~ data_type ~ '(' ~ text ~ ')') -}}
    {%- endif -%}
    {{- exceptions.raise_compiler_error('hipaa_mode: unknown data type ' ~ data_type) -}}
{%- endmacro %}

{#- A text under a generalisation of the catalogue (scripts/hipaa_mode/treatments.py), as text. -#}
{% macro treat(treatment, argument, text) -%}
    {%- set arguments = [text] -%}
    {%- if treatment == 'birth_year' -%}
        {%- do arguments.append(run_started_at.year) -%}
    {%- elif treatment == 'zip3' -%}
        {%- do arguments.append(hipaa_mode.list_of(hipaa_mode.plan('small_zip3_areas'))) -%}
    {%- elif treatment == 'round' -%}
        {%- do arguments.extend([argument, argument.split('.')[1] | length if '.' in argument else 0]) -%}
    {%- elif treatment == 'truncate' -%}
        {%- do arguments.append(argument) -%}
    {%- elif treatment not in ('year', 'month', 'age_cap', 'domain', 'url_path', 'url_origin', 'ip_prefix') -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: no such treatment: ' ~ treatment) -}}
    {%- endif -%}
    {{- return('hipaa_functions.to_' ~ treatment ~ '(' ~ arguments | join(', ') ~ ')') -}}
{%- endmacro %}

{#- One spelling of an identifier, so that one person has one token. docs/values.md has the rules. -#}
{% macro normalized(text, normalize) -%}
    {%- if normalize == 'none' -%}
        {{- return(text) -}}
    {%- endif -%}
    {{- return('hipaa_functions.normalized' ~ hipaa_mode.normalize_suffix(normalize)[1:] ~ '(' ~ text ~ ')') -}}
{%- endmacro %}

{#- What a normalisation adds to a name: letters, digits and underscores. -#}
{% macro normalize_suffix(normalize) -%}
    {{- return('' if normalize == 'none' else '__' ~ normalize | replace('(', '_') | replace(')', '')) -}}
{%- endmacro %}

{#- Ids that senders write where they have none. -#}
{% macro listed_placeholders() -%}
    {{- return(hipaa_mode.list_of(hipaa_mode.placeholder_ids())) -}}
{%- endmacro %}
