{#- Every event name is one that the allowed_events seed, as loaded, lets the destination have,
    as it is to be sent. Reads the seed's table itself, not what the build made of the file. -#}
{% test only_allowed_events(model) %}
{{ hipaa_mode.checks_of(model, ['only_allowed_events']) }}
{% endtest %}
