{#- Removes the published files of destinations that the environment no longer has, and records
    it, with what else changed among the published files since the last entry. -#}
{% macro withdraw_removed_destinations(destinations) -%}
    {%- set request = hipaa_mode.published_request() -%}
    {%- do request.update({'keep': destinations}) -%}
    {%- set entries = [] -%}
    {%- for destination in hipaa_mode.command('withdraw', request) -%}
        {%- do log('hipaa_mode: withdrew `' ~ destination ~ '`: it is no longer in destinations.csv', info=true) -%}
        {%- do entries.append({'destination': destination, 'outcome': 'withdrawn', 'reasons': ['no longer in destinations.csv']}) -%}
    {%- endfor -%}
    {%- do hipaa_mode.record_audit(entries, look=true) -%}
{%- endmacro %}
