{#- A query of the part of the bridge from old tokens to new ones that a destination's own tokens have;
    none where the project asks for none. `relations` has the destination's views. -#}
{% macro published_token_bridge(destination, relations) -%}
    {%- set wanted = var('hipaa_mode__publish_token_bridge', none) or [] -%}
    {%- set tokens = [] -%}
    {%- for view, relation in relations.items() if destination.name in ([wanted] if wanted is string else wanted) -%}
        {%- for column in hipaa_mode.view_columns(destination, view) if column.treatment == 'mask' -%}
            {%- set name = hipaa_mode.identifier(column.name) -%}
            {%- set is_of_row = column.name == 'row_id' and hipaa_mode.latest_of(view) is none -%}
            {%- set kind = 'property' if column.property_list != 'envelope' else ('row_id' if is_of_row else 'id') -%}
            {%- do tokens.append(
                'select ' ~ hipaa_mode.literal(column.scope) ~ ' as scope, ' ~ hipaa_mode.literal(kind) ~ ' as kind, ' ~ (hipaa_mode.rows_of(name) if column.is_list else name)
                ~ ' as token from ' ~ relation
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not tokens -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set query -%}
        select kind, old_key, old_token, new_token
        from {{ hipaa_mode.package_relation('token_bridge') }}
        where
            (scope, kind, new_token) in ({{ tokens | join(' union ') }})
        order by kind, old_key, old_token
    {%- endset -%}
    {{- return(query) -}}
{%- endmacro %}
