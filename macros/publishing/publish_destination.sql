{#- Puts a destination's files, which its views wrote aside, in place in one step, once they were
    looked at. Returns its manifest as `result` and what went wrong beside it as `problems`, or why
    it was not published as `error`.

    `overlooked` says by view what the checks overlook. -#}
{% macro publish_destination(destination, facts, overlooked) -%}
    {%- set request = hipaa_mode.published_request() -%}
    {%- set views = {} -%}
    {%- set relations = [] -%}
    {%- set denied_rows = {} -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'model' and node.config.materialized == 'destination_view' and node.name.rsplit('__', 1)[0] == destination.name -%}
            {%- set view = node.name.rsplit('__', 1)[1] -%}
            {%- set relation = api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias, type='view') -%}
            {%- set columns = hipaa_mode.view_columns(destination, view) -%}
            {#- What was counted was counted of calls, and is told of their view. -#}
            {%- set of = hipaa_mode.latest_of(view) -%}
            {%- set of_view = hipaa_mode.calls_view(view) -%}
            {%- do relations.append({'relation': relation, 'columns': columns, 'row_ids_are_ids': of is not none}) -%}
            {%- do denied_rows.update({node.name: hipaa_mode.denied_rows(destination, view)}) -%}
            {%- do views.update({node.name: {
                'view': view,
                'checks_overlook': overlooked.get(node.name, []),
                'columns': hipaa_mode._described_columns(columns, destination.events if view == 'events' else none, {} if of else facts.not_fitting[view], {} if of else facts.like_identifiers[view], hipaa_mode.door().coincidences(node.name)),
                'properties_dropped': hipaa_mode.count_dropped_properties(facts.property_names[of_view], columns, of_view),
            }}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do request.update({
        'destination': destination.name,
        'calls_read': hipaa_mode.package_relation('calls_read') | string,
        'denied_rows': denied_rows,
        'denials': facts.denials,
        'manifest': {
            'environment': hipaa_mode.environment(),
            'destination': destination.name,
            'destination_type': destination.type,
            'connection_mode': destination.connection_mode,
            'hipaa_mode': destination.is_in_hipaa_mode,
            'restrict_phi': destination.restrict_phi,
            'mask_scope': destination.scope,
            'timestamp_precision': destination.timestamp_precision,
            'events': destination.events,
            'allowlist_fingerprint': destination.fingerprint,
            'key_fingerprint': facts.key_fingerprint,
            'dbt_invocation_id': invocation_id,
            'calls': facts.calls,
            'undated': facts.undated,
            'namesakes': facts.namesakes,
            'cut': facts.cut,
            'withheld': facts.withheld,
            'views': views,
        },
    }) -%}
    {%- set answer = hipaa_mode.door().attempt('finish_publishing', **request) -%}
    {%- if answer.error -%}
        {{- return(answer) -}}
    {%- endif -%}
    {%- do hipaa_mode.door().note_published(facts.calls.raw, facts.withheld.calls, facts.withheld.retain_days) -%}
    {%- set bridge = hipaa_mode.publish_token_bridge(destination, relations, destination.name in facts.token_bridges) -%}
    {%- do answer.result.update({'token_bridge': bridge.result}) -%}
    {{- return({'result': answer.result, 'problems': [bridge.error] if bridge.error else []}) -}}
{%- endmacro %}

{% macro _described_columns(columns, events, not_fitting, like_identifiers, coincidences) -%}
    {%- set described = [] -%}
    {%- for column in columns -%}
        {%- do described.append({
            'name': column.name,
            'property_list': column.property_list,
            'property': column.path,
            'other_property': column.other_path,
            'treatment': column.treatment,
            'data_type': column.data_type,
            'is_list': column.is_list,
            'events': column.events,
            'reason': column.reason,
            'values_not_fitting': not_fitting.get(column.masked_column, 0) + not_fitting.get(column.other_masked_column, 0),
            'guard': column.guard,
            'values_like_identifiers': hipaa_mode._count_of_places(column, like_identifiers, events),
            'values_that_ids_equal': coincidences.get(column.name, 0),
        }) -%}
    {%- endfor -%}
    {{- return(described) -}}
{%- endmacro %}

{% macro _count_of_places(column, counts, events) -%}
    {%- set first = hipaa_mode._count_on_events(counts.get(column.masked_column), events, column.events) -%}
    {%- set second = hipaa_mode._count_on_events(counts.get(column.other_masked_column), events, column.events) -%}
    {{- return(first if second is none else (first or 0) + second) -}}
{%- endmacro %}

{#- The sum over the events that a view, and one of its columns, is shown on; none where there
    is nothing to count. -#}
{% macro _count_on_events(counts, view_events, column_events) -%}
    {%- if counts is none -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set state = namespace(count=0) -%}
    {%- for event, count in counts.items() -%}
        {%- if (view_events is none or '*' in view_events or event in view_events) and (column_events is none or event in column_events) -%}
            {%- set state.count = state.count + count -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(state.count) -}}
{%- endmacro %}
