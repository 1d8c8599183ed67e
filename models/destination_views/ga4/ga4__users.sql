{{ hipaa_mode.destination_users('ga4') }}
