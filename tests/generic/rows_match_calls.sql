{#- The view has one row for every usable call that the destination may receive, counted from
    staging and the seeds' tables and not from what the view is made of. -#}
{% test rows_match_calls(model) %}
{%- set name = hipaa_mode.tested_name(model) -%}
{%- set destination = name.rsplit('__', 1)[0] -%}
{%- set call_types = {'events': ['track', 'page', 'screen'], 'identifies': ['identify'], 'groups': ['group']}[name.rsplit('__', 1)[1]] -%}
{%- do hipaa_mode.tested_columns(model) -%}
{%- set in_environment = "in ('*', " ~ hipaa_mode.literal(hipaa_mode.environment()) ~ ')' %}
with

listed as (

    select lower(trim(restrict_phi)) = 'false' as is_unrestricted
    from {{ ref('destinations') }}
    where trim(environment) {{ in_environment }} and trim(destination) = {{ hipaa_mode.literal(destination) }}
    order by trim(environment) = '*'
    limit 1

),

allowed as (

    select event
    from {{ ref('allowed_events') }}
    where
        trim(environment) {{ in_environment }}
        and trim(destination) in ('*', {{ hipaa_mode.literal(destination) }})

),

expected as (

    select count(*) as calls
    from {{ ref('hipaa_mode', 'stg_calls') }}
    where
        call_type in ({{ hipaa_mode.literals(call_types) }})
        and exists (select 1 from listed)
        {%- if 'track' in call_types %}
        and (
            (select coalesce(bool_or(is_unrestricted), false) from listed)
            or exists (select 1 from allowed where allowed.event = '*')
            or event in (select allowed.event from allowed)
        )
        {%- endif %}

),

actual as (

    select count(*) as view_rows from {{ model }}

)

select
    expected.calls,
    actual.view_rows
from expected
cross join actual
where expected.calls <> actual.view_rows
{% endtest %}
