{{ hipaa_mode.destination_identifies('google_ads') }}
