{#- Queries of what may hold all destinations back, whatever their tests say: calls that were withheld
    would come back, or too many of the new lines were rejected. See scripts/hipaa_mode/rejections.py
    and `ReturningCalls` in Python. -#}
{% macro run_blockers() -%}
    {%- set calls = hipaa_mode.package_relation('calls_read') -%}
    {%- set noted = hipaa_mode.build_table('accepted_lines') -%}
    {%- set lines -%}
        select source_file, run_number, rejection_reason, count(*)
        from {{ calls }}
        group by 1, 2, 3
        order by 1, 2, 3
    {%- endset -%}
    {%- set accepted -%}
        select source_file, lines, rejected
        from {{ noted }}
        where (source_file, run_number) in (select source_file, max(run_number) from {{ noted }} group by source_file)
    {%- endset -%}
    {%- set accept -%}
        insert into {{ noted }}
        select $run_number, now.source_file, now.lines, now.rejected
        from (
            select source_file, count(*) as lines, count(rejection_reason) as rejected
            from {{ calls }}
            group by source_file
        ) as now
        left join ({{ accepted }}) as passed on now.source_file = passed.source_file
        where now.lines is distinct from passed.lines or now.rejected is distinct from passed.rejected
    {%- endset -%}
    {%- set withheld_now -%}
        select
            (select count(*) from {{ hipaa_mode.package_relation('withheld_calls') }} where {{ hipaa_mode._is_of_person() }}),
            (select count(*) from {{ calls }})
    {%- endset -%}
    {{- return({
        'lines': lines, 'accepted_lines': accepted, 'accept_lines': accept,
        'returning': hipaa_mode._released_calls_staged() if hipaa_mode.door().keeps_tables() else '', 'withheld_now': withheld_now,
    }) -}}
{%- endmacro %}

{#- Counts of calls that were withheld since the run `$since`, where its tables are there, and no longer are: those of suppressed
    people, and those that had expired or have no time. -#}
{% macro _released_calls_staged() %}
        {%- set tied_people = hipaa_mode.tied_people('people', hipaa_mode.package_relation('calls_read')) %}
        with recursive

        released as (

            select call_key, bool_or({{ hipaa_mode._is_of_person() }}) as is_of_person
            from {{ hipaa_mode.build_table('released_calls') }}
            where run_number > $since
            group by call_key

        ),

        people as (

            select user_id from {{ hipaa_mode.build_table('released_people') }} where run_number > $since
            except
            select user_id from {{ hipaa_mode.build_table('suppressed_users') }}

        ),

        {{ tied_people }},

        {{ hipaa_mode.devices_of('tied_devices', 'tied', hipaa_mode.package_relation('calls_read'), tied_people) }}

        select
            count(*) filter (
                released.is_of_person
                and (hipaa_functions.trimmed(anonymous_id) in (select id from listed_ids)) is not true
                and ({{ hipaa_mode.is_of('tied', 'tied_devices') }}) is not true
            ),
            count(*) filter (not released.is_of_person)
        from {{ hipaa_mode.package_relation('stg_calls') }} as stg_calls
        inner join released on stg_calls.call_key = released.call_key
{%- endmacro %}
