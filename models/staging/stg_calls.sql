-- One row a usable call that is not withheld: the first delivery of each.
{{ config(materialized='view') }}
{{ hipaa_mode.depends_on_configuration() }}
-- What can't be used is kept before what can is. depends_on: {{ ref('hipaa_mode', 'rejected_calls') }}
{{ hipaa_mode.staged_calls() }}
