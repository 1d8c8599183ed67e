{#- Each model that a build brings up to date says in its config how: `meta` names the macro of its
    `upkeep`, the tables that it `follows` when they are made anew, and those that it must be
    `followed_by`, or it can't tell what a removal changes; whether it `reads_raw_calls`; and whether
    its `query_may_change`, since its upkeep compares what is with what was. -#}

{#- Makes a table anew (`since` is none), or adds, replaces and removes what changed since a run. -#}
{% macro update_table(relation, sql, since, run_number) -%}
    {%- set upkeep = config.get('meta', {}).upkeep -%}
    {%- if upkeep not in hipaa_mode -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: `' ~ model.name ~ '` has no way to be brought up to date; use another materialization') -}}
    {%- endif -%}
    {%- do hipaa_mode[upkeep](relation, sql, since, run_number) -%}
{%- endmacro %}

{#- Statement `main` makes the table of a query, in place of the one there was; some of its columns may
    hold `tokens`. -#}
{% macro rebuild_table(relation, sql, tokens=[]) -%}
    {%- call statement('main') -%}
        {{ hipaa_mode.make_table(relation, sql, tokens) }}
    {%- endcall -%}
{%- endmacro %}

{#- Reads the raw files, or rows, that are not read yet, and forgets the calls of those that are gone. -#}
{% macro read_new_calls(relation, sql, since, run_number) -%}
    {%- set known = [] if since is none else hipaa_mode.known_files() -%}
    {%- set is_table = hipaa_mode.pinned_raw_calls().kind == 'table' -%}
    {%- set reading = hipaa_mode.door().plan_reading(known, 0 if since is none else hipaa_mode.last_file_number()) -%}
    {%- set files = hipaa_mode.build_table('raw_files') -%}
    {#- The rows of a table are numbered as they come; lines have their numbers. -#}
    {%- call statement('order') -%}
        {{ hipaa_mode.keep_order(is_table) }}
    {%- endcall -%}
    {%- if is_table -%}
        {%- do hipaa_mode.begin_reading_rows(relation, since, run_number) -%}
    {%- endif -%}
    {%- set reads_nothing = since is not none and not is_table and reading.read == 0 -%}
    {%- if reads_nothing -%}
        {%- do hipaa_mode.hold_no_calls(relation) -%}
    {%- endif -%}
    {%- set stored = none if reads_nothing else hipaa_mode.stored_calls(sql) -%}
    {%- if since is none -%}
        {#- Message ids look as random as tokens. -#}
        {%- do hipaa_mode.rebuild_table(relation, stored, ['message_id']) -%}
        {%- do hipaa_mode.forget_ids() -%}
        {%- call statement('forget_files') -%}
            {{ hipaa_mode.delete_rows(files) }}
        {%- endcall -%}
    {%- else -%}
        {%- if reading.removed -%}
            {%- do hipaa_mode.remove_calls(relation, 'file_number in (' ~ reading.removed | join(', ') ~ ')', run_number) -%}
        {%- endif -%}
        {%- call statement('main') -%}
            {%- if reads_nothing -%}
            select 1
            {%- else -%}
            insert into {{ relation }}
            {{ stored }}
            {%- endif -%}
        {%- endcall -%}
    {%- endif -%}
    {%- if not is_table and (since is not none or reading.is_kept) -%}
        {%- do hipaa_mode.door().say(
            'read ' ~ reading.read ~ ' new or grown files; ' ~ reading.unchanged ~ ' are unchanged, '
            ~ (reading.removed | length) ~ ' changed or gone'
        ) -%}
    {%- endif -%}
    {%- call statement('keep_order') -%}
        {{ hipaa_mode.keep_order(true) }}
    {%- endcall -%}
    {%- set rows = [] -%}
    {%- for file in hipaa_mode.door().files_read() -%}
        {%- do rows.append(
            '(' ~ [run_number, file.number, hipaa_mode.literal(file.path), file.size, file.modified_at, hipaa_mode.literal(file.sample), file.lines, file.can_grow, false] | join(', ') ~ ')'
        ) -%}
    {%- endfor -%}
    {%- for number in reading.removed -%}
        {%- do rows.append('(' ~ run_number ~ ', ' ~ number ~ ", '', 0, 0, '', 0, false, true)") -%}
    {%- endfor -%}
    {%- if rows and not is_table -%}
        {%- call statement('note_files') -%}
            insert into {{ files }} values {{ rows | join(', ') }}
        {%- endcall -%}
    {%- endif -%}
    {%- if not (flags.EMPTY or flags.SAMPLE) -%}
        {%- do hipaa_mode.note_run(run_number) -%}
    {%- endif -%}
{%- endmacro %}

{#- Takes some calls away (`are_gone` is a condition on their place), and notes what else that changes:
    which delivery of a message id is the first, and the numbers in the keys of calls without one. -#}
{% macro remove_calls(relation, are_gone, run_number) -%}
    {%- set keys = hipaa_mode.package_relation('call_keys') -%}
    {%- call statement('note_removed') -%}
        insert into {{ hipaa_mode.build_table('changed_calls') }}
        select distinct
            {{ run_number }},
            calls_read.message_id,
            calls_read.content_hash,
            coalesce(keys.call_key, calls_read.message_id)
        from (
            select message_id, content_hash, file_number, line_number
            from {{ relation }}
            where
                rejection_reason is null
                and ({{ are_gone }} or content_hash in (select content_hash from {{ relation }} where {{ are_gone }}))
        ) as calls_read
        left join {{ keys }} as keys
            on calls_read.file_number = keys.file_number and calls_read.line_number = keys.line_number
        union
        select
            {{ run_number }},
            keys.message_id,
            null,
            keys.call_key
        from {{ keys }} as keys
        where keys.message_id in (select message_id from {{ relation }} where {{ are_gone }})
        {#- A rejected call has no key, and yet it may tie people. #}
        union
        select {{ run_number }}, null, null, null
    {%- endcall -%}
    {%- call statement('remove') -%}
        delete from {{ relation }} where {{ are_gone }}
    {%- endcall -%}
    {%- do hipaa_mode.forget_ids() -%}
{%- endmacro %}

{#- Forgets the ids of calls that are counted, and those of suppressed people, since some calls are gone;
    the next check looks for them again. -#}
{% macro forget_ids() -%}
    {%- for name in ['ids_of_calls', 'ids_of_people'] -%}
        {%- call statement('forget_ids') -%}
            {{ hipaa_mode.delete_rows(hipaa_mode.build_table(name)) }}
        {%- endcall -%}
    {%- endfor -%}
{%- endmacro %}

{#- Statement `main` of a table that is as it should be. -#}
{% macro leave_table() -%}
    {%- call statement('main') -%}
        select 1
    {%- endcall -%}
{%- endmacro %}

{#- Whether calls came or went since a run, or what is made of them was to be another. -#}
{% macro calls_changed(since) -%}
    {%- set places = [hipaa_mode.package_relation('calls_read'), hipaa_mode.build_table('changed_calls')] -%}
    {%- for relation in places if hipaa_mode.has_rows(relation ~ ' where run_number > ' ~ since) -%}
        {{- return(true) -}}
    {%- endfor -%}
    {{- return(false) -}}
{%- endmacro %}

{#- Whether calls went since a run: what notes them has a row of nothing for it. -#}
{% macro calls_went(since) -%}
    {%- set noted = hipaa_mode.build_table('changed_calls') ~ ' where run_number > ' ~ since -%}
    {{- return(hipaa_mode.has_rows(noted ~ ' and call_key is null')) -}}
{%- endmacro %}

{#- A message id, or a content hash, that came or went since a run. -#}
{% macro _changed_ids(column, since) -%}
        select {{ column }} from {{ hipaa_mode.package_relation('calls_read') }}
        where run_number > {{ since }} and {{ column }} is not null
        union
        select {{ column }} from {{ hipaa_mode.build_table('changed_calls') }}
        where run_number > {{ since }} and {{ column }} is not null
{%- endmacro %}

{#- A query of the calls that came since a run, and of those with which they share a message id, or their
    content without one, or with which calls did that are gone: other deliveries may be the first now.
    Any message id that several usable calls have is in one of two tables; `others` have further ones. -#}
{% macro calls_to_judge(columns, since, others=[]) -%}
    {%- set calls_read = hipaa_mode.package_relation('calls_read') -%}
    {%- set repeated = [] -%}
    {%- for relation in [hipaa_mode.package_relation('duplicate_calls'), hipaa_mode.package_relation('call_keys')] + others -%}
        {%- do repeated.append('select message_id from ' ~ relation) -%}
    {%- endfor -%}
    {%- set gone = 'from ' ~ hipaa_mode.build_table('changed_calls') ~ ' where run_number > ' ~ since -%}
            select {{ columns | join(', ') }}
            from {{ calls_read }}
            where run_number > {{ since }}
            union all
            select {{ columns | join(', ') }}
            from {{ calls_read }}
            where run_number <= {{ since }} and message_id in (
                select message_id
                from ({{ repeated | join(' union ') }}) as repeated
                where message_id in (select message_id from {{ calls_read }} where run_number > {{ since }})
                union
                select message_id {{ gone }}
            )
            union all
            select {{ columns | join(', ') }}
            from {{ calls_read }}
            where run_number <= {{ since }} and content_hash in (
                select content_hash from {{ calls_read }} where run_number > {{ since }}
                union
                select content_hash {{ gone }}
            )
{%- endmacro %}

{% macro find_new_duplicates(relation, sql, since, run_number) -%}
    {%- if since is none -%}
        {%- do hipaa_mode.rebuild_table(relation, sql) -%}
    {%- elif not hipaa_mode.calls_changed(since) -%}
        {%- do hipaa_mode.leave_table() -%}
    {%- else -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_changed_ids') -%}
            {{ hipaa_mode._changed_ids('message_id', since) }}
        {%- endcall -%}
        {%- call statement('forget') -%}
            delete from {{ relation }} where message_id in (select message_id from hipaa_mode_changed_ids)
        {%- endcall -%}
        {%- call statement('main') -%}
            insert into {{ relation }}
            {{ hipaa_mode.duplicates_among(hipaa_mode.package_relation('calls_read'), 'message_id in (select message_id from hipaa_mode_changed_ids)') }}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}

{% macro key_new_calls(relation, sql, since, run_number) -%}
    {%- if since is none -%}
        {%- do hipaa_mode.rebuild_table(relation, sql) -%}
    {%- elif not hipaa_mode.calls_changed(since) -%}
        {%- do hipaa_mode.leave_table() -%}
    {%- else -%}
        {%- set has_changed_content = 'content_hash in (select content_hash from hipaa_mode_changed_hashes)' -%}
        {%- set has_changed_id = 'message_id in (select message_id from hipaa_mode_ids_of_changed)' -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_changed_hashes') -%}
            {{ hipaa_mode._changed_ids('content_hash', since) }}
        {%- endcall -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_ids_of_changed') -%}
            {{ hipaa_mode._changed_ids('message_id', since) }}
        {%- endcall -%}
        {%- call statement('forget') -%}
            delete from {{ relation }} where {{ has_changed_content }} or {{ has_changed_id }}
        {%- endcall -%}
        {%- call statement('main') -%}
            insert into {{ relation }}
            {{ hipaa_mode.keys_of_calls(hipaa_mode.package_relation('calls_read'), has_changed_content, has_changed_id) }}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}
