{{ hipaa_mode.destination_identifies('web_chat') }}
