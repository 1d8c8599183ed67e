{#- No unmasked text looks like an e-mail address, phone number, social security number, payment
    card, medical record number, IP address or URL with a query. Left out are columns that may
    hold such a thing as reviewed: those whose row says `none` or `warn` as its guard, and those
    named in `except_columns`. -#}
{% test no_identifier_patterns(model, except_columns=[]) %}
{{ hipaa_mode.checks_of(model, ['no_identifier_patterns'], except_columns=except_columns) }}
{% endtest %}
