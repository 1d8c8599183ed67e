{#- A view that refuses before it replaces: a candidate whose columns are not exactly those of
    the allowlist never stands where readers look, not even for the seconds before its tests. -#}
{% materialization destination_view, default %}
    {%- set identifier = model['alias'] -%}
    {%- set target_relation = api.Relation.create(
        database=database, schema=schema, identifier=identifier, type='view'
    ) -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set parts = model.name.rsplit('__', 1) -%}
    {%- set destination_plan = hipaa_mode.destination_plan(parts[0]) -%}
    {%- set columns = hipaa_mode.view_columns(destination_plan, parts[1]) -%}

    {%- do hipaa_mode.refuse_other_columns(model.name, columns, hipaa_mode.columns_of('(' ~ sql ~ '\n) as candidate')) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do hipaa_mode.check_connection() -%}

    {%- if existing_relation is not none and existing_relation.type != 'view' -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
    {%- call statement('main') -%}
        {{ hipaa_mode.with_comments(hipaa_mode.replace_view(target_relation, sql), hipaa_mode.column_comments(target_relation, columns)) }}
    {%- endcall -%}
    {%- do persist_docs(target_relation, model) -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {%- if flags.WHICH == 'build' and hipaa_mode.door().publishes_files() and destination_plan and not flags.EMPTY and not flags.SAMPLE -%}
        {%- if post_hooks -%}
            {%- do hipaa_mode.check_connection() -%}
        {%- endif -%}
        {%- do hipaa_mode.write_files(target_relation, destination_plan, parts[1], columns, model.name, sql) -%}
        {%- do adapter.commit() -%}
    {%- endif -%}

    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
