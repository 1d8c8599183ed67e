{#- on-run-end: publishes each destination whose nodes and tests all ran and passed in this
    very run. The others keep their last good files, and the log says why. -#}
{% macro publish(results) -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'retry') -%}
        {%- if results | length == 0 -%}
            {%- do log('hipaa_mode: nothing ran, so nothing was published', info=true) -%}
        {%- elif flags.WHICH != 'build' -%}
            {%- do log(
                'hipaa_mode: nothing was published: `dbt ' ~ flags.WHICH ~ '` does not build and test '
                ~ 'everything in one run. Run: dbt build', info=true
            ) -%}
        {%- elif flags.EMPTY or flags.SAMPLE -%}
            {%- do log('hipaa_mode: nothing was published: the run read only a part of the calls', info=true) -%}
        {%- else -%}
            {%- do hipaa_mode._publish_all(results) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _publish_all(results) -%}
    {%- set plan = hipaa_mode.plan() -%}
    {%- set blockers = hipaa_mode.publishing_blockers(results, plan.destinations.keys() | list) -%}
    {%- set published = [] -%}
    {%- set unchanged = {} -%}
    {%- set facts = {} -%}
    {%- for name, destination in plan.destinations.items() -%}
        {%- if blockers[name] -%}
            {%- do unchanged.update({name: blockers[name]}) -%}
        {%- else -%}
            {%- if not facts -%}
                {%- do facts.update(hipaa_mode.run_facts(plan)) -%}
            {%- endif -%}
            {%- do published.append(hipaa_mode.publish_destination(destination, facts, results)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do hipaa_mode.log_summary(published, unchanged) -%}
{%- endmacro %}
