-- A key for every call that came without a message id, made of its content.
{{ config(materialized='accumulated_table') }}
{{ hipaa_mode.keys_of_calls(ref('hipaa_mode', 'calls_read')) }}
