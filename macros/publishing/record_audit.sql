{#- Adds entries to the audit log: first to its file, then to its table in the restricted zone,
    each of which restores what the other lost. See scripts/hipaa_mode/run/audit_entries.py.

    `look` also records what changed among the published files without an entry; `create` false
    leaves an environment without a log without one. At the run's end a refusal stops nobody: it is
    said last. -#}
{% macro record_audit(entries, look=false, create=true, is_end=false) -%}
    {%- if entries or look -%}
        {%- set door = hipaa_mode.door() -%}
        {#- No model: no build, and no --full-refresh, makes it anew. -#}
        {%- set table = hipaa_mode.build_table('audit_log') -%}
        {%- set environment = hipaa_mode.literal(hipaa_mode.environment()) -%}
        {%- set after = door.audit_sequence() -%}
        {%- if after is none -%}
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
        {%- set answer = hipaa_mode._audit(request, is_end) -%}
        {%- if answer.restore_after is not none -%}
            {%- set lines -%}
                select entry from {{ table }}
                where environment = {{ environment }} and sequence > {{ answer.restore_after }}
                order by sequence
            {%- endset -%}
            {%- do request.update({'restore': run_query(lines).columns[0].values() | list}) -%}
            {%- set answer = hipaa_mode._audit(request, is_end) -%}
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
    {%- endif -%}
{%- endmacro %}

{% macro _audit(request, is_end) -%}
    {%- if not is_end -%}
        {{- return(hipaa_mode.door().audit(**request)) -}}
    {%- endif -%}
    {%- set answer = hipaa_mode.door().attempt('audit', **request) -%}
    {%- if answer.error -%}
        {%- do hipaa_mode.door().lacks_entries(request.entries | map(attribute='destination') | list, answer.error) -%}
        {{- return({'restore_after': none, 'add': []}) -}}
    {%- endif -%}
    {{- return(answer.result) -}}
{%- endmacro %}
