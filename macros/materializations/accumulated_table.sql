{#- A table of the restricted zone that a build brings up to date: it costs what changed.

    It is made anew where its query, the key or the environment is not what the stored rows were
    made with, which is known by fingerprint, with --full-refresh, and where what it is made from
    was made anew. So a change of the configuration reaches every row that is stored. -#}
{% materialization accumulated_table, default %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set door = hipaa_mode.door() -%}
    {%- set is_part = true if flags.EMPTY or flags.SAMPLE else false -%}
    {%- set is_stored = existing_relation is not none and existing_relation.type == 'table' -%}
    {%- set upkeep = door.upkeep(
        model.name, sql, config.get('meta', {}), is_part=is_part,
        is_anew=true if is_part or not is_stored or should_full_refresh() else false,
        keeps_nothing=true if is_part or should_full_refresh() else false
    ) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do hipaa_mode.check_connection() -%}

    {%- if existing_relation is not none and existing_relation.type != 'table' -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
    {%- if upkeep.threads -%}
        {%- call statement('use_all_threads') -%}
            {{ hipaa_mode.set_threads(upkeep.threads) }}
        {%- endcall -%}
    {%- endif -%}
    {%- do hipaa_mode.update_table(target_relation, sql, upkeep.since, upkeep.run_number) -%}
    {%- call statement('build_state') -%}
        insert into {{ hipaa_mode.build_table('build_state') }} values (
            {{ hipaa_mode.literal(model.name) }}, {{ hipaa_mode.literal(upkeep.fingerprint) }}, {{ upkeep.run_number }}, {{ upkeep.rebuilt_number }}
        )
    {%- endcall -%}
    {%- do persist_docs(target_relation, model) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {%- if door.note_table(model.name, upkeep.fingerprint, upkeep.rebuilt_number) -%}
        {%- do hipaa_mode.forget_values() -%}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
