-- The crosswalk of treatment `surrogate`: a random code for every value, kept until no call may have it.
{{ config(materialized='incremental', incremental_strategy='append', full_refresh=false) }}
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.new_surrogate_codes() }}
