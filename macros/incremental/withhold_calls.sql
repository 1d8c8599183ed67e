{#- Brings the table of withheld calls up to date. The keys of calls that came to be withheld, or no
    longer are, go into changed_calls, where the masked tables find them. -#}
{% macro withhold_calls(relation, sql, since, run_number) -%}
    {%- if not hipaa_mode.door().keeps_tables() -%}
        {%- do hipaa_mode._withhold_anew(relation, sql, run_number) -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set people = hipaa_mode._withheld_people(sql) -%}
    {%- set has_followed = hipaa_mode._keys_follow(run_number) -%}
    {%- set ids_are_known = since is not none and has_followed and hipaa_mode._ids_are_known(people, since) -%}
    {%- if ids_are_known and not hipaa_mode.calls_changed(since) -%}
        {%- do hipaa_mode.leave_table() -%}
    {%- elif since is none -%}
        {%- do hipaa_mode._find_withheld_ids() -%}
        {%- do hipaa_mode._withhold_anew(relation, hipaa_mode.withheld_calls(ids_are_known=true), run_number) -%}
    {%- elif hipaa_mode._may_withhold() or hipaa_mode.has_rows(relation) -%}
        {%- set same_place = 'here.file_number = there.file_number and here.line_number = there.line_number and here.reason = there.reason' -%}
        {%- set judged, stored = none, relation -%}
        {%- if ids_are_known and not hipaa_mode._new_calls_tell_more(since) -%}
            {%- set judged = 'hipaa_mode_calls_to_judge' -%}
            {%- set stored = '(select stored.* from ' ~ relation ~ ' as stored inner join ' ~ judged ~ ' as judged'
                ~ ' on stored.file_number = judged.file_number and stored.line_number = judged.line_number)' -%}
            {%- call hipaa_mode.make_temporary_table(judged) -%}
                {{ hipaa_mode.calls_to_judge(
                    ['file_number', 'line_number', 'message_id', 'rejection_reason', 'timestamp', 'user_id', 'anonymous_id'], since
                ) }}
            {%- endcall -%}
        {%- else -%}
            {%- do hipaa_mode._find_withheld_ids() -%}
        {%- endif -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_withheld') -%}
            {{ hipaa_mode.withheld_calls(judged, ids_are_known=true) }}
        {%- endcall -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_released') -%}
            select * from {{ stored }} as here
            where not exists (select 1 from hipaa_mode_withheld as there where {{ same_place }})
        {%- endcall -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_newly_withheld') -%}
            select * from hipaa_mode_withheld as here
            where not exists (select 1 from {{ relation }} as there where {{ same_place }})
        {%- endcall -%}
        {%- set counts = run_query('select (select count(*) from hipaa_mode_newly_withheld), (select count(*) from hipaa_mode_released)').rows[0] -%}
        {%- set before -%}
            select call_key from {{ stored }} as stored where {{ hipaa_mode._is_of_person() }}
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
            drop table hipaa_mode_newly_withheld;
            drop table if exists hipaa_mode_calls_to_judge
        {%- endcall -%}
    {%- else -%}
        {%- do hipaa_mode._find_withheld_ids() -%}
        {%- do hipaa_mode.leave_table() -%}
    {%- endif -%}
    {%- if has_followed -%}
        {%- call statement('withheld_people') -%}
            insert into {{ hipaa_mode.build_table('build_state') }} values (
                'withheld_people', {{ hipaa_mode.literal(people) }}, {{ run_number }}, {{ run_number }}
            )
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}

{#- A query of the keyed hash of the list of suppressed people; null where nobody is listed. -#}
{% macro hash_of_list() -%}
    {%- set hash = hipaa_mode.token(hipaa_mode.lines_of('user_id'), 'suppression-list') -%}
    {{- return('select ' ~ hash ~ ' as listed from ' ~ hipaa_mode.build_table('suppressed_users')) -}}
{%- endmacro %}

{#- The fingerprint of who is listed, and of how their calls and those that expired are found. -#}
{% macro _withheld_people(sql) -%}
    {%- set listed = run_query(hipaa_mode.hash_of_list()).columns[0].values()[0] -%}
    {{- return(local_md5([hipaa_mode.environment(), sql, hipaa_mode.door().hash_of_functions(sql), listed] | join('\n'))) -}}
{%- endmacro %}

{#- Whether keys and first deliveries are those of all calls that a run knows. -#}
{% macro _keys_follow(run_number) -%}
    {%- for name in ['call_keys', 'duplicate_calls'] -%}
        {%- set state = hipaa_mode.table_state(name) -%}
        {%- if state is none or state.run_number != run_number -%}
            {{- return(false) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(true) -}}
{%- endmacro %}

{#- Whether `withheld_ids` has what lists, and the calls that were there in an earlier run, give; no call
    of these went, and keys and first deliveries are found as they were. -#}
{% macro _ids_are_known(people, since) -%}
    {%- set known = hipaa_mode.table_state('withheld_people') -%}
    {%- if known is none or known.run_number != since or known.fingerprint != people -%}
        {{- return(false) -}}
    {%- endif -%}
    {%- for name in ['call_keys', 'duplicate_calls'] -%}
        {%- if hipaa_mode.table_state(name).rebuilt_number > since -%}
            {{- return(false) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(not hipaa_mode.calls_went(since)) -}}
{%- endmacro %}

{#- Those who are listed are in the list alone, so that it is all that has their ids when their calls go. -#}
{% macro _find_withheld_ids() -%}
    {%- set known_ids = hipaa_mode.build_table('withheld_ids') -%}
    {%- set listed = hipaa_mode.build_table('suppressed_users') -%}
    {%- call statement('forget_withheld_ids') -%}
        {{ hipaa_mode.delete_rows(known_ids) }}
    {%- endcall -%}
    {%- if hipaa_mode.has_rows(listed) -%}
        {%- call statement('find_withheld_ids') -%}
            insert into {{ known_ids }}
            select kind, id
            from (
                {{ hipaa_mode.withheld_ids(hipaa_mode.package_relation('calls_read')) }}
            ) as found
            where not coalesce(id in (select user_id from {{ listed }}), false)
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}

{#- Whether the calls that came since a run may add to the ids by which calls are withheld: they tie one
    of these to others, name a device with one that was not seen so before, or spell one otherwise. -#}
{% macro _new_calls_tell_more(since) -%}
    {%- set new_calls = hipaa_mode.package_relation('calls_read') ~ ' where run_number > ' ~ since -%}
    {%- set normalizations = hipaa_mode.plan().person_normalizations -%}
    {%- set user_id, anonymous_id = 'hipaa_functions.trimmed_id(user_id)', 'hipaa_functions.trimmed_id(anonymous_id)' -%}
    {%- set conditions = [] -%}
    {%- for people, devices in {'listed_ids': 'listed_devices', 'tied': 'tied_devices'}.items() -%}
        {%- set is_known = hipaa_mode.is_withheld_id(anonymous_id, devices) -%}
        {%- do conditions.append('(' ~ hipaa_mode.is_withheld_id(user_id, people) ~ ' and anonymous_id is not null and not ' ~ is_known ~ ')') -%}
    {%- endfor -%}
    {%- for normalize in normalizations -%}
        {%- for kind in hipaa_mode.kinds_of_withheld_ids() -%}
            {%- for id in ['user_id', 'anonymous_id'] -%}
                {%- set as_it_is = hipaa_mode.is_withheld_id('hipaa_functions.trimmed_id(' ~ id ~ ')', kind) -%}
                {%- set spelled = 'hipaa_functions.trimmed_id(' ~ hipaa_mode.normalized(id, normalize) ~ ')' -%}
                {%- do conditions.append(as_it_is ~ ' <> ' ~ hipaa_mode.is_withheld_id(spelled, kind)) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set tied -%}
        (
            {%- for id in ['user_id', 'anonymous_id', 'previous_id', hipaa_mode.rows_of('merged_ids')] %}
            select {{ id }} as id
            from {{ new_calls }} and (previous_id is not null or merged_ids is not null)
            {% if not loop.last %}union{% endif %}
            {%- endfor %}
        ) as said
    {%- endset -%}
    {%- set touches = [] -%}
    {%- for spelling in hipaa_mode.spellings('id', normalizations) -%}
        {%- for kind in ['tied', 'tied_devices'] -%}
            {%- do touches.append(hipaa_mode.is_withheld_id('hipaa_functions.trimmed_id(' ~ spelling ~ ')', kind)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(
        hipaa_mode.has_rows(new_calls ~ ' and (' ~ conditions | join(' or ') ~ ')')
        or hipaa_mode.has_rows(tied ~ ' where ' ~ touches | join(' or '))
    ) -}}
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
