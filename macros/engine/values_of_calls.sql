{#- The values of calls: what is stored of them, and whence a model has them that makes forms of them. -#}

{#- Reads calls, and returns a query of what calls_read stores of them: of a value no more than that
    there is one. The values are in a database of the run's own, until all forms are made of them. -#}
{% macro stored_calls(sql) -%}
    {{- return(adapter.dispatch('stored_calls', 'hipaa_mode')(sql)) -}}
{%- endmacro %}

{% macro default__stored_calls(sql) -%}
    {{- return(sql) -}}
{%- endmacro %}

{% macro duckdb__stored_calls(sql) -%}
    {%- call statement('read_calls') -%}
        {{ hipaa_mode.make_table(hipaa_mode._calls_of_this_run(), sql, ['message_id'] if hipaa_mode.door().has_many_values() else []) }}
    {%- endcall -%}
    {#- A transaction writes to one database. -#}
    {%- do adapter.commit() -%}
    {%- set made = hipaa_mode._calls_of_this_run() -%}
    {{- return('select ' ~ hipaa_mode.columns_with('calls', made, hipaa_mode._marks()) ~ ' from ' ~ made ~ ' as calls') -}}
{%- endmacro %}

{#- By the name of each value that is not stored, what is stored in its place. -#}
{% macro _marks() -%}
    {%- set marks = {} -%}
    {%- for value in hipaa_mode.values_not_stored() -%}
        {%- set name = hipaa_mode.identifier(value.name) -%}
        {%- set given = "case when {} is not null then '' end" -%}
        {%- do marks.update({value.name: hipaa_mode.map_list(name, given.format('element')) if value.is_list else given.format(name)}) -%}
    {%- endfor -%}
    {{- return(marks) -}}
{%- endmacro %}

{#- The columns of a relation, some of them with another value, given as SQL by their names. -#}
{% macro columns_with(alias, relation, values) -%}
    {{- return(adapter.dispatch('columns_with', 'hipaa_mode')(alias, relation, values)) -}}
{%- endmacro %}

{% macro duckdb__columns_with(alias, relation, values) -%}
    {%- set replaced = [] -%}
    {%- for name, value in values.items() -%}
        {%- do replaced.append(value ~ ' as ' ~ hipaa_mode.identifier(name)) -%}
    {%- endfor -%}
    {{- return(alias ~ '.*' ~ (' replace (' ~ replaced | join(', ') ~ ')' if replaced else '')) -}}
{%- endmacro %}

{% macro default__columns_with(alias, relation, values) -%}
    {%- set columns = [] -%}
    {%- for column in hipaa_mode.columns_of(relation) -%}
        {%- set name = hipaa_mode.identifier(column.name) -%}
        {%- do columns.append((values[column.name] ~ ' as ' ~ name) if column.name in values else alias ~ '.' ~ name) -%}
    {%- endfor -%}
    {{- return(columns | join(', ')) -}}
{%- endmacro %}

{#- Takes the place of that where no call is read: to plan the reading takes longer than all else. -#}
{% macro hold_no_calls(calls_read) -%}
    {{- return(adapter.dispatch('hold_no_calls', 'hipaa_mode')(calls_read)) -}}
{%- endmacro %}

{% macro default__hold_no_calls(calls_read) -%}
{%- endmacro %}

{% macro duckdb__hold_no_calls(calls_read) -%}
    {%- call statement('hold_no_calls') -%}
        {{ hipaa_mode.make_table(hipaa_mode._calls_of_this_run(), 'select * from ' ~ calls_read ~ ' limit 0') }}
    {%- endcall -%}
    {#- A transaction writes to one database. -#}
    {%- do adapter.commit() -%}
{%- endmacro %}

{#- The values of which calls_read stores no more than that there is one: all but those that the
    crosswalk of codes has anyway. -#}
{% macro values_not_stored() -%}
    {%- set plan = hipaa_mode.plan() -%}
    {%- set values = plan.staged_values | rejectattr('name', 'in', plan.coded_values) | list -%}
    {%- for key in (['properties', 'traits', 'context'] if plan.keeps_whole_objects else []) -%}
        {%- do values.append({'name': key ~ '__whole', 'is_list': false}) -%}
    {%- endfor -%}
    {{- return(values) -}}
{%- endmacro %}

{#- A relation that takes the place of stg_calls for who makes forms of values: those of its calls that
    meet a condition. Calls of earlier runs are read again, by file and line; `name` tells the
    temporary tables of who asks from those of others. -#}
{% macro calls_with_values(name, condition) -%}
    {{- return(adapter.dispatch('calls_with_values', 'hipaa_mode')(name, condition)) -}}
{%- endmacro %}

{% macro default__calls_with_values(name, condition) -%}
    {{- return('(select * from ' ~ hipaa_mode.package_relation('stg_calls') ~ ' where ' ~ condition ~ ') as calls_with_values') -}}
{%- endmacro %}

{% macro duckdb__calls_with_values(name, condition) -%}
    {%- set run_number = hipaa_mode.door().run_number() -%}
    {%- set state = hipaa_mode.table_state('calls_read') -%}
    {%- set has_read = state is not none and state.run_number == run_number -%}
    {%- set relations = [hipaa_mode._calls_of_this_run()] if has_read else [] -%}
    {%- if not has_read or state.rebuilt_number != run_number -%}
        {%- set places = 'hipaa_mode_places_' ~ name -%}
        {%- call hipaa_mode.make_temporary_table(places) -%}
            {{ hipaa_mode._places_of_earlier_runs(condition, run_number if has_read else none) }}
        {%- endcall -%}
        {%- if hipaa_mode.has_rows(places) or not has_read -%}
            {%- set lines = hipaa_mode.door().lines_again(hipaa_mode._files_of(places), hipaa_mode.known_files()) -%}
            {%- do relations.append(hipaa_mode._calls_again('hipaa_mode_again_' ~ name, places, lines)) -%}
        {%- endif -%}
    {%- endif -%}
    {{- return(hipaa_mode._staged_of(relations, condition)) -}}
{%- endmacro %}

{#- The places of staged calls that an earlier run has read. -#}
{% macro _places_of_earlier_runs(condition, run_number) -%}
            select source_file, line_number from {{ hipaa_mode.package_relation('stg_calls') }}
            where ({{ condition }}){{ ' and run_number <> ' ~ run_number if run_number is not none }}
{%- endmacro %}

{#- The files of some places. -#}
{% macro _files_of(places) -%}
    {%- do hipaa_mode.pinned_raw_calls() -%}
    {{- return(run_query('select distinct source_file from ' ~ places).columns[0].values() | list) -}}
{%- endmacro %}

{#- The staged calls among those of some relations that meet a condition. -#}
{% macro _staged_of(relations, condition) -%}
    {%- set staged = [] -%}
    {%- for relation in relations -%}
        {%- do staged.append('select * from (' ~ hipaa_mode.staged_calls(relation) ~ ') as staged where ' ~ condition) -%}
    {%- endfor -%}
    {{- return('(' ~ staged | join(' union all ') ~ ') as calls_with_values') -}}
{%- endmacro %}

{#- Makes a temporary table of the calls at some places, with the values that their lines have. -#}
{% macro _calls_again(name, places, lines) -%}
    {%- set wanted -%}
        (
            select lines.*
            from {{ lines }} as lines
            inner join {{ places }} as places
                on lines.source_file = places.source_file and lines.line_number = places.line_number
        ) as wanted
    {%- endset -%}
    {%- set values = {} -%}
    {%- for value in hipaa_mode.values_not_stored() -%}
        {%- do values.update({value.name: 'again.' ~ hipaa_mode.identifier(value.name)}) -%}
    {%- endfor -%}
    {%- call hipaa_mode.make_temporary_table(name) -%}
        select {{ hipaa_mode.columns_with('calls_read', hipaa_mode.package_relation('calls_read'), values) }}
        from {{ hipaa_mode.package_relation('calls_read') }} as calls_read
        inner join ({{ hipaa_mode.read_calls(none, wanted) }}) as again
            on calls_read.file_number = again.file_number
            and calls_read.line_number = again.line_number
            {%- for column in ['message_id', 'content_hash', 'call_type', 'event', 'user_id', 'anonymous_id', 'group_id'] %}
            and calls_read.{{ column }} is not distinct from again.{{ column }}
            {%- endfor %}
    {%- endcall -%}
    {%- set missing = 'select (select count(*) from ' ~ places ~ ') - (select count(*) from ' ~ name ~ ')' -%}
    {%- set missing = run_query(missing).columns[0].values()[0] | int -%}
    {%- if missing -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: raw lines that changed since they were read, and that are needed again: ' ~ missing
            ~ '. Nothing was made of them. A file was changed that kept its size and time; run: dbt build --full-refresh'
        ) -}}
    {%- endif -%}
    {{- return(name) -}}
{%- endmacro %}

{#- Forgets the calls that were read again for who asks. -#}
{% macro forget_calls_again(name) -%}
    {{- return(adapter.dispatch('forget_calls_again', 'hipaa_mode')(name)) -}}
{%- endmacro %}

{% macro default__forget_calls_again(name) -%}
{%- endmacro %}

{% macro duckdb__forget_calls_again(name) -%}
    {%- call statement('forget_calls_again') -%}
        drop table if exists hipaa_mode_places_{{ name }};
        drop table if exists hipaa_mode_again_{{ name }}
    {%- endcall -%}
{%- endmacro %}

{#- Forgets the values of the calls that the run has read. -#}
{% macro forget_values() -%}
    {{- return(adapter.dispatch('forget_values', 'hipaa_mode')()) -}}
{%- endmacro %}

{% macro default__forget_values() -%}
{%- endmacro %}

{% macro duckdb__forget_values() -%}
    {%- call statement('forget_values') -%}
        drop table if exists {{ hipaa_mode._calls_of_this_run() }}
    {%- endcall -%}
    {%- do adapter.commit() -%}
{%- endmacro %}

{% macro _calls_of_this_run() -%}
    {{- return(hipaa_mode.door().values_database() ~ '.main.calls') -}}
{%- endmacro %}
