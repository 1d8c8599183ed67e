{#- Brings the bridge of tokens up to date. No destination holds an old token of a new call; but
    pairs go with calls that are withheld or gone, and come back with them. -#}
{% macro bridge_changed_tokens(relation, sql, since, run_number) -%}
    {%- if since is none -%}
        {%- set bridge = hipaa_mode.token_bridge(hipaa_mode.calls_with_values('bridge', 'true')) if hipaa_mode.bridged_fingerprints() else sql -%}
        {%- do hipaa_mode.rebuild_table(relation, bridge) -%}
        {%- do hipaa_mode.forget_calls_again('bridge') -%}
    {%- else -%}
        {%- if hipaa_mode.bridged_fingerprints() and hipaa_mode.calls_changed(since) -%}
            {%- call hipaa_mode.make_temporary_table('hipaa_mode_bridged_keys') -%}
                {{ hipaa_mode.changed_keys(since) }}
            {%- endcall -%}
            {%- if hipaa_mode.has_rows('hipaa_mode_bridged_keys') -%}
                {%- do hipaa_mode._bridge_again(relation) -%}
            {%- endif -%}
        {%- endif -%}
        {%- do hipaa_mode.leave_table() -%}
    {%- endif -%}
{%- endmacro %}

{#- Of the row ids, most of a bridge, only those of the changed calls; all of the others. -#}
{% macro _bridge_again(relation) -%}
    {%- set calls = hipaa_mode.package_relation('stg_calls') -%}
    {%- set with_values = hipaa_mode.calls_with_values('bridge', 'true') if hipaa_mode._property_scopes(hipaa_mode.plan()) else calls -%}
    {%- set is_changed = 'call_key in (select call_key from hipaa_mode_bridged_keys)' -%}
    {%- call statement('forget_tokens') -%}
        delete from {{ relation }}
        where
            kind <> 'row_id'
            {%- for scope in hipaa_mode.plan().scopes %}
            or (
                scope = {{ hipaa_mode.literal(scope) }}
                and new_token in (select {{ hipaa_mode.token('call_key', scope) }} from hipaa_mode_bridged_keys)
            )
            {%- endfor %}
    {%- endcall -%}
    {%- call statement('bridge_row_ids') -%}
        insert into {{ relation }}
        {{ hipaa_mode.token_bridge(calls, ['row_id'], is_changed) }}
    {%- endcall -%}
    {%- call statement('bridge_values') -%}
        insert into {{ relation }}
        {{ hipaa_mode.token_bridge(with_values, ['id', 'property']) }}
    {%- endcall -%}
    {%- do hipaa_mode.forget_calls_again('bridge') -%}
{%- endmacro %}
