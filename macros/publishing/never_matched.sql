{#- What tells which rows of the seeds no call has ever matched: `events`, the allowed events that some
    call has had, and `suppressed`, the places that list ids which none has. -#}
{% macro never_matched(counts) -%}
    {%- set found = {'events': [], 'suppressed': []} -%}
    {%- set allowed = hipaa_mode.door().allowed_events() -%}
    {%- if allowed -%}
        {%- set events_sql -%}
            select distinct event
            from {{ hipaa_mode.package_relation('masked_events') }}
            where event in ({{ hipaa_mode.literals(allowed) }})
        {%- endset -%}
        {%- do found.events.extend(run_query(events_sql).columns[0].values()) -%}
    {%- endif -%}
    {%- if counts.suppressed_people -%}
        {%- set normalizations = hipaa_mode.plan().person_normalizations -%}
        {%- set suppressed_sql -%}
            with

            ids as (

                {%- for id in ['user_id', 'anonymous_id', 'previous_id', hipaa_mode.rows_of('merged_ids')] %}
                select {{ id }} as id
                from {{ hipaa_mode.package_relation('calls_read') }}
                {% if not loop.last %}union{% endif %}
                {%- endfor %}

            ),

            seen as (

                {%- for spelling in hipaa_mode.spellings('id', normalizations) %}
                select {{ spelling }} as id
                from ids
                where id is not null
                {% if not loop.last %}union{% endif %}
                {%- endfor %}

            )

            select listed.place
            from hipaa_mode_suppressed_users as listed
            where
                {%- for spelling in hipaa_mode.spellings('listed.user_id', normalizations) %}
                {{ 'and ' if not loop.first }}not exists (select 1 from seen where seen.id = {{ spelling }})
                {%- endfor %}
            order by listed.place
        {%- endset -%}
        {%- do found.suppressed.extend(run_query(suppressed_sql).columns[0].values()) -%}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}
