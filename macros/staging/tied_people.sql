{#- Queries of a `with recursive`: `listed_ids` has the ids of the people whom `listed` lists, in
    every spelling that some destination takes for the same person; `tied` has these and all ids that
    alias and merge calls tie to them, in either direction, over any number of steps.

    Any call that names a former id says that it is the same person's, whether or not it can be used
    otherwise: rejected calls and further deliveries too. It says so of its user id. Of its
    anonymous id only where it has no user id, since a device can be several people's. -#}
{% macro tied_people(listed, calls_read) -%}
{%- set own_id = 'coalesce(user_id, anonymous_id, previous_id, ' ~ hipaa_mode.element_at('merged_ids', 1) ~ ')' -%}
{%- set said_of = "case when user_id is null then 'device' else 'person' end" -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set normalizations = plan.person_normalizations if plan else [] -%}
{%- set steps -%}
{%- if normalizations -%}
ids as (

    {%- for id in ['user_id', 'anonymous_id', 'previous_id', hipaa_mode.rows_of('merged_ids')] %}
    select {{ id }} as id
    from {{ calls_read }}
    union
    {%- endfor %}
    select user_id as id
    from {{ listed }}

),

{% endif -%}
said as (

    select
        {{ own_id }} as one_id,
        previous_id as other_id,
        {{ said_of }} as said_of
    from {{ calls_read }}
    where previous_id is not null
    union all
    select
        {{ own_id }} as one_id,
        {{ hipaa_mode.rows_of('merged_ids') }} as other_id,
        {{ said_of }} as said_of
    from {{ calls_read }}
    where merged_ids is not null
    {%- for normalize in normalizations %}
    union all
    select
        id as one_id,
        {{ hipaa_mode.normalized('id', normalize) }} as other_id,
        'spelling' as said_of
    from ids
    {%- endfor %}

),

{#- Materialized: DuckDB 1.5 loses steps of a recursion that joins a query with a `union`, as soon as
    it has several threads. -#}
ties as {{ hipaa_mode.kept() }}(

    select
        hipaa_functions.trimmed_id(one_id) as one_id,
        hipaa_functions.trimmed_id(other_id) as other_id,
        said_of
    from said
    where one_id <> other_id and other_id <> ''
    union
    select
        hipaa_functions.trimmed_id(other_id) as one_id,
        hipaa_functions.trimmed_id(one_id) as other_id,
        said_of
    from said
    where one_id <> other_id and other_id <> ''

)
{%- endset %}
{%- set steps = steps ~ ',\n\n' ~ hipaa_mode._all_tied('listed_ids', 'select user_id as id from ' ~ listed, ['spelling'], steps) -%}
{{- steps }},

{{ hipaa_mode._all_tied('tied', 'select id from listed_ids', ['spelling', 'device', 'person'], steps) }}
{%- endmacro %}

{#- A query of such a `with recursive`: the ids of some people, and the anonymous ids that were ever
    seen in a call with one of these user ids, or are tied to such an anonymous id. `steps` are the
    queries before it. -#}
{% macro devices_of(name, people, calls_read, steps, said_of=['spelling', 'device']) -%}
{%- set seen -%}
select id
    from (
        select hipaa_functions.trimmed_id(anonymous_id) as id
        from {{ calls_read }}
        where hipaa_functions.trimmed_id(user_id) in (select id from {{ people }})
        union
        select id
        from {{ people }}
    ) as seen
{%- endset -%}
{{- hipaa_mode._all_tied(name, seen, said_of, steps) -}}
{%- endmacro %}

{#- A recursive query: some ids, and all that what is said ties to them. -#}
{% macro _all_tied(name, ids, said_of, steps) -%}
{%- set further -%}
select ties.other_id as id
    from {{ name }}
    inner join ties on {{ name }}.id = ties.one_id
    where ties.said_of in ({{ hipaa_mode.literals(said_of) }})
{%- endset -%}
{{- hipaa_mode.reached(name, ids, further, steps) -}}
{%- endmacro %}

{#- The condition that a call is of some people: with a user id of theirs, or without any and from a
    device of theirs. -#}
{% macro is_of(people, devices) -%}
    {%- set user_id = 'hipaa_functions.trimmed_id(user_id)' -%}
    {%- set anonymous_id = 'hipaa_functions.trimmed_id(anonymous_id)' -%}
    {{- return(
        user_id ~ ' in (select id from ' ~ people ~ ')\n                or (user_id is null and '
        ~ anonymous_id ~ ' in (select id from ' ~ devices ~ '))'
    ) -}}
{%- endmacro %}

{#- The spellings of an id that are taken for one person's: without blanks around it, and as the
    destinations have it that bring it to one; null where it has none. -#}
{% macro spellings(id, normalizations) -%}
    {%- set spellings = ['hipaa_functions.trimmed_id(' ~ id ~ ')'] -%}
    {%- for normalize in normalizations -%}
        {%- do spellings.append('nullif(' ~ hipaa_mode.normalized(id, normalize) ~ ", '')") -%}
    {%- endfor -%}
    {{- return(spellings) -}}
{%- endmacro %}
