{#- Old tokens and the new ones in their place, for those that hold tokens of before a rotation of
    the masking key: one pair for each value that is masked, retired key and scope. Values of calls
    that are withheld are not among them.

    `kinds` are those to make: row_id, id (user_id, anonymous_id, group_id), property. `condition`
    chooses among the calls. -#}
{% macro token_bridge(calls, kinds=['row_id', 'id', 'property'], condition=none) -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set fingerprints = hipaa_mode.bridged_fingerprints() -%}
{%- set property_scopes = hipaa_mode._property_scopes(plan) -%}
{%- set values = [] -%}
{%- for fingerprint in fingerprints -%}
    {%- for scope in plan.scopes -%}
        {%- for kind in ['row_id', 'id'] if kind in kinds -%}
            {%- do values.append({'kind': kind, 'scope': scope, 'fingerprint': fingerprint, 'relation': kind ~ 's'}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for name, scopes in plan.id_scopes.items() if 'id' in kinds -%}
        {%- for scope in scopes if scope not in plan.scopes -%}
            {%- do values.append({'kind': 'id', 'scope': scope, 'fingerprint': fingerprint, 'relation': name ~ 's'}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for name, id in (plan.normalized_ids if plan else {}).items() if 'id' in kinds -%}
        {%- for scope in id.scopes -%}
            {%- do values.append({'kind': 'id', 'scope': scope, 'fingerprint': fingerprint, 'relation': name ~ 's'}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for scope in property_scopes if 'property' in kinds -%}
        {%- do values.append({'kind': 'property', 'scope': scope, 'fingerprint': fingerprint, 'relation': 'properties_' ~ loop.index}) -%}
    {%- endfor -%}
{%- endfor -%}
with
{% for view in ['events', 'identifies', 'groups'] %}
{{ view }} as (

    select *
    from {{ calls }}
    where
        {{ hipaa_mode.masked_condition(plan, view) }}
        {%- if condition %}
        and {{ condition }}
        {%- endif %}

),
{% endfor %}
row_ids as (

    {%- for view in ['events', 'identifies', 'groups'] %}
    select call_key as value from {{ view }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

),

{% for name in ['user_id', 'anonymous_id', 'group_id'] %}
{{ name }}s as (

    {%- for view in ['events', 'identifies', 'groups'] %}
    select {{ name }} as value from {{ view }}
    {% if not loop.last %}union{% endif %}
    {%- endfor %}

),
{% endfor %}
ids as (

    {%- for name in ['user_id', 'anonymous_id', 'group_id'] %}
    select value from {{ name }}s
    {% if not loop.last %}union{% endif %}
    {%- endfor %}

),
{% for name, id in (plan.normalized_ids if plan else {}).items() %}
{{ name }}s as (

    select distinct {{ hipaa_mode.normalized('value', id.normalize) }} as value from {{ id.name }}s

),
{% endfor %}
{% for scope in property_scopes %}
properties_{{ loop.index }} as (

    {%- for text in hipaa_mode._masked_texts(plan, scope) %}
    select {{ text.text }} as value from {{ text.view }}
    {% if not loop.last %}union{% endif %}
    {%- endfor %}

),
{% endfor %}
tokens as (

    {%- for item in values %}
    select
        {{ hipaa_mode.literal(item.scope) }} as scope,
        {{ hipaa_mode.literal(item.kind) }} as kind,
        {{ hipaa_mode.literal(item.fingerprint) }} as old_key,
        {{ hipaa_mode.retired_token('value', item.scope, item.fingerprint) }} as old_token,
        {{ hipaa_mode.token('value', item.scope) }} as new_token
    from {{ hipaa_mode.identifier(item.relation) }}
    where value is not null
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select
        '' as scope,
        '' as kind,
        '' as old_key,
        '' as old_token,
        '' as new_token
    from row_ids
    where false
    {%- endfor %}

)

select distinct
    scope,
    kind,
    old_key,
    old_token,
    new_token
from tokens
where new_token is not null
{%- endmacro %}

{#- Which retired keys old tokens are bridged from: those that the environment's tokens were made
    with, and that are at hand. -#}
{% macro bridged_fingerprints() -%}
    {{- return(hipaa_mode.door().bridged_keys() if execute and hipaa_mode.bridges_tokens() else []) -}}
{%- endmacro %}

{#- Whether the command makes a bridge of tokens. -#}
{% macro bridges_tokens() -%}
    {{- return(true if flags.WHICH in ('build', 'run', 'retry') and var('hipaa_mode__token_bridge', true) else false) -}}
{%- endmacro %}

{#- The scopes in which properties are masked. -#}
{% macro _property_scopes(plan) -%}
    {%- set scopes = [] -%}
    {%- for columns in (plan.masked_tables.values() if plan else []) -%}
        {%- for column in columns if column.treatment == 'mask' and column.scope not in scopes -%}
            {%- do scopes.append(column.scope) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(scopes) -}}
{%- endmacro %}

{#- The texts that are masked in a scope: the view they are in, and the SQL of each. -#}
{% macro _masked_texts(plan, scope) -%}
    {%- set texts = [] -%}
    {%- for view, columns in plan.masked_tables.items() -%}
        {%- for column in columns if column.treatment == 'mask' and column.scope == scope -%}
            {%- set value = hipaa_mode.identifier(column.value) -%}
            {%- if column.is_list -%}
                {%- set value = hipaa_mode.rows_of(value) -%}
            {%- endif -%}
            {%- do texts.append({
                'view': '(select ' ~ value ~ ' as json_text from ' ~ view ~ ') as json_texts',
                'text': hipaa_mode.normalized('hipaa_functions.scalar_text(json_text)', column.normalize),
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(texts) -}}
{%- endmacro %}
