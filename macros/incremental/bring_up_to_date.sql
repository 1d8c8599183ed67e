{#- What the stored rows of a table depend on besides the calls. What is withheld is compared with
    what was, whatever the query: its query changes every day that calls expire. -#}
{% macro query_fingerprint(sql, name='') -%}
    {%- set sql = '' if name == 'withheld_calls' else sql -%}
    {#- The plugin reads this column of Parquet files: it is in no query. -#}
    {%- set column = var('hipaa_mode__raw_message_column', none) or '' if name == 'calls_read' else '' -%}
    {{- return(local_md5([hipaa_mode.environment(), hipaa_mode.stored_key_fingerprint(), column, sql] | join('\n'))) -}}
{%- endmacro %}

{#- Whether what a table is made from was made anew after it, or does not fit what it has. -#}
{% macro must_follow_rebuild(name, state) -%}
    {%- if state is none -%}
        {{- return(true) -}}
    {%- elif name == 'calls_read' -%}
        {#- A table has no place that tells one row from another in every run. What reads the
            calls must have followed their last change, or it can't tell what a removal changes. -#}
        {%- set location = hipaa_mode.settled_raw_calls() -%}
        {%- set keys = hipaa_mode.table_state('call_keys') or {'run_number': 0} -%}
        {%- set duplicates = hipaa_mode.table_state('duplicate_calls') or {'run_number': 0} -%}
        {{- return(location.kind == 'table' or [keys.run_number, duplicates.run_number] | min < state.run_number) -}}
    {%- endif -%}
    {%- set calls = hipaa_mode.table_state('calls_read') -%}
    {%- if name in ('masked_events', 'masked_identifies', 'masked_groups', 'token_bridge') -%}
        {%- for chosen_by in ['withheld_calls', 'denied_calls'] -%}
            {%- set choice = hipaa_mode.table_state(chosen_by) -%}
            {%- if choice is none or state.run_number < choice.rebuilt_number -%}
                {{- return(true) -}}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(calls is none or state.run_number < calls.rebuilt_number) -}}
{%- endmacro %}

{#- Makes a table anew (`since` is none), or adds, replaces and removes what changed since a run. -#}
{% macro bring_up_to_date(name, relation, sql, since, run_number) -%}
    {%- if name == 'calls_read' -%}
        {%- do hipaa_mode.read_new_calls(relation, sql, since, run_number) -%}
    {%- elif name == 'duplicate_calls' -%}
        {%- do hipaa_mode.find_new_duplicates(relation, sql, since) -%}
    {%- elif name == 'call_keys' -%}
        {%- do hipaa_mode.key_new_calls(relation, sql, since) -%}
    {%- elif name == 'token_bridge' -%}
        {%- do hipaa_mode.bridge_changed_tokens(relation, sql, since) -%}
    {%- elif name == 'withheld_calls' -%}
        {%- do hipaa_mode.withhold_calls(relation, sql, since, run_number) -%}
    {%- elif name == 'denied_calls' -%}
        {%- do hipaa_mode.deny_calls(relation, sql, since, run_number) -%}
    {%- elif name in ('masked_events', 'masked_identifies', 'masked_groups') -%}
        {%- do hipaa_mode.mask_new_calls(relation, sql, since, run_number, name.split('_')[1]) -%}
    {%- else -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: `' ~ name ~ '` has no way to be brought up to date; use another materialization') -}}
    {%- endif -%}
{%- endmacro %}

{#- Statement `main` makes the table of a query, in place of the one there was. -#}
{% macro make_anew(relation, sql) -%}
    {%- call statement('main') -%}
        create or replace table {{ relation }} as (
            {{ sql }}
        )
    {%- endcall -%}
{%- endmacro %}

{#- Reads the raw files that are not read yet, and forgets the calls of those that are gone. -#}
{% macro read_new_calls(relation, sql, since, run_number) -%}
    {%- set known = [] if since is none else hipaa_mode.known_files() -%}
    {%- set is_table = hipaa_mode.settled_raw_calls().kind == 'table' -%}
    {%- set reading = hipaa_mode.door().plan_reading(known, 0 if since is none else hipaa_mode.last_file_number()) -%}
    {%- set files = hipaa_mode.build_table('raw_files') -%}
    {%- if since is none -%}
        {%- do hipaa_mode.make_anew(relation, sql) -%}
        {%- call statement('forget_files') -%}
            delete from {{ files }}
        {%- endcall -%}
    {%- else -%}
        {%- if reading.removed -%}
            {%- do hipaa_mode.remove_calls(relation, reading.removed, run_number) -%}
        {%- endif -%}
        {%- call statement('main') -%}
            insert into {{ relation }}
            {{ sql }}
        {%- endcall -%}
        {%- do log(
            'hipaa_mode: read ' ~ reading.read ~ ' new or grown files; ' ~ reading.unchanged ~ ' are unchanged, '
            ~ (reading.removed | length) ~ ' changed or gone', info=true
        ) -%}
    {%- endif -%}
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

{#- Takes the calls of some files away, and notes what else that changes: which delivery of a
    message id is the first, and the numbers in the keys of calls without one. -#}
{% macro remove_calls(relation, file_numbers, run_number) -%}
    {%- set numbers = file_numbers | join(', ') -%}
    {%- set keys = hipaa_mode.package_relation('call_keys') -%}
    {%- call statement('note_removed') -%}
        insert into {{ hipaa_mode.build_table('changed_calls') }}
        select distinct
            {{ run_number }},
            calls_read.message_id,
            calls_read.content_hash,
            coalesce(keys.call_key, calls_read.message_id)
        from {{ relation }} as calls_read
        left join {{ keys }} as keys
            on calls_read.file_number = keys.file_number and calls_read.line_number = keys.line_number
        where
            calls_read.rejection_reason is null
            and (
                calls_read.file_number in ({{ numbers }})
                or calls_read.content_hash in (
                    select content_hash from {{ relation }} where file_number in ({{ numbers }})
                )
            )
        union
        select
            {{ run_number }},
            keys.message_id,
            null,
            keys.call_key
        from {{ keys }} as keys
        where keys.message_id in (select message_id from {{ relation }} where file_number in ({{ numbers }}))
    {%- endcall -%}
    {%- call statement('remove') -%}
        delete from {{ relation }} where file_number in ({{ numbers }})
    {%- endcall -%}
{%- endmacro %}

{#- A message id, or a content hash, that came or went since a run. -#}
{% macro _changed_ids(column, since) -%}
        select {{ column }} from {{ hipaa_mode.package_relation('calls_read') }}
        where run_number > {{ since }} and {{ column }} is not null
        union
        select {{ column }} from {{ hipaa_mode.build_table('changed_calls') }}
        where run_number > {{ since }} and {{ column }} is not null
{%- endmacro %}

{% macro find_new_duplicates(relation, sql, since) -%}
    {%- if since is none -%}
        {%- do hipaa_mode.make_anew(relation, sql) -%}
    {%- else -%}
        {%- call statement('changed_ids') -%}
            create or replace temp table hipaa_mode_changed_ids as
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

{% macro key_new_calls(relation, sql, since) -%}
    {%- if since is none -%}
        {%- do hipaa_mode.make_anew(relation, sql) -%}
    {%- else -%}
        {%- set has_changed_content = 'content_hash in (select content_hash from hipaa_mode_changed_hashes)' -%}
        {%- set has_changed_id = 'message_id in (select message_id from hipaa_mode_ids_of_changed)' -%}
        {%- call statement('changed_hashes') -%}
            create or replace temp table hipaa_mode_changed_hashes as
            {{ hipaa_mode._changed_ids('content_hash', since) }}
        {%- endcall -%}
        {%- call statement('changed_ids') -%}
            create or replace temp table hipaa_mode_ids_of_changed as
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
