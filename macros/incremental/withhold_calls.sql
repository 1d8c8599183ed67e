{#- Brings the table of withheld calls up to date. The keys of calls that came to be withheld, or no
    longer are, go into changed_calls, where the masked tables find them. -#}
{% macro withhold_calls(relation, sql, since, run_number) -%}
    {%- if since is none -%}
        {%- do hipaa_mode._withhold_anew(relation, sql, run_number) -%}
    {%- elif hipaa_mode._may_withhold() or hipaa_mode.has_rows(relation) -%}
        {%- set same_place = 'here.file_number = there.file_number and here.line_number = there.line_number and here.reason = there.reason' -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_withheld') -%}
            {{ sql }}
        {%- endcall -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_released') -%}
            select * from {{ relation }} as here
            where not exists (select 1 from hipaa_mode_withheld as there where {{ same_place }})
        {%- endcall -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_newly_withheld') -%}
            select * from hipaa_mode_withheld as here
            where not exists (select 1 from {{ relation }} as there where {{ same_place }})
        {%- endcall -%}
        {%- set counts = run_query('select (select count(*) from hipaa_mode_newly_withheld), (select count(*) from hipaa_mode_released)').rows[0] -%}
        {%- set before -%}
            select call_key from {{ relation }} where {{ hipaa_mode._is_of_person() }}
        {%- endset -%}
        {%- set now -%}
            select call_key from hipaa_mode_withheld where {{ hipaa_mode._is_of_person() }}
        {%- endset -%}
        {%- do hipaa_mode._note_if_different(before, now) -%}
        {%- if counts[0] | int + counts[1] | int > 0 -%}
            {%- call statement('note_changed') -%}
                insert into {{ hipaa_mode.build_table('changed_calls') }}
                select {{ run_number }}, null, null, call_key from hipaa_mode_released
                union
                select {{ run_number }}, null, null, call_key from hipaa_mode_newly_withheld
            {%- endcall -%}
            {%- call statement('note_released') -%}
                insert into {{ hipaa_mode.build_table('released_calls') }}
                select distinct {{ run_number }}, call_key, reason from hipaa_mode_released
            {%- endcall -%}
            {%- do hipaa_mode.door().say(counts[0] ~ ' more calls are withheld, ' ~ counts[1] ~ ' no longer are') -%}
            {%- call statement('release') -%}
                {{ hipaa_mode.delete_matching(relation, 'hipaa_mode_released', same_place) }}
            {%- endcall -%}
            {%- call statement('withhold') -%}
                {{ hipaa_mode.insert_all(relation, 'hipaa_mode_newly_withheld') }}
            {%- endcall -%}
        {%- endif -%}
        {#- A call's key changes where another call comes to be the first of its message id. -#}
        {%- call statement('key_again') -%}
            update {{ relation }} as here
            set call_key = there.call_key
            from hipaa_mode_withheld as there
            where {{ same_place }} and here.call_key <> there.call_key
        {%- endcall -%}
        {%- call statement('main') -%}
            drop table hipaa_mode_withheld;
            drop table hipaa_mode_released;
            drop table hipaa_mode_newly_withheld
        {%- endcall -%}
    {%- else -%}
        {%- call statement('main') -%}
            select 1
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}

{#- Makes the table anew, and notes which calls it no longer has. -#}
{% macro _withhold_anew(relation, sql, run_number) -%}
    {%- set is_there = load_cached_relation(relation) is not none -%}
    {%- if is_there -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_withheld_before') -%}
            select distinct call_key, reason from {{ relation }}
        {%- endcall -%}
    {%- endif -%}
    {%- do hipaa_mode.rebuild_table(relation, sql) -%}
    {%- if is_there -%}
        {%- set before -%}
            select call_key from hipaa_mode_withheld_before where {{ hipaa_mode._is_of_person() }}
        {%- endset -%}
        {%- set now -%}
            select call_key from {{ relation }} where {{ hipaa_mode._is_of_person() }}
        {%- endset -%}
        {%- do hipaa_mode._note_if_different(before, now) -%}
        {%- call statement('note_released') -%}
            insert into {{ hipaa_mode.build_table('released_calls') }}
            select {{ run_number }}, call_key, reason
            from hipaa_mode_withheld_before
            where call_key not in (select call_key from {{ relation }} where call_key is not null)
        {%- endcall -%}
        {%- call statement('drop_temporary') -%}
            drop table hipaa_mode_withheld_before
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}

{#- Notes that the free space of the database file may have what is deleted: calls of people came to
    be withheld, or are gone that were. -#}
{% macro _note_if_different(before, now) -%}
    {%- set different -%}
        select count(*) from (
            (({{ before }}) except ({{ now }}))
            union all
            (({{ now }}) except ({{ before }}))
        ) as different
    {%- endset -%}
    {%- if run_query(different).columns[0].values()[0] | int -%}
        {%- do hipaa_mode.note_space_to_clear() -%}
    {%- endif -%}
{%- endmacro %}

{% macro _is_of_person() -%}
    {{- return("reason in ('suppressed', 'suppressed_by_alias')") -}}
{%- endmacro %}

{% macro _may_withhold() -%}
    {{- return(hipaa_mode.plan().retained_from is not none or hipaa_mode.has_rows(hipaa_mode.build_table('suppressed_users'))) -}}
{%- endmacro %}

{#- Whether calls are withheld, or may be. -#}
{% macro calls_are_withheld() -%}
    {{- return(hipaa_mode._may_withhold() or hipaa_mode.has_rows(hipaa_mode.package_relation('withheld_calls'))) -}}
{%- endmacro %}

{% macro has_rows(relation) -%}
    {{- return(run_query('select 1 from ' ~ relation ~ ' limit 1').rows | length > 0) -}}
{%- endmacro %}
