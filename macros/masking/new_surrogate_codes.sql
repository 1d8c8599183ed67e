{#- A random code for each value that has none yet, in each scope that asks for one. -#}
{% macro new_surrogate_codes() -%}
{%- do hipaa_mode.check_connection() -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set wanted = {} -%}
{%- for columns in (plan.masked_tables.values() if plan else []) -%}
    {%- for column in columns if column.treatment == 'surrogate' -%}
        {%- do wanted.update({[column.value, column.scope, column.normalize] | join(' '): column}) -%}
    {%- endfor -%}
{%- endfor -%}
with

texts as (

    {%- for column in wanted.values() %}
    select
        {{ hipaa_mode.literal(column.scope) }} as scope,
        {{ hipaa_mode.normalized('(' ~ hipaa_mode.scalar_text(hipaa_mode.identifier(column.value)) ~ ')', column.normalize) }} as value
    from {{ ref('hipaa_mode', 'stg_calls') }}
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select
        cast(null as {{ hipaa_mode.data_type('text') }}) as scope,
        cast(null as {{ hipaa_mode.data_type('text') }}) as value
    from {{ ref('hipaa_mode', 'stg_calls') }}
    where false
    {%- endfor %}

),

new_values as (

    select distinct
        texts.scope,
        texts.value
    from texts
    {%- if is_incremental() %}
    left join {{ this }} as known
        on known.environment = {{ hipaa_mode.literal(hipaa_mode.environment()) }}
        and texts.scope = known.scope
        and texts.value = known.value
    {%- endif %}
    where
        {{ hipaa_mode.not_blank('texts.value') }} is not null
        {%- if is_incremental() %}
        and known.code is null
        {%- endif %}

)

select
    {{ hipaa_mode.literal(hipaa_mode.environment()) }} as environment,
    scope,
    value,
    {{ hipaa_mode.random_code('value') }} as code
from new_values
{%- endmacro %}

{#- A random 128-bit code for every row, as 32 hexadecimal digits. -#}
{% macro random_code(value) -%}
    {{- return(adapter.dispatch('random_code', 'hipaa_mode')(value)) -}}
{%- endmacro %}

{% macro duckdb__random_code(value) -%}
    {{- return('system.main.hipaa_mode_random_code(' ~ value ~ ')') -}}
{%- endmacro %}
