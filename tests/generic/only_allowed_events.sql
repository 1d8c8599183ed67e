{#- Every event name is one that the allowed_events seed, as loaded, lets the destination have,
    as it is to be sent. Reads the seed's table itself, not what the build made of the file. -#}
{% test only_allowed_events(model) %}
{%- set destination = hipaa_mode.tested_name(model).rsplit('__', 1)[0] -%}
{%- do hipaa_mode.tested_columns(model) -%}
{%- set in_environment = "in ('*', " ~ hipaa_mode.literal(hipaa_mode.environment()) ~ ')' %}
with

allowed as (

    select
        event,
        coalesce(nullif(trim(sent_as), ''), event) as sent_as
    from {{ ref('allowed_events') }}
    where
        trim(environment) {{ in_environment }}
        and trim(destination) in ('*', {{ hipaa_mode.literal(destination) }})

),

unrestricted as (

    select 1 as is_unrestricted
    from {{ ref('destinations') }}
    where
        trim(environment) {{ in_environment }}
        and trim(destination) = {{ hipaa_mode.literal(destination) }}
        and lower(trim(restrict_phi)) = 'false'

)

select count(*) as events_not_allowed
from {{ model }}
where
    {% if model.identifier.endswith('__events') %}true{% else %}event is not null{% endif %}
    and not exists (select 1 from unrestricted)
    and not exists (select 1 from allowed where allowed.event = '*')
    and (event is null or event not in (select allowed.sent_as from allowed))
having count(*) > 0
{% endtest %}
