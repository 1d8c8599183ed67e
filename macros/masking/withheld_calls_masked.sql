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
{%- set is_read = execute and flags.WHICH not in ('compile', 'generate') -%}
{%- set conditions = [] -%}
{%- set found = hipaa_mode._found_people(plan) if is_read else none -%}
{%- if found -%}
    {%- do conditions.extend(hipaa_mode._rows_of_people(plan, found.relation)) -%}
    {%- do conditions.append('not ' ~ found.is_complete) -%}
{%- endif -%}
{%- set finest = hipaa_mode.finest_precision(plan) -%}
{%- if is_read and plan.retained_from and finest -%}
    {%- set time = 'timestamp__' ~ finest -%}
    {%- set first = 'timestamp ' ~ hipaa_mode.literal(plan.retained_from) -%}
    {%- do conditions.append('coalesce(' ~ time ~ ' < ' ~ hipaa_mode.timestamp_at_precision(first, finest) ~ ', true)') -%}
{%- endif %}

{%- if found and found.steps %}
with recursive

{{ found.steps }}
{%- endif %}

select count(*) as failures
from {{ ref('hipaa_mode', 'masked_' ~ view) }}
where {{ conditions | join(' or ') or 'false' }}
having count(*) > 0
{%- endmacro %}

{#- Where the ids of suppressed people are: in a table that is made once for all tests, or in steps of the
    query. None where nobody is listed. Python asks first: what this connection began would not see them.

    No ref: the test is one of the masked table alone, and runs where that is built. -#}
{% macro _found_people(plan) -%}
    {%- set door = hipaa_mode.door() -%}
    {%- if not door.lists_people() -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set ids = hipaa_mode._ids_of_people(plan, hipaa_mode.package_relation('calls_read')) -%}
    {%- if door.keeps_tables() -%}
        {%- set query = 'with recursive\n\n' ~ ids.steps ~ '\n\n' ~ ids.query -%}
        {{- return(door.find_people(query, hipaa_mode.hash_of_list(), may_be_known=(true if flags.WHICH == 'build' else false))) -}}
    {%- endif -%}
    {%- set counted = door.count_ids() -%}
    {{- return({
        'steps': ids.steps ~ ',\n\npeople as ' ~ hipaa_mode.kept() ~ '(\n\n' ~ ids.query ~ '\n\n)',
        'relation': 'people', 'is_complete': counted.is_complete,
    }) -}}
{%- endmacro %}

{#- The ids of calls, as they arrived, by which rows of suppressed people are found: `steps` of a `with
    recursive`, and a `query` after them. Of each its `kind`: of a `user` of theirs; `listed`, whoever has
    it for a device; and of a `device` of theirs, where nobody is named. -#}
{% macro _ids_of_people(plan, calls_read) -%}
{%- set people = hipaa_mode.build_table('suppressed_users') -%}
{%- set before -%}
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
{%- set steps -%}
{{ before }},

{{ hipaa_mode.reached('theirs', 'select id\n    from listed', further, before) }},

{#- Those of usable calls are counted, and rejected calls are few. #}
arrived as (

    select id
    from {{ hipaa_mode.build_table('ids_of_calls') }}
    where kind in ('user_id', 'anonymous_id')
    {%- for id in ['user_id', 'anonymous_id'] %}
    union all
    select {{ id }} as id
    from {{ calls_read }}
    where rejection_reason is not null
    {%- endfor %}

),

spelled as {{ hipaa_mode.kept() }}(

    select id
    from arrived
    where {{ hipaa_mode._is_among(plan, 'id', 'theirs') }}

)
{%- endset -%}
{%- set query -%}
select 'user' as kind, id
from spelled
union all
select 'listed' as kind, id
from spelled
where {{ hipaa_mode._is_among(plan, 'id', 'listed') }}
union all
select 'device' as kind, id
from spelled
union all
select distinct 'device' as kind, anonymous_id as id
from {{ calls_read }}
where anonymous_id is not null and user_id in (select id from spelled)
{%- endset -%}
{{- return({'steps': steps, 'query': query}) -}}
{%- endmacro %}

{#- Conditions that a row of a masked table is of somebody: it has the token of one of the ids that were
    `found`; as it arrived, and in the one spelling that a destination has of it. -#}
{% macro _rows_of_people(plan, found) -%}
    {%- set users = hipaa_mode._columns_of_id(plan, 'user_id') -%}
    {%- set of_kind = '{} in (select {} from ' ~ found ~ " where kind = '{}')" -%}
    {%- set conditions = [] -%}
    {%- for user in users -%}
        {%- do conditions.append(of_kind.format(user.column, user.token, 'user')) -%}
    {%- endfor -%}
    {%- for device in hipaa_mode._columns_of_id(plan, 'anonymous_id') -%}
        {%- do conditions.append(of_kind.format(device.column, device.token, 'listed')) -%}
        {%- do conditions.append('(' ~ users[0].column ~ ' is null and ' ~ of_kind.format(device.column, device.token, 'device') ~ ')') -%}
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

{#- The columns of a masked table that hold tokens of an id, each with the token of an `id`: first
    of what arrived. -#}
{% macro _columns_of_id(plan, name) -%}
    {%- set scope = plan.id_scopes[name][0] -%}
    {%- set columns = [{'column': name ~ hipaa_mode.scope_suffix(scope), 'token': hipaa_mode.token('id', scope)}] -%}
    {%- for key, id in plan.normalized_ids.items() if id.name == name -%}
        {%- set scope = id.scopes[0] -%}
        {%- set token = hipaa_mode.token(hipaa_mode.normalized('id', id.normalize), scope) -%}
        {%- do columns.append({'column': key ~ hipaa_mode.scope_suffix(scope), 'token': token}) -%}
    {%- endfor -%}
    {{- return(columns) -}}
{%- endmacro %}
