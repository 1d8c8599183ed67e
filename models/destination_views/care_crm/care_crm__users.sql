{{ hipaa_mode.destination_users('care_crm') }}
