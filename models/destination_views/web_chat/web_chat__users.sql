{{ hipaa_mode.destination_users('web_chat') }}
