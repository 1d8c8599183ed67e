{#- A table of the restricted zone that a build brings up to date: it costs what changed.

    It is made anew where its query, the key or the environment is not what the stored rows were
    made with, which is known by fingerprint, with --full-refresh, and where what it is made from
    was made anew. So a change of the configuration reaches every row that is stored. -#}
{% materialization accumulated_table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set run_number = hipaa_mode.door().run_number() -%}
    {%- set is_part = flags.EMPTY or flags.SAMPLE -%}
    {%- set fingerprint = 'part of the calls' if is_part else hipaa_mode.query_fingerprint(sql, model.name) -%}
    {%- set state = hipaa_mode.table_state(model.name) -%}
    {%- set is_rebuilt = (
        existing_relation is none or existing_relation.type != 'table' or state is none
        or state.fingerprint != fingerprint or is_part or should_full_refresh()
        or hipaa_mode.must_follow_rebuild(model.name, state)
    ) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do hipaa_mode.check_connection() -%}

    {%- if existing_relation is not none and existing_relation.type != 'table' -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
    {%- call statement('use_all_threads') -%}
        {{ hipaa_mode.set_threads(hipaa_mode.door().threads()) }}
    {%- endcall -%}
    {%- do hipaa_mode.bring_up_to_date(model.name, target_relation, sql, none if is_rebuilt else state.run_number, run_number) -%}
    {%- call statement('build_state') -%}
        insert into {{ hipaa_mode.build_table('build_state') }} values (
            {{ hipaa_mode.literal(model.name) }}, {{ hipaa_mode.literal(fingerprint) }}, {{ run_number }},
            {{ run_number if is_rebuilt else state.rebuilt_number }}
        )
    {%- endcall -%}
    {%- do persist_docs(target_relation, model) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
