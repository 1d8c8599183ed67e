{#- Puts a destination's files, which its views wrote aside, in place in one step, once they were
    looked at; then its token bridge. If it may not be published, the run's end says why. -#}
{% macro publish_destination(name) -%}
    {%- set door = hipaa_mode.door() -%}
    {%- set destination = hipaa_mode.destination_plan(name) -%}
    {%- set views = {} -%}
    {%- set relations = [] -%}
    {%- set denied_rows = {} -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'model' and node.config.materialized == 'destination_view' and node.name.rsplit('__', 1)[0] == name -%}
            {%- set view = node.name.rsplit('__', 1)[1] -%}
            {%- do views.update({node.name: view}) -%}
            {%- do denied_rows.update({node.name: hipaa_mode.denied_rows(destination, view)}) -%}
            {%- do relations.append({
                'relation': api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias, type='view'),
                'columns': hipaa_mode.view_columns(destination, view),
                'row_ids_are_ids': hipaa_mode.latest_of(view) is not none,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set is_published = door.publish(
        destination=name,
        views=views,
        calls_read=hipaa_mode.package_relation('calls_read') | string,
        denied_rows=denied_rows,
        denials=hipaa_mode.denial_facts(),
        invocation_id=invocation_id,
        **hipaa_mode.published_request()
    ) -%}
    {%- if is_published -%}
        {%- do hipaa_mode.publish_token_bridge(name, relations) -%}
        {%- do hipaa_mode.record_audit([{'destination': name, 'outcome': 'published'}], is_end=true) -%}
    {%- endif -%}
{%- endmacro %}
