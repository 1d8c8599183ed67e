{{ config(group='restricted_zone') }}
-- No masked row is of a suppressed person, or of a day that is no longer kept: looked for in the
-- masked tables themselves, by what the lists say and not by what was withheld.
{% set plan = hipaa_mode.plan() %}
{% set people = hipaa_mode.build_table('suppressed_users') %}
{% set is_read = execute and flags.WHICH not in ('compile', 'generate') %}
{% set conditions = [] %}
{% if is_read and hipaa_mode.has_rows(people) %}
    {% set scope = plan.scopes[0] %}
    {% do conditions.append(
        'user_id' ~ hipaa_mode.scope_suffix(scope) ~ ' in (select ' ~ hipaa_mode.token('user_id', scope) ~ ' from ' ~ people ~ ')'
    ) %}
{% endif %}
{% set finest = ['exact', 'second', 'minute', 'hour', 'day', 'month', 'year'] | select('in', plan.precisions if plan else []) | list %}
{% if is_read and plan.retained_from and finest %}
    {% set time = 'coalesce(sent_at__' ~ finest[0] ~ ', received_at__' ~ finest[0] ~ ')' %}
    {% set first = 'timestamp ' ~ hipaa_mode.literal(plan.retained_from) %}
    {% do conditions.append('coalesce(' ~ time ~ ' < ' ~ hipaa_mode.timestamp_at_precision(first, finest[0]) ~ ', true)') %}
{% endif %}
with

masked as (

    {% for view in ['events', 'identifies', 'groups'] %}
    select
        {{ hipaa_mode.literal(view) }} as view_name,
        count(*) as failures
    from {{ ref('masked_' ~ view) }}
    where {{ conditions | join(' or ') or 'false' }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select *
from masked
where failures > 0
