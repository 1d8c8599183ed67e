-- Calls that are denied to some destination: by an opt-out, or for want of consent.
{{ config(materialized='accumulated_table', meta={'upkeep': 'deny_calls', 'follows': ['calls_read']}) }}
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.denied_calls() }}
