{#- Every value of a masked column is a token (64 hexadecimal digits) or a surrogate (32). -#}
{% test masked_columns_are_tokens(model) %}
{{ hipaa_mode.checks_of(model, ['masked_columns_are_tokens']) }}
{% endtest %}
