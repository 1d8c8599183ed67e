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
        {%- set suppressed_sql -%}
            select listed.place
            from hipaa_mode_suppressed_users as listed
            left join (
                select {{ hipaa_mode.without_blanks('user_id') }} as user_id
                from {{ hipaa_mode.package_relation('calls_read') }}
                union
                select {{ hipaa_mode.without_blanks('previous_id') }} as user_id
                from {{ hipaa_mode.package_relation('calls_read') }}
            ) as seen on listed.user_id = seen.user_id
            where seen.user_id is null
            order by listed.place
        {%- endset -%}
        {%- do suppressed.extend(run_query(suppressed_sql).columns[0].values()) -%}
    {%- endif -%}
    {%- set request = {'calls': facts.calls.staged + facts.calls.withheld, 'arrived': arrived, 'events': events, 'suppressed': suppressed} -%}
    {%- for line in hipaa_mode.door().never_matched(**request) -%}
        {%- do log('hipaa_mode: ' ~ line, info=true) -%}
    {%- endfor -%}
{%- endmacro %}
