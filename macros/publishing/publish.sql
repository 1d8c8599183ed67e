{#- on-run-end: publishes each destination whose nodes and tests all ran and passed in this
    very run. The others keep their last good files, and the log says why. -#}
{% macro publish(results) -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'retry') -%}
        {%- if results | length == 0 -%}
            {%- do log('hipaa_mode: nothing ran, so nothing was published', info=true) -%}
        {%- elif flags.WHICH != 'build' -%}
            {%- do hipaa_mode._record_unpublished('`dbt ' ~ flags.WHICH ~ '` does not build and test everything') -%}
            {%- do log(
                'hipaa_mode: nothing was published: `dbt ' ~ flags.WHICH ~ '` does not build and test '
                ~ 'everything in one run. Run: dbt build', info=true
            ) -%}
        {%- elif flags.EMPTY or flags.SAMPLE -%}
            {%- do hipaa_mode._record_unpublished('the run read only a part of the calls') -%}
            {%- do log('hipaa_mode: nothing was published: the run read only a part of the calls', info=true) -%}
        {%- else -%}
            {%- do hipaa_mode._publish_all(results) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _publish_all(results) -%}
    {%- set plan = hipaa_mode.plan() -%}
    {%- set blockers = hipaa_mode.publishing_blockers(results, plan.destinations.keys() | list) -%}
    {%- do hipaa_mode.add_run_blockers(blockers, results) -%}
    {%- set published = [] -%}
    {%- set unchanged = {} -%}
    {%- set held_back = [] -%}
    {%- set facts = {} -%}
    {%- set audit = namespace(sequence=none) -%}
    {%- for name, destination in plan.destinations.items() -%}
        {%- if blockers[name].reasons -%}
            {%- do unchanged.update({name: blockers[name].reasons}) -%}
            {%- do held_back.append({'destination': name, 'outcome': 'held back', 'reasons': blockers[name].reasons, 'checks': blockers[name].checks}) -%}
        {%- else -%}
            {%- if not facts -%}
                {%- do facts.update(hipaa_mode.run_facts(plan)) -%}
            {%- endif -%}
            {%- do published.append(hipaa_mode.publish_destination(destination, facts)) -%}
            {%- set audit.sequence = hipaa_mode.record_audit([{'destination': name, 'outcome': 'published', 'checks': blockers[name].checks, 'token_bridge': published[-1].token_bridge}], after=audit.sequence) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do hipaa_mode.command('discard_unpublished', hipaa_mode.published_request()) -%}
    {%- do hipaa_mode.record_audit(held_back, after=audit.sequence) -%}
    {%- do hipaa_mode.log_summary(published, unchanged) -%}
{%- endmacro %}

{#- Every destination keeps its last files, for one reason. -#}
{% macro _record_unpublished(reason) -%}
    {%- if flags.WHICH != 'test' -%}
        {%- set entries = [] -%}
        {%- for name in hipaa_mode.plan().destinations -%}
            {%- do entries.append({'destination': name, 'outcome': 'held back', 'reasons': [reason], 'checks': []}) -%}
        {%- endfor -%}
        {%- do hipaa_mode.record_audit(entries) -%}
    {%- endif -%}
{%- endmacro %}
