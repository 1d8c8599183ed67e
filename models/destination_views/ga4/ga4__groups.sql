{{ hipaa_mode.destination_groups('ga4') }}
