{#- No row of a masked table is of a suppressed person, or of a day that is no longer kept: looked
    for in the table itself, by what the lists say and not by what was withheld. -#}
{% test withheld_calls_are_not_masked(model) %}
{{ config(group='restricted_zone') }}
{%- do hipaa_mode.check_connection() -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set people = hipaa_mode.build_table('suppressed_users') -%}
{%- set is_read = execute and flags.WHICH not in ('compile', 'generate') -%}
{%- set conditions = [] -%}
{%- if is_read and hipaa_mode.has_rows(people) -%}
    {%- set scope = plan.scopes[0] -%}
    {%- do conditions.append(
        'user_id' ~ hipaa_mode.scope_suffix(scope) ~ ' in (select ' ~ hipaa_mode.token('user_id', scope) ~ ' from ' ~ people ~ ')'
    ) -%}
{%- endif -%}
{%- set finest = ['exact', 'second', 'minute', 'hour', 'day', 'month', 'year'] | select('in', plan.precisions if plan else []) | list -%}
{%- if is_read and plan.retained_from and finest -%}
    {%- set time = 'coalesce(sent_at__' ~ finest[0] ~ ', received_at__' ~ finest[0] ~ ')' -%}
    {%- set first = 'timestamp ' ~ hipaa_mode.literal(plan.retained_from) -%}
    {%- do conditions.append('coalesce(' ~ time ~ ' < ' ~ hipaa_mode.timestamp_at_precision(first, finest[0]) ~ ', true)') -%}
{%- endif %}

select count(*) as failures
from {{ model }}
where {{ conditions | join(' or ') or 'false' }}
having count(*) > 0
{% endtest %}
