{#- Brings the table of denied calls up to date: looks again at the calls of which a delivery came or
    went. Keys of calls that were read before and are now denied to others go into changed_calls,
    where the masked tables find them. -#}
{% macro deny_calls(relation, sql, since, run_number) -%}
    {%- if since is none -%}
        {%- do hipaa_mode.rebuild_table(relation, sql) -%}
    {%- elif not hipaa_mode.calls_changed(since) -%}
        {%- do hipaa_mode.leave_table() -%}
    {%- else -%}
        {%- set calls_read = hipaa_mode.package_relation('calls_read') -%}
        {%- set judged = 'hipaa_mode_calls_to_deny' -%}
        {%- set columns = [
            'file_number', 'line_number', 'message_id', 'content_hash', 'call_type', 'user_id', 'anonymous_id', 'group_id', 'received_at',
            'consent_signals', 'rejection_reason',
        ] -%}
        {#- What is denied by now is judged again, too, where a rejected call has its message id. -#}
        {%- call hipaa_mode.make_temporary_table(judged) -%}
            {{ hipaa_mode.calls_to_judge(columns, since, others=[relation]) }}
        {%- endcall -%}
        {%- set changed = [] -%}
        {%- for column in ['message_id', 'content_hash'] -%}
            {%- do changed.append(column ~ ' in (' ~ hipaa_mode._changed_ids(column, since) ~ ')') -%}
        {%- endfor -%}
        {%- set changed = changed | join(' or ') -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_denied') -%}
            {{ hipaa_mode.denied_calls(judged) }}
        {%- endcall -%}
        {%- call hipaa_mode.make_temporary_table('hipaa_mode_denied_before') -%}
            select * from {{ relation }}
            where {{ changed }}
        {%- endcall -%}
        {%- call statement('note_changed') -%}
            insert into {{ hipaa_mode.build_table('changed_calls') }}
            select distinct {{ run_number }}, null, null, call_key
            from (
                (
                    select message_id, call_key, denied_to from hipaa_mode_denied_before
                    except
                    select message_id, call_key, denied_to from hipaa_mode_denied
                )
                union all
                (
                    select message_id, call_key, denied_to from hipaa_mode_denied
                    except
                    select message_id, call_key, denied_to from hipaa_mode_denied_before
                )
            ) as differing
            where
                message_id is null
                or message_id in (select message_id from {{ calls_read }} where run_number <= {{ since }})
        {%- endcall -%}
        {%- call statement('forget') -%}
            delete from {{ relation }} where {{ changed }}
        {%- endcall -%}
        {%- call statement('main') -%}
            {{ hipaa_mode.insert_all(relation, 'hipaa_mode_denied') }}
        {%- endcall -%}
        {%- call statement('drop_temporary') -%}
            drop table {{ judged }};
            drop table hipaa_mode_denied;
            drop table hipaa_mode_denied_before
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}
