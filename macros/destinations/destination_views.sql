{#- The whole of a destination model: {{ hipaa_mode.destination_events('ga4') }} is all it says. -#}

{#- Track, page and screen calls as the destination may receive them. -#}
{% macro destination_events(destination) -%}
    {{- config(materialized='destination_view', group='restricted_zone') -}}
    {{- hipaa_mode.destination_view_sql(destination, 'events') -}}
{%- endmacro %}

{#- Identify calls as the destination may receive them. -#}
{% macro destination_identifies(destination) -%}
    {{- config(materialized='destination_view', group='restricted_zone') -}}
    {{- hipaa_mode.destination_view_sql(destination, 'identifies') -}}
{%- endmacro %}

{#- Group calls as the destination may receive them. -#}
{% macro destination_groups(destination) -%}
    {{- config(materialized='destination_view', group='restricted_zone') -}}
    {{- hipaa_mode.destination_view_sql(destination, 'groups') -}}
{%- endmacro %}

{#- Each user's latest values, as the destination may receive them. -#}
{% macro destination_users(destination) -%}
    {{- config(materialized='destination_view', group='restricted_zone') -}}
    {{- hipaa_mode.latest_view_sql(destination, 'users') -}}
{%- endmacro %}

{#- Each group's latest values, as the destination may receive them. -#}
{% macro destination_groups_latest(destination) -%}
    {{- config(materialized='destination_view', group='restricted_zone') -}}
    {{- hipaa_mode.latest_view_sql(destination, 'groups_latest') -}}
{%- endmacro %}
