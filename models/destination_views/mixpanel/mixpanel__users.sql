{{ hipaa_mode.destination_users('mixpanel') }}
