{#- A test: no row of a masked table is of a suppressed person, or of a day no longer kept; looked
    for in the table itself, by what the lists say and not by what was withheld. Of a person are the
    rows with an id that is listed, in whichever spelling, those with a user id that alias and merge
    calls tie to it, and those without a user id whose anonymous id is such an id, or came with one.
    Who is tied to whom is found here in another way than for what is withheld: by the ids that are
    in one call. -#}
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
    {%- do conditions.extend(hipaa_mode._rows_of_people(plan)) -%}
{%- endif -%}
{%- set finest = hipaa_mode.finest_precision(plan) -%}
{%- if is_read and plan.retained_from and finest -%}
    {%- set time = 'timestamp__' ~ finest -%}
    {%- set first = 'timestamp ' ~ hipaa_mode.literal(plan.retained_from) -%}
    {%- do conditions.append('coalesce(' ~ time ~ ' < ' ~ hipaa_mode.timestamp_at_precision(first, finest) ~ ', true)') -%}
{%- endif %}

{%- if has_people %}

{%- set steps -%}
said as (

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

ids as {{ hipaa_mode.kept() }}(

    {%- for spelling in hipaa_mode.spellings('id', plan.person_normalizations) %}
    select
        file_number,
        line_number,
        {{ spelling }} as id
    from said
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

listed as {{ hipaa_mode.kept() }}(

    {%- for spelling in hipaa_mode.spellings('user_id', plan.person_normalizations) %}
    select {{ spelling }} as id
    from {{ people }}
    {% if not loop.last %}union{% endif %}
    {%- endfor %}

)
{%- endset -%}
{%- set further -%}
select others.id
    from theirs
    inner join ids on theirs.id = ids.id
    inner join ids as others
        on ids.file_number = others.file_number
        and ids.line_number = others.line_number
{%- endset -%}
with recursive

{{ steps }},

{{ hipaa_mode.reached('theirs', 'select id\n    from listed', further, steps) }},

seen as {{ hipaa_mode.kept() }}(

    select distinct
        user_id,
        anonymous_id
    from {{ calls_read }}

)
{%- endif %}

select count(*) as failures
from {{ ref('hipaa_mode', 'masked_' ~ view) }}
where {{ conditions | join(' or ') or 'false' }}
having count(*) > 0
{%- endmacro %}

{#- Conditions that a row of a masked table is of somebody: it has the token of an id by which they
    are `theirs`, or `listed`, among those `seen` in calls; as it arrived, and in the one spelling that
    a destination has of it. -#}
{% macro _rows_of_people(plan) -%}
    {%- set user_is_theirs = hipaa_mode._is_among(plan, 'user_id', 'theirs') -%}
    {%- set device_is_theirs = hipaa_mode._is_among(plan, 'anonymous_id', 'theirs') -%}
    {%- set device_is_listed = hipaa_mode._is_among(plan, 'anonymous_id', 'listed') -%}
    {%- set users = hipaa_mode._columns_of_id(plan, 'user_id') -%}
    {%- set conditions = [] -%}
    {%- for user in users -%}
        {%- do conditions.append(user.column ~ ' in (select ' ~ user.token ~ ' from seen where ' ~ user_is_theirs ~ ')') -%}
    {%- endfor -%}
    {%- for device in hipaa_mode._columns_of_id(plan, 'anonymous_id') -%}
        {%- set tokens = device.column ~ ' in (select ' ~ device.token ~ ' from seen where ' -%}
        {%- do conditions.append(tokens ~ device_is_listed ~ ')') -%}
        {%- do conditions.append('(' ~ users[0].column ~ ' is null and ' ~ tokens ~ user_is_theirs ~ ' or ' ~ device_is_theirs ~ '))') -%}
    {%- endfor -%}
    {{- return(conditions) -}}
{%- endmacro %}

{% macro _is_among(plan, id, people) -%}
    {%- set conditions = [] -%}
    {%- for spelling in hipaa_mode.spellings(id, plan.person_normalizations) -%}
        {%- do conditions.append(spelling ~ ' in (select id from ' ~ people ~ ')') -%}
    {%- endfor -%}
    {{- return(conditions | join(' or ')) -}}
{%- endmacro %}

{#- The columns of a masked table that hold tokens of an id, each with what it is a token of: first
    what arrived. -#}
{% macro _columns_of_id(plan, name) -%}
    {%- set scope = plan.id_scopes[name][0] -%}
    {%- set columns = [{'column': name ~ hipaa_mode.scope_suffix(scope), 'token': hipaa_mode.token(name, scope)}] -%}
    {%- for key, id in plan.normalized_ids.items() if id.name == name -%}
        {%- set scope = id.scopes[0] -%}
        {%- set token = hipaa_mode.token(hipaa_mode.normalized(name, id.normalize), scope) -%}
        {%- do columns.append({'column': key ~ hipaa_mode.scope_suffix(scope), 'token': token}) -%}
    {%- endfor -%}
    {{- return(columns) -}}
{%- endmacro %}
