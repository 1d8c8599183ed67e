{#- A test: no row of a masked table is of a suppressed person, or of a day no longer kept; looked
    for in the table itself, by what the lists say and not by what was withheld. Of a person are the
    rows with one of the ids that stand for them in calls, blanks around it or not, or that alias and
    merge calls tie to one, and those without a user id whose anonymous id is such an id, or came
    with one. Who is tied to whom is found here in another way than for what is withheld: by the
    ids that are in one call. -#}
{% macro withheld_calls_masked(view) -%}
{{ config(group='restricted_zone') }}
{%- do hipaa_mode.check_connection() -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set people = hipaa_mode.build_table('suppressed_users') -%}
{%- set is_read = execute and flags.WHICH not in ('compile', 'generate') -%}
{%- set conditions = [] -%}
{%- set has_people = is_read and hipaa_mode.has_rows(people) -%}
{%- if has_people -%}
    {#- No ref: the test is one of the masked table alone, and runs where that is built. -#}
    {%- set calls_read = hipaa_mode.package_relation('calls_read') -%}
    {%- set theirs = ' from ' ~ calls_read ~ ' where ' ~ hipaa_mode.without_blanks('user_id') ~ ' in (select id from theirs)' -%}
    {%- set user_scope, device_scope = plan.id_scopes.user_id[0], plan.id_scopes.anonymous_id[0] -%}
    {%- set user = 'user_id' ~ hipaa_mode.scope_suffix(user_scope) -%}
    {%- set device = 'anonymous_id' ~ hipaa_mode.scope_suffix(device_scope) -%}
    {%- do conditions.append(user ~ ' in (select ' ~ hipaa_mode.token('user_id', user_scope) ~ theirs ~ ')') -%}
    {%- do conditions.append(
        '(' ~ user ~ ' is null and ' ~ device ~ ' in (select ' ~ hipaa_mode.token('anonymous_id', device_scope) ~ theirs
        ~ ' or ' ~ hipaa_mode.without_blanks('anonymous_id') ~ ' in (select id from theirs)))'
    ) -%}
{%- endif -%}
{%- set finest = ['exact', 'second', 'minute', 'hour', 'day', 'month', 'year'] | select('in', plan.precisions if plan else []) | list -%}
{%- if is_read and plan.retained_from and finest -%}
    {%- set time = 'timestamp__' ~ finest[0] -%}
    {%- set first = 'timestamp ' ~ hipaa_mode.literal(plan.retained_from) -%}
    {%- do conditions.append('coalesce(' ~ time ~ ' < ' ~ hipaa_mode.timestamp_at_precision(first, finest[0]) ~ ', true)') -%}
{%- endif %}

{%- if has_people %}

with recursive

ids as materialized (

    select
        file_number,
        line_number,
        coalesce(user_id, anonymous_id) as id
    from {{ calls_read }}
    where previous_id is not null or merged_ids is not null
    union all
    select
        file_number,
        line_number,
        previous_id as id
    from {{ calls_read }}
    where previous_id is not null
    union all
    select
        file_number,
        line_number,
        {{ hipaa_mode.rows_of('merged_ids') }} as id
    from {{ calls_read }}
    where merged_ids is not null

),

theirs as (

    select user_id as id
    from {{ people }}
    union
    select {{ hipaa_mode.without_blanks('others.id') }} as id
    from theirs
    inner join ids on theirs.id = {{ hipaa_mode.without_blanks('ids.id') }}
    inner join ids as others
        on ids.file_number = others.file_number
        and ids.line_number = others.line_number

)
{%- endif %}

select count(*) as failures
from {{ ref('hipaa_mode', 'masked_' ~ view) }}
where {{ conditions | join(' or ') or 'false' }}
having count(*) > 0
{%- endmacro %}
