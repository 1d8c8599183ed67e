{#- All eight checks of a destination view in one query: only_allowlisted_columns,
    masked_columns_are_tokens, no_raw_identifiers, no_identifier_patterns, only_allowed_events,
    no_denied_calls, row_id_is_primary_key and rows_match_calls. A row for everything that is wrong, without values;
    the run's end tells what they say. One test a view, since dbt takes longer over a test than
    DuckDB over a small table. -#}
{% test holds_only_what_is_allowed(model, minimum_length=4, except_columns=[]) %}
{{ hipaa_mode.checks_of(model, hipaa_mode.check_names(), minimum_length, except_columns) }}
{% endtest %}
