{#- Removes the published files of destinations that the environment no longer has, or that are
    stopped, and records it, with what else changed among the published files since the last entry. -#}
{% macro withdraw_removed_destinations(destinations) -%}
    {%- set request = hipaa_mode.published_request() -%}
    {%- do request.update({'keep': destinations}) -%}
    {%- set entries = [] -%}
    {%- set done = hipaa_mode.door().withdraw(**request) -%}
    {%- for destination in done.withdrawn -%}
        {%- do hipaa_mode.door().say('withdrew `' ~ destination ~ '`: ' ~ done.reasons[destination]) -%}
        {%- do entries.append({'destination': destination, 'outcome': 'withdrawn', 'reasons': [done.reasons[destination]]}) -%}
    {%- endfor -%}
    {%- for path in done.left -%}
        {%- do exceptions.warn('hipaa_mode: ' ~ path ~ ' was left in a folder that was withdrawn: no build made it') -%}
    {%- endfor -%}
    {%- do hipaa_mode.record_audit(entries, look=true) -%}
    {%- if done.problems -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ done.problems | join('\n') ~ '\nThen run dbt build again; nothing was built') -}}
    {%- endif -%}
{%- endmacro %}
