{#- No user, anonymous or group id of any call is a value of the view, in whatever case, with blanks
    around it or percent-encoded: not as a text, an element of a list, or a scalar or key in JSON.
    An id that the allowlist lets pass is left out; ids shorter than `minimum_length` characters
    are too, since they would be found in any column of small numbers. What is taken for a
    coincidence, and no leak: docs/raw_ids.md. -#}
{% test no_raw_identifiers(model, minimum_length=4, except_columns=[]) %}
{{ hipaa_mode.checks_of(model, ['no_raw_identifiers'], minimum_length, except_columns) }}
{% endtest %}
