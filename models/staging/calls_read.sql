-- Every raw call, parsed once: one row a call, good or bad.
{{ config(materialized='accumulated_table') }}
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.read_calls(source('raw', 'calls')) }}
