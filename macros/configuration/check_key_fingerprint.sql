{#- Refuses a run under another key than the stored tokens were made with: half of a
    destination's history would no longer match the other half. -#}
{% macro check_key_fingerprint(fingerprint) -%}
    {%- set keys = hipaa_mode._masking_keys() -%}
    {%- set environment = hipaa_mode.environment() -%}
    {%- do adapter.create_schema(keys) -%}
    {%- call statement('masking_keys') -%}
        create table if not exists {{ keys }} (
            environment varchar, fingerprint varchar, first_used_at timestamp
        )
    {%- endcall -%}
    {%- set sql -%}
        select fingerprint from {{ keys }}
        where environment = {{ hipaa_mode.literal(environment) }}
        order by first_used_at desc, rowid desc
        limit 1
    {%- endset -%}
    {%- set stored = run_query(sql).columns[0].values() | list -%}
    {#- A database made anew has no row, though files were published from the old one. -#}
    {%- set is_known = stored | length > 0 -%}
    {%- for manifest in hipaa_mode.command('published', hipaa_mode.published_request()) -%}
        {%- if not stored -%}
            {%- do stored.append(manifest.key_fingerprint) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set is_new = not stored or stored[0] != fingerprint -%}
    {%- if stored and is_new and var('hipaa_mode__accept_key_fingerprint', none) != fingerprint -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: the masking key is not the one that the stored tokens of environment `' ~ environment
            ~ '` were made with (its fingerprint is ' ~ stored[0] ~ ', the loaded one has ' ~ fingerprint
            ~ '). Nothing was built. Restore the key; or, to change keys, which gives everybody new tokens at '
            ~ "every destination, run: dbt build --vars '{hipaa_mode__accept_key_fingerprint: "
            ~ fingerprint ~ "}'"
        ) -}}
    {%- endif -%}
    {%- if is_new or not is_known -%}
        {%- call statement('masking_key_insert') -%}
            insert into {{ keys }} values (
                {{ hipaa_mode.literal(environment) }}, {{ hipaa_mode.literal(fingerprint) }}, {{ hipaa_mode.literal(run_started_at.strftime('%Y-%m-%d %H:%M:%S')) }}
            )
        {%- endcall -%}
    {%- endif -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{#- Which key each environment's tokens were made with, by fingerprint. -#}
{% macro _masking_keys() -%}
    {{- return(api.Relation.create(
        database=target.database, schema=target.schema ~ '_restricted', identifier='masking_keys', type='table'
    )) -}}
{%- endmacro %}

{#- Fingerprint of the key that the stored tokens are made with; blank before the first run. -#}
{% macro stored_key_fingerprint() -%}
    {%- set sql -%}
        select fingerprint from {{ hipaa_mode._masking_keys() }}
        where environment = {{ hipaa_mode.literal(hipaa_mode.environment()) }}
        order by first_used_at desc, rowid desc
        limit 1
    {%- endset -%}
    {{- return(run_query(sql).columns[0].values() | first | default('', true)) -}}
{%- endmacro %}
