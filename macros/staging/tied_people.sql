{#- Queries of a `with recursive`: `tied` has the ids of the people whom `listed` lists, and all ids
    that alias and merge calls tie to them, in either direction, over any number of steps.

    Any call that names a former id says that it is the same person's, whether or not it can be used
    otherwise: rejected calls and further deliveries too. It says so of its user id. Of its
    anonymous id only where it has no user id, since a device can be several people's. -#}
{% macro tied_people(listed, calls_read) -%}
{%- set own_id = 'coalesce(user_id, anonymous_id, previous_id, ' ~ hipaa_mode.element_at('merged_ids', 1) ~ ')' -%}
said as (

    select
        {{ own_id }} as one_id,
        previous_id as other_id
    from {{ calls_read }}
    where previous_id is not null
    union all
    select
        {{ own_id }} as one_id,
        {{ hipaa_mode.rows_of('merged_ids') }} as other_id
    from {{ calls_read }}
    where merged_ids is not null

),

{#- Materialized: DuckDB 1.5 loses steps of a recursion that joins a query with a `union`, as soon as
    it has several threads. -#}
ties as materialized (

    select
        {{ hipaa_mode.without_blanks('one_id') }} as one_id,
        {{ hipaa_mode.without_blanks('other_id') }} as other_id
    from said
    union
    select
        {{ hipaa_mode.without_blanks('other_id') }} as one_id,
        {{ hipaa_mode.without_blanks('one_id') }} as other_id
    from said

),

tied as (

    select user_id as id
    from {{ listed }}
    union
    select ties.other_id as id
    from tied
    inner join ties on tied.id = ties.one_id

)
{%- endmacro %}
