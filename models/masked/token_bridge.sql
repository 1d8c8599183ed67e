-- From each token that was made under a retired key to the one that stands for it now.
{{ config(materialized='accumulated_table', meta={'upkeep': 'bridge_changed_tokens', 'follows': ['calls_read', 'withheld_calls', 'denied_calls']}) }}
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.token_bridge(ref('hipaa_mode', 'stg_calls')) }}
