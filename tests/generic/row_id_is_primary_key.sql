{#- row_id is never null and never twice in the view. -#}
{% test row_id_is_primary_key(model) %}
{{ hipaa_mode.checks_of(model, ['row_id_is_primary_key']) }}
{% endtest %}
