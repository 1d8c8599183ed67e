{#- on-run-end: publishes each destination whose nodes and tests all ran and passed in this very
    run. The others keep their last good files; the run fails if it was to build any of them, after
    the rest are published, and says why. What is decided is decided by Python: see
    scripts/hipaa_mode/run/ending.py. -#}
{% macro publish(results) -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'retry') -%}
        {%- set door = hipaa_mode.door() -%}
        {%- set decided = door.permissions(**hipaa_mode.run_request(results)) -%}
        {%- set hub = [0, 0] -%}
        {%- set never_matched = {'events': [], 'suppressed': []} -%}
        {%- if not decided.is_over -%}
            {%- do hipaa_mode.ask_for_blockers(decided) -%}
            {%- set chosen = door.to_publish() -%}
            {%- if chosen -%}
                {%- set counts = hipaa_mode.run_facts() -%}
                {%- do door.count(**counts) -%}
                {%- for name in chosen -%}
                    {%- do hipaa_mode.publish_destination(name) -%}
                {%- endfor -%}
                {%- do never_matched.update(hipaa_mode.never_matched(counts)) -%}
                {%- set hub = hipaa_mode.largest_hub(counts) -%}
            {%- endif -%}
            {%- do door.discard_unpublished(**hipaa_mode.published_request()) -%}
        {%- endif -%}
        {%- do hipaa_mode.record_audit(door.held_back(), is_end=true) -%}
        {%- set said = door.end(
            never_matched.events, never_matched.suppressed, hub,
            var('hipaa_mode__earliest_day', '2000-01-01'), var('hipaa_mode__days_ahead', 1)
        ) -%}
        {%- for line in said.lines -%}
            {%- do log('hipaa_mode: ' ~ line, info=true) -%}
        {%- endfor -%}
        {%- do hipaa_mode.clear_space() -%}
        {{- return(hipaa_mode.failing_statement('hipaa_mode: ' ~ said.failure) if said.failure else '') -}}
    {%- endif -%}
{%- endmacro %}

{#- A statement that fails with a message: the one way for a last hook to make dbt's exit code 1 and
    still have it write its results. -#}
{% macro failing_statement(message) -%}
    {{- return(adapter.dispatch('failing_statement', 'hipaa_mode')(message)) -}}
{%- endmacro %}

{% macro duckdb__failing_statement(message) -%}
    {{- return('select system.main.error(' ~ hipaa_mode.literal(message) ~ ')') -}}
{%- endmacro %}
