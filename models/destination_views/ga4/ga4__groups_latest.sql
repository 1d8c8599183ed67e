{{ hipaa_mode.destination_groups_latest('ga4') }}
