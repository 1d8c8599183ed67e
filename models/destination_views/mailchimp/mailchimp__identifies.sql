{{ hipaa_mode.destination_identifies('mailchimp') }}
