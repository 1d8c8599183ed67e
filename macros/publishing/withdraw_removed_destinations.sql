{#- Removes the published files of destinations that the environment no longer has. -#}
{% macro withdraw_removed_destinations(destinations) -%}
    {%- set request = hipaa_mode.published_request() -%}
    {%- do request.update({'keep': destinations}) -%}
    {%- for destination in hipaa_mode.command('withdraw', request) -%}
        {%- do log('hipaa_mode: withdrew `' ~ destination ~ '`: it is no longer in destinations.csv', info=true) -%}
    {%- endfor -%}
{%- endmacro %}
