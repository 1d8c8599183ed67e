-- Keys of the calls that no message id tells apart.
{{ config(materialized='accumulated_table', meta={'upkeep': 'key_new_calls', 'follows': ['calls_read']}) }}
{{ hipaa_mode.keys_of_calls(ref('hipaa_mode', 'calls_read')) }}
