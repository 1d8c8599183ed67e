-- One row a identify call that some destination may receive, in the forms they may receive.
{{ hipaa_mode.depends_on_configuration() }}
{{ hipaa_mode.masked_calls('identifies') }}
