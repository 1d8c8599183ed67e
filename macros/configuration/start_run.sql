{#- on-run-start: checks everything the run rests on before anything is touched. -#}
{% macro start_run() -%}
    {%- if execute -%}
        {%- set needs_key = flags.WHICH in ('build', 'run', 'test', 'retry', 'snapshot') -%}
        {%- do hipaa_mode._check_functions() -%}
        {%- set request = hipaa_mode.configuration_request() -%}
        {%- do request.update({'needs_key': needs_key, 'needs_lock': false, 'threads': hipaa_mode.threads()}) -%}
        {%- if needs_key or flags.WHICH == 'seed' -%}
            {%- do request.update({'belonging': hipaa_mode.belonging_request()}) -%}
        {%- endif -%}
        {%- set started = hipaa_mode.command('start', request) -%}
        {%- do hipaa_mode.refuse(started.refusals) -%}
        {%- for notice in started.notices -%}
            {%- do exceptions.warn('hipaa_mode: ' ~ notice) -%}
        {%- endfor -%}
        {%- if started.faults -%}
            {%- set count = started.faults | length -%}
            {%- if flags.WHICH in ('build', 'run') -%}
                {%- do hipaa_mode.record_audit([{'destination': '*', 'outcome': 'refused', 'reasons': started.faults}], create=false) -%}
            {%- endif -%}
            {{- exceptions.raise_compiler_error(
                'hipaa_mode: the configuration has ' ~ count ~ (' fault' if count == 1 else ' faults')
                ~ '. Nothing was built or published; what was published before stays.\n- '
                ~ started.faults | join('\n- ')
            ) -}}
        {%- endif -%}
        {#- Documentation is the business of others than who builds. -#}
        {%- for warning in (started.warnings if flags.WHICH != 'generate' else []) -%}
            {%- do exceptions.warn('hipaa_mode: ' ~ warning) -%}
        {%- endfor -%}
        {%- if needs_key -%}
            {%- do hipaa_mode.check_raw_calls() -%}
            {%- do hipaa_mode.check_key_fingerprint(started.key_fingerprint, started.retired_fingerprints) -%}
            {%- do hipaa_mode.create_build_tables() -%}
            {%- do hipaa_mode.command('follow_run', {'run_number': hipaa_mode.last_run_number()}) -%}
            {%- do hipaa_mode.pin_suppressed_users(started) -%}
        {%- endif -%}
        {%- if flags.WHICH in ('build', 'run') -%}
            {%- do hipaa_mode.withdraw_removed_destinations(started.destinations) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- The masking function must be the registered one: a macro of its name would shadow it. -#}
{% macro _check_functions() -%}
    {%- set sql -%}
        select database_name, schema_name, function_type
        from system.main.duckdb_functions()
        where function_name in ('hipaa_mask', 'hipaa_mask_retired', 'hipaa_mode_command', 'hipaa_mode_random_code')
    {%- endset -%}
    {%- set functions = run_query(sql).rows -%}
    {%- set ours = [] -%}
    {%- for function in functions -%}
        {%- if function[0] == 'system' and function[1] == 'main' and function[2] == 'scalar' -%}
            {%- do ours.append(function) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if ours | length < 4 -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: the masking plugin is not loaded, so nothing was built. Add it to this '
            ~ 'target in profiles.yml:\n  plugins:\n    - module: hipaa_mode.plugin'
        ) -}}
    {%- elif functions | length > ours | length -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: the database has a macro or function of its own with the name of a masking '
            ~ 'function. It could stand in for masking, so nothing was built. Drop it: '
            ~ "select * from duckdb_functions() where function_name like 'hipaa%' shows it"
        ) -}}
    {%- endif -%}
    {%- do hipaa_mode._check_shadows() -%}
{%- endmacro %}

{#- A macro stands in for a function of the engine that has its name, operators included: one
    called date_trunc would give every destination exact times, one called count empties tests. -#}
{% macro _check_shadows() -%}
    {%- set own = run_query('select function_name from system.main.duckdb_functions() where not internal').columns[0].values() -%}
    {%- if own -%}
        {%- set sql -%}
            select distinct function_name
            from system.main.duckdb_functions()
            where internal and function_name in ({{ hipaa_mode.literals(own | map('lower')) }})
        {%- endset -%}
        {%- set shadowed = run_query(sql).columns[0].values() | sort -%}
        {%- if shadowed -%}
            {{- exceptions.raise_compiler_error(
                "hipaa_mode: the database has macros that stand in for the engine's own functions, so nothing was built. "
                ~ 'Drop them: ' ~ shadowed | join(', ')
            ) -}}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
