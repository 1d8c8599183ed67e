{{ hipaa_mode.destination_events('mixpanel') }}
