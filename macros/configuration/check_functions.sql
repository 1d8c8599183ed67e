{#- Refuses a database in which something may stand in for a function. -#}
{% macro check_functions() -%}
    {%- set fault = hipaa_mode.function_fault() -%}
    {%- if fault -%}
        {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ fault) -}}
    {%- endif -%}
{%- endmacro %}

{#- What may stand in for a function; blank where nothing does. The masking function must be the
    registered one: a macro of its name would shadow it. -#}
{% macro function_fault() -%}
    {%- set sql -%}
        select database_name, schema_name, function_type
        from system.main.duckdb_functions()
        where function_name in (
            'hipaa_mask', 'hipaa_mask_retired', 'hipaa_mode_note_coincidences', 'hipaa_mode_random_code', 'hipaa_mode_made_functions'
        )
    {%- endset -%}
    {%- set functions = run_query(sql).rows -%}
    {%- set ours = [] -%}
    {%- for function in functions -%}
        {%- if function[0] == 'system' and function[1] == 'main' and function[2] == 'scalar' -%}
            {%- do ours.append(function) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if ours | length < 5 -%}
        {{- return(
            'the masking plugin is not loaded, so nothing was built. Add it to this '
            ~ 'target in profiles.yml:\n  plugins:\n    - module: hipaa_mode.plugin'
        ) -}}
    {%- elif functions | length > ours | length -%}
        {{- return(
            'the database has a macro or function of its own with the name of a masking '
            ~ 'function. It could stand in for masking, so nothing was built. Drop it: '
            ~ "select * from duckdb_functions() where function_name like 'hipaa%' shows it"
        ) -}}
    {%- endif -%}
    {{- return(hipaa_mode._named_function_fault() or hipaa_mode._shadow_fault()) -}}
{%- endmacro %}

{#- The functions that values pass through must be those that the plugin made. -#}
{% macro _named_function_fault() -%}
    {%- set sql -%}
        select
            system.main.hipaa_mode_made_functions(
                sha256(string_agg(
                    concat_ws(chr(31), schema_name, function_name, array_to_string(parameters, ','), macro_definition),
                    chr(30) order by function_name, macro_definition
                ))
            )
        from system.main.duckdb_functions()
        where database_name = 'hipaa_functions'
    {%- endset -%}
    {%- if not run_query(sql).rows[0][0] -%}
        {{- return(
            'the functions of the database hipaa_functions, which every value passes through, are not those that were '
            ~ 'made when it was opened, so nothing was built. Take out what replaces or drops one'
        ) -}}
    {%- endif -%}
    {{- return('') -}}
{%- endmacro %}

{#- A macro stands in for a function of the engine that has its name, operators included: one
    called date_trunc would give every destination exact times, one called count empties tests. -#}
{% macro _shadow_fault() -%}
    {%- set own = run_query("select function_name from system.main.duckdb_functions() where not internal and database_name <> 'hipaa_functions'").columns[0].values() -%}
    {%- if own -%}
        {%- set sql -%}
            select distinct function_name
            from system.main.duckdb_functions()
            where internal and function_name in ({{ hipaa_mode.literals(own | map('lower')) }})
        {%- endset -%}
        {%- set shadowed = run_query(sql).columns[0].values() | sort -%}
        {%- if shadowed -%}
            {{- return(
                "the database has macros that stand in for the engine's own functions, so nothing was built. "
                ~ 'Drop them: ' ~ shadowed | join(', ')
            ) -}}
        {%- endif -%}
    {%- endif -%}
    {{- return('') -}}
{%- endmacro %}
