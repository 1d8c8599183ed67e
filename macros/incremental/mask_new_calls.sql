{#- Brings a masked table up to date: new calls are masked and added; of calls whose first delivery
    is another one than before the old row is taken away. Notes which days were touched. -#}
{% macro mask_new_calls(relation, sql, since, run_number) -%}
    {%- set view = config.get('meta').view -%}
    {%- if since is none -%}
        {%- do hipaa_mode.mask_all_calls(relation, view, run_number) -%}
        {%- do hipaa_mode.note_counts(view, run_number, hipaa_mode.package_relation('stg_calls'), relation, is_whole=true) -%}
    {%- elif not hipaa_mode.calls_changed(since) -%}
        {%- do hipaa_mode.leave_table() -%}
    {%- else -%}
        {%- set changed = 'hipaa_mode_changed_' ~ view -%}
        {%- set new_calls = 'hipaa_mode_calls_' ~ view -%}
        {%- set new_rows = 'hipaa_mode_rows_' ~ view -%}
        {%- call hipaa_mode.make_temporary_table(changed) -%}
            {{ hipaa_mode.changed_keys(since) }}
        {%- endcall -%}
        {%- set keys_changed = hipaa_mode.has_rows(changed) -%}
        {%- if keys_changed -%}
            {%- do hipaa_mode._remove_rows(relation, changed, run_number, view) -%}
        {%- endif -%}
        {%- set is_new = 'run_number > ' ~ since ~ (' or call_key in (select call_key from ' ~ changed ~ ')' if keys_changed else '') -%}
        {%- set is_of_view = 'call_type in (' ~ hipaa_mode.literals(hipaa_mode.call_types(view)) ~ ')' -%}
        {%- set calls = hipaa_mode.calls_with_values(view, '(' ~ is_new ~ ') and ' ~ is_of_view) -%}
        {%- call hipaa_mode.make_temporary_table(new_calls) -%}
            select * from {{ calls }}
        {%- endcall -%}
        {%- call hipaa_mode.make_temporary_table(new_rows) -%}
            {{ hipaa_mode.masked_calls(view, new_calls) }}
        {%- endcall -%}
        {%- call statement('main') -%}
            {{ hipaa_mode.insert_all(relation, new_rows) }}
        {%- endcall -%}
        {%- do hipaa_mode._note_days(new_rows, run_number, view) -%}
        {%- if keys_changed -%}
            {%- do hipaa_mode.note_counts(view, run_number, hipaa_mode.package_relation('stg_calls'), relation, is_whole=true) -%}
        {%- else -%}
            {%- do hipaa_mode.note_counts(view, run_number, new_calls, new_rows, is_whole=false) -%}
        {%- endif -%}
        {%- call statement('drop_temporary') -%}
            drop table {{ changed }};
            drop table {{ new_calls }};
            drop table {{ new_rows }}
        {%- endcall -%}
    {%- endif -%}
    {%- do hipaa_mode.forget_calls_again(view) -%}
{%- endmacro %}

{#- Makes a masked table anew. -#}
{% macro mask_calls_anew(relation, view) -%}
    {%- set calls = hipaa_mode.calls_with_values(view, 'false' if flags.EMPTY else hipaa_mode.masked_condition(hipaa_mode.plan(), view)) -%}
    {%- set different_values = 'hipaa_mode_different_values_' ~ view -%}
    {%- do hipaa_mode.rebuild_table(relation, hipaa_mode.masked_calls(view, calls, different_values), hipaa_mode.columns_of_tokens(view)) -%}
    {%- do hipaa_mode.forget_step(different_values) -%}
{%- endmacro %}

{#- Keys of the calls whose stored row may no longer be right: some delivery of theirs is gone,
    an earlier one came, or another call of the same message id, or of the same content without one,
    came or went. -#}
{% macro changed_keys(since) -%}
    {%- set calls_read = hipaa_mode.package_relation('calls_read') -%}
    {%- set duplicates = hipaa_mode.package_relation('duplicate_calls') -%}
    {%- set keys = hipaa_mode.package_relation('call_keys') -%}
            select call_key from {{ hipaa_mode.build_table('changed_calls') }}
            where run_number > {{ since }} and call_key is not null
            union
            select message_id from {{ duplicates }}
            where
                run_number <= {{ since }}
                and message_id in (
                    select message_id from {{ calls_read }} where run_number > {{ since }}
                )
            union
            select {{ hipaa_mode.rows_of_values(['message_id', hipaa_mode.key_of_namesake()]) }}
            from {{ calls_read }}
            where
                rejection_reason is null
                and message_id in (
                    select message_id from {{ keys }}
                    where message_id in (
                        {{ hipaa_mode._changed_ids('message_id', since) }}
                    )
                )
            union
            select keys.call_key
            from {{ keys }} as keys
            inner join {{ calls_read }} as calls_read
                on keys.file_number = calls_read.file_number and keys.line_number = calls_read.line_number
            where
                calls_read.run_number <= {{ since }}
                and keys.content_hash in (
                    select content_hash from {{ calls_read }} where run_number > {{ since }}
                )
            union
            select keys.call_key
            from {{ keys }} as keys
            where keys.content_hash in (
                select content_hash from {{ calls_read }}
                where run_number <= {{ since }} and content_hash in (
                    select content_hash from {{ calls_read }} where run_number > {{ since }}
                )
            )
{%- endmacro %}

{% macro _remove_rows(relation, changed, run_number, view) -%}
    {%- set plan = hipaa_mode.plan() -%}
    {%- set scope = plan.scopes[0] -%}
    {%- set row_id = 'row_id' ~ hipaa_mode.scope_suffix(scope) -%}
    {%- set tokens = 'hipaa_mode_tokens_' ~ view -%}
    {%- call hipaa_mode.make_temporary_table(tokens) -%}
        select {{ hipaa_mode.token('call_key', scope) }} as row_id from {{ changed }}
    {%- endcall -%}
    {%- set gone -%}
        (select * from {{ relation }} where {{ row_id }} in (select row_id from {{ tokens }})) as gone
    {%- endset -%}
    {%- do hipaa_mode._note_days(gone, run_number, view) -%}
    {%- call statement('remove_rows') -%}
        delete from {{ relation }} where {{ row_id }} in (select row_id from {{ tokens }})
    {%- endcall -%}
    {%- call statement('drop_tokens') -%}
        drop table {{ tokens }}
    {%- endcall -%}
{%- endmacro %}

{#- Days of rows that came or went, as fine as any destination sees them. -#}
{% macro _note_days(rows, run_number, view) -%}
    {%- set finest = hipaa_mode.finest_precision(hipaa_mode.plan()) -%}
    {%- call statement('note_days') -%}
        insert into {{ hipaa_mode.build_table('changed_days') }}
        select distinct
            {{ run_number }},
            {{ hipaa_mode.literal(view) }},
            {{ hipaa_mode.day_of('timestamp__' ~ finest) if finest else 'cast(null as ' ~ hipaa_mode.data_type('text') ~ ')' }}
        from {{ rows }}
    {%- endcall -%}
{%- endmacro %}
