{{ hipaa_mode.destination_events('ga4') }}
