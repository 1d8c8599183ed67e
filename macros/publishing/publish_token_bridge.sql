{#- Publishes, where the project asks for it, the part of the bridge from old tokens to new ones that
    a destination's own tokens have; removes the copy of before where it does not. What goes wrong is
    said at the run's end.

    `views` has the destination's views, each with its columns. -#}
{% macro publish_token_bridge(destination, views) -%}
    {%- set request = hipaa_mode.published_request() -%}
    {%- do request.update({'destination': destination}) -%}
    {%- set bridge = hipaa_mode.package_relation('token_bridge') -%}
    {%- set wanted = var('hipaa_mode__publish_token_bridge', none) or [] -%}
    {%- set is_wanted = destination in ([wanted] if wanted is string else wanted) -%}
    {#- A build of some models alone may never have made the bridge. -#}
    {%- if not is_wanted or hipaa_mode.table_state('token_bridge') is none or not hipaa_mode.has_rows(bridge) -%}
        {%- do hipaa_mode.door().remove_token_bridge(**request) -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set tokens = [] -%}
    {%- for view in views -%}
        {%- for column in view.columns if column.treatment == 'mask' -%}
            {%- set name = hipaa_mode.identifier(column.name) -%}
            {%- set kind = 'property' if column.property_list != 'envelope' else ('row_id' if column.name == 'row_id' and not view.row_ids_are_ids else 'id') -%}
            {%- do tokens.append(
                'select ' ~ hipaa_mode.literal(column.scope) ~ ' as scope, ' ~ hipaa_mode.literal(kind) ~ ' as kind, ' ~ ('unnest(' ~ name ~ ')' if column.is_list else name)
                ~ ' as token from ' ~ view.relation
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set query -%}
        select kind, old_key, old_token, new_token
        from {{ bridge }}
        where
            (scope, kind, new_token) in ({{ tokens | join(' union ') }})
        order by kind, old_key, old_token
    {%- endset -%}
    {%- do request.update({'query': query}) -%}
    {%- do hipaa_mode.door().write_token_bridge(**request) -%}
{%- endmacro %}
