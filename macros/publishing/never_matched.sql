{#- Queries of what tells which rows of the seeds no call has ever matched: `events`, those that
    calls have had, and `suppressed_unseen`, the places that list ids which none has. -#}
{% macro never_matched(plan) -%}
    {%- set suppressed -%}
        with

        ids as (

            {#- Ids of usable calls are counted; rejected calls are few. #}
            select id
            from {{ hipaa_mode.build_table('ids_of_calls') }}
            where kind in ('user_id', 'anonymous_id')
            {%- for id in ['user_id', 'anonymous_id'] %}
            union
            select {{ id }} as id
            from {{ hipaa_mode.package_relation('calls_read') }}
            where rejection_reason is not null
            {%- endfor %}
            {%- for id in ['previous_id', hipaa_mode.rows_of('merged_ids')] %}
            union
            select {{ id }} as id
            from {{ hipaa_mode.package_relation('calls_read') }}
            {%- endfor %}

        ),

        seen as (

            {%- for spelling in hipaa_mode.spellings('id', plan.person_normalizations) %}
            select {{ spelling }} as id
            from ids
            where id is not null
            {% if not loop.last %}union{% endif %}
            {%- endfor %}

        )

        select listed.place
        from hipaa_mode_suppressed_users as listed
        where
            {%- for spelling in hipaa_mode.spellings('listed.user_id', plan.person_normalizations) %}
            {{ 'and ' if not loop.first }}not exists (select 1 from seen where seen.id = {{ spelling }})
            {%- endfor %}
        order by listed.place
    {%- endset -%}
    {{- return({'events': 'select distinct event from ' ~ hipaa_mode.package_relation('masked_events'), 'suppressed_unseen': suppressed}) -}}
{%- endmacro %}
