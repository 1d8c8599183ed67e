{#- Refuses a run under another key than the stored tokens were made with, unless that one was
    retired by `hipaa-mode key rotate`: see scripts/hipaa_mode/run/stored.py. A rotation is noted,
    and with the new fingerprint every token is made anew. -#}
{% macro check_key_fingerprint() -%}
    {%- set choice = hipaa_mode.door().choose_key(
        accepted=var('hipaa_mode__accept_key_fingerprint', none), command=flags.WHICH, **hipaa_mode.published_request()
    ) -%}
    {%- if choice.problem -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ choice.problem) -}}
    {%- endif -%}
    {%- if choice.reason -%}
        {%- do log(
            'hipaa_mode: the masking key is another one (' ~ choice.reason ~ '): every token is made anew. Each destination keeps '
            ~ 'its files with the old tokens until its new ones are whole and tested', info=true
        ) -%}
        {#- Before the table: a crash between them writes the entry twice, and never not at all. -#}
        {%- do hipaa_mode.record_audit([{
            'destination': '*', 'outcome': 'rotated', 'reasons': ['the masking key was ' ~ choice.reason],
            'previous_key_fingerprint': choice.previous, 'key_fingerprint': hipaa_mode.stored_key_fingerprint(),
        }]) -%}
    {%- endif -%}
    {%- for fingerprint in choice.note -%}
        {%- call statement('masking_key_insert') -%}
            insert into {{ hipaa_mode.build_table('masking_keys') }} values (
                {{ hipaa_mode.literal(hipaa_mode.environment()) }},
                {{ hipaa_mode.literal(fingerprint) }},
                {{ hipaa_mode.literal(run_started_at.strftime('%Y-%m-%d %H:%M:%S')) }}
            )
        {%- endcall -%}
    {%- endfor -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{#- Fingerprint of the key that the stored tokens are made with; blank before the first run. -#}
{% macro stored_key_fingerprint() -%}
    {{- return(hipaa_mode.door().stored_key()) -}}
{%- endmacro %}
