{{ hipaa_mode.destination_events('amplitude') }}
