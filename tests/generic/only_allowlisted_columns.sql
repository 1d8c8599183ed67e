{#- The view has exactly the columns of the allowlist, no other and none missing. -#}
{% test only_allowlisted_columns(model) %}
{{ hipaa_mode.checks_of(model, ['only_allowlisted_columns']) }}
{% endtest %}
