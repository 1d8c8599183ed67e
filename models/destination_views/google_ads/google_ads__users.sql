{{ hipaa_mode.destination_users('google_ads') }}
