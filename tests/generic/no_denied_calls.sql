{#- No row is of a call that is denied to the destination: by an opt-out, or for want of consent. In a
    view of latest values none is of a user or group all of whose calls are. -#}
{% test no_denied_calls(model) %}
{{ hipaa_mode.checks_of(model, ['no_denied_calls']) }}
{% endtest %}
