{{ hipaa_mode.destination_groups('mixpanel') }}
