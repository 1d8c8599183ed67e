{{ hipaa_mode.destination_events('web_chat') }}
