{#- A table of the restricted zone that a build brings up to date: it costs what changed.

    It is made anew where its query, the key or the environment is not what the stored rows were
    made with, which is known by fingerprint, with --full-refresh, and where what it is made from
    was made anew. So a change of the configuration reaches every row that is stored. -#}
{% materialization accumulated_table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set door = hipaa_mode.door() -%}
    {%- set run_number = door.run_number() -%}
    {%- set is_part = flags.EMPTY or flags.SAMPLE -%}
    {%- set meta = config.get('meta', {}) -%}
    {%- set fingerprint = 'part of the calls' if is_part else hipaa_mode.query_fingerprint(sql, meta.upkeep) -%}
    {%- set state = door.table_state(model.name) -%}
    {%- set is_rebuilt = (
        existing_relation is none or existing_relation.type != 'table' or is_part or should_full_refresh()
        or door.must_rebuild(model.name, fingerprint, meta.get('follows', []), meta.get('followed_by', []))
    ) -%}
    {%- if meta.upkeep == 'read_new_calls' and hipaa_mode.settled_raw_calls().kind == 'table' -%}
        {#- A table has no place that tells one row from another in every run. -#}
        {%- set is_rebuilt = true -%}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do hipaa_mode.check_connection() -%}

    {%- if existing_relation is not none and existing_relation.type != 'table' -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
    {%- if door.takes_all_threads() -%}
        {%- call statement('use_all_threads') -%}
            {{ hipaa_mode.set_threads(door.threads()) }}
        {%- endcall -%}
    {%- endif -%}
    {%- do hipaa_mode.bring_up_to_date(target_relation, sql, none if is_rebuilt else state.run_number, run_number) -%}
    {%- call statement('build_state') -%}
        insert into {{ hipaa_mode.build_table('build_state') }} values (
            {{ hipaa_mode.literal(model.name) }}, {{ hipaa_mode.literal(fingerprint) }}, {{ run_number }},
            {{ run_number if is_rebuilt else state.rebuilt_number }}
        )
    {%- endcall -%}
    {%- do persist_docs(target_relation, model) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {%- do door.note_table(model.name, fingerprint, is_rebuilt) -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
