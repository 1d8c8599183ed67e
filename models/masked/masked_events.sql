-- One row a track, page and screen call that some destination may receive, in the forms they may receive.
{{ config(materialized='accumulated_table', meta={'upkeep': 'mask_new_calls', 'view': 'events', 'follows': ['calls_read', 'withheld_calls', 'denied_calls']}) }}
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.masked_calls('events') }}
