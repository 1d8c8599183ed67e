-- From each token that was made under a retired key to the one that stands for it now.
{{ config(materialized='accumulated_table') }}
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.token_bridge(ref('hipaa_mode', 'stg_calls')) }}
