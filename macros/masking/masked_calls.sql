{#- The columns that some destination of this environment may receive, and no others: the
    privacy boundary. It is a table: a view that calls the masking function could not be read
    outside dbt, and would be made anew under whatever key is loaded then. -#}
{% macro masked_calls(view) -%}
{%- set call_types = {
    'events': ['track', 'page', 'screen'], 'identifies': ['identify'], 'groups': ['group'],
}[view] -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set columns = plan.masked_tables[view] if plan else [] -%}
{%- set whole = ['properties', 'context'] if view == 'events' else ['traits', 'context'] -%}
{%- set keeps_whole = plan.keeps_whole_objects if plan else false -%}
{%- set events = plan.masked_events if plan and view == 'events' else none -%}
{%- set texts = {} -%}
{%- for column in columns -%}
    {%- do texts.update({column.value: {'is_list': column.is_list, 'json': column.data_type == 'json' or texts.get(column.value, {}).get('json', false)}}) -%}
{%- endfor -%}
with

calls as (

    select
        call_key,
        call_type,
        event,
        sent_at,
        received_at,
        user_id,
        anonymous_id,
        group_id
        {%- if keeps_whole %}{% for name in whole %},
        {{ name }}__whole
        {%- endfor %}{% endif %}
        {%- for value in texts %},
        {{ hipaa_mode.identifier(value) }}
        {%- endfor %}
    from {{ ref('hipaa_mode', 'stg_calls') }}
    where
        call_type in ({{ hipaa_mode.literals(call_types) }})
        {%- if events is not none %}
        and {% if events %}event in ({{ hipaa_mode.literals(events) }}){% else %}false{% endif %}
        {%- endif %}

),

texts as (

    select
        call_key,
        call_type,
        event,
        sent_at,
        received_at,
        user_id,
        anonymous_id,
        group_id
        {%- if keeps_whole %}{% for name in whole %},
        {{ name }}__whole
        {%- endfor %}{% endif %}
        {%- for value, kind in texts.items() %},
        {%- if kind.is_list %}
        {{ hipaa_mode.map_list(hipaa_mode.identifier(value), hipaa_mode.scalar_text('element')) }} as {{ hipaa_mode.identifier(value) }}
        {%- else %}
        {{ hipaa_mode.scalar_text(hipaa_mode.identifier(value)) }} as {{ hipaa_mode.identifier(value) }}
        {%- endif %}
        {%- if kind.json %},
        {{ hipaa_mode.identifier(value) }} as {{ hipaa_mode.identifier(value ~ '__json') }}
        {%- endif %}
        {%- endfor %}
    from calls

)

select
    {%- for scope in (plan.scopes if plan else []) %}
    {{ hipaa_mode.token('texts.call_key', scope) }} as row_id{{ hipaa_mode.scope_suffix(scope) }},
    {%- endfor %}
    texts.call_type,
    texts.event
    {%- for precision in (plan.precisions if plan else []) %},
    {{ hipaa_mode.timestamp_at_precision('texts.sent_at', precision) }} as sent_at__{{ precision }},
    {{ hipaa_mode.timestamp_at_precision('texts.received_at', precision) }} as received_at__{{ precision }}
    {%- endfor %}
    {%- for scope in (plan.scopes if plan else []) %},
    {{ hipaa_mode.token('texts.user_id', scope) }} as user_id{{ hipaa_mode.scope_suffix(scope) }},
    {{ hipaa_mode.token('texts.anonymous_id', scope) }} as anonymous_id{{ hipaa_mode.scope_suffix(scope) }},
    {{ hipaa_mode.token('texts.group_id', scope) }} as group_id{{ hipaa_mode.scope_suffix(scope) }}
    {%- endfor %}
    {%- for name in (plan.raw_ids if plan else []) %},
    texts.{{ name }} as {{ name }}__raw
    {%- endfor %}
    {%- if keeps_whole %}{% for name in whole %},
    texts.{{ name }}__whole
    {%- endfor %}{% endif %}
    {%- for column in columns %},
    {{ hipaa_mode.masked_expression(column) }} as {{ hipaa_mode.identifier(column.name) }}
    {%- endfor %}
from texts
{%- for column in columns if column.treatment == 'surrogate' %}
left join {{ ref('hipaa_mode', 'surrogate_codes') }} as {{ hipaa_mode.identifier(column.name ~ '__code') }}
    on {{ hipaa_mode.identifier(column.name ~ '__code') }}.environment = {{ hipaa_mode.literal(hipaa_mode.environment()) }}
    and {{ hipaa_mode.identifier(column.name ~ '__code') }}.scope = {{ hipaa_mode.literal(column.scope) }}
    and {{ hipaa_mode.identifier(column.name ~ '__code') }}.value = {{ hipaa_mode.normalized('texts.' ~ hipaa_mode.identifier(column.value), column.normalize) }}
{%- endfor %}
-- depends_on: {{ ref('hipaa_mode', 'surrogate_codes') }}
{%- endmacro %}

{#- What the name of a masked column ends with for tokens of a scope; as in plan.py. -#}
{% macro scope_suffix(scope) -%}
    {{- return('__shared' if scope == '*' else '__for_' ~ scope) -}}
{%- endmacro %}
