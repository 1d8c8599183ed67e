-- One row a usable call that is not withheld: the first delivery of each message id.
{{ config(materialized='view') }}
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.staged_calls() }}
