-- One row a track, page and screen call that some destination may receive, in the forms they may receive.
{{ config(materialized='accumulated_table') }}
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.masked_calls('events') }}
