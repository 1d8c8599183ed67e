{{ hipaa_mode.destination_identifies('mixpanel') }}
