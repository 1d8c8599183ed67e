{#- Refuses a run under another key than the stored tokens were made with, unless that one was
    retired by `hipaa-mode key rotate`: half of a destination's history would no longer match the
    other half. A rotation is noted, and with the new fingerprint every token is made anew. -#}
{% macro check_key_fingerprint(fingerprint, retired_fingerprints=[]) -%}
    {#- Which key each environment's tokens were made with, by fingerprint. -#}
    {%- set keys = hipaa_mode.build_table('masking_keys') -%}
    {%- set environment = hipaa_mode.environment() -%}
    {%- do adapter.create_schema(keys) -%}
    {%- call statement('masking_keys') -%}
        create table if not exists {{ keys }} (
            environment varchar, fingerprint varchar, first_used_at timestamp
        )
    {%- endcall -%}
    {%- set stored = hipaa_mode.key_fingerprints_used() | reverse | list -%}
    {#- A database made anew has no row, though files were published from the old one. -#}
    {%- set is_known = stored | length > 0 -%}
    {%- for manifest in hipaa_mode.door().published(**hipaa_mode.published_request()) -%}
        {%- if not stored -%}
            {%- do stored.append(manifest.key_fingerprint) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set is_new = not stored or stored[0] != fingerprint -%}
    {%- set is_rotated = stored and is_new and stored[0] in retired_fingerprints -%}
    {%- if stored and is_new and not is_rotated and var('hipaa_mode__accept_key_fingerprint', none) != fingerprint -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: the masking key is not the one that the stored tokens of environment `' ~ environment
            ~ '` were made with (its fingerprint is ' ~ stored[0] ~ ', the loaded one has ' ~ fingerprint
            ~ '). Nothing was built. Restore the key; or, to change keys, which gives everybody new tokens at '
            ~ "every destination, run: dbt build --vars '{hipaa_mode__accept_key_fingerprint: "
            ~ fingerprint ~ "}'"
        ) -}}
    {%- elif is_rotated and flags.WHICH not in ('build', 'run', 'retry') -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: the masking key was rotated, and the stored tokens are still those of the old one. '
            ~ 'Run: dbt build'
        ) -}}
    {%- endif -%}
    {%- if stored and is_new -%}
        {%- set reason = 'rotated' if is_rotated else 'accepted by hipaa_mode__accept_key_fingerprint' -%}
        {%- do log(
            'hipaa_mode: the masking key is another one (' ~ reason ~ '): every token is made anew. Each destination keeps '
            ~ 'its files with the old tokens until its new ones are whole and tested', info=true
        ) -%}
        {#- Before the table: a crash between them writes the entry twice, and never not at all. -#}
        {%- do hipaa_mode.record_audit([{
            'destination': '*', 'outcome': 'rotated', 'reasons': ['the masking key was ' ~ reason],
            'previous_key_fingerprint': stored[0], 'key_fingerprint': fingerprint,
        }]) -%}
    {%- endif -%}
    {%- if is_new and stored and not is_known -%}
        {%- do hipaa_mode._note_key(keys, environment, stored[0]) -%}
    {%- endif -%}
    {%- if is_new or not is_known -%}
        {%- do hipaa_mode._note_key(keys, environment, fingerprint) -%}
    {%- endif -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{% macro _note_key(keys, environment, fingerprint) -%}
    {%- call statement('masking_key_insert') -%}
        insert into {{ keys }} values (
            {{ hipaa_mode.literal(environment) }}, {{ hipaa_mode.literal(fingerprint) }}, {{ hipaa_mode.literal(run_started_at.strftime('%Y-%m-%d %H:%M:%S')) }}
        )
    {%- endcall -%}
{%- endmacro %}

{#- Fingerprints of the keys that the environment's tokens were made with, the latest last. -#}
{% macro key_fingerprints_used() -%}
    {%- set sql -%}
        select fingerprint from {{ hipaa_mode.build_table('masking_keys') }}
        where environment = {{ hipaa_mode.literal(hipaa_mode.environment()) }}
        order by first_used_at, rowid
    {%- endset -%}
    {{- return(run_query(sql).columns[0].values() | list) -}}
{%- endmacro %}

{#- Fingerprint of the key that the stored tokens are made with; blank before the first run. -#}
{% macro stored_key_fingerprint() -%}
    {{- return(hipaa_mode.key_fingerprints_used() | last | default('', true)) -}}
{%- endmacro %}
