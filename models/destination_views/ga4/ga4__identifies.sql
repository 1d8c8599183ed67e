{{ hipaa_mode.destination_identifies('ga4') }}
