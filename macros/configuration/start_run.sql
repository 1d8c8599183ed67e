{#- on-run-start: checks everything the run rests on before anything is touched. -#}
{% macro start_run() -%}
    {%- if execute -%}
        {%- set needs_key = flags.WHICH in ('build', 'run', 'test', 'retry', 'snapshot') -%}
        {%- do hipaa_mode.check_functions() -%}
        {%- set request = hipaa_mode.configuration_request() -%}
        {%- do request.update({'needs_key': needs_key, 'needs_lock': needs_key, 'threads': hipaa_mode.threads()}) -%}
        {%- if needs_key or flags.WHICH == 'seed' -%}
            {%- do request.update(hipaa_mode.belonging_request()) -%}
        {%- endif -%}
        {%- if needs_key -%}
            {%- do request.update(hipaa_mode.published_request()) -%}
        {%- endif -%}
        {%- set started = hipaa_mode.door().start(**request) -%}
        {%- do hipaa_mode.refuse(started.refusals) -%}
        {%- for notice in started.notices -%}
            {%- do exceptions.warn('hipaa_mode: ' ~ notice) -%}
        {%- endfor -%}
        {%- if flags.WHICH not in ('compile', 'generate') -%}
            {%- do started.faults.extend(hipaa_mode.door().connection_faults() + hipaa_mode.door().project_faults()) -%}
        {%- endif -%}
        {%- if started.faults -%}
            {%- set count = started.faults | length -%}
            {%- if flags.WHICH in ('build', 'run') -%}
                {%- do hipaa_mode.create_build_tables() -%}
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
            {%- do hipaa_mode.create_build_tables() -%}
            {%- do hipaa_mode.check_key_fingerprint() -%}
            {%- do hipaa_mode.tell_table_states() -%}
            {%- do hipaa_mode.pin_suppressed_users(started) -%}
        {%- endif -%}
        {%- if flags.WHICH in ('build', 'run') -%}
            {%- do hipaa_mode.withdraw_removed_destinations(started.destinations) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
