{#- What a build goes on from where an engine has no tables of its own: rows that the last one kept,
    see scripts/hipaa_mode/run/kept_calls.py. -#}

{#- Makes all rows of a masked table: of the calls, or where it goes on from kept rows, of those that
    are new or not what they were. -#}
{% macro mask_all_calls(relation, view, run_number) -%}
    {%- do adapter.dispatch('mask_all_calls', 'hipaa_mode')(relation, view, run_number) -%}
{%- endmacro %}

{% macro default__mask_all_calls(relation, view, run_number) -%}
    {%- do hipaa_mode.mask_calls_anew(relation, view) -%}
{%- endmacro %}

{#- A masked row is made of a call: of its line, which its place tells, of its key, and of what it is
    denied to. A place has the number of the run that read it: a file that changed is read anew. -#}
{% macro spark__mask_all_calls(relation, view, run_number) -%}
    {%- if not hipaa_mode.door().keeps_calls() -%}
        {%- do hipaa_mode.mask_calls_anew(relation, view) -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set made_of = hipaa_mode.build_table('made_of_' ~ view) -%}
    {%- call statement('made_of') -%}
        {%- set sql -%}
            select call_key, source_file, line_number, run_number, denied_to
            from {{ hipaa_mode.package_relation('stg_calls') }}
            where {{ 'false' if flags.EMPTY else hipaa_mode.masked_condition(hipaa_mode.plan(), view) }}
        {%- endset -%}
        {{ hipaa_mode.make_table(made_of, sql, []) }}
    {%- endcall -%}
    {%- set kept = hipaa_mode.door().kept_rows('masked_' ~ view) -%}
    {%- if kept is none -%}
        {%- do hipaa_mode.mask_calls_anew(relation, view) -%}
    {%- else -%}
        {%- do hipaa_mode._mask_changed_calls(relation, view, run_number, kept.view, made_of, hipaa_mode.door().kept_rows('made_of_' ~ view).view) -%}
    {%- endif -%}
{%- endmacro %}

{% macro _mask_changed_calls(relation, view, run_number, kept, made_of, was_made_of) -%}
    {%- set new = 'hipaa_mode_step_new_' ~ view -%}
    {%- set new_calls = 'hipaa_mode_step_new_calls_' ~ view -%}
    {%- set new_rows = 'hipaa_mode_step_new_rows_' ~ view -%}
    {%- set gone = 'hipaa_mode_step_gone_' ~ view -%}
    {%- set scope = hipaa_mode.plan().scopes[0] -%}
    {%- set row_id = 'row_id' ~ hipaa_mode.scope_suffix(scope) -%}
    {%- set is_the_same = [] -%}
    {%- for column in ['call_key', 'source_file', 'line_number', 'run_number', 'denied_to'] -%}
        {%- do is_the_same.append('here.' ~ column ~ ' = there.' ~ column) -%}
    {%- endfor -%}
    {%- call hipaa_mode.make_temporary_table(new) -%}
        select here.call_key from {{ made_of }} as here
        left anti join {{ was_made_of }} as there on {{ is_the_same | join(' and ') }}
    {%- endcall -%}
    {%- call hipaa_mode.make_temporary_table(gone) -%}
        select {{ hipaa_mode.token('here.call_key', scope) }} as row_id from {{ was_made_of }} as here
        left anti join {{ made_of }} as there on {{ is_the_same | join(' and ') }}
    {%- endcall -%}
    {%- set has_new = hipaa_mode.has_rows(new) -%}
    {%- if has_new -%}
        {%- set calls = hipaa_mode.calls_with_values(view, 'call_key in (select call_key from ' ~ new ~ ')') -%}
        {%- call hipaa_mode.make_temporary_table(new_calls) -%}
            select * from {{ calls }}
        {%- endcall -%}
        {%- call hipaa_mode.make_temporary_table(new_rows) -%}
            {{ hipaa_mode.masked_calls(view, new_calls) }}
        {%- endcall -%}
        {%- do hipaa_mode._note_days(new_rows, run_number, view) -%}
    {%- endif -%}
    {%- if hipaa_mode.has_rows(gone) -%}
        {%- do hipaa_mode._note_days('(select kept.* from ' ~ kept ~ ' as kept inner join ' ~ gone ~ ' as gone on kept.' ~ row_id ~ ' = gone.row_id) as gone_rows', run_number, view) -%}
    {%- endif -%}
    {%- set rows -%}
        select kept.* from {{ kept }} as kept
        left anti join {{ gone }} as gone on kept.{{ row_id }} = gone.row_id
        {%- if has_new %}
        union all
        select new_rows.* from {{ new_rows }} as new_rows
        {%- endif %}
    {%- endset -%}
    {%- do hipaa_mode.rebuild_table(relation, rows) -%}
    {%- set counts = run_query('select (select count(*) from ' ~ relation ~ '), (select count(*) from ' ~ made_of ~ ')').rows[0] -%}
    {%- if counts[0] != counts[1] -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: the masked rows of ' ~ view ~ ' that were kept and made are ' ~ counts[0] ~ ', of ' ~ counts[1]
            ~ ' calls. Nothing was published; run: dbt build --full-refresh'
        ) -}}
    {%- endif -%}
{%- endmacro %}

{#- The values of the calls that a run reads, as long as it lasts; see `hipaa_mode.readers` for the name. -#}
{% macro _values_of_run() -%}
    {{- return('hipaa_mode_step_values') -}}
{%- endmacro %}

{% macro spark__stored_calls(sql) -%}
    {%- if not hipaa_mode.door().keeps_calls() -%}
        {{- return(sql) -}}
    {%- endif -%}
    {%- set made = hipaa_mode._values_of_run() -%}
    {%- call hipaa_mode.make_temporary_table(made) -%}
        {{ sql }}
    {%- endcall -%}
    {%- set rows = 'select ' ~ hipaa_mode.columns_with('calls', made, hipaa_mode._marks()) ~ ' from ' ~ made ~ ' as calls' -%}
    {%- set kept = hipaa_mode.door().kept_rows('calls_read') -%}
    {%- if kept is none -%}
        {{- return(rows) -}}
    {%- endif -%}
    {%- set is_there = 'file_number not in (' ~ kept.removed | join(', ') ~ ')' if kept.removed else 'true' -%}
    {{- return(rows ~ '\nunion all\nselect ' ~ hipaa_mode.columns_with('calls', kept.view, {}) ~ ' from ' ~ kept.view ~ ' as calls where ' ~ is_there) -}}
{%- endmacro %}

{% macro spark__calls_with_values(name, condition) -%}
    {%- if not hipaa_mode.door().keeps_calls() -%}
        {{- return(hipaa_mode.default__calls_with_values(name, condition)) -}}
    {%- endif -%}
    {%- set relations = [hipaa_mode._values_of_run()] -%}
    {%- if hipaa_mode.door().kept_rows('calls_read') is not none -%}
        {%- set places = 'hipaa_mode_step_places_' ~ name -%}
        {%- call hipaa_mode.make_temporary_table(places) -%}
            {{ hipaa_mode._places_of_earlier_runs(condition, hipaa_mode.door().run_number()) }}
        {%- endcall -%}
        {%- if hipaa_mode.has_rows(places) -%}
            {%- set lines = hipaa_mode.door().lines_of(name, hipaa_mode._files_of(places), hipaa_mode.known_files()) -%}
            {%- do relations.append(hipaa_mode._calls_again('hipaa_mode_step_again_' ~ name, places, lines)) -%}
        {%- endif -%}
    {%- endif -%}
    {{- return(hipaa_mode._staged_of(relations, condition)) -}}
{%- endmacro %}
