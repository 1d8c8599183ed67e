{#- The columns that some destination of this environment may receive, and no others: the
    privacy boundary. It is a table: a view that calls the masking function could not be read
    outside dbt, and would be made anew under whatever key is loaded then.

    `calls` names a relation to take the place of stg_calls, with the same columns. -#}
{% macro masked_calls(view, calls=none) -%}
{%- set stg_calls = calls or ref('hipaa_mode', 'stg_calls') -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set columns = plan.masked_tables[view] if plan else [] -%}
{%- set whole = ['properties', 'context'] if view == 'events' else ['traits', 'context'] -%}
{%- set keeps_whole = plan.keeps_whole_objects if plan else false -%}
{%- set scopes = plan.scopes if plan else [] -%}
{%- set id_scopes = hipaa_mode.id_scopes(plan) -%}
{#- Staged values that are needed as texts, as they were staged, and as tokens. -#}
{%- set texts = {} -%}
{%- set staged = {} -%}
{%- set tokens = {} -%}
{%- for name, own_scopes in id_scopes.items() -%}
    {%- set id = plan.normalized_ids.get(name) or {'name': name, 'normalize': 'none'} -%}
    {%- do tokens.update({name ~ '__tokens': {'value': id.name, 'text': hipaa_mode.normalized('value', id.normalize), 'scopes': own_scopes}}) -%}
{%- endfor -%}
{%- for column in columns -%}
    {%- if column.treatment == 'mask' and hipaa_mode.is_joined(column) -%}
        {%- set name = hipaa_mode.tokens_name(column) -%}
        {%- set text = hipaa_mode.normalized('hipaa_functions.scalar_text(value)', column.normalize) -%}
        {%- set known = tokens.get(name, {}).get('scopes', []) -%}
        {%- do tokens.update({name: {'value': column.value, 'text': text, 'scopes': known + ([column.scope] if column.scope not in known else [])}}) -%}
        {%- do staged.update({column.value: true}) -%}
    {%- elif column.data_type == 'json' -%}
        {%- do staged.update({column.value: true}) -%}
    {%- else -%}
        {%- do texts.update({column.value: column.is_list}) -%}
    {%- endif -%}
{%- endfor -%}
{%- set values = (texts.keys() | list + staged.keys() | list) | unique | list -%}
{#- What tokens and codes are joined on, by a name that no property's can be. -#}
{%- set joined_values = {} -%}
{%- for column in columns if hipaa_mode.is_joined(column) -%}
    {%- set value = column.value ~ ('__json' if column.treatment == 'mask' else '') -%}
    {%- if value not in joined_values -%}
        {%- do joined_values.update({value: 'joined_value_' ~ (joined_values | length + 1)}) -%}
    {%- endif -%}
{%- endfor -%}
{%- set condition = hipaa_mode.masked_condition(plan, view) -%}
{#- What every step hands on as it is. -#}
{%- set carried -%}
        user_id,
        anonymous_id,
        group_id,
        denied_to
        {%- if keeps_whole %}{% for name in whole %},
        {{ name }}__whole
        {%- endfor %}{% endif %}
{%- endset -%}
with

calls as (

    select
        call_key,
        call_type,
        event,
        timestamp,
        received_at,
        {{ carried }}
        {%- for value in values %},
        {{ hipaa_mode.identifier(value) }}
        {%- endfor %}
    from {{ stg_calls }}
    where
        {{ condition }}

),
{#- Each different value is masked once, and its token joined back: people recur. #}
{%- for name, masked in tokens.items() %}

{{ hipaa_mode.identifier(name) }} as (

    select
        value
        {%- for scope in masked.scopes %},
        {{ hipaa_mode.token(masked.text, scope) }} as token{{ hipaa_mode.scope_suffix(scope) }}
        {%- endfor %}
    from (
        select distinct {{ hipaa_mode.identifier(masked.value) }} as value
        from {{ stg_calls }}
        where
            {{ condition }}
            and {{ hipaa_mode.identifier(masked.value) }} is not null
    ) as different_values

),
{%- endfor %}

texts as (

    select
        call_key,
        call_type,
        event,
        timestamp,
        received_at,
        {{ carried }}
        {%- for value, is_list in texts.items() %},
        hipaa_functions.scalar_text{{ 's' if is_list }}({{ hipaa_mode.identifier(value) }}) as {{ hipaa_mode.identifier(value) }}
        {%- endfor %}
        {%- for value in staged %},
        {{ hipaa_mode.identifier(value) }} as {{ hipaa_mode.identifier(value ~ '__json') }}
        {%- endfor %}
    from calls

),

{# Before the joins, each of which would compile the patterns of all that comes after it. -#}
treated as (

    select
        call_key,
        call_type,
        event
        {%- for precision in (plan.precisions if plan else []) %},
        {{ hipaa_mode.timestamp_at_precision('timestamp', precision) }} as timestamp__{{ precision }},
        {{ hipaa_mode.timestamp_at_precision('received_at', precision) }} as received_at__{{ precision }}
        {%- endfor %},
        {{ carried }}
        {%- for value, joined in joined_values.items() %},
        {{ hipaa_mode.identifier(value) }} as {{ joined }}
        {%- endfor %}
        {%- for column in columns %}
        {%- if not hipaa_mode.is_joined(column) %},
        {{ hipaa_mode.masked_expression(column) }} as {{ hipaa_mode.identifier(column.name) }}
        {%- endif %}
        {%- if column.guard_column %},
        {{ hipaa_mode.before_guard(column) }} as {{ hipaa_mode.identifier(column.guard_column) }}
        {%- endif %}
        {%- endfor %}
    from texts

),

formed as (

    select
        {%- for scope in scopes %}
        {{ hipaa_mode.token('treated.call_key', scope) }} as row_id{{ hipaa_mode.scope_suffix(scope) }},
        {%- endfor %}
        treated.call_type,
        treated.event,
        treated.denied_to
        {%- for precision in (plan.precisions if plan else []) %},
        treated.timestamp__{{ precision }},
        treated.received_at__{{ precision }}
        {%- endfor %}
        {%- for name, own_scopes in id_scopes.items() %}{% for scope in own_scopes %},
        {{ name }}__tokens.token{{ hipaa_mode.scope_suffix(scope) }} as {{ name }}{{ hipaa_mode.scope_suffix(scope) }}
        {%- endfor %}{% endfor %}
        {%- for name in (plan.raw_ids if plan else []) %},
        treated.{{ name }} as {{ name }}__raw
        {%- endfor %}
        {%- if keeps_whole %}{% for name in whole %},
        treated.{{ name }}__whole
        {%- endfor %}{% endif %}
        {%- for column in columns %},
        {{ hipaa_mode.masked_expression(column) ~ ' as ' if hipaa_mode.is_joined(column) else 'treated.' }}{{ hipaa_mode.identifier(column.name) }}
        {%- if column.guard_column %},
        treated.{{ hipaa_mode.identifier(column.guard_column) }}
        {%- endif %}
        {%- endfor %}
    from treated
    {%- for name, masked in tokens.items() %}
    left join {{ hipaa_mode.identifier(name) }}
        on treated.{{ joined_values.get(masked.value ~ '__json', masked.value) }} = {{ hipaa_mode.identifier(name) }}.value
    {%- endfor %}
    {%- for column in columns if column.treatment == 'surrogate' %}
    {%- set code = hipaa_mode.identifier(column.name ~ '__code') %}
    left join {{ ref('hipaa_mode', 'surrogate_codes') }} as {{ code }}
        on {{ code }}.environment = {{ hipaa_mode.literal(hipaa_mode.environment()) }}
        and {{ code }}.scope = {{ hipaa_mode.literal(column.scope) }}
        and {{ code }}.value = {{ hipaa_mode.normalized('treated.' ~ joined_values[column.value], column.normalize) }}
    {%- endfor %}

)

{# What a guard took is counted by what is missing: its patterns are looked for once. -#}
select
    {%- for scope in scopes %}
    row_id{{ hipaa_mode.scope_suffix(scope) }},
    {%- endfor %}
    call_type,
    event,
    denied_to
    {%- for precision in (plan.precisions if plan else []) %},
    timestamp__{{ precision }},
    received_at__{{ precision }}
    {%- endfor %}
    {%- for name, own_scopes in id_scopes.items() %}{% for scope in own_scopes %},
    {{ name }}{{ hipaa_mode.scope_suffix(scope) }}
    {%- endfor %}{% endfor %}
    {%- for name in (plan.raw_ids if plan else []) %},
    {{ name }}__raw
    {%- endfor %}
    {%- if keeps_whole %}{% for name in whole %},
    {{ name }}__whole
    {%- endfor %}{% endif %}
    {%- for column in columns %},
    {{ hipaa_mode.identifier(column.name) }}
    {%- if column.guard_column %},
    {{ hipaa_mode.guard_count(column) }} as {{ hipaa_mode.identifier(column.guard_column) }}
    {%- endif %}
    {%- endfor %}
from formed
{%- if scopes %}
order by {{ hipaa_mode.masked_order(plan) | join(', ') }}
{%- endif %}
-- depends_on: {{ ref('hipaa_mode', 'surrogate_codes') }}
{%- endmacro %}

{#- What the rows of a masked table are sorted by: the day, where some destination may have a time,
    and the row id in the first scope. -#}
{% macro masked_order(plan) -%}
    {%- set finest = hipaa_mode.finest_precision(plan) -%}
    {%- set day = [hipaa_mode.timestamp_at_precision('timestamp__' ~ finest, 'day')] if finest else [] -%}
    {{- return(day + [hipaa_mode.token_order('row_id' ~ hipaa_mode.scope_suffix(plan.scopes[0]))]) -}}
{%- endmacro %}

{#- The finest precision that some destination has times in; none where all have none. -#}
{% macro finest_precision(plan) -%}
    {{- return(['exact', 'second', 'minute', 'hour', 'day', 'month', 'year'] | select('in', plan.precisions if plan else []) | first) -}}
{%- endmacro %}

{#- The scopes of the tokens of ids, by what the names of their columns begin with. -#}
{% macro id_scopes(plan) -%}
    {%- set scopes = dict(plan.id_scopes) if plan else {} -%}
    {%- for name, id in (plan.normalized_ids if plan else {}).items() -%}
        {%- do scopes.update({name: id.scopes}) -%}
    {%- endfor -%}
    {{- return(scopes) -}}
{%- endmacro %}

{#- The condition that tells the calls of a masked table. -#}
{% macro masked_condition(plan, view) -%}
{%- set events = plan.masked_events if plan and view == 'events' else none -%}
call_type in ({{ hipaa_mode.literals(hipaa_mode.call_types(view)) }})
        {%- if events is not none %}
        and {% if events %}event in ({{ hipaa_mode.literals(events) }}){% else %}false{% endif %}
        {%- endif %}
{%- endmacro %}

{#- Whether a masked column's form comes from a relation of tokens or codes. -#}
{% macro is_joined(column) -%}
    {{- return(column.treatment == 'surrogate' or (column.treatment == 'mask' and not column.is_list)) -}}
{%- endmacro %}

{#- The relation that holds the tokens of a masked column's values. -#}
{% macro tokens_name(column) -%}
    {{- return(column.value ~ hipaa_mode.normalize_suffix(column.normalize) ~ '__tokens') -}}
{%- endmacro %}

{#- What the name of a masked column ends with for tokens of a scope; as in plan.py. -#}
{% macro scope_suffix(scope) -%}
    {%- set base = scope.split('/')[0] -%}
    {{- return(('__property_' if '/' in scope else '__') ~ ('shared' if base == '*' else 'for_' ~ base)) -}}
{%- endmacro %}
