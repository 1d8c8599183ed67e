{#- No user, anonymous or group id of any call, as it arrived, is a value of the view. An id
    that the allowlist lets pass is left out; ids shorter than `minimum_length` characters are
    too, since they would be found in any column of small numbers. -#}
{% test no_raw_identifiers(model, minimum_length=4, except_columns=[]) %}
{{ hipaa_mode.checks_of(model, ['no_raw_identifiers'], minimum_length, except_columns) }}
{% endtest %}
