{#- Gives Python what may hold all destinations back, whatever their tests say: calls that were
    withheld would come back, too many of the new lines were rejected, or something changed the
    connection since the run started. -#}
{% macro ask_for_blockers(decided) -%}
    {%- do hipaa_mode.door().hold_back(hipaa_mode.changed_since_start()) -%}
    {%- if decided.was_read -%}
        {%- do hipaa_mode._judge_rejections() -%}
    {%- endif -%}
    {%- if decided.is_publishable -%}
        {%- do hipaa_mode._judge_returning() -%}
    {%- endif -%}
{%- endmacro %}

{#- Calls that were withheld since something was published last and are not any more, though nobody
    was taken off a list who explains it. -#}
{% macro _judge_returning() -%}
    {%- set since = hipaa_mode.door().published_before() -%}
    {%- set counts = [0, 0] -%}
    {%- if hipaa_mode.has_rows(hipaa_mode.build_table('released_calls') ~ ' where run_number > ' ~ since) -%}
        {%- set counts = run_query(hipaa_mode._released_calls_staged(since)).rows[0] -%}
    {%- endif -%}
    {%- set now -%}
        select
            (select count(*) from {{ hipaa_mode.package_relation('withheld_calls') }} where {{ hipaa_mode._is_of_person() }}),
            (select count(*) from {{ hipaa_mode.package_relation('calls_read') }})
    {%- endset -%}
    {%- set row = run_query(now).rows[0] -%}
    {%- do hipaa_mode.door().judge_returning(counts[0] | int, counts[1] | int, row[0] | int, row[1] | int) -%}
{%- endmacro %}

{#- Counts of calls that are no longer withheld: those of suppressed people, and those that had
    expired or have no time. -#}
{% macro _released_calls_staged(since) %}
        with recursive

        released as (

            select call_key, bool_or({{ hipaa_mode._is_of_person() }}) as is_of_person
            from {{ hipaa_mode.build_table('released_calls') }}
            where run_number > {{ since }}
            group by call_key

        ),

        people as (

            select user_id from {{ hipaa_mode.build_table('released_people') }} where run_number > {{ since }}
            except
            select user_id from {{ hipaa_mode.build_table('suppressed_users') }}

        ),

        {{ hipaa_mode.tied_people('people', hipaa_mode.package_relation('calls_read')) }},

        {{ hipaa_mode.devices_of('tied_devices', 'tied', hipaa_mode.package_relation('calls_read')) }}

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

{#- See scripts/hipaa_mode/rejections.py. What is let pass is noted, so that it is judged once. -#}
{% macro _judge_rejections() -%}
    {%- set calls = hipaa_mode.package_relation('calls_read') -%}
    {%- set noted = hipaa_mode.build_table('accepted_lines') -%}
    {%- set lines -%}
        select source_file, run_number, rejection_reason, count(*)
        from {{ calls }}
        group by 1, 2, 3
        order by 1, 2, 3
    {%- endset -%}
    {%- set read = [] -%}
    {%- for row in run_query(lines).rows -%}
        {%- do read.append([row[0], row[1] | int, row[2], row[3] | int]) -%}
    {%- endfor -%}
    {%- set passed -%}
        select source_file, lines, rejected from {{ noted }}
        qualify row_number() over (partition by source_file order by run_number desc) = 1
    {%- endset -%}
    {%- set accepted = [] -%}
    {%- for row in run_query(passed).rows -%}
        {%- do accepted.append([row[0], row[1] | int, row[2] | int]) -%}
    {%- endfor -%}
    {%- set may_pass = hipaa_mode.door().judge_rejections(
        read, accepted, var('hipaa_mode__rejected_share', 0.1), var('hipaa_mode__accept_rejected_lines', none)
    ) -%}
    {%- if may_pass -%}
        {%- call statement('accepted_lines') -%}
            insert into {{ noted }}
            select {{ hipaa_mode.door().run_number() }}, now.source_file, now.lines, now.rejected
            from (
                select source_file, count(*) as lines, count(rejection_reason) as rejected
                from {{ calls }}
                group by source_file
            ) as now
            left join ({{ passed }}) as passed on now.source_file = passed.source_file
            where now.lines is distinct from passed.lines or now.rejected is distinct from passed.rejected
        {%- endcall -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}
