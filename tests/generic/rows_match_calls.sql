{#- The view has one row for every usable call that the destination may receive, counted from
    staging and the seeds' tables and not from what the view is made of. -#}
{% test rows_match_calls(model) %}
{{ hipaa_mode.checks_of(model, ['rows_match_calls']) }}
{% endtest %}
