{#- The columns that some destination of this environment may receive, and no others: the
    privacy boundary. It is a table: a view that calls the masking function could not be read
    outside dbt, and would be made anew under whatever key is loaded then.

    `calls` names a relation to take the place of stg_calls, with the same columns; `kept_in` a
    temporary table that the different values may be kept in, see `kept_step`. -#}
{% macro masked_calls(view, calls=none, kept_in=none) -%}
{%- set stg_calls = calls or ref('hipaa_mode', 'stg_calls') -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set columns = plan.masked_tables[view] if plan else [] -%}
{%- set whole = ['properties', 'context'] if view == 'events' else ['traits', 'context'] -%}
{%- set keeps_whole = plan.keeps_whole_objects if plan else false -%}
{%- set scopes = plan.scopes if plan else [] -%}
{%- set precisions = plan.precisions if plan else [] -%}
{%- set raw_ids = plan.raw_ids if plan else [] -%}
{%- set id_scopes = hipaa_mode.id_scopes(plan) -%}
{%- set ids = ['user_id', 'anonymous_id', 'group_id'] -%}
{%- set lookups = hipaa_mode.forms_of_values(columns, id_scopes, plan) -%}
{%- set texts = hipaa_mode.texts_of_values(columns) -%}
{%- set values = (lookups.keys() | list + columns | map(attribute='value') | list) | unique | reject('in', ids) | list -%}
{%- set condition = hipaa_mode.masked_condition(plan, view) -%}
with

calls as {{ hipaa_mode.made_once() }}(

    select
        call_key,
        call_type,
        event,
        timestamp,
        received_at,
        {{ ids | join(',\n        ') }},
        denied_to
        {%- if keeps_whole %}{% for name in whole %},
        {{ name }}__whole
        {%- endfor %}{% endif %}
        {%- for value in values %},
        {{ hipaa_mode.identifier(value) }}
        {%- endfor %}
    from {{ stg_calls }}
    where
        {{ condition }}

),
{#- Values recur: each different one is given its forms once, and these are joined back. #}
{%- if lookups %}
{%- set different -%}
select
        case
            {%- for value in lookups %}
            when {{ hipaa_mode.identifier(value) }} is not null then {{ hipaa_mode.literal(value) }}
            {%- endfor %}
        end as name,
        coalesce(
            {{ hipaa_mode.each_identifier(lookups) | join(',\n            ') }}
        ) as value
    from {{ stg_calls }}
    where
        {{ condition }}
    group by grouping sets (
        {%- for value in hipaa_mode.each_identifier(lookups) %}
        ({{ value }}){{ ',' if not loop.last }}
        {%- endfor %}
    )
{%- endset %}

{{ hipaa_mode.kept_step('different_values', different, kept_in) }},
{%- endif %}
{%- for value, forms in lookups.items() %}

{{ hipaa_mode.identifier(value ~ '__forms') }} as {{ hipaa_mode.made_once() }}(

    select
        texts.value
        {%- for name, form in forms.items() %},
        {{ form }} as {{ hipaa_mode.identifier(name) }}
        {%- endfor %}
    from (
        select
            value,
            {{ 'value' if value in ids else 'hipaa_functions.scalar_text(value)' }} as text
        from different_values
        where name = {{ hipaa_mode.literal(value) }}
    ) as texts
    {%- for column in columns if column.treatment == 'surrogate' and column.value == value %}
    {%- set code = hipaa_mode.identifier(column.name ~ '__code') %}
    left join {{ ref('hipaa_mode', 'surrogate_codes') }} as {{ code }}
        on {{ code }}.environment = {{ hipaa_mode.literal(hipaa_mode.environment()) }}
        and {{ code }}.scope = {{ hipaa_mode.literal(column.scope) }}
        and {{ code }}.value = {{ hipaa_mode.normalized('texts.text', column.normalize) }}
    {%- endfor %}

),
{%- endfor %}

texts as {{ hipaa_mode.made_once() }}(

    select
        *
        {%- for value, text in texts.items() %},
        hipaa_functions.scalar_text{{ 's' if text.is_list }}({{ hipaa_mode.identifier(value) }}) as {{ text.name }}
        {%- endfor %}
    from calls

),

{# Before the joins, each of which would compile the patterns of all that comes after it. -#}
treated as {{ hipaa_mode.made_once() }}(

    select
        *
        {%- for column in columns if not hipaa_mode.is_looked_up(column) %},
        {{ hipaa_mode.masked_expression(column, texts) }} as {{ hipaa_mode.identifier(column.name) }}
        {%- if column.guard_column %},
        {{ hipaa_mode.before_guard(column, texts) }} as {{ hipaa_mode.identifier(column.guard_column) }}
        {%- endif %}
        {%- endfor %}
    from texts

),

formed as {{ hipaa_mode.made_once() }}(

    select
        {%- for scope in scopes %}
        {{ hipaa_mode.token('treated.call_key', scope) }} as row_id{{ hipaa_mode.scope_suffix(scope) }},
        {%- endfor %}
        treated.call_type,
        treated.event,
        treated.denied_to
        {%- for precision in precisions %},
        {{ hipaa_mode.timestamp_at_precision('treated.timestamp', precision) }} as timestamp__{{ precision }},
        {{ hipaa_mode.timestamp_at_precision('treated.received_at', precision) }} as received_at__{{ precision }}
        {%- endfor %}
        {%- for name, own_scopes in id_scopes.items() %}{% for scope in own_scopes %}
        {%- set token = hipaa_mode.identifier(name ~ hipaa_mode.scope_suffix(scope)) %},
        {{ hipaa_mode.identifier(hipaa_mode._id_name(plan, name) ~ '__forms') }}.{{ token }} as {{ token }}
        {%- endfor %}{% endfor %}
        {%- for name in raw_ids %},
        treated.{{ name }} as {{ name }}__raw
        {%- endfor %}
        {%- if keeps_whole %}{% for name in whole %},
        treated.{{ name }}__whole
        {%- endfor %}{% endif %}
        {%- for column in columns %},
        {{ hipaa_mode.masked_expression(column) ~ ' as ' if hipaa_mode.is_looked_up(column) else 'treated.' }}{{ hipaa_mode.identifier(column.name) }}
        {%- if column.guard_column %},
        {{ hipaa_mode.guard_count(column) }} as {{ hipaa_mode.identifier(column.guard_column) }}
        {%- endif %}
        {%- endfor %}
    from treated
    {%- for value in lookups %}
    {%- set forms = hipaa_mode.identifier(value ~ '__forms') %}
    left join {{ forms }}
        on treated.{{ hipaa_mode.identifier(value) }} = {{ forms }}.value
    {%- endfor %}

)

select
    {%- for scope in scopes %}
    row_id{{ hipaa_mode.scope_suffix(scope) }},
    {%- endfor %}
    call_type,
    event,
    denied_to
    {%- for precision in precisions %},
    timestamp__{{ precision }},
    received_at__{{ precision }}
    {%- endfor %}
    {%- for name, own_scopes in id_scopes.items() %}{% for scope in own_scopes %},
    {{ hipaa_mode.identifier(name ~ hipaa_mode.scope_suffix(scope)) }}
    {%- endfor %}{% endfor %}
    {%- for name in raw_ids %},
    {{ name }}__raw
    {%- endfor %}
    {%- if keeps_whole %}{% for name in whole %},
    {{ name }}__whole
    {%- endfor %}{% endif %}
    {%- for column in columns %},
    {{ hipaa_mode.identifier(column.name) }}
    {%- if column.guard_column %},
    {{ hipaa_mode.identifier(column.guard_column) }}
    {%- endif %}
    {%- endfor %}
from formed
{%- if scopes %}
order by {{ hipaa_mode.masked_order(plan) | join(', ') }}
{%- endif %}
-- depends_on: {{ ref('hipaa_mode', 'surrogate_codes') }}
{%- endmacro %}

{#- The forms of each value that is looked up, by the names of the masked columns that show them: SQL
    of its `text`. -#}
{% macro forms_of_values(columns, id_scopes, plan) -%}
    {%- set lookups = {} -%}
    {%- for name, scopes in id_scopes.items() -%}
        {%- set id = plan.normalized_ids.get(name) or {'name': name, 'normalize': 'none'} -%}
        {%- set forms = lookups.setdefault(id.name, {}) -%}
        {%- for scope in scopes -%}
            {%- do forms.update({name ~ hipaa_mode.scope_suffix(scope): hipaa_mode.token(hipaa_mode.normalized('text', id.normalize), scope)}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for column in columns if hipaa_mode.is_looked_up(column) -%}
        {%- set forms = lookups.setdefault(column.value, {}) -%}
        {%- do forms.update({column.name: hipaa_mode.masked_scalar(column, 'text')}) -%}
    {%- endfor -%}
    {{- return(lookups) -}}
{%- endmacro %}

{#- The texts that the other columns are made of, by their values: each with a name that no property's
    can be, and whether it is a list of texts. -#}
{% macro texts_of_values(columns) -%}
    {%- set texts = {} -%}
    {%- for column in columns if not hipaa_mode.is_looked_up(column) and column.data_type != 'json' and column.value not in texts -%}
        {%- do texts.update({column.value: {'name': 'text_' ~ (texts | length + 1), 'is_list': column.is_list}}) -%}
    {%- endfor -%}
    {{- return(texts) -}}
{%- endmacro %}

{#- The columns of a masked table that hold tokens or codes, each on its own. -#}
{% macro columns_of_tokens(view) -%}
    {%- set plan = hipaa_mode.plan() -%}
    {%- set names = [] -%}
    {%- for scope in plan.scopes -%}
        {%- do names.append('row_id' ~ hipaa_mode.scope_suffix(scope)) -%}
    {%- endfor -%}
    {%- for name, scopes in hipaa_mode.id_scopes(plan).items() -%}
        {%- for scope in scopes -%}
            {%- do names.append(name ~ hipaa_mode.scope_suffix(scope)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for column in plan.masked_tables[view] if column.treatment in ('mask', 'surrogate') and not column.is_list -%}
        {%- do names.append(column.name) -%}
    {%- endfor -%}
    {{- return(names) -}}
{%- endmacro %}

{#- Whether a masked column's form is looked up by its value. What may be free text has a guard, seldom
    recurs, and can be long. -#}
{% macro is_looked_up(column) -%}
    {{- return(not column.is_list and not column.guard) -}}
{%- endmacro %}

{#- The name of the id that some tokens are made of. -#}
{% macro _id_name(plan, name) -%}
    {{- return(plan.normalized_ids[name].name if name in plan.normalized_ids else name) -}}
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

{#- What the name of a masked column ends with for tokens of a scope; as in plan.py. -#}
{% macro scope_suffix(scope) -%}
    {%- set base = scope.split('/')[0] -%}
    {{- return(('__property_' if '/' in scope else '__') ~ ('shared' if base == '*' else 'for_' ~ base)) -}}
{%- endmacro %}
