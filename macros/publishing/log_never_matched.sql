{#- Says which rows of the seeds no call has ever matched. Of calls it asks for counts and for
    allowed names alone, and of suppressed ids for the places that list them. -#}
{% macro log_never_matched(facts) -%}
    {%- set arrived_sql -%}
        select distinct view_name, column_name
        from {{ hipaa_mode.build_table('masked_counts') }}
        where arrived > 0
    {%- endset -%}
    {%- set arrived = [] -%}
    {%- for row in run_query(arrived_sql).rows -%}
        {%- do arrived.append([row[0], row[1]]) -%}
    {%- endfor -%}
    {%- set events = [] -%}
    {%- set allowed = hipaa_mode.door().allowed_events() -%}
    {%- if allowed -%}
        {%- set events_sql -%}
            select distinct event
            from {{ hipaa_mode.package_relation('masked_events') }}
            where event in ({{ hipaa_mode.literals(allowed) }})
        {%- endset -%}
        {%- do events.extend(run_query(events_sql).columns[0].values()) -%}
    {%- endif -%}
    {%- set suppressed = [] -%}
    {%- if facts.withheld.suppressed_people -%}
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
        {%- do suppressed.extend(run_query(suppressed_sql).columns[0].values()) -%}
    {%- endif -%}
    {%- set request = {'calls': facts.calls.staged + facts.calls.withheld, 'arrived': arrived, 'events': events, 'suppressed': suppressed} -%}
    {%- for line in hipaa_mode.door().never_matched(**request) -%}
        {%- do log('hipaa_mode: ' ~ line, info=true) -%}
    {%- endfor -%}
{%- endmacro %}
