{#- A query of how many others alias and merge calls tie to one id at most, and how many ids in all they tie to
    suppressed people: an id that has very many may be nobody's. -#}
{% macro largest_hub() -%}
    {%- set listed = hipaa_mode.build_table('suppressed_users') -%}
    {%- set sql -%}
        with recursive

        {{ hipaa_mode.tied_people(listed, hipaa_mode.package_relation('calls_read')) }},

        counted as (

            select count(*) as others
            from ties
            where one_id in (select id from tied) and said_of <> 'spelling'
            group by one_id

        )

        select
            (select max(others) from counted),
            (select count(*) from tied where id not in (select id from listed_ids))
    {%- endset -%}
    {{- return(sql) -}}
{%- endmacro %}
