{#- Adds entries to the audit log: first to its file, then to its table in the restricted zone,
    each of which restores what the other lost. See scripts/hipaa_mode/audit.py.

    `look` also records what changed among the published files without an entry; `create` false
    leaves an environment without a log without one. Returns the number of the table's last entry,
    which the next call may give as `after`, and need not look. Where there is a list of `problems`, a
    refusal is one of them and stops nobody. -#}
{% macro record_audit(entries, look=false, create=true, after=none, problems=none) -%}
    {%- if entries or look -%}
        {#- No model: no build, and no --full-refresh, makes it anew. -#}
        {%- set table = hipaa_mode.build_table('audit_log') -%}
        {%- set environment = hipaa_mode.literal(hipaa_mode.environment()) -%}
        {%- if after is none -%}
            {%- do adapter.create_schema(table) -%}
            {%- call statement('audit_log') -%}
                create table if not exists {{ table }} (
                    environment varchar,
                    sequence bigint,
                    recorded_at varchar,
                    destination varchar,
                    outcome varchar,
                    entry_hash varchar,
                    entry varchar
                )
            {%- endcall -%}
            {%- set known = run_query('select max(sequence) from ' ~ table ~ ' where environment = ' ~ environment).columns[0].values()[0] -%}
            {%- set after = (known or 0) | int -%}
        {%- endif -%}
        {%- set request = hipaa_mode.published_request() -%}
        {%- do request.update({
            'entries': entries,
            'look': look,
            'create': create,
            'table_sequence': after,
            'dbt_invocation_id': invocation_id,
            'command': flags.WHICH,
        }) -%}
        {%- set answer = hipaa_mode.door().audit(**request) if problems is none else hipaa_mode._audit_or_note(request, problems) -%}
        {%- if answer.restore_after is not none -%}
            {%- set lines -%}
                select entry from {{ table }}
                where environment = {{ environment }} and sequence > {{ answer.restore_after }}
                order by sequence
            {%- endset -%}
            {%- do request.update({'restore': run_query(lines).columns[0].values() | list}) -%}
            {%- set answer = hipaa_mode.door().audit(**request) if problems is none else hipaa_mode._audit_or_note(request, problems) -%}
        {%- endif -%}
        {%- for line in answer.add -%}
            {%- call statement('audit_log_insert') -%}
                insert into {{ table }} values (
                    {{ environment }},
                    {{ line.sequence }},
                    {{ hipaa_mode.literal(line.time) }},
                    {{ hipaa_mode.literal(line.destination) }},
                    {{ hipaa_mode.literal(line.outcome) }},
                    {{ hipaa_mode.literal(line.hash) }},
                    {{ hipaa_mode.literal(line.entry) }}
                )
            {%- endcall -%}
        {%- endfor -%}
        {%- do adapter.commit() -%}
        {%- for message in answer.messages -%}
            {%- do log('hipaa_mode: audit log: ' ~ message, info=true) -%}
        {%- endfor -%}
        {{- return(answer.add[-1].sequence if answer.add else after) -}}
    {%- endif -%}
{%- endmacro %}

{% macro _audit_or_note(request, problems) -%}
    {%- set answer = hipaa_mode.door().attempt('audit', **request) -%}
    {%- if answer.error -%}
        {%- do problems.append('the audit log lacks an entry of `' ~ request.entries | map(attribute='destination') | join('`, `') ~ '`: ' ~ answer.error) -%}
        {{- return({'restore_after': none, 'add': [], 'messages': []}) -}}
    {%- endif -%}
    {{- return(answer.result) -}}
{%- endmacro %}
