-- Calls delivered again: all but the first delivery of each call.
{{ config(materialized='accumulated_table') }}
{{ hipaa_mode.duplicates_among(ref('hipaa_mode', 'calls_read')) }}
