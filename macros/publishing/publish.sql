{#- on-run-end: publishes each destination whose nodes and tests all ran and passed in this very
    run. The others keep their last good files; the run fails if it was to build any of them, after
    the rest are published, and says why. What is decided is decided by Python, which runs the
    queries that are named here: see scripts/hipaa_mode/run/end_questions.py. -#}
{% macro publish(results) -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'retry') -%}
        {%- set door = hipaa_mode.door() -%}
        {%- set may_publish = door.decide(
            results=results, selected=selected_resources | list, command=flags.WHICH,
            invoked=invocation_args_dict.get('invocation_command'), is_part=(true if flags.EMPTY or flags.SAMPLE else false)
        ) -%}
        {%- if may_publish -%}
            {%- do door.publish(**hipaa_mode.publish_request()) -%}
        {%- endif -%}
        {%- set said = door.end() -%}
        {%- for line in said.lines -%}
            {%- do log('hipaa_mode: ' ~ line, info=true) -%}
        {%- endfor -%}
        {{- return(hipaa_mode.failing_statement('hipaa_mode: ' ~ said.failure) if said.failure else '') -}}
    {%- endif -%}
{%- endmacro %}

{#- See `PublishRequest` in Python. -#}
{% macro publish_request() -%}
    {%- set plan = hipaa_mode.plan() -%}
    {%- set destinations = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'destination_view' -%}
        {%- set name, view = node.name.rsplit('__', 1) -%}
        {%- if name in plan.destinations -%}
            {%- set own = destinations.setdefault(name, {'views': {}, 'denied_rows': {}, 'relations': {}}) -%}
            {%- do own.views.update({node.name: view}) -%}
            {%- do own.denied_rows.update({node.name: hipaa_mode.denied_rows(plan.destinations[name], view)}) -%}
            {%- do own.relations.update({view: api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias, type='view') | string}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name, own in destinations.items() -%}
        {%- do own.update({'token_bridge': hipaa_mode.published_token_bridge(plan.destinations[name], own.relations)}) -%}
    {%- endfor -%}
    {%- set queries = hipaa_mode.run_counts() -%}
    {%- do queries.update(hipaa_mode.run_blockers()) -%}
    {%- do queries.update(hipaa_mode.never_matched(plan)) -%}
    {%- do queries.update({
        'bridge': 'select 1 from ' ~ hipaa_mode.package_relation('token_bridge') ~ ' limit 1',
        'denials': hipaa_mode.denial_facts(),
        'hub': hipaa_mode.largest_hub(),
    }) -%}
    {{- return({
        'destinations': destinations,
        'calls_read': hipaa_mode.package_relation('calls_read') | string,
        'queries': queries,
        'rejected_share': var('hipaa_mode__rejected_share', 0.1),
        'accepted_lines': var('hipaa_mode__accept_rejected_lines', none),
        'earliest_day': var('hipaa_mode__earliest_day', '2000-01-01'),
        'days_ahead': var('hipaa_mode__days_ahead', 1),
    }) -}}
{%- endmacro %}
