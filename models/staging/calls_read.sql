-- Every raw call, parsed once: one row a call, good or bad.
{{ config(materialized='accumulated_table', meta={'upkeep': 'read_new_calls', 'reads_raw_calls': true, 'followed_by': ['call_keys', 'duplicate_calls']}) }}
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.read_calls(source('raw', 'calls')) }}
