{#- Warns of an id that alias and merge calls tie to so many others that it may be nobody's. -#}
{% macro log_hubs(facts) -%}
    {%- if facts.withheld.calls.suppressed_by_alias -%}
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
        {%- set row = run_query(sql).rows[0] -%}
        {%- for line in hipaa_mode.door().hub_notices(row[0] | int, row[1] | int) -%}
            {%- do log('hipaa_mode: ' ~ line, info=true) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
