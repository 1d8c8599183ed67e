-- Calls delivered again under a message id that came before: all but the first of each id.
{{ config(materialized='accumulated_table') }}
{{ hipaa_mode.duplicates_among(ref('hipaa_mode', 'calls_read')) }}
