{{ hipaa_mode.destination_users('mailchimp') }}
