{#- on-run-start: checks everything the run rests on before anything is touched. -#}
{% macro start_run() -%}
    {%- if execute -%}
        {%- set door = hipaa_mode.door() -%}
        {%- set needs_key = flags.WHICH in ('build', 'run', 'test', 'retry', 'snapshot') -%}
        {%- do door.check_functions() -%}
        {%- set started = door.start(**hipaa_mode.start_request(needs_key)) -%}
        {%- do hipaa_mode.refuse(started.refusals) -%}
        {%- do hipaa_mode.warn_of(started.notices) -%}
        {%- if flags.WHICH not in ('compile', 'generate') -%}
            {%- do started.faults.extend(door.surroundings()) -%}
        {%- endif -%}
        {%- if started.faults -%}
            {%- set count = started.faults | length -%}
            {%- if flags.WHICH in ('build', 'run') -%}
                {%- do hipaa_mode.create_build_tables() -%}
                {%- do door.record_refusal(started.faults) -%}
            {%- endif -%}
            {{- exceptions.raise_compiler_error(
                'hipaa_mode: the configuration has ' ~ count ~ (' fault' if count == 1 else ' faults')
                ~ '. Nothing was built or published; what was published before stays.\n- '
                ~ started.faults | join('\n- ')
            ) -}}
        {%- endif -%}
        {#- Documentation is the business of others than who builds. -#}
        {%- do hipaa_mode.warn_of(started.warnings if flags.WHICH != 'generate' else []) -%}
        {%- if needs_key -%}
            {%- do hipaa_mode.check_raw_calls() -%}
            {%- do hipaa_mode.create_build_tables() -%}
            {%- do hipaa_mode.check_key_fingerprint() -%}
            {%- do door.read_tables() -%}
            {%- do hipaa_mode.refuse(door.pin_suppressed_users(hipaa_mode.placeholder_ids())) -%}
        {%- endif -%}
        {%- if flags.WHICH in ('build', 'run') -%}
            {%- set withdrawn = door.withdraw() -%}
            {%- do hipaa_mode.warn_of(withdrawn.warnings) -%}
            {%- if withdrawn.problems -%}
                {{- exceptions.raise_compiler_error('hipaa_mode: ' ~ withdrawn.problems | join('\n') ~ '\nThen run dbt build again; nothing was built') -}}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- See `StartRequest` in Python: where the configuration is, what the run is, and what it accepts by
    name where it is compared with earlier runs. -#}
{% macro start_request(needs_key) -%}
    {%- set zone = hipaa_mode.build_table('build_state') -%}
    {%- set request = hipaa_mode.configuration_request() -%}
    {%- do request.update({
        'needs_key': needs_key,
        'needs_lock': needs_key,
        'bridges_tokens': hipaa_mode.bridges_tokens(),
        'keeps_calls': var('hipaa_mode__keep_calls', false),
        'threads': hipaa_mode.threads(),
        'root': hipaa_mode.published_request().root,
        'zone': [zone.database, zone.schema],
        'dbt_invocation_id': invocation_id,
        'command': flags.WHICH,
    }) -%}
    {%- if needs_key or flags.WHICH == 'seed' -%}
        {%- do request.update({'accepted': {}}) -%}
        {%- for name in ['accept_raw_calls', 'share_with', 'accept_day', 'give_up_suppression_lists', 'accept_returning_people', 'accept_returning_calls'] -%}
            {%- do request.accepted.update({'hipaa_mode__' ~ name: var('hipaa_mode__' ~ name, none)}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(request) -}}
{%- endmacro %}

{% macro refuse(reasons) -%}
    {%- if reasons -%}
        {{- exceptions.raise_compiler_error(
            'hipaa_mode: nothing was built or published; what was published before stays.\n- '
            ~ reasons | join('\n- ')
        ) -}}
    {%- endif -%}
{%- endmacro %}

{% macro warn_of(warnings) -%}
    {%- for warning in warnings -%}
        {%- do exceptions.warn('hipaa_mode: ' ~ warning) -%}
    {%- endfor -%}
{%- endmacro %}
