{{ hipaa_mode.destination_events('mailchimp') }}
