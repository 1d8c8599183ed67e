{#- on-run-end: publishes each destination whose nodes and tests all ran and passed in this very
    run. The others keep their last good files; the run fails if it was to build any of them, after
    the rest are published, and says why. -#}
{% macro publish(results) -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'retry') -%}
        {%- set plan = hipaa_mode.plan() -%}
        {%- set ending = '' -%}
        {%- set decided = hipaa_mode.door().permissions(**hipaa_mode.run_request(results)) -%}
        {%- if decided.notice -%}
            {%- do hipaa_mode._record_unpublished(plan, decided.reason) -%}
            {%- do log('hipaa_mode: ' ~ decided.notice, info=true) -%}
        {%- else -%}
            {%- set of_run = hipaa_mode.add_run_blockers(decided.destinations, results) -%}
            {%- set ending = hipaa_mode._publish_all(plan, decided.destinations, of_run) -%}
        {%- endif -%}
        {%- do hipaa_mode.clear_space() -%}
        {{- return(ending) -}}
    {%- endif -%}
{%- endmacro %}

{#- Returns the statement that ends the run: none where nothing was held back. `of_run` are the reasons
    that hold back all destinations, which their own have too. -#}
{% macro _publish_all(plan, decided, of_run) -%}
    {%- set published = [] -%}
    {%- set held_back = [] -%}
    {%- set unselected = [] -%}
    {%- set problems = [] -%}
    {%- set facts = {} -%}
    {%- set audit = namespace(sequence=none) -%}
    {%- for name, decision in decided.items() -%}
        {#- As the seed is now: a stop wins over a run that is at work, and is no fault of it. -#}
        {%- if name in hipaa_mode.door().stopped() -%}
            {%- do hipaa_mode._say_stopped(name) -%}
        {%- elif not decision.is_selected -%}
            {%- do unselected.append(name) -%}
        {%- elif decision.reasons -%}
            {%- do held_back.append({'destination': name, 'outcome': 'held back', 'reasons': decision.reasons, 'checks': decision.checks}) -%}
            {%- do problems.append('NOT published: `' ~ name ~ '`, its last good files stay: ' ~ (of_run + [decision.summary]) | select | join('; ')) -%}
        {%- else -%}
            {%- if not facts -%}
                {%- do facts.update(hipaa_mode.run_facts(plan)) -%}
            {%- endif -%}
            {%- set answer = hipaa_mode.publish_destination(plan.destinations[name], facts, decision.overlooked) -%}
            {%- if answer.error and name in hipaa_mode.door().stopped() -%}
                {%- do hipaa_mode._say_stopped(name) -%}
            {%- elif answer.error -%}
                {%- do held_back.append({'destination': name, 'outcome': 'held back', 'reasons': [answer.error], 'checks': decision.checks}) -%}
                {%- do problems.append('NOT published: `' ~ name ~ '`, its last good files stay: ' ~ answer.error) -%}
            {%- else -%}
                {%- do published.append(answer.result) -%}
                {%- do problems.extend(answer.problems) -%}
                {%- set entry = {'destination': name, 'outcome': 'published', 'checks': decision.checks, 'token_bridge': answer.result.token_bridge} -%}
                {%- set audit.sequence = hipaa_mode.record_audit([entry], after=audit.sequence, problems=problems) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do hipaa_mode.door().discard_unpublished(**hipaa_mode.published_request()) -%}
    {%- do hipaa_mode.record_audit(held_back, after=audit.sequence, problems=problems) -%}
    {%- do hipaa_mode.log_summary(published, unselected) -%}
    {%- if facts -%}
        {%- do hipaa_mode.log_never_matched(facts) -%}
        {%- do hipaa_mode.log_hubs(facts) -%}
    {%- endif -%}
    {%- if of_run and not held_back -%}
        {%- do problems.extend(of_run) -%}
    {%- endif -%}
    {%- if problems -%}
        {{- return(hipaa_mode.failing_statement('hipaa_mode: ' ~ problems | join('\nhipaa_mode: '))) -}}
    {%- endif -%}
{%- endmacro %}

{% macro _say_stopped(destination) -%}
    {%- do log(
        'hipaa_mode: STOPPED: `' ~ destination ~ '` is not published: ' ~ hipaa_mode.door().stopped()[destination]
        ~ '. To end it: hipaa-mode stop ' ~ destination ~ ' --lift', info=true
    ) -%}
{%- endmacro %}

{#- Every destination keeps its last files, for one reason. -#}
{% macro _record_unpublished(plan, reason) -%}
    {%- set entries = [] -%}
    {%- for name in (plan.destinations if reason else []) -%}
        {%- do entries.append({'destination': name, 'outcome': 'held back', 'reasons': [reason], 'checks': []}) -%}
    {%- endfor -%}
    {%- do hipaa_mode.record_audit(entries) -%}
{%- endmacro %}

{#- A statement that fails with a message: the one way for a last hook to make dbt's exit code 1 and
    still have it write its results. -#}
{% macro failing_statement(message) -%}
    {{- return(adapter.dispatch('failing_statement', 'hipaa_mode')(message)) -}}
{%- endmacro %}

{% macro duckdb__failing_statement(message) -%}
    {{- return('select system.main.error(' ~ hipaa_mode.literal(message) ~ ')') -}}
{%- endmacro %}
