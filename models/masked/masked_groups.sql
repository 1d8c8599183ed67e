-- One row a group call that some destination may receive, in the forms they may receive.
{{ config(materialized='accumulated_table', meta={'upkeep': 'mask_new_calls', 'view': 'groups', 'follows': ['calls_read', 'withheld_calls', 'denied_calls']}) }}
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.masked_calls('groups') }}
