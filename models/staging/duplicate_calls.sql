-- Calls delivered again: all but the first delivery of each call.
{{ config(materialized='accumulated_table', meta={'upkeep': 'find_new_duplicates', 'follows': ['calls_read']}) }}
{{ hipaa_mode.duplicates_among(ref('hipaa_mode', 'calls_read')) }}
