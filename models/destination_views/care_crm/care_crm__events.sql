{{ hipaa_mode.destination_events('care_crm') }}
