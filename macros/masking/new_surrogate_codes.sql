{#- A random code for each value that has none yet, in each scope that asks for one. While calls are
    withheld, codes of values that no other call has are forgotten first. -#}
{% macro new_surrogate_codes() -%}
{%- do hipaa_mode.check_connection() -%}
{%- set plan = hipaa_mode.plan() -%}
{%- set calls = ref('hipaa_mode', 'stg_calls') -%}
{#- What is reviewed needs no database: `verify` compiles what a first build runs. -#}
{%- set has_codes = execute and flags.INTROSPECT is not false and is_incremental() -%}
{%- if plan and has_codes -%}
    {%- do hipaa_mode.forget_unused_codes(this, hipaa_mode.texts_with_codes(plan, calls)) -%}
{%- endif -%}
with

texts as (

    {{ hipaa_mode.texts_with_codes(plan, calls) }}

),

new_values as (

    select distinct
        texts.scope,
        texts.value
    from texts
    {%- if has_codes %}
    left join {{ this }} as known
        on known.environment = {{ hipaa_mode.literal(hipaa_mode.environment()) }}
        and texts.scope = known.scope
        and texts.value = known.value
    {%- endif %}
    where
        hipaa_functions.not_blank(texts.value) is not null
        {%- if has_codes %}
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

{#- The texts of the calls that have a code each, in the scopes that ask for one. -#}
{% macro texts_with_codes(plan, calls) -%}
{%- set wanted = {} -%}
{%- for columns in (plan.masked_tables.values() if plan else []) -%}
    {%- for column in columns if column.treatment == 'surrogate' -%}
        {%- do wanted.update({[column.value, column.scope, column.normalize] | join(' '): column}) -%}
    {%- endfor -%}
{%- endfor -%}
    {%- for column in wanted.values() %}
    select
        {{ hipaa_mode.literal(column.scope) }} as scope,
        {{ hipaa_mode.normalized('hipaa_functions.scalar_text(' ~ hipaa_mode.identifier(column.value) ~ ')', column.normalize) }} as value
    from {{ calls }}
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select
        cast(null as {{ hipaa_mode.data_type('text') }}) as scope,
        cast(null as {{ hipaa_mode.data_type('text') }}) as value
    from {{ calls }}
    where false
    {%- endfor %}
{%- endmacro %}

{#- Takes the environment's codes away whose value no call has that is not withheld, since a deleted
    person's value would stay for good otherwise. Only while calls are withheld: values are also
    without calls for a while where a raw file is not there. And only where something changed since
    the last look that can leave a value without calls: that looks through all of them. -#}
{% macro forget_unused_codes(codes, texts) -%}
    {%- set is_build = flags.WHICH in ('build', 'run', 'retry') and not flags.EMPTY and not flags.SAMPLE -%}
    {%- if not is_build -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set fingerprint = local_md5(hipaa_mode.environment() ~ texts ~ hipaa_mode.door().hash_of_functions(texts)) -%}
    {%- if hipaa_mode.calls_are_withheld() and hipaa_mode._codes_may_be_unused(fingerprint) -%}
        {%- set unused -%}
            codes.environment = {{ hipaa_mode.literal(hipaa_mode.environment()) }}
            and not exists (
                select 1
                from ({{ texts }}) as texts
                where texts.scope = codes.scope and texts.value = codes.value
            )
        {%- endset -%}
        {%- set count = run_query('select count(*) from ' ~ codes ~ ' as codes where ' ~ unused).columns[0].values()[0] | int -%}
        {%- if count -%}
            {%- call statement('forget_codes') -%}
                {{ hipaa_mode.delete_rows(codes, unused, 'codes') }}
            {%- endcall -%}
            {%- do hipaa_mode.note_space_to_clear() -%}
            {%- do log('hipaa_mode: forgot ' ~ count ~ ' surrogate codes: only withheld calls, or none, have their values', info=true) -%}
        {%- endif -%}
    {%- endif -%}
    {%- set run_number = hipaa_mode.door().run_number() -%}
    {%- call statement('codes_state') -%}
        insert into {{ hipaa_mode.build_table('build_state') }} values (
            'surrogate_codes', {{ hipaa_mode.literal(fingerprint) }}, {{ run_number }}, {{ run_number }}
        )
    {%- endcall -%}
{%- endmacro %}

{#- Whether calls were withheld, changed or went since the last look, or other columns have codes. -#}
{% macro _codes_may_be_unused(fingerprint) -%}
    {%- set looked = hipaa_mode.table_state('surrogate_codes') -%}
    {%- set withheld = hipaa_mode.table_state('withheld_calls') -%}
    {%- if looked is none or withheld is none or looked.fingerprint != fingerprint or looked.run_number < withheld.rebuilt_number -%}
        {{- return(true) -}}
    {%- endif -%}
    {{- return(hipaa_mode.has_rows(hipaa_mode.build_table('changed_calls') ~ ' where run_number > ' ~ looked.run_number)) -}}
{%- endmacro %}
