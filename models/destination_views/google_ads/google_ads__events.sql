{{ hipaa_mode.destination_events('google_ads') }}
