{#- Refuses a run under another key than the stored tokens were made with, unless that one was
    retired by `hipaa-mode key rotate`: see scripts/hipaa_mode/run/stored.py. A rotation is noted,
    and with the new fingerprint every token is made anew. -#}
{% macro check_key_fingerprint() -%}
    {%- set reason = hipaa_mode.door().choose_key(
        accepted=var('hipaa_mode__accept_key_fingerprint', none), today=run_started_at | string
    ) -%}
    {%- if reason -%}
        {%- do log(
            'hipaa_mode: the masking key is another one (' ~ reason ~ '): every token is made anew. Each destination keeps '
            ~ 'its files with the old tokens until its new ones are whole and tested', info=true
        ) -%}
    {%- endif -%}
{%- endmacro %}
